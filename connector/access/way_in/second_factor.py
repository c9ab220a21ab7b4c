"""The second factor: codes of half a minute from an app (TOTP, RFC 6238), each good once, and recovery codes."""

from __future__ import annotations

import base64
import hmac
import io
import secrets
from collections.abc import Sequence
from datetime import datetime

import pyotp
import segno
from sqlalchemy import Connection, delete, func, insert, select, update

from connector.ids import digest, new_id
from connector.storage.schema.tables import user_recovery_codes as codes

STEP = 30  # seconds
_APART = 1  # steps that the clocks may be apart: RFC 6238, section 5.2
_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none to misread
_LENGTH = 16  # of a recovery code: 79 bits


def new_secret() -> str:
    """160 random bits in base 32, as apps take them."""
    return pyotp.random_base32()


def step_of(secret: str, code: str, now: datetime, last: int | None) -> int | None:
    """The half minute whose code this is; None: it is none, or not later than the ``last`` that was used."""
    plain = "".join(code.split())
    current = int(now.timestamp()) // STEP
    right = None
    for step in range(current - _APART, current + _APART + 1):
        if hmac.compare_digest(pyotp.HOTP(secret).at(step).encode(), plain.encode()) and (last is None or step > last):
            right = step
    return right


def address(secret: str, email: str, issuer: str) -> str:
    """What an app reads off the picture (otpauth://…)."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)


def picture(text: str) -> str:
    """The QR code as an address of an SVG image (data:…), black on white in dark pages, too: cameras want it so."""
    file = io.BytesIO()
    segno.make(text, error="m").save(file, kind="svg", scale=4, border=4, dark="#000", light="#fff", xmldecl=False)
    return f"data:image/svg+xml;base64,{base64.b64encode(file.getvalue()).decode()}"


def new_codes(tx: Connection, user_id: str) -> list[str]:
    """Ten recovery codes in place of those there were; only their hashes are kept. → the codes, as people read them."""
    fresh = ["".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)) for _ in range(_CODES)]
    tx.execute(delete(codes).where(codes.c.user_id == user_id))
    tx.execute(insert(codes), [{"id": new_id(), "user_id": user_id, "digest": digest(code)} for code in fresh])
    return [_readable(code) for code in fresh]


def use_code(tx: Connection, user_id: str, code: str, now: datetime) -> bool:
    """Whether it is one of theirs that was not used; from now on it is."""
    plain = "".join(sign for sign in code.lower() if sign.isalnum())
    unused = (codes.c.user_id == user_id, codes.c.digest == digest(plain), codes.c.used_at.is_(None))
    return tx.execute(update(codes).where(*unused).values(used_at=now)).rowcount > 0


def left(tx: Connection, user_id: str) -> int:
    """How many recovery codes were not used."""
    unused = select(func.count()).where(codes.c.user_id == user_id, codes.c.used_at.is_(None))
    return int(tx.execute(unused).scalar_one())


def forget(tx: Connection, user_id: str) -> None:
    """Recovery codes go with the factor that they stand in for."""
    tx.execute(delete(codes).where(codes.c.user_id == user_id))


def _readable(code: str) -> str:
    parts: Sequence[str] = [code[at : at + 4] for at in range(0, len(code), 4)]
    return "-".join(parts)

"""Signatures: is it really them? Raw bytes in, silence or ``Refused`` out. What all senders' signatures share, and
Standard Webhooks; a vendor's own is in its folder.

The signature is checked before its age, so that only a genuine sender learns about clocks. No message holds
a secret or the signature that would have been right.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from webhooks.errors import OutOfTime, Refused

WINDOW = timedelta(minutes=5)  # how far a signature's time may lie from ours, on both sides


def standard_signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """The signature of Standard Webhooks 1.0: base64(HMAC-SHA256(key, "id.timestamp.body")), without "v1,".

    Raises ValueError when ``secret`` ("whsec_" and base64) cannot be decoded.
    """
    return hmac_sha256(standard_key(secret), f"{message_id}.{timestamp}.".encode() + body)


def standard_key(secret: str) -> bytes:
    """The key in a "whsec_…" secret; padding may be missing. Raises ValueError when it is not base64 or empty."""
    text = secret.removeprefix("whsec_")
    key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    if not key:
        raise ValueError("the secret is empty")
    return key


def verify_standard(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:
    """Raises ``Refused`` unless one of ``secrets`` made one of the signatures, within five minutes of ``now``.

    While a secret rotates a sender may sign with several ("v1,… v1,…") and a receiver accept several.
    """
    given = header(headers, "webhook-signature")
    message_id, stamp = header(headers, "webhook-id"), header(headers, "webhook-timestamp")
    expected = _standard_signatures(usable(secrets), message_id, stamp, body)
    versions = (part.partition(",") for part in given.split())
    signatures = [signature for version, _, signature in versions if version == "v1"]
    expect_match(signatures, expected, "webhook-signature")
    expect_fresh("webhook-timestamp", _unix(stamp), now)


def token_matches(given: str, tokens: Iterable[str]) -> bool:
    """Whether ``given`` is one of our tokens, in constant time; an empty token never matches."""
    shown = given.encode("utf-8", "replace")
    matches = [hmac.compare_digest(shown, token.encode()) for token in tokens if token]
    return any(matches)


def hmac_sha256(key: bytes, message: bytes) -> str:
    """In base64, as most senders write it."""
    return base64.b64encode(hmac.digest(key, message, "sha256")).decode()


def _standard_signatures(secrets: Sequence[str], message_id: str, stamp: str, body: bytes) -> Iterable[str]:
    try:
        return [standard_signature(secret, message_id, stamp, body) for secret in secrets]
    except ValueError:
        raise Refused("this connection's webhook_secret is not base64",
                      remedy='write it as "whsec_" and the base64 that the sender shows') from None


def header(headers: Mapping[str, str], name: str) -> str:
    """Its value. Raises ``Refused`` when it is missing."""
    value = headers.get(name, "").strip()
    if not value:
        raise Refused(f"the header {name} is missing", remedy="sign the request")
    return value


def usable(secrets: Sequence[str]) -> Sequence[str]:
    """The secrets that are one: with an empty key anybody can sign."""
    usable = [secret for secret in secrets if secret]
    if not usable:
        raise Refused("this connection has no webhook_secret", remedy="set it in the connection's settings")
    return usable


def expect_match(given: Sequence[str], right: Iterable[str], name: str) -> None:
    """Compare every pair: how long it takes says nothing about which secret was near."""
    shown = [signature.encode("utf-8", "replace") for signature in given]
    pairs = [hmac.compare_digest(one, other.encode()) for other in right for one in shown]
    if not any(pairs):
        raise Refused(f"{name} does not match the body",
                      remedy="check that both sides have the same secret and nothing rewrites the request")


def expect_fresh(name: str, signed: datetime | None, now: datetime) -> None:
    """Raises ``Refused`` unless the header ``name`` held a moment within the window."""
    if signed is None:
        raise Refused(f"{name} is not a moment", remedy="send the time of this attempt")
    age = now - signed
    if abs(age) > WINDOW:
        raise OutOfTime(f"{name} is {_span(abs(age))} {'old' if age > WINDOW else 'ahead'}",
                        apart=age, remedy="check the sender's clock, and ours")


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"


def _unix(text: str) -> datetime | None:
    """Whole seconds since 1970; at most 11 digits, which is far enough."""
    digits = text.isascii() and text.isdigit() and len(text) <= 11
    return datetime.fromtimestamp(int(text), UTC) if digits else None

"""An envelope address for each mail, so that what comes back says by itself to which mail it belongs (VERP, variable
envelope return path): ``bounces+<mark>@acme.example``.

A mark holds what was sent and its id, unreadable to others and unguessable: nobody can make a mail bounce
that is not theirs. It is worked out, never stored, so a repeat leaves with the same one. It is written in small letters
and digits, as servers on the way may change capitals. Pure; only the standard library.

The construction is that of RFC 5297 (SIV): a MAC of the content is the nonce under which the content is masked, and is
checked when it is read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from enum import Enum

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # ids of ours are 128 bits in Crockford's base 32
_ID_LENGTH = 26
_TAG, _CONTENT = 10, 17  # bytes: 80 bits of MAC; what was sent, and the id
_PADDING = "===="  # what base 32 wants after 27 bytes
MARK_LENGTH = 44
"""Characters of a mark."""

_LOCAL_LENGTH = 64  # octets before the @: RFC 5321, 4.5.3.1.1
MAX_LOCAL = _LOCAL_LENGTH - MARK_LENGTH - 1
"""Characters that a bounce address may have before its @, so that "+" and a mark still fit."""


class Origin(Enum):
    """What was sent, and so which id the mark holds."""

    INVITATION = 1
    """An invitation to a survey: ``invitations.id``."""
    EFFECT = 2
    """Any other mail, to a customer or a team: ``effects.id``."""
    RUN = 3
    """The way out of what a workflow writes to a customer: ``runs.id``. No mail comes back to it."""


_ORIGINS = frozenset(origin.value for origin in Origin)  # a newer release may know more


@dataclass(frozen=True, slots=True)
class Marked:
    """What a mark says."""

    origin: Origin
    id: str


class Marks:
    """Makes marks with the first of the house's secret keys, and reads back those that any of them made."""

    def __init__(self, *secret_keys: str) -> None:
        self._pairs = [(_derived(key, "mail-mark:tag"), _derived(key, "mail-mark:mask")) for key in secret_keys]

    def make(self, origin: Origin, id_: str) -> str:
        """The mark of a mail. Raises ValueError when ``id_`` is no id of ours."""
        content, (tag_key, mask_key) = bytes([origin.value]) + _packed(id_), self._pairs[0]
        tag = _mac(tag_key, content)[:_TAG]
        return base64.b32encode(tag + _masked(mask_key, tag, content)).decode().rstrip("=").lower()

    def read(self, mark: str) -> Marked | None:
        """What the mark stands for; None when it is none of ours, or was tampered with."""
        raw = _raw(mark)
        if len(raw) != _TAG + _CONTENT:
            return None
        content = next(filter(None, (_content(raw, *pair) for pair in self._pairs)), b"")
        return Marked(Origin(content[0]), _unpacked(content[1:])) if content and content[0] in _ORIGINS else None

    def read_address(self, address: str) -> Marked | None:
        """The same of an address that mail came to: ``bounces+<mark>@acme.example``."""
        return self.read(address.rpartition("@")[0].rpartition("+")[2])


def with_mark(address: str, mark: str) -> str:
    """``bounces@acme.example`` and a mark → ``bounces+<mark>@acme.example``; the address itself without a mark."""
    local, at, domain = address.rpartition("@")
    return f"{local}+{mark}{at}{domain}" if mark else address


def _content(raw: bytes, tag_key: bytes, mask_key: bytes) -> bytes | None:
    """What a mark holds; None when these keys did not make it."""
    tag, content = raw[:_TAG], _masked(mask_key, raw[:_TAG], raw[_TAG:])
    return content if hmac.compare_digest(tag, _mac(tag_key, content)[:_TAG]) else None


def _masked(key: bytes, tag: bytes, content: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(content, _mac(key, tag), strict=False))


def _derived(secret_key: str, purpose: str) -> bytes:
    return _mac(secret_key.encode(), purpose.encode())


def _mac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, hashlib.sha256)


def _raw(mark: str) -> bytes:
    try:
        return base64.b32decode(mark.upper() + _PADDING) if len(mark) == MARK_LENGTH and mark.isascii() else b""
    except binascii.Error:
        return b""


def _packed(id_: str) -> bytes:
    if len(id_) != _ID_LENGTH or not set(id_) <= set(_DIGITS) or id_[0] > "7":
        raise ValueError(f"{id_!r} is no id of ours")
    number = 0
    for sign in id_:
        number = number << 5 | _DIGITS.index(sign)
    return number.to_bytes(16, "big")


def _unpacked(raw: bytes) -> str:
    number = int.from_bytes(raw, "big")
    return "".join(_DIGITS[number >> shift & 31] for shift in range(5 * (_ID_LENGTH - 1), -1, -5))

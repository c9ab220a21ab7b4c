"""Whether the key that DNS shows is the one that signs (RFC 6376, 3.6.1)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping


def tags(record: str) -> Mapping[str, str]:
    """"v=DKIM1; k=rsa" → {"v": "DKIM1", "k": "rsa"}; blanks do not count. DMARC records are written so, too."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): "".join(value.split()) for name, sign, value in pairs if sign}


def fault(shown: str, expected: str) -> str:
    """What a receiver makes of the record that DNS shows, beside the one that fits our key; "" when they agree."""
    told, wanted = tags(shown), tags(expected)
    if told.get("v", "DKIM1") != "DKIM1":
        return "is of another version than DKIM1"
    if not told.get("p"):
        return "has an empty p=, which withdraws the key"
    if told.get("k", "rsa") != wanted["k"]:
        return f"holds a key of kind {told.get('k', 'rsa')}, and ours is {wanted['k']}"
    if _key(told["p"]) != _key(wanted["p"]):
        return "holds another key than the one that signs"
    if "sha256" not in told.get("h", "sha256").split(":"):
        return "does not allow sha256 in h="
    if not {"*", "email"} & set(told.get("s", "*").split(":")):
        return "is not for e-mail, as its s= says"
    return ""


def is_test(shown: str) -> bool:
    """Whether receivers are told to treat signed mail as if it were not (t=y)."""
    return "y" in tags(shown).get("t", "").split(":")


def _key(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None

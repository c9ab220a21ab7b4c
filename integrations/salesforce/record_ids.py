"""Ids of Salesforce's records, looked at before every use: they end up in paths and queries, and simple-salesforce
would send our token to the host in "//host/x".

An id has 15 letters and digits, upper and lower case told apart. The form of 18 says in its last three characters
which of the first 15 are capitals, so that a typing error, or a program that does not keep capitals, is noticed:
without that, another record would be written on. Source: Salesforce's Object Reference, "ID Field Type".
"""

from __future__ import annotations

import re
from typing import Any

from integrations.errors import Permanent

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"  # a character for five bits
_CHUNK = 5
_SHORT = 15
_SHAPE = re.compile(r"[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?")


def record_id(name: str, value: Any) -> str:
    """``value`` if it is a Salesforce id. Raises Permanent otherwise, with ``name`` and what is wrong."""
    if wrong := fault(value):
        raise Permanent(f"{name} is no Salesforce id: {wrong}", code="bad_id")
    return str(value)


def is_id(value: Any) -> bool:
    return not fault(value)


def canonical(value: str) -> str | None:
    """The one name of a record, whose id is the same with 15 and with 18 characters; None for what is no id."""
    return value[:_SHORT] if is_id(value) else None


def forms(value: str) -> tuple[str, ...]:
    """An id in both its forms; what is none as it is."""
    short = canonical(value)
    return (value,) if short is None else (short, f"{short}{suffix(short)}")


def known_as(value: str) -> str:
    """The one name of a record; what is no id stays as it is."""
    return canonical(value) or value


def fault(value: Any) -> str:
    """Why it is no id, with the remedy; empty when it is one."""
    if not isinstance(value, str) or not _SHAPE.fullmatch(value):
        return "give the 15 or 18 letters and digits of the record"
    if value[15:] not in ("", suffix(value[:15])):
        return "its last three characters do not fit the others; copy it anew, and keep upper and lower case"
    return ""


def suffix(short: str) -> str:
    """The last three of 18 characters, of the first 15: for each five a character that says which are capitals."""
    chunks = (short[start : start + _CHUNK] for start in range(0, len(short), _CHUNK))
    return "".join(_ALPHABET[sum(char.isupper() << place for place, char in enumerate(chunk))] for chunk in chunks)

"""A mail's bytes as parts and text, whatever is broken in them. Nothing here raises but ``Unreadable``.

What a stranger sends may be nested without end, name charsets that nobody has, or lie about its encoding. So nesting,
parts and text are bounded, and every character that cannot be read becomes a replacement sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header
from email.message import Message

from webhooks.errors import Unreadable
from webhooks.parsing import storable

MOST_PARTS = 200
MOST_NESTED = 60
"""Levels of a mail that are looked at; what lies deeper is left alone."""
MOST_TEXT = 200_000
"""Characters of a part that are read."""

_MOST_HEADER = 5_000  # characters of a header that are read
_MESSAGE_ID = re.compile(r"<([^<>\s]{3,300})>")
_NO_CHARSETS = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "unknown_8bit"})
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]]{1,200}@[^\s<>,;:\"()\[\]@]{1,255}")
_CONTENT = re.compile(rb"^content-type:", re.IGNORECASE | re.MULTILINE)

Mail = Message


def parse(raw: bytes) -> Mail:
    """The mail. Raises ``Unreadable`` when it is nested so deeply that it cannot be taken apart, or is empty."""
    if not raw.strip():
        raise Unreadable("the mail is empty")
    if len(_CONTENT.findall(raw)) > 4 * MOST_PARTS:
        raise Unreadable(f"the mail has more than {4 * MOST_PARTS} parts")
    try:
        mail = message_from_bytes(raw)
    except (MessageError, RecursionError, ValueError, LookupError, AssertionError, TypeError) as error:
        raise Unreadable(f"the mail cannot be taken apart ({type(error).__name__})") from error
    if not mail.keys():
        raise Unreadable("what came is no mail: it has no header")
    return mail


def walk(mail: Mail, *, into_mails: bool = False) -> Iterator[Mail]:
    """Its parts, itself first, in their order; with ``into_mails`` also those of mails that are attached."""
    waiting, seen = [(mail, 0)], 0
    while waiting and seen < MOST_PARTS:
        part, depth = waiting.pop(0)
        seen += 1
        yield part
        goes_on = into_mails or part is mail or not part.get_content_type().startswith("message/")
        if depth < MOST_NESTED and goes_on and isinstance(inside := part.get_payload(), list):
            waiting[:0] = [(each, depth + 1) for each in inside if isinstance(each, Message)]


def text_of(part: Mail) -> str:
    """The text of a part that is one, as far as it can be read."""
    try:
        raw = part.get_payload(decode=True)
    except Exception:  # the library raises much on what is no base64 or quoted-printable
        raw = str(part.get_payload()).encode("utf-8", "replace")
    if not isinstance(raw, bytes):
        return ""
    return clean(_decoded(raw[: 4 * MOST_TEXT], _charset(part)))[:MOST_TEXT]


def header(mail: Mail, name: str) -> str:
    """A header's value, decoded, on one line; "" without it."""
    return _line(mail.get(name))


def headers(mail: Mail, name: str) -> list[str]:
    """All values of a header that may stand there several times."""
    return [_line(value) for value in mail.get_all(name, [])[:20]]


def addresses(mail: Mail, *names: str) -> tuple[str, ...]:
    """The bare addresses in these headers, each once."""
    values = (value for name in names for value in headers(mail, name))
    return tuple(dict.fromkeys(found for value in values for found in _ADDRESS.findall(value)))


def message_ids(mail: Mail, *names: str) -> tuple[str, ...]:
    """The ids in these headers, without < and >, each once."""
    values = " ".join(str(value) for name in names for value in mail.get_all(name, []))
    return tuple(dict.fromkeys(_MESSAGE_ID.findall(values[-20_000:])))[-50:]


def clean(text: str) -> str:
    """As a database takes it, with plain line ends."""
    return str(storable(text.replace("\r\n", "\n").replace("\r", "\n")))


def _line(value: object) -> str:
    if value is None:
        return ""
    text = str(value)[:_MOST_HEADER]
    return " ".join(clean(_unencoded(text)).split())


def _unencoded(text: str) -> str:
    """Without encoded words (RFC 2047); what cannot be decoded stays as it came."""
    try:
        pieces = decode_header(text)
        return "".join(_decoded(raw, charset) if isinstance(raw, bytes) else raw for raw, charset in pieces)
    except Exception:  # the library raises much on what is no encoded word
        return text


def _charset(part: Mail) -> str | None:
    try:
        return part.get_content_charset()
    except (LookupError, ValueError, UnicodeError):
        return None


def _decoded(raw: bytes, charset: str | None) -> str:
    """In the charset it claims; else as UTF-8, which hardly anything else is by chance; else as Windows writes it."""
    for name in (charset, "utf-8"):
        try:
            if name and name.lower().replace("-", "_") not in _NO_CHARSETS:
                return raw.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return raw.decode("cp1252", "replace")

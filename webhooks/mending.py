"""Bodies that do not parse as a whole, so that one bad record among good ones costs only itself. Pure.

What a person pasted may hold characters that XML 1.0 forbids, in any spelling: Salesforce hands them on as they are,
and sends the whole message again for a day if one of a hundred records has such a one. Nothing here reads XML: what is
mended goes through the strict parser like anything else, so document types and entities stay refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html.entities import html5
from itertools import pairwise
from xml.sax.saxutils import escape

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_AMPERSAND = re.compile(r"&(?:#(x?)([0-9A-Fa-f]+);|([A-Za-z][A-Za-z0-9]{0,31});)?")
_PREDEFINED = frozenset(("amp", "lt", "gt", "quot", "apos"))
_LAST = 0x10FFFF
_DIGITS = 10  # of the longest number that can name a character, leading zeros aside

_DECLARATION = re.compile(r"\s*<\?xml\b[^>]{0,200}\?>")
_ENCODING = re.compile(rb"""\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_CODECS: Mapping[bytes, str] = {
    b"utf-8": "utf-8-sig", b"utf8": "utf-8-sig", b"us-ascii": "utf-8-sig", b"iso-8859-1": "latin-1",
    b"windows-1252": "cp1252",
}  # fmt: skip
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # how UTF-16 begins

_OPENING = re.compile(r"<(?:[A-Za-z_][\w.-]{0,40}:)?Notification[\s>]")
_CLOSING = re.compile(r"</(?:[A-Za-z_][\w.-]{0,40}:)?Notification\s*>")

_CDATA, _CDATA_ENDS = "<![CDATA[", "]]>"


def mended(body: bytes) -> str | None:
    """XML without what XML 1.0 does not know: forbidden characters are left out, bytes that are no text become U+FFFD,
    names of HTML's characters become these, any other & stands for itself. None: it is not for mending."""
    text = _decoded(body)
    if text is None or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    plain = _FORBIDDEN.sub("", _DECLARATION.sub("", text, count=1))
    return "".join(part if part.startswith(_CDATA) else _AMPERSAND.sub(_reference, part) for part in _parts(plain))


def in_pieces(text: str) -> tuple[str, tuple[str, ...], str] | None:
    """A message as what stands before its notifications, each of them, and what stands behind; None without any."""
    starts = [match.start() for match in _OPENING.finditer(text)]
    ends = [match.end() for match in _CLOSING.finditer(text)]
    if not starts or not ends or ends[-1] < starts[-1]:
        return None
    edges = [*starts, ends[-1]]
    notes = tuple(text[start:end] for start, end in pairwise(edges))
    return text[: starts[0]], notes, text[ends[-1] :]


def _decoded(body: bytes) -> str | None:
    if body.startswith(_WIDE):
        return body.decode("utf-16", "replace")
    declared = _ENCODING.match(body.removeprefix(b"\xef\xbb\xbf"))
    codec = _CODECS.get(declared[1].lower()) if declared else "utf-8-sig"
    return body.strip().decode(codec, "replace") if codec else None


def _parts(text: str) -> Iterator[str]:
    """CDATA sections and what stands between them: in a section an & is no more than that."""
    at = 0
    while (start := text.find(_CDATA, at)) >= 0 and (end := text.find(_CDATA_ENDS, start)) >= 0:
        yield text[at:start]
        at = end + len(_CDATA_ENDS)
        yield text[start:at]
    yield text[at:]


def _reference(match: re.Match[str]) -> str:
    hexadecimal, digits, name = match.groups()
    if digits:
        return _numeric(match[0], digits, 16 if hexadecimal else 10)
    if name in _PREDEFINED:
        return match[0]
    known = html5.get(f"{name};") if name else None
    return escape(known or match[0])


def _numeric(whole: str, digits: str, base: int) -> str:
    """The reference, if it is one to a character of XML 1.0."""
    if base == 10 and not digits.isdecimal():
        return escape(whole)
    short = digits.lstrip("0")
    number = int(short or "0", base) if len(short) <= _DIGITS else _LAST + 1
    return whole if number <= _LAST and not _FORBIDDEN.match(chr(number)) else ""

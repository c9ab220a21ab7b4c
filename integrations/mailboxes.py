"""E-mail addresses as people and systems write them, and the one spelling under which two of them are one mailbox.

A domain has one meaning in Unicode and in punycode, in capitals, composed or not, with DNS's root dot or without
(UTS 46, non-transitional; RFC 5890 to 5892). The part before the @ is its own server's business (RFC 5321, 2.4).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import idna

_ATOM = r"[^\s\x00-\x1f\x7f()<>\[\]:;@\\,.\"]+"
_LOCAL = re.compile(rf'{_ATOM}(?:\.{_ATOM})*|"(?:[^"\\\r\n\0]|\\[^\r\n\0])+"')
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"  # "_" is no host's, but mail is sent to such domains
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PLAIN = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]+@[a-z0-9.-]*[a-z0-9]")  # has one spelling but for capitals
_LOCAL_LENGTH, _DOMAIN_LENGTH = 64, 253  # octets: RFC 5321, 4.5.3.1.1; RFC 1035, 2.3.4
_SEEN = 4_096  # spellings that are remembered


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address that can be read. ``local`` is as it was written, ``domain`` as DNS knows it: ASCII, small letters."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def read(text: str) -> Mailbox:
    """The mailbox of one bare address, "jan@bücher.example". Spaces and invisible signs around it do not count.

    Raises ValueError when it is none, or more than one; the text never repeats the address.
    """
    local, at, domain = _bare(text).rpartition("@")
    if not at or not _LOCAL.fullmatch(local):
        raise ValueError("is no e-mail address")
    if len(local.encode("utf-8", "replace")) > _LOCAL_LENGTH:
        raise ValueError(f"has more than {_LOCAL_LENGTH} characters before the @")
    return Mailbox(local, ascii_domain(domain))


@lru_cache(maxsize=_SEEN)  # a person is asked about several times in a row
def normal(text: str) -> str:
    """What addresses are compared by: the same for all spellings of one mailbox; what cannot be read is like itself."""
    plain = text.strip().lower()
    return plain if _PLAIN.fullmatch(plain) else _normal(text)


def spellings(text: str) -> tuple[str, ...]:
    """The ways in which a system that compares letters, but for capitals, may keep this mailbox. Nearly always one."""
    usual = normal(text)
    local, at, domain = usual.rpartition("@")
    ways: dict[str, str] = {}
    for way in (usual, f"{local}{at}{_unicode(domain)}", _bare(text)):
        ways.setdefault(way.casefold(), way)
    return tuple(ways.values())


def tidy(text: str) -> str:
    """The address as every system takes it; what cannot be read stays as it is."""
    try:
        return str(read(text))
    except ValueError:
        return text


def ascii_domain(domain: str) -> str:
    """The domain as DNS knows it. Raises ValueError."""
    try:
        plain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError("holds signs that no domain has") from error
    plain = plain.removesuffix(".").lower()
    if len(plain) > _DOMAIN_LENGTH or not _DOMAIN.fullmatch(plain):
        raise ValueError("is no domain")
    return plain


def _normal(text: str) -> str:
    bare = _bare(text)
    try:
        written = str(read(bare))
    except ValueError:
        written = bare
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", written).lower())


def _bare(text: str) -> str:
    """Without what is around it: blanks, and the marks of direction that come along with copied text. An @ of full
    width is what Japanese keyboards type."""
    start, end = 0, len(text)
    while start < end and _is_nothing(text[start]):
        start += 1
    while end > start and _is_nothing(text[end - 1]):
        end -= 1
    return text[start:end].replace("\uff20", "@")


def _is_nothing(sign: str) -> bool:
    return sign.isspace() or unicodedata.category(sign) == "Cf"


def _unicode(domain: str) -> str:
    try:
        return idna.decode(domain) if "xn--" in domain else domain
    except (idna.IDNAError, UnicodeError):
        return domain

"""Header values as they travel: encoded words of 75 characters, lines of 76 (RFC 2047, section 2), plain lines of 78.

The standard library folds at a length of its policy only: told 78 it also breaks addresses in List-Unsubscribe into
encoded words, told 998 it makes encoded words of nearly a thousand characters.
"""

from __future__ import annotations

import re
from email.charset import Charset
from email.headerregistry import Address
from itertools import chain, repeat

_WORD, _ENCODED_LINE, _LINE, _LONGEST = 75, 76, 78, 998  # characters: RFC 2047, 2; RFC 5322, 2.1.1
_FOLD = "\r\n "
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
_UTF8 = Charset("utf-8")


def text(name: str, value: str) -> str:
    """What people read, such as a subject. Decoded it is ``value`` again, to the sign."""
    if len(name) + 2 + len(value) <= _LINE and _is_plain(value):
        return value
    words, used = value.split(" "), len(name) + 2
    is_foldable = _is_plain(value) and max(map(len, words)) <= _LINE - used
    return _folded(words, used) if is_foldable else _encoded(value, used)


def people(name: str, *addresses: Address) -> str:
    """Names and addresses; an address is never encoded, or nobody could answer to it."""
    lines = [_person(address, len(name) + 2 if place == 0 else 1) for place, address in enumerate(addresses)]
    return f",{_FOLD}".join(lines)


def machine(name: str, value: str) -> str | None:
    """What programs read, such as List-Unsubscribe: broken at single blanks only, so that an address stays whole even
    where it is longer than a line. None: it holds other signs than ASCII, or is too long for any line."""
    if not (value.isascii() and value.isprintable()):
        return None
    written = _folded(value.split(" "), len(name) + 2) if _PLAIN.fullmatch(value) else value
    return written if max(map(len, f"{name}: {written}".split("\r\n"))) <= _LONGEST else None


def _person(address: Address, used: int) -> str:
    if not address.display_name:
        return address.addr_spec
    place = f"<{address.addr_spec}>"
    if _is_plain(address.display_name) and used + len(str(address)) <= _LINE:
        return str(address)
    name = _encoded(address.display_name, used)
    last = used + len(name) if _FOLD not in name else len(name.rpartition(_FOLD)[2]) + 1
    return f"{name} {place}" if last + 1 + len(place) <= _ENCODED_LINE else f"{name}{_FOLD}{place}"


def _is_plain(value: str) -> bool:
    """Whether it reads as it is written: readers take =? for the beginning of an encoded word."""
    return "=?" not in value and (not value or _PLAIN.fullmatch(value) is not None)


def _folded(words: list[str], used: int) -> str:
    """Broken at blanks; a word that is longer than a line has one of its own."""
    lines, width = [words[0]], used + len(words[0])
    for word in words[1:]:
        if width + 1 + len(word) <= _LINE:
            lines[-1] += f" {word}"
            width += 1 + len(word)
        else:
            lines.append(word)
            width = 1 + len(word)
    return _FOLD.join(lines)


def _encoded(value: str, used: int) -> str:
    """Encoded words, each of whole characters. The first line has the header's name before it."""
    lengths = chain([_ENCODED_LINE - used], repeat(_WORD))
    words = _UTF8.header_encode_lines(value, lengths)
    return _FOLD.join(word or "" for word in words)

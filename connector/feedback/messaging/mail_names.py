"""Names as they may stand in a mail: what people are called stays, and leads nowhere; an address is no name.

Anybody can open a ticket under any name and with a stranger's e-mail address; our mail would carry it to them. But
initials without a space, titles, and companies named after their site look like addresses too, and are who our
customers are. What a mail program would make a link of is told by the domains that exist (public suffix list).
"""

from __future__ import annotations

import re
from functools import lru_cache

from publicsuffixlist import PublicSuffixList

from connector.feedback.messaging.text import one_line, shortened

MAX_NAME = 160  # characters; whatever is longer is cut at a word
_LONGEST_WORD = 80
_JOINER = "\u2060"  # invisible: a domain ends before it
_ADDRESS = re.compile(r"\w://|(?<!\w)www\.\w|[^\s@<]@[^\s@]+\.\w|\b(?:\d{1,3}\.){3}\d{1,3}\b", re.IGNORECASE)
_DOTTED = re.compile(r"(?<![\w.])((?:[\w-]+[.。．｡])+)([^\W\d_][\w-]+)(?![\w-])")
_SIGN = re.compile(r"[.@:。．｡]")  # most names hold none, and need no closer look
_DOT = re.compile(r"[.。．｡]")
_PATH = re.compile(r"[.。．｡]?(?:[/?#]|:\d)")
_NEVER_REAL = frozenset(("example", "test", "invalid", "localhost"))  # RFC 2606: who shows a trap uses them
_NOBODY = _NEVER_REAL | frozenset(("com", "net", "org", "info", "biz", "edu", "gov", "xyz", "icu", "mobi"))
_NEVER_NAMES = _NOBODY | frozenset(
    ("shop", "online", "site", "website", "top", "club", "store", "app", "dev", "io", "link", "click", "win", "vip",
     "live", "buzz", "email", "web", "page", "bid")
)  # fmt: skip
"""No first name goes before these; an initial does: J.Page, K.Win."""
_TITLES = frozenset(
    ("dr", "drs", "ir", "ing", "prof", "mr", "mrs", "ms", "mw", "mevr", "mevrouw", "dhr", "mag", "dipl", "st",
     "ste", "sr", "sra", "srta", "jr", "fr", "bc", "mgr", "herr", "frau", "hr", "mme", "mlle", "mm", "don",
     "sir", "rev", "capt", "lt", "col", "gen", "maj", "med", "phil", "ph", "jur", "iur", "nat", "rer", "habil",
     "hc", "ds", "fam", "co")
)  # fmt: skip
_PARTICLES = frozenset(
    ("de", "la", "le", "les", "di", "da", "do", "du", "des", "del", "della", "dos", "das", "van", "von", "vom",
     "der", "den", "het", "ter", "ten", "te", "el", "al", "av", "af", "zu", "zum", "zur", "lo", "li", "bin",
     "ben", "st", "mc")
)  # fmt: skip
_FORMS = (
    r"b\.?v|n\.?v|gmbh|ag|kg|ug|se|ltd|limited|llc|llp|lp|inc|incorporated|corp|corporation|co|plc|pty|pte|s\.?a|s\.?r\.?l|"
    r"sarl|sas|s\.?p\.?a|a/s|aps|a\.?s|ab|oy|oyj|s\.?l|vof|v\.o\.f|bvba|sprl|eood|d\.o\.o|kft|zrt|sp\. z o\.o"
)
_FORM = re.compile(rf"(?:\s[A-Z][\w&-]*){{0,3}}[\s,.]*(?i:{_FORMS})\.?(?!\w)")  # "Solar.eu Nederland B.V."
_OWN_FORM = re.compile(r"L(?:td|TD|imited|LC)|I(?:nc|NC)|G(?:mbH|MBH)|S(?:arl|ARL)")  # others are countries


def harmless_name(name: object) -> str:
    """The name as it is written, on one line; "" for what is an address, or no name at all."""
    text = one_line(str(name or ""))
    if max(map(len, text.split()), default=0) > _LONGEST_WORD:
        return ""
    if _SIGN.search(text) and _holds_address(text):
        return ""
    return shortened(text, MAX_NAME)


def unlinked_name(name: object) -> str:
    """``harmless_name`` to stand in a text. Where a mail program would take a part of it for a domain, an invisible
    joiner after the dot keeps it from doing so; the reader sees the same."""
    text = harmless_name(name)
    return _DOTTED.sub(_unlinked, text) if _SIGN.search(text) else text


def _holds_address(text: str) -> bool:
    return _ADDRESS.search(text) is not None or any(_is_address(text, part) for part in _DOTTED.finditer(text))


def _unlinked(found: re.Match[str]) -> str:
    return _DOT.sub(lambda dot: f"{dot[0]}{_JOINER}", found[0]) if _is_linked(found[2]) else found[0]


def _is_address(text: str, found: re.Match[str]) -> bool:
    """Whether this is a domain rather than a part of a name."""
    if not _is_linked(found[2]):
        return False
    rest = text[found.end() :]
    return bool(_PATH.match(rest)) or not _is_name(_DOT.split(found[1])[:-1], found[2], rest)


def _is_name(before: list[str], last: str, rest: str) -> bool:
    if _FORM.match(rest) or _OWN_FORM.fullmatch(last):
        return True  # a company that is called like its site
    if all(_is_initial(each) or each.casefold() in _TITLES for each in before):
        surname = _is_capital(last) and last.casefold() not in (_NEVER_NAMES if last.isupper() else _NOBODY)
        return surname or last.casefold() in _PARTICLES | _TITLES
    if last.casefold() in _NEVER_NAMES:
        return False
    surname = last.casefold() in _PARTICLES and re.match(r"\s+\w", rest) is not None
    return all(map(_is_capital, before)) and (surname or _is_capital(last))


def _is_initial(label: str) -> bool:
    return all(len(each) < 2 for each in label.split("-"))


def _is_capital(label: str) -> bool:
    return label[0] != label[0].lower()


def _is_linked(label: str) -> bool:
    return label.casefold() in _NEVER_REAL or bool(_suffixes().is_public(label.casefold()))


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True, accept_unknown=False)

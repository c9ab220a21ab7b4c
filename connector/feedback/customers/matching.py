"""Whether somebody with a phone number is one of those who are known with it. Pure.

A number is weaker than an id or an e-mail address: families share a line, colleagues a switchboard, and a number gets a
new owner. So it decides only where a name agrees with it, nobody else has it, and no id or address speaks against it;
a call from a mobile phone by somebody of whom nothing else is known needs no name. What is merely possible is for a
person to decide, and names that contradict are no possibility at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

SHARED = 5
"""A number that so many people have been seen with is a switchboard's: it says nothing about who somebody is."""

_TITLES = frozenset(("mr", "mrs", "ms", "dr", "ir", "ing", "drs", "dhr", "mw", "mevr", "de", "heer", "mevrouw"))
_WORD = re.compile(r"[^\W_]+")


class Likeness(Enum):
    """How two names are to each other."""

    SAME = "same"
    UNCLEAR = "unclear"  # one says less than the other, or nothing
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """What is known of somebody. ``ids`` are theirs by system, "email" among them; without any they are only a voice on
    the phone."""

    id: str
    name: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MatchVerdict:
    """``same``: the one it is. ``perhaps``: those whom it may be, for a person to decide."""

    same: str | None = None
    perhaps: tuple[str, ...] = ()


def match(who: KnownPerson, holders: Sequence[KnownPerson], *, personal: bool) -> MatchVerdict:
    """Which of the ``holders`` of a number ``who`` is, who has it, too. ``personal``: it is a mobile phone's."""
    if len(holders) >= SHARED:
        return MatchVerdict()
    likely = [each for each in holders if _is_likely(who, each, personal)]
    if len(holders) == 1 and likely and _is_sure(who, likely[0], personal):
        return MatchVerdict(likely[0].id)
    return MatchVerdict(None, tuple(each.id for each in likely))


def alike(one: str | None, other: str | None) -> Likeness:
    """Compare two people's names, without regard to case, accents, order and titles."""
    left, right = _words(one), _words(other)
    if not left or not right:
        return Likeness.UNCLEAR
    if left == right:
        return Likeness.SAME if len(left) > 1 else Likeness.UNCLEAR
    return Likeness.UNCLEAR if _covers(left, right) or _covers(right, left) else Likeness.OTHER


def plain(name: str | None) -> str:
    """What a name is compared by: the same for all ways of writing it, composed or not, in capitals, of full width."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name or "").casefold()).split())


def _is_likely(who: KnownPerson, holder: KnownPerson, personal: bool) -> bool:
    likeness = alike(who.name, holder.name)
    return likeness is Likeness.SAME or (likeness is Likeness.UNCLEAR and personal)


def _is_sure(who: KnownPerson, holder: KnownPerson, personal: bool) -> bool:
    if any(holder.ids.get(system, value) != value for system, value in who.ids.items()):
        return False
    is_voice = not who.ids or not holder.ids
    return alike(who.name, holder.name) is Likeness.SAME or (personal and is_voice)


def _words(name: str | None) -> frozenset[str]:
    """The words of a name; none when it is a number or an address, as helpdesks call callers whom they do not know."""
    if not name or "@" in name or any(char.isdigit() for char in name):
        return frozenset()
    bare = "".join(c for c in unicodedata.normalize("NFKD", plain(name)) if not unicodedata.combining(c))
    words = [word for word in _WORD.findall(bare) if word not in _TITLES]
    return frozenset(words)


def _covers(short: frozenset[str], long: frozenset[str]) -> bool:
    """Each word of the one is a word of the other, or an initial of one."""
    return all(any(word == each or (len(word) == 1 and each.startswith(word)) for each in long) for word in short)

"""Mistakes in the settings that every connection may have, found without calling anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from connector.config.file import ConnectionConfig
from workflows.durations import parse
from workflows.errors import DurationError, Mistake
from workflows.whole import whole

EVERYBODYS = ("requests_per_minute", "concurrency", "longest_hold")
"""Settings that every connection may have, whether it is called or not."""

_MOST_SIDE_BY_SIDE = 200

_SHORTEST_SECRET, _FEWEST_SIGNS = 16, 6
_WEAK = f"can be guessed: it has fewer than {_SHORTEST_SECRET} signs, or the same few again and again."
_STRONG = "Let a program make it: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'."

LONGEST_HOLD = timedelta(minutes=15)
"""So long a vendor may hold a connection by one answer (``Retry-After``); then it is asked again."""


def unknown_kind(each: ConnectionConfig, known: Iterable[str]) -> Mistake:
    """Nobody can make anything of such a connection."""
    path, kinds = f"connections.{each.name}.kind", sorted(known)
    near = get_close_matches(each.kind, kinds, n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    return Mistake(path, f"{each.kind!r} is not known.{meant}", f"Use one of {', '.join(kinds)}.")


def usual(each: ConnectionConfig) -> Iterator[Mistake]:
    """The rate, calls side by side, and what is signed with."""
    path, rate = f"connections.{each.name}", each.options.get("requests_per_minute")
    if rate is not None and not (type(rate) in (int, float) and rate > 0):
        yield Mistake(f"{path}.requests_per_minute", f"{rate!r} is no rate.", "Write a number above 0.")
    most = each.options.get("concurrency")
    if most is not None and not 1 <= (whole(most) or 0) <= _MOST_SIDE_BY_SIDE:
        said = f"{most!r} is no number of calls."
        yield Mistake(f"{path}.concurrency", said, f"Write a whole number from 1 to {_MOST_SIDE_BY_SIDE}.")
    yield from _in_hold(each)
    yield from _in_secrets(each)


def hold_of(given: Any) -> timedelta:
    """The longest that a vendor may hold the connection. Raises DurationError."""
    return LONGEST_HOLD if given is None else parse(str(given)).span


def _in_hold(each: ConnectionConfig) -> Iterator[Mistake]:
    given = each.options.get("longest_hold")
    try:
        if timedelta(seconds=1) <= hold_of(given) <= timedelta(days=1):
            return
    except (DurationError, ValueError):
        pass
    said = f"{given!r} is no time from one second to one day."
    yield Mistake(f"connections.{each.name}.longest_hold", said, "Write it as 15 minutes.")


def _in_secrets(each: ConnectionConfig) -> Iterator[Mistake]:
    for name in ("webhook_secret", "webhook_token"):
        given = each.options.get(name)
        if given is not None and not all(map(is_secret, given if isinstance(given, list) and given else [given])):
            remedy = "Write one text in quotes, or while they change a list of them."
            yield Mistake(f"connections.{each.name}.{name}", "is no text.", remedy)
        elif any(map(_is_weak, given if isinstance(given, list) else [given] if given else [])):
            yield Mistake(f"connections.{each.name}.{name}", _WEAK, _STRONG)


def _is_weak(secret: str) -> bool:
    """Whether somebody could guess it who tries long enough; nothing but this tells a webhook from a forgery."""
    return len(secret) < _SHORTEST_SECRET or len(set(secret)) < _FEWEST_SIGNS


def is_secret(given: Any) -> bool:
    """Whether somebody can sign with it."""
    return isinstance(given, str) and given.strip() != ""


def told(each: ConnectionConfig, said: str) -> Mistake:
    """What a client's schema said, as "auth.type: oaut is not known; did you mean oauth?", in the house's form."""
    path, _, sentence = said.partition(": ")
    message, _, remedy = sentence.rstrip(".").partition("; ")
    ending = "" if remedy.endswith(("?", "!")) or not remedy else "."
    return Mistake(f"connections.{each.name}.{path}", f"{message}.", f"{remedy[:1].upper()}{remedy[1:]}{ending}")

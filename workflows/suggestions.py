"""Words that messages share."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """The remedy for an unknown word: the nearest known one, or all of them."""
    names = sorted(known)
    near = get_close_matches(str(word), names, n=1, cutoff=0.6)
    return f'Did you mean "{near[0]}"?' if near else f"Known: {', '.join(names)}." if names else ""


def shown(item: object) -> str:
    """A value in a message, on one line and not too long."""
    text = " ".join(str(item).split())
    return text if len(text) <= 60 else text[:59] + "…"

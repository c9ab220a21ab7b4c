"""Bugs, planted one at a time: a simulation that does not find them proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from connector.runtime.effects import claims
from connector.runtime.runs.waits import Waits


@contextmanager
def no_fencing() -> Iterator[None]:
    """Every worker is believed, also one whose lease ended long ago."""
    with patch.object(claims, "holding", lambda _tx, claimed: list(claimed)):
        yield


@contextmanager
def no_look_back() -> Iterator[None]:
    """A run that begins to wait does not look at what came before."""
    with patch.object(Waits, "_look_back", lambda *_: None):
        yield


@contextmanager
def a_key_per_attempt() -> Iterator[None]:
    """Each try to open a ticket goes out under a key of its own. (Only these: marks of comments and ids of mails
    come from the key, and that they differ would be seen even where no harm was done.)"""
    as_stored = claims._effect

    def renamed(row: Any, now: Any) -> Any:
        effect = as_stored(row, now)
        return replace(effect, key=f"{effect.key}-{effect.epoch}") if effect.action == "ticket.open" else effect

    with patch.object(claims, "_effect", renamed):
        yield


BUGS: Mapping[str, Callable[[], Any]] = {
    "no fencing": no_fencing,
    "no look-back": no_look_back,
    "a key per attempt": a_key_per_attempt,
}

SIGNS: Mapping[str, str] = {
    "no fencing": "a worker whose lease had ended advanced a run|a call is to be made that its run does not wait for",
    "no look-back": "missed",
    "a key per attempt": "a ticket was opened twice",
}
"""What a planted bug must be found by: another violation would be luck."""

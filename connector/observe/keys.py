"""Checks of the secret keys: whether all that was sealed opens, and whether an old key may go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from connector.observe.findings import Finding, broken, ok, warning
from connector.secret_keys import SecretKeys
from connector.storage.schema.tables import positions
from connector.storage.sealing import sealed_rows
from connector.storage.sealing.sealed_rows import Held
from connector.storage.sealing.sealing_since import POSITION

CHECK = "secret keys"
MAIL_COMES_BACK = timedelta(days=7)
"""Mail servers give up after five days; return addresses say whose mail it was as long as their key is here."""


@dataclass(frozen=True, slots=True)
class KeyState:
    """One key. ``role``: in use, old, or missing; ``held``: what hangs on it, in words; ``needed_until``: for return
    addresses of mails that may still come back."""

    mark: str
    role: str
    held: str
    needed_until: datetime | None = None


def states(tx: Connection, keys: SecretKeys, now: datetime) -> list[KeyState]:
    """The key in use first, then the old ones, then those that are missing."""
    held = {each.mark: each for each in sealed_rows.held(tx)}
    since = _in_use_since(tx, keys)
    until = since + MAIL_COMES_BACK if since and since + MAIL_COMES_BACK > now else None
    known = [
        KeyState(mark, "old" if place else "in use", _words(held.pop(mark, None)), until if place else None)
        for place, mark in enumerate(keys.marks)
    ]
    return [*known, *(KeyState(each.mark, "missing", str(each)) for each in held.values())]


def check_keys(tx: Connection, keys: SecretKeys, now: datetime) -> Iterator[Finding]:
    """Missing ones are broken; old ones on which something hangs are worth a look."""
    found = states(tx, keys, now)
    for each in found:
        if each.role == "missing":
            yield broken(CHECK, missing(each.mark, each.held), remedy(each.mark))
        elif each.role == "old":
            yield _old(each)
    if not any(each.role == "missing" for each in found):
        yield ok(CHECK, f"everything that is sealed opens; the key in use is {keys.mark}")


def remedy(mark: str) -> str:
    """Of a key that is missing."""
    back = "Put that key back into RINGBACK_SECRET_KEYS_OLD and run `ringback secret-key reseal`"
    return f"{back}; if it is lost, `ringback secret-key remove {mark} --lost` gives up what hangs on it."


def missing(mark: str, held: str) -> str:
    return f"the key {mark} is not among the secret keys, and on it hang: {held}."


def _old(state: KeyState) -> Finding:
    if state.held:
        return warning(
            CHECK, f"on the old key {state.mark} still hang: {state.held}.", "Run `ringback secret-key reseal`."
        )
    if state.needed_until:
        day = f"{state.needed_until:%Y-%m-%d}"
        return ok(CHECK, f"on the old key {state.mark} nothing hangs; keep it until {day}, while mail may come back")
    return ok(CHECK, f"on the old key {state.mark} nothing hangs; it may be removed")


def _in_use_since(tx: Connection, keys: SecretKeys) -> datetime | None:
    c = positions.c
    return tx.execute(select(c.moved_at).where(c.name == POSITION, c.at == keys.mark)).scalar_one_or_none()


def _words(held: Held | None) -> str:
    return str(held) if held else ""

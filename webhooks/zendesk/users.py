"""What Zendesk's events tell of users: merged into another, deleted, taken back. Pure.

Sources: Zendesk's event reference, "User events": ``detail`` is the user that ``subject`` names, with the address that
is theirs, and ``user.active_changed`` with ``current`` false is a soft deletion. Support API, "Merge End Users": the
user of the path is merged *into* the one of the body, who keeps all; agents and admins cannot be merged.

A merge's ``event.user`` is taken for the user who is gone, and ``detail`` for the one who stays: the living have an
address, a merged user has none any more. No document that we know says so, so nothing rests on it alone: were it the
other way round, the two are one customer all the same, and the look-up before a mail, which does not find the user,
looks for the address instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webhooks.errors import Unreadable
from webhooks.parsing import excerpt, identity, mapping, text_or_none
from workflows.events import Person

MERGED, DELETED, BACK = "contact.merged", "contact.deleted", "contact.changed"
"""A helpdesk's user is a contact of the house, as a CRM's is."""


@dataclass(frozen=True, slots=True)
class Told:
    """``type`` is neutral; ``person`` is who lives on after a merge, None where nobody is to be made known."""

    type: str
    fields: Mapping[str, Any]
    person: Person | None = None


def merged(detail: Mapping[str, Any], event: Mapping[str, Any], connection: str) -> Told | None:
    """Raises ``Unreadable`` without both ids; None for a user who is said to be merged into themselves."""
    stays, gone = _user(detail), identity(mapping(event.get("user")).get("id"))
    if gone is None:
        raise Unreadable(f"event.user.id is {excerpt(mapping(event.get('user')).get('id'))}",
                         remedy="a merge names the user that is gone; send the envelope whole")
    if gone == stays:
        return None
    person = Person(email=text_or_none(detail.get("email")), ids={connection: stays})
    return Told(MERGED, {"contact": gone, "into": stays}, person)


def deleted(detail: Mapping[str, Any], _event: Mapping[str, Any], _connection: str) -> Told:
    """For good."""
    return Told(DELETED, {"contact": _user(detail)})


def active_changed(detail: Mapping[str, Any], event: Mapping[str, Any], _connection: str) -> Told:
    """Deleted, or taken back. Raises ``Unreadable`` for what is neither."""
    current = {"true": True, "false": False}.get(str(event.get("current")).lower())
    if current is None:
        raise Unreadable(f"event.current is {excerpt(event.get('current'))}", remedy="it is true or false")
    fields = {"contact": _user(detail)}
    return Told(BACK, {**fields, "record": {}}) if current else Told(DELETED, fields)


def _user(detail: Mapping[str, Any]) -> str:
    user = identity(detail.get("id"))
    if user is None:
        raise Unreadable(f"the user's id is {excerpt(detail.get('id'))}", remedy="send detail.id, as Zendesk does")
    return user

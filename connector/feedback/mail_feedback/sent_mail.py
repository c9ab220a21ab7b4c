"""Which mail of ours came back, and whose it was: by the mark in an address, by the id of the mail, or, where the
sender signed what they tell, by the recipient's address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from connector.storage.schema.tables import effects, identities, invitations, runs
from integrations import mailboxes
from integrations.mail.verp import Marks, Origin

_TO_CUSTOMERS = ("survey.send", "message.send")
_MOST = 50  # addresses and ids that one mail is looked for by


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail that left us. ``id`` is the invitation's or the effect's, ``left_at`` when it was first tried;
    ``customer`` is empty for mail to our own teams and to people who are no customers."""

    id: str
    address: str
    customer: str | None
    left_at: datetime
    invitation: str | None = None
    survey: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Clues:
    """Ids that an event's trail holds."""

    invitations: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def find(
    tx: Connection, marks: Marks, told: Sequence[Mapping[str, Any]], now: datetime
) -> list[SentMail | None]:
    """For each event's data the mail it is about, or None. A handful of queries, however many they are."""
    clues = [_clues(marks, each.get("trail") or {}) for each in told]
    rows = _effects(tx, clues)
    asked = {id_ for each in clues for id_ in each.invitations} | {i for row in rows if (i := _invitation_of(row))}
    invited = _invited(tx, asked)
    left = _by_run(tx, [row.run_id for row in invited.values() if row.run_id])
    owners = _owners(tx, [*rows, *left.values()], told)
    book = _Book({row.id: row for row in rows}, {row.key: row for row in rows}, invited, left, owners)
    return [book.mail(each, data, now) for each, data in zip(clues, told, strict=True)]


@dataclass(frozen=True, slots=True)
class _Book:
    """What was read of all events together. ``left`` has the effect that carried an invitation's mail, by its run and
    itself; ``owners`` whose an address is."""

    effects: Mapping[str, Row[Any]]
    keys: Mapping[str, Row[Any]]
    invited: Mapping[str, Row[Any]]
    left: Mapping[tuple[str, str], Row[Any]]
    owners: Mapping[str, str]

    def mail(self, clues: _Clues, data: Mapping[str, Any], now: datetime) -> SentMail | None:
        known = next((self.invited[id_] for id_ in clues.invitations if id_ in self.invited), None)
        if known is not None:
            return self._invitation(known)
        rows = (*(self.effects.get(id_) for id_ in clues.effects), *(self.keys.get(key) for key in clues.keys))
        row = next((each for each in rows if each is not None), None)
        return self._effect(row) if row is not None else self._by_address(data, now)

    def _invitation(self, row: Row[Any]) -> SentMail:
        carried = self.left.get((row.run_id or "", row.id))
        address = carried.request["mail"]["to"] if carried is not None else ""
        left_at = (carried.first_tried_at if carried is not None else None) or row.asked_at or row.created_at
        return SentMail(
            row.id, mailboxes.normal(address) if address else "", row.customer_id, left_at,
            row.id, row.survey, row.context,
        )  # fmt: skip

    def _effect(self, row: Row[Any]) -> SentMail:
        invitation = self.invited.get(_invitation_of(row) or "")
        if invitation is not None:
            return self._invitation(invitation)
        address = mailboxes.normal(_address_of(row))
        to_them = row.action in _TO_CUSTOMERS and self.owners.get(address) == row.customer_id
        return SentMail(row.id, address, row.customer_id if to_them else None, row.first_tried_at or row.created_at)

    def _by_address(self, data: Mapping[str, Any], now: datetime) -> SentMail | None:
        address = mailboxes.normal(str(data.get("recipient") or ""))
        owner = self.owners.get(address) if data.get("proved") else None
        return SentMail(str(data["id"])[:60], address, owner, now) if owner else None


def _clues(marks: Marks, trail: Mapping[str, Any]) -> _Clues:
    read = [found for address in _texts(trail, "addresses") if (found := marks.read_address(address)) is not None]
    keys = [id_.partition("@")[0] for id_ in reversed(_texts(trail, "message_ids"))]
    by_origin = {origin: tuple(each.id for each in read if each.origin is origin) for origin in Origin}
    return _Clues(by_origin[Origin.INVITATION], by_origin[Origin.EFFECT], tuple(dict.fromkeys(keys)))


def _texts(trail: Mapping[str, Any], name: str) -> list[str]:
    return [str(each) for each in trail.get(name) or ()][:_MOST]


def _effects(tx: Connection, clues: Sequence[_Clues]) -> list[Row[Any]]:
    ids = {id_ for each in clues for id_ in each.effects}
    keys = {key for each in clues for key in each.keys}
    if not ids and not keys:
        return []
    return _read(tx, or_(effects.c.id.in_(ids), effects.c.key.in_(keys)))


def _invited(tx: Connection, ids: Iterable[str]) -> dict[str, Row[Any]]:
    asked = list(ids)
    rows = tx.execute(select(invitations).where(invitations.c.id.in_(asked))).all() if asked else ()
    return {row.id: row for row in rows}


def _by_run(tx: Connection, run_ids: Iterable[str]) -> dict[tuple[str, str], Row[Any]]:
    """The calls that carried invitations, by run and invitation: a run may invite several times."""
    ids = list(run_ids)
    rows = _read(tx, effects.c.run_id.in_(ids), effects.c.action == "survey.send") if ids else []
    return {(row.run_id, invitation): row for row in rows if (invitation := _invitation_of(row))}


def _read(tx: Connection, *where: Any) -> list[Row[Any]]:
    columns = (effects, runs.c.customer_id)
    return list(tx.execute(select(*columns).join(runs, runs.c.id == effects.c.run_id).where(*where)).all())


def _invitation_of(row: Row[Any]) -> str | None:
    """Only the second call of ``survey.send`` carries a mail, and names its invitation."""
    return row.request.get("invitation") if row.action == "survey.send" else None


def _address_of(row: Row[Any]) -> str:
    """Whom the call wrote to: a customer, or one of a team's addresses."""
    addresses = row.request.get("addresses") or ()
    if row.stage < len(addresses):
        return str(addresses[row.stage])
    return str((row.request.get("mail") or {}).get("to") or "")


def _owners(tx: Connection, rows: Iterable[Row[Any]], told: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Whose each address is, of those that rows and proved events name."""
    addresses = {mailboxes.normal(_address_of(row)) for row in rows}
    addresses |= {mailboxes.normal(str(each["recipient"])) for each in told if each.get("recipient")}
    addresses.discard("")
    i = identities.c
    asked = select(i.value, i.customer_id).where(i.system == "email", i.value.in_(addresses))
    return {row.value: row.customer_id for row in tx.execute(asked)} if addresses else {}

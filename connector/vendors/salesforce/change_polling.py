"""Gaps: Salesforce drops a message that nobody took for a day. So we ask now and then what changed, and put what we
find into the inbox, where it is understood like any message.

Where a look stands is kept in ``cursors``, in the transaction that also stores what was found: a process that dies
looks again, and finds the same. Any number of processes may tick; a look is one process's by its lease. A fact that a
message told already is known by its name, so telling it again does nothing; a state (a changed contact) is asked for
among the events.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from connector.clock import Clock
from connector.storage.engine.database import Database
from connector.storage.flow_control import connection_state
from connector.storage.schema.tables import events, identities
from connector.storage.stores import cursors
from connector.storage.stores.inbox import delivery_row, insert_deliveries
from connector.vendors.base import JobParts
from integrations.errors import IntegrationError
from integrations.salesforce.options import writes_everything
from webhooks.delivery import Delivery
from webhooks.salesforce import cases as salesforce_case
from webhooks.salesforce import rules as salesforce_rules
from webhooks.salesforce.source import FOUND
from webhooks.timestamps import moment, written

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0
"""How often a process sees whether a look is due."""

JITTER_SECONDS = 20

USUALLY = timedelta(minutes=15)
"""Between two looks at an object. Three calls each: some 300 of a day's calls an object."""

GRACE = timedelta(minutes=2)
"""A message may still be on its way: what is younger is left to the next look."""

FARTHEST = timedelta(days=14, hours=12)
"""Salesforce tells of deletions for 15 days, of changes for 30."""

_LEASE = timedelta(minutes=10)
_PAGE = 1000  # records in a delivery

PERSON = ("FirstName", "LastName", "Email", "LastModifiedById", "LastModifiedDate")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "Contact": (*PERSON, "MasterRecordId"),
    "Lead": (*PERSON, "IsConverted", "ConvertedContactId", "MasterRecordId"),
    "Case": ("CaseNumber", "Subject", "Status", "IsClosed", "ClosedDate", "Priority", "Origin", "OwnerId", "ContactId",
             "LastModifiedById", "LastModifiedDate"),
    "ContactRequest": ("Status", "OwnerId", "WhoId", "LastModifiedById", "LastModifiedDate"),
    "Opportunity": ("Name", "StageName", "IsWon", "LastStageChangeDate", "Amount", "LastModifiedById",
                    "LastModifiedDate"),
}  # fmt: skip
"""What is read of the standard objects; a rule of the connection adds what it reads."""

CONSENT = ("HasOptedOutOfEmail", "DoNotCall")
OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "Contact": ("MobilePhone", "Phone", "HomePhone", "OtherPhone", *CONSENT),
    "Lead": ("MobilePhone", "Phone", *CONSENT),
    "Case": ("SuppliedEmail", "SuppliedName", "SuppliedPhone", "ContactEmail", "ContactMobile", "ContactPhone"),
}
"""What our user may be kept from seeing, or the org not have; it is left out then."""

USUAL_OBJECTS = ("Contact", "Case")


@dataclass(frozen=True, slots=True)
class PollPlan:
    """What a connection is asked about, and how often."""

    connection: str
    every: timedelta
    fields: Mapping[str, tuple[str, ...]]  # by object
    marks: tuple[str, ...] = ()  # on cases


def looks_of(connection: str, options: Mapping[str, Any]) -> PollPlan | None:
    """The settings of ``gaps:`` ({every: 15 minutes, objects: […]}, or false), with the objects that rules name."""
    given = options.get("gaps", {})
    if given is False:
        return None
    tickets = (options.get("cases") or {}).get("object")
    leads = writes_everything(options)  # then they bear scores, and it matters what becomes of them
    usual = [*USUAL_OBJECTS, *(["Lead"] if leads else []), *([tickets] if tickets else [])]
    named = given.get("objects") or [*usual, *(options.get("events") or {})]
    every = timedelta(minutes=float(given.get("every_minutes", USUALLY.total_seconds() / 60)))
    fields = {kind: _fields(kind, options) for kind in dict.fromkeys(named)}
    return PollPlan(connection, every, fields, _marks(options))


def _fields(kind: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    own = salesforce_rules.fields_used(kind, options.get("events"))
    usual = FIELDS.get(kind, ("LastModifiedById", "LastModifiedDate"))
    return tuple(dict.fromkeys([*usual, *own]))


def _marks(options: Mapping[str, Any]) -> tuple[str, ...]:
    """What tells our own cases from others; an org that has no cases of ours need not have these fields."""
    cases = options.get("cases") or {}
    return str(cases.get("key") or salesforce_case.KEY), str(cases.get("tags") or salesforce_case.TAGS)


def poller(parts: JobParts) -> ChangePoller:
    """Of all Salesforce connections that want it."""
    plans = [plan for each in parts.connections if (plan := looks_of(each.name, each.options)) is not None]
    return ChangePoller(parts.database, plans, lambda name: parts.client(name).changes, parts.clock, parts.ring)


class ChangePoller:
    """One tick looks at every object that is due. ``changes`` gives a connection's client."""

    def __init__(
        self,
        database: Database,
        looks: Sequence[PollPlan],
        changes: Callable[[str], Any],
        clock: Clock,
        ring: Callable[[], None],
    ) -> None:
        self._database, self._looks, self._changes, self._clock, self._ring = database, looks, changes, clock, ring

    def tick(self) -> None:
        """Never raises: what went wrong is said, and looked at again when it is due again."""
        for looks in self._looks:
            for kind in looks.fields:
                try:
                    self._look(looks, kind)
                except IntegrationError as error:
                    log.warning("gaps of %s at %s cannot be looked for: %s", kind, looks.connection, error.reason)
                except Exception:
                    log.exception("gaps of %s at %s cannot be looked for", kind, looks.connection)

    def _look(self, looks: PollPlan, kind: str) -> None:
        name, now = f"gaps:{looks.connection}:{kind}", self._clock()
        start = self._database.transact(lambda tx: self._take(tx, looks, name, now))
        if start is None:
            return
        end = now - GRACE
        found, covered = self._ask(looks, kind, start, end)
        stored = self._database.transact(lambda tx: self._keep(tx, looks, kind, found, start, covered, name))
        if stored:
            log.info("%d records of %s at %s had changed without a message", stored, kind, looks.connection)
            self._ring()

    def _take(self, tx: Connection, looks: PollPlan, name: str, now: datetime) -> datetime | None:
        """From when to look, if it is due and nobody else does; the first look begins now, not with history."""
        state = connection_state.state(tx, looks.connection)
        is_held = state is not None and state.blocked_until is not None and state.blocked_until > now
        if is_held or (state is not None and state.status != connection_state.ACTIVE):
            return None
        first = written(now - GRACE)
        known = cursors.take(self._database, tx, name, now, lease=_LEASE, every=looks.every, first=first)
        if known is None:
            return None
        start = datetime.fromisoformat(known)
        if start < now - FARTHEST:
            log.warning("%s was last looked at %s; what changed before %s is not told", name, known, now - FARTHEST)
        start = max(start, now - FARTHEST)
        if start >= now - GRACE - timedelta(seconds=1):
            cursors.move(tx, name, known, now)
            return None
        return start

    def _ask(
        self, looks: PollPlan, kind: str, start: datetime, end: datetime
    ) -> tuple[Sequence[Mapping[str, Any]], datetime]:
        changes, fields = self._changes(looks.connection), looks.fields[kind]
        marks = (*(looks.marks if kind in salesforce_case.OBJECTS else ()), *OPTIONAL.get(kind, ()))
        updated, deleted = changes.updated(kind, start, end), changes.deleted(kind, start, end)
        found = list(changes.read(kind, updated.ids, fields, marks)) if updated.ids else []
        if deleted.ids:
            gone = ("IsDeleted", "SystemModstamp", *(name for name in fields if name.endswith("Id")))
            found += changes.read(kind, deleted.ids, gone, marks, deleted=True)
        return found, min(updated.covered, deleted.covered, end)

    def _keep(
        self, tx: Connection, looks: PollPlan, kind: str, found: Sequence[Mapping[str, Any]], start: datetime,
        covered: datetime, name: str,
    ) -> int:  # fmt: skip
        """Into the inbox, and the position on, together. → how many records were news."""
        news = _news(tx, looks.connection, kind, found)
        rows = [
            self._row(looks.connection, kind, news[at : at + _PAGE], start, covered, at)
            for at in range(0, len(news), _PAGE)
        ]
        if rows:
            insert_deliveries(self._database, tx, rows)
        cursors.move(tx, name, written(max(covered, start)), self._clock())
        return len(news)

    def _row(
        self, connection: str, kind: str, records: Sequence[Mapping[str, Any]], start: datetime, covered: datetime,
        at: int,
    ) -> dict[str, Any]:  # fmt: skip
        body = json.dumps({"object": kind, "records": list(records)}).encode()
        key = f"gaps:{kind}:{written(start)}:{written(covered)}:{at}"
        headers = {FOUND: written(start)}
        return delivery_row(Delivery(connection, key, self._clock(), "application/json", headers, body))


def _news(
    tx: Connection, connection: str, kind: str, found: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:  # fmt: skip
    """Without the states of people that a message told already, and without people that are gone and never were ours.
    Facts need no asking: they are known by their names."""
    system = {"Contact": connection, "Lead": f"{connection}/lead"}.get(kind)
    if system is None:
        return list(found)
    ids = [str(each["Id"]) for each in found]
    told, known = _told(tx, connection, f"{kind.lower()}.changed", ids), _known(tx, system, ids)
    return [each for each in found if _is_news(each, told, known)]


def _is_news(record: Mapping[str, Any], told: Mapping[str, datetime], known: frozenset[str]) -> bool:
    id_ = str(record["Id"])
    if record.get("IsDeleted"):
        return id_[:15] in known
    try:
        changed = moment(record.get("LastModifiedDate"))
    except ValueError:
        return True  # nobody knows how old it is, so nobody can say that it was told
    return id_ not in told or told[id_] < changed


def _told(tx: Connection, connection: str, type_: str, ids: Sequence[str]) -> dict[str, datetime]:
    """Up to when messages told each record's state."""
    c = events.c
    told: dict[str, datetime] = {}
    for part in _parts(ids):
        asked = select(c.subject, func.max(c.time)).where(c.type == type_, c.subject.in_(part))
        told |= {row[0]: row[1] for row in tx.execute(asked.where(c.connection == connection).group_by(c.subject))}
    return told


def _known(tx: Connection, system: str, ids: Sequence[str]) -> frozenset[str]:
    c = identities.c
    known: set[str] = set()
    for part in _parts([each[:15] for each in ids]):
        known |= set(tx.execute(select(c.value).where(c.system == system, c.value.in_(part))).scalars())
    return frozenset(known)


def _parts(ids: Sequence[str], size: int = 500) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]

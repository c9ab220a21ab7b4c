"""``score.write`` onto records that show the whole picture: of the answer, of the person, of the account.

So it is at a helpdesk always, and in a CRM where the connection says so (``write_back``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update

from connector.feedback.base.actions import Clients, Effect, Intent, NotPossibleError, Result
from connector.feedback.consent import consents
from connector.feedback.crm import people_cache, phone_lookup
from connector.feedback.crm.record_sync import RecordSync, SyncRequest, SyncResult
from connector.feedback.customers import review_queue
from connector.feedback.customers.identity import HOME, KNOW
from connector.feedback.responses import store as responses
from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.flow_control import api_usage
from connector.storage.schema import tables as t
from connector.storage.schema.tables import connections
from integrations import mailboxes
from integrations.errors import NotYet, Permanent
from integrations.protocols import CrmPerson, CrmRecords, Usage
from integrations.roles import Role

NEWER = "not written: a newer answer of this customer is on the record, or on its way to it"
_SERIAL = "records"
UNKNOWN = "not written: no record with this e-mail address"
_NONE_OF_THEM = "not written: somebody decided that none of the records with this e-mail address or number is theirs"
_WHOSE = select(t.responses.c.id, t.responses.c.customer_id).where(
    t.responses.c.id.in_(bindparam("ids", expanding=True))
)


def records_of(clients: Clients, connection: str) -> CrmRecords | None:
    """What the connection keeps; None: the newest score on contacts, and nothing else. Raises NotPossibleError."""
    kept: CrmRecords | None = (
        clients.crm(connection) if clients.has(connection, Role.CRM) else clients.helpdesk(connection)
    ).pictures
    return kept


def intent(connection: str, kept: CrmRecords, request: Mapping[str, Any], now: datetime, stage: int = 0) -> Intent:
    """All of a connection have one serial: one worker does them, many together."""
    due = _gathered(now, kept.gathers_for) if kept.gathers_for else None
    return Intent(connection, {**request, "whole": True}, serial=_SERIAL, due_at=due, stage=stage)


def is_whole(effect: Effect) -> bool:
    return effect.request.get("whole") is True


def _gathered(now: datetime, seconds: int) -> datetime:
    """The end of the current span, the same for all who come within it: they go out together."""
    begun = int(now.timestamp()) // seconds * seconds
    return datetime.fromtimestamp(begun + seconds, UTC)


class FullWriteback:
    """Performs what ``intent`` asked for."""

    def __init__(self, database: Database, clients: Clients, country: str = HOME) -> None:
        self._database, self._clients, self._country = database, clients, country

    def perform(self, connection: str, effects: Sequence[Effect], now: datetime) -> dict[str, Result]:
        """Result by effect. Those that do not fit into this go wait for the next."""
        crm = records_of(self._clients, connection)
        if crm is None:
            raise Permanent("the connection no longer keeps everything (write_back); retry the step to write the score")
        if crm.pace and not self._database.transact(lambda tx: _at_pace(tx, connection, crm.pace, now), lasting=False):
            raise NotYet("the vendor takes one such write a second", retry_after=crm.pace)
        todo = effects[: crm.portion(len(effects))]
        results: dict[str, Result] = {each.id: NotYet("others came first", retry_after=1.0) for each in effects}
        try:
            return results | self._bring(connection, crm, todo, now)
        finally:
            if (usage := crm.usage_seen()) is not None:
                self._database.transact(lambda tx: _note(tx, connection, usage, now), lasting=False)

    def _bring(self, connection: str, crm: CrmRecords, effects: Sequence[Effect], now: datetime) -> dict[str, Result]:
        records, results = self._records(connection, crm, effects, now)
        known = [effect for effect in effects if effect.id in records]
        desk = RecordSync(self._database, connection, crm, self._link, now)
        brought = desk.bring([SyncRequest(str(e.request["response"]), records[e.id]) for e in known])
        for effect, each in zip(known, brought, strict=True):
            results[effect.id] = each.error or _told(each)
        return results

    def _records(
        self, connection: str, crm: CrmRecords, effects: Sequence[Effect], now: datetime
    ) -> tuple[dict[str, str], dict[str, Result]]:
        """By effect: the record of its customer, or why there is none. An address is never guessed about."""
        records = {
            each.id: people_cache.short(str(each.request["record"])) for each in effects if each.request["record"]
        }
        unknown = [each for each in effects if each.id not in records]
        results: dict[str, Result] = {}
        same = self._by_email(connection, crm, {_email(each) for each in unknown} - {""}, now)
        for effect in unknown:
            found = self._one_record(connection, effect, same.get(_email(effect), []))
            if isinstance(found, str):
                records[effect.id] = people_cache.short(found)
            else:
                results[effect.id] = found
        found_now = [each for each in unknown if each.id in records]
        if found_now:
            people = [each for found in same.values() for each in found]
            self._database.transact(lambda tx: self._link_people(tx, connection, found_now, records, people, now))
        return records, results

    def _one_record(self, connection: str, effect: Effect, same: Sequence[CrmPerson]) -> str | Result:
        """The record of a customer whose address ``same`` have; else why nothing is written."""
        if len(same) > 1:
            return left_open(self._database, effect, [each.record for each in same])
        return same[0].record if same else self.by_number(connection, effect)

    def by_number(self, connection: str, effect: Effect) -> str | Result:
        """The record that has the customer's phone number, if it is theirs; else why nothing is written."""
        if "phone" not in effect.request:
            return {"done": False, "reason": UNKNOWN}
        verdict = phone_lookup.find(self._clients.crm(connection), effect.request, self._country)
        if verdict.same:
            return verdict.same
        if verdict.perhaps:
            return left_open(self._database, effect, verdict.perhaps, "may be this customer's by their phone number")
        return {"done": False, "reason": f"{UNKNOWN} or phone number"}

    def _by_email(
        self, connection: str, crm: CrmRecords, emails: set[str], now: datetime
    ) -> dict[str, list[CrmPerson]]:
        if not emails:
            return {}
        people = [people_cache.shortened(each) for each in crm.people_by_email(sorted(emails))]
        people_cache.keep(self._database, connection, people, now)
        same: dict[str, list[CrmPerson]] = {}
        for each in people:
            same.setdefault(mailboxes.normal(each.email), []).append(each)
        return same

    def _link_people(
        self, tx: Connection, connection: str, effects: Sequence[Effect], records: Mapping[str, str],
        people: Sequence[CrmPerson], now: datetime,
    ) -> None:  # fmt: skip
        """The record found by its address is the customer's from now on, and what it says they allow."""
        asked = {"ids": [str(effect.request["response"]) for effect in effects]}
        owner = {row.id: row.customer_id for row in tx.execute(_WHOSE, asked)}
        rows = [
            {"system": connection, "value": records[effect.id], "customer_id": customer}
            for effect in effects
            if (customer := owner.get(str(effect.request["response"])))
        ]
        bulk.execute(tx, KNOW, list({row["value"]: row for row in rows}.values()))
        consents.learn(tx, connection, people, now)

    def _link(self, connection: str, ticket_id: str) -> str:
        try:
            address: str = self._clients.helpdesk(connection).ticket_url(ticket_id)
        except NotPossibleError:  # a helpdesk that is no longer configured
            return ""
        return address


def _told(each: SyncResult) -> dict[str, Any]:
    """An older answer has a record of its own at most; on the person stands a newer one."""
    if each.is_shown:
        return {"record": each.record}
    return {"record": each.record, "newest": False} if each.has_own else {"done": False, "reason": NEWER}


def _note(tx: Connection, connection: str, usage: Usage, now: datetime) -> None:
    api_usage.note(tx, connection, usage.used, usage.total, now)


def _at_pace(tx: Connection, connection: str, pace: float, now: datetime) -> bool:
    """Whether a write of people may go out now; if so, it is counted."""
    c = connections.c
    rested = or_(c.wrote_at.is_(None), c.wrote_at <= now - timedelta(seconds=pace))
    return tx.execute(update(connections).where(c.name == connection, rested).values(wrote_at=now)).rowcount == 1


def _email(effect: Effect) -> str:
    return mailboxes.normal(str(effect.request["email"] or ""))


def left_open(
    database: Database, effect: Effect, records: Sequence[str], how: str = "share this customer's e-mail address"
) -> Result:
    """Several records may be the customer's: somebody chooses, and the next time it is known."""
    with database.read() as tx:
        given = responses.get(tx, str(effect.request["response"]))
        whose = given["customer_id"] if given else None
        if whose and review_queue.none_of(tx, effect.connection, whose, records):
            return {"done": False, "reason": _NONE_OF_THEM}
    review_queue.several(database, effect.connection, whose, records, effect.first_tried_at)
    count = "1 record" if len(records) == 1 else f"{len(records)} records"
    return Permanent(
        f"{count} {how}; none was written. Decide on the list of `ringback customers review`, merge them, or send the "
        "record's id with the answer.",
        code="ambiguous_match",
    )

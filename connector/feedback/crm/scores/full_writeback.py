"""Everything: what records say of the answer, of the person who gave it, and of their account.

So it is at a helpdesk always, and in a CRM where the connection says so (``write_back``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update

from connector.feedback.base.actions import (
    ActionContext,
    Clients,
    CompletionContext,
    Effect,
    Intent,
    NotPossibleError,
    Output,
    Result,
    Write,
)
from connector.feedback.consent import consents
from connector.feedback.crm import people_cache
from connector.feedback.crm.record_merges import found_by_address
from connector.feedback.crm.record_sync import RecordSync, SyncRequest, SyncResult
from connector.feedback.crm.scores import score_request
from connector.feedback.crm.scores.newest_score import NEWER
from connector.feedback.crm.scores.record_lookup import NOBODY, RecordLookup, Records
from connector.feedback.crm.scores.score_request import email_of, head, link
from connector.storage.engine.database import Database
from connector.storage.flow_control import api_usage
from connector.storage.schema import tables as t
from connector.storage.schema.tables import connections
from integrations.errors import Found, IntegrationError, NotYet
from integrations.protocols import CrmPerson, CrmRecords, Usage

_SERIAL = "records"
"""All of a connection have one serial: one worker does them, many together."""

_WHOSE = select(t.responses.c.id, t.responses.c.customer_id).where(
    t.responses.c.id.in_(bindparam("ids", expanding=True))
)

People = Mapping[str, Found[CrmPerson]]
"""By e-mail address."""


class FullWriteback:
    """A ``ScoreWriter``."""

    def __init__(
        self, database: Database, clients: Clients, connection: str, records: CrmRecords, lookup: RecordLookup
    ) -> None:
        self._database, self._clients, self._connection = database, clients, connection
        self._crm, self._lookup = records, lookup

    @property
    def batch(self) -> int:
        return self._crm.most

    def prepare(self, ask: ActionContext) -> Intent | Output:
        request = self._lookup.request(score_request.wanted(ask, or_newest=True))
        if not self._lookup.leads_somewhere(request):
            return Output({"done": False, "reason": NOBODY})
        if not self._crm.keeps(str(request["metric"])):
            raise NotPossibleError(_no_place(str(request["metric"])))
        if request["record"] or self._crm.finds_many:
            return self._whole(request, ask.now)
        return Intent(self._connection, request, reads_only=True)

    def _whole(
        self, request: Mapping[str, Any], now: datetime, stage: int = 0, writes: tuple[Write, ...] = ()
    ) -> Intent:
        due = _gathered(now, self._crm.gathers_for) if self._crm.gathers_for else None
        wanted = {**request, "whole": True}
        return Intent(self._connection, wanted, serial=_SERIAL, due_at=due, stage=stage, writes=writes)

    def perform(self, effects: Sequence[Effect], now: datetime) -> Mapping[str, Result]:
        whole = [effect for effect in effects if effect.request.get("whole") is True]
        brought = self._bring_in_turn(whole, now) if whole else {}
        return brought | self._look_up([effect for effect in effects if effect.id not in brought])

    # --- bringing the records up to date

    def _bring_in_turn(self, effects: Sequence[Effect], now: datetime) -> dict[str, Result]:
        """Those that do not fit into this go wait for the next."""
        pace = self._crm.pace
        if pace and not self._database.transact(lambda tx: self._at_pace(tx, pace, now), lasting=False):
            rests = NotYet("the vendor takes one such write a second", retry_after=pace)
            return {effect.id: rests for effect in effects}
        waiting: dict[str, Result] = {each.id: NotYet("others came first", retry_after=1.0) for each in effects}
        try:
            return waiting | self._bring(effects[: self._crm.portion(len(effects))], now)
        finally:
            if (usage := self._crm.usage_seen()) is not None:
                self._database.transact(lambda tx: _note(tx, self._connection, usage, now), lasting=False)

    def _at_pace(self, tx: Connection, pace: float, now: datetime) -> bool:
        """Whether a write of people may go out now; if so, it is counted."""
        c = connections.c
        rested = or_(c.wrote_at.is_(None), c.wrote_at <= now - timedelta(seconds=pace))
        counted = update(connections).where(c.name == self._connection, rested).values(wrote_at=now)
        return tx.execute(counted).rowcount == 1

    def _bring(self, effects: Sequence[Effect], now: datetime) -> dict[str, Result]:
        places = self._places(effects, now)
        results = {id_: each for id_, each in places.items() if not isinstance(each, str)}
        known = [effect for effect in effects if effect.id not in results]
        desk = RecordSync(self._database, self._connection, self._crm, self._link, now)
        brought = desk.bring([SyncRequest(str(e.request["response"]), str(places[e.id])) for e in known])
        return results | {e.id: each.error or _told(each) for e, each in zip(known, brought, strict=True)}

    def _places(self, effects: Sequence[Effect], now: datetime) -> dict[str, str | Result]:
        """By effect: the record of its customer, or why there is none."""
        places = self._named(effects)
        unknown = [effect for effect in effects if effect.id not in places]
        people = self._people(unknown)
        seen = list(chain.from_iterable(each for each in people.values() if not isinstance(each, IntegrationError)))
        people_cache.keep(self._database, self._connection, seen, now)
        places |= self._lookup.found(unknown, _records(people))
        owned = {str(e.request["response"]): place for e in unknown if isinstance(place := places[e.id], str)}
        if owned:
            self._database.transact(lambda tx: self._link_people(tx, owned, seen, now))
        return places

    def _named(self, effects: Sequence[Effect]) -> dict[str, str | Result]:
        """The records that the requests name."""
        return {e.id: self._crm.canonical_id(str(e.request["record"])) for e in effects if e.request["record"]}

    def _people(self, effects: Sequence[Effect]) -> People:
        emails = sorted({email_of(each) for each in effects} - {""})
        return self._crm.people_by_email(emails) if emails else {}

    def _link_people(
        self, tx: Connection, records: Mapping[str, str], people: Sequence[CrmPerson], now: datetime
    ) -> None:
        """The record found for an answer (``records``) is its customer's from now on, and so is what it says they
        allow."""
        asked = tx.execute(_WHOSE, {"ids": list(records)})
        theirs = {row.customer_id: records[row.id] for row in asked if row.customer_id}
        found_by_address(self._database, tx, self._connection, theirs, now)
        consents.learn(tx, self._connection, people, now)

    def _link(self, connection: str, ticket_id: str) -> str:
        try:
            return self._clients.helpdesk(connection).ticket_url(ticket_id)
        except NotPossibleError:  # a helpdesk that is no longer configured
            return ""

    # --- looking up, side by side with others

    def _look_up(self, effects: Sequence[Effect]) -> dict[str, Result]:
        """A record that an effect of other settings knows already waits for its turn, as one that is found."""
        known = self._named(effects)
        unknown = [effect for effect in effects if effect.id not in known]
        try:
            found = known | self._lookup.found(unknown, _records(self._people(unknown)))
        except IntegrationError as error:
            found = known | {effect.id: error for effect in unknown}
        return {id_: {"found": each} if isinstance(each, str) else each for id_, each in found.items()}

    # --- what became of it

    def finish(self, done: CompletionContext) -> Intent | Output:
        result, request = done.result, done.effect.request
        if "found" in result:
            record = str(result["found"])
            writes = () if request["record"] else link(done, record)
            return self._whole({**request, "record": record}, done.now, done.effect.stage + 1, writes)
        if result.get("done") is False:
            return Output(result)
        record = str(result["record"])
        return Output({"record": record}, (head(done, self._connection, request, record),))


def _gathered(now: datetime, seconds: int) -> datetime:
    """The end of the current span, the same for all who come within it: they go out together."""
    begun = int(now.timestamp()) // seconds * seconds
    return datetime.fromtimestamp(begun + seconds, UTC)


def _records(people: People) -> Records:
    return {
        email: found if isinstance(found, IntegrationError) else [each.record for each in found]
        for email, found in people.items()
    }


def _told(each: SyncResult) -> dict[str, Any]:
    """An older answer has a record of its own at most; on the person stands a newer one."""
    if each.is_shown:
        return {"record": each.record}
    return {"record": each.record, "newest": False} if each.has_own else {"done": False, "reason": NEWER}


def _note(tx: Connection, connection: str, usage: Usage, now: datetime) -> None:
    api_usage.note(tx, connection, usage.used, usage.total, now)


def _no_place(metric: str) -> str:
    return f"no fields for the metric {metric}; name them in the connection's fields, under {metric}:"

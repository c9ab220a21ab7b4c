"""``score.write``: the newest score of a customer onto their record, never an older one over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

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
from connector.feedback.crm import full_writeback, phone_lookup
from connector.feedback.crm.full_writeback import FullWriteback
from connector.feedback.customers import identity as customers
from connector.feedback.customers.identity import KNOW
from connector.feedback.responses import store as responses
from connector.storage.engine.bulk import Upsert
from connector.storage.engine.database import Database
from connector.storage.schema.tables import writebacks
from integrations.errors import IntegrationError, Permanent
from integrations.limits import USERS_UPDATE
from integrations.protocols import Score
from integrations.roles import Role

_NOBODY = "not written: neither a record, nor an e-mail address or phone number is known"


class WriteScore:
    """Writes go in batches; of several answers for one record only the newest is sent."""

    def __init__(self, database: Database, clients: Clients, country: str = customers.HOME) -> None:
        """``country`` is where phone numbers without + are from."""
        self._database, self._clients, self._country = database, clients, country
        self._whole = FullWriteback(database, clients, country)

    def batch(self, connection: str) -> int:
        """Salesforce takes 200 records a call. (Chat alerts go out on no configured connection.)"""
        try:
            kept = full_writeback.records_of(self._clients, connection)
        except NotPossibleError:
            return 1
        return 200 if kept is None else kept.most

    def prepare(self, ask: ActionContext) -> Intent | Output:
        connection = str(ask.params["connection"])
        in_crm, kept = self._clients.has(connection, Role.CRM), full_writeback.records_of(self._clients, connection)
        answer = _answer(ask, or_newest=kept is not None)
        customer = _who_gave(ask, answer.pop("customer"))
        record = (customer.get("ids") or {}).get(connection)
        request = answer | {"record": self._clients.ids.canonical(connection, record), "email": customer.get("email")}
        if not record and in_crm:
            request |= phone_lookup.wish(customer, self._country)
        if not record and not request["email"] and "phone" not in request:
            return Output({"done": False, "reason": _NOBODY})
        if kept is not None and not kept.keeps(str(answer["metric"])):
            raise NotPossibleError(_no_place(str(answer["metric"])))
        if kept is not None and (record or in_crm):
            return full_writeback.intent(connection, kept, request, ask.now)
        return _writing(ask, connection, request) if record else Intent(connection, request, reads_only=True)

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        """One result per effect: the record found or written on, why it was not written, or the error."""
        connection = effects[0].connection
        whole = [effect for effect in effects if full_writeback.is_whole(effect)]
        results = self._whole.perform(connection, whole, now) if whole else {}
        results |= self._only_scores(connection, [effect for effect in effects if effect.id not in results])
        return [results[effect.id] for effect in effects]

    def _only_scores(self, connection: str, effects: Sequence[Effect]) -> dict[str, Result]:
        older: Result = {"done": False, "reason": full_writeback.NEWER}
        known = [effect for effect in effects if effect.request["record"]]
        results = {effect.id: older for effect in known}
        # First: its lease must not end while others are looked up.
        results |= self._write(connection, self._newest(connection, known))
        return results | {effect.id: self._find(effect) for effect in effects if effect.id not in results}

    def _find(self, effect: Effect) -> Result:
        """The record of the customer's e-mail address, else of their phone number. Never guessed."""
        email = effect.request["email"]
        try:
            same = self._lookup(effect.connection)(email) if email else ()
            if len(same) > 1:
                return full_writeback.left_open(self._database, effect, [each.id for each in same])
            found = same[0].id if same else self._whole.by_number(effect.connection, effect)
        except IntegrationError as error:
            return error
        return {"found": found} if isinstance(found, str) else found

    def _lookup(self, connection: str) -> Any:
        if self._clients.has(connection, Role.CRM):
            return self._clients.crm(connection).find_contacts
        return self._clients.helpdesk(connection).find_users

    def _newest(self, connection: str, effects: Sequence[Effect]) -> list[Effect]:
        """Those whose answer is newer than what was written and than any other of the batch, per record."""
        best: dict[tuple[str, str], Effect] = {}
        for effect in effects:
            place = (str(effect.request["record"]), str(effect.request["metric"]))
            if place not in best or _age(effect.request) > _age(best[place].request):
                best[place] = effect
        with self._database.read() as tx:
            written = _written(tx, connection, {record for record, _ in best})
        return [effect for place, effect in best.items() if place not in written or _beats(effect, written[place])]

    def _write(self, connection: str, effects: Sequence[Effect]) -> dict[str, Result]:
        scores = [_score(effect) for effect in effects]
        try:
            outcomes = self._send(connection, scores) if scores else []
        except IntegrationError as error:
            return {effect.id: error for effect in effects}
        return {effect.id: outcome for effect, outcome in zip(effects, outcomes, strict=True)}

    def _send(self, connection: str, scores: Sequence[Score]) -> list[Result]:
        results = self._clients.crm(connection).write_scores(scores)
        return [_result(item.error, item.record) for item in results]

    def finish(self, done: CompletionContext) -> Intent | Output:
        result, request = done.result, done.effect.request
        if "found" in result:
            return self._found(done)
        if result.get("done") is False:
            return Output(result)
        writes = [_head(done, done.effect.connection, request, str(result["record"]))]
        if request.get("looked_up"):
            writes.append(_link(done, str(result["record"])))
        return Output({"record": result["record"]}, tuple(writes))

    def _found(self, done: CompletionContext) -> Intent | Output:
        """The writing is a call of its own, so that no two writes on one record are ever side by side."""
        connection = done.effect.connection
        record = str(self._clients.ids.canonical(connection, done.result["found"]))
        kept = full_writeback.records_of(self._clients, connection)
        if kept is not None:
            request = {**done.effect.request, "record": record}
            known = full_writeback.intent(connection, kept, request, done.now, stage=1)
            return replace(known, writes=(_link(done, record),))
        return _writing(done, connection, {**done.effect.request, "record": record, "looked_up": True}, stage=1)


def _writing(
    inside: ActionContext | CompletionContext, connection: str, request: Mapping[str, Any], stage: int = 0
) -> Intent:
    """From here on older answers stay away from the record: nobody can know when this one arrives there."""
    serial = f"score:{request['record']}:{request['metric']}"
    head = _head(inside, connection, request, str(request["record"]))
    return Intent(connection, request, serial=serial, stage=stage, writes=(head,), bucket=USERS_UPDATE)


def _answer(ask: ActionContext, *, or_newest: bool = False) -> dict[str, Any]:
    """The answer to write: the trigger's own, or the one the step names; ``or_newest``: else the customer's newest."""
    source: Mapping[str, Any] | None = ask.facts.event
    if named := ask.params.get("response"):
        source = responses.get(ask.tx, str(named))
    elif or_newest and ask.facts.event.get("score") is None:
        source = _newest_answer(ask)
    if not source or source.get("score") is None:
        raise NotPossibleError(
            f"response: {named!r} is no answer we know. Start the workflow from survey.answered, or give the "
            "step response: the id of an answer."
        )
    at = source.get("answered_at")
    fields = {name: source.get(name) for name in ("response", "metric", "score", "band", "comment")}
    fields |= {"response": fields["response"] or source.get("id"), "customer": source.get("customer_id")}
    return fields | {"answered_at": at.isoformat() if isinstance(at, datetime) else at or ask.now.isoformat()}


def _who_gave(ask: ActionContext, customer: str | None) -> Mapping[str, Any]:
    """The customer of a named answer, whoever the event is about: the ticket's requester may be a colleague."""
    about = ask.facts.customer
    if not customer or customer == about.get("id"):
        return about
    found = customers.load(ask.tx, [customer]).get(customer)
    return about if found is None else found.view()


def _newest_answer(ask: ActionContext) -> Mapping[str, Any] | None:
    customer = ask.facts.customer.get("id")
    found = responses.of_customers(ask.tx, [customer], most=1).get(customer, []) if customer else []
    return dict(found[0]._mapping) if found else None


def _age(request: Mapping[str, Any]) -> tuple[datetime, str]:
    return datetime.fromisoformat(request["answered_at"]), str(request["response"])


def _beats(effect: Effect, written: tuple[datetime, str]) -> bool:
    """The very answer that stands there may be written again: an earlier try of this effect put it there."""
    return _age(effect.request) >= written


def _written(tx: Connection, connection: str, records: set[str]) -> dict[tuple[str, str], tuple[datetime, str]]:
    rows = tx.execute(_WRITTEN, {"connection": connection, "records": list(records)})
    return {(row.record, row.metric): (row.answered_at, row.response_id) for row in rows}


def _score(effect: Effect) -> Score:
    request = effect.request
    return Score(
        record=str(request["record"]),
        metric=str(request["metric"]),
        score=int(request["score"]),
        band=str(request["band"]),
        answered_at=datetime.fromisoformat(request["answered_at"]),
        comment=str(request.get("comment") or ""),
    )


def _result(error: Exception | None, record: str) -> Result:
    if error is None:
        return {"record": record}
    return error if isinstance(error, IntegrationError) else Permanent(str(error))


def _no_place(metric: str) -> str:
    return f"no fields for the metric {metric}; name them in the connection's fields, under {metric}:"


def _head(inside: ActionContext | CompletionContext, connection: str, request: Mapping[str, Any], record: str) -> Write:
    """The newest answer that is on the record, or is about to be."""
    row = {
        "connection": connection,
        "record": record,
        "metric": request["metric"],
        "response_id": request["response"],
        "answered_at": datetime.fromisoformat(request["answered_at"]),
        "written_at": inside.now,
    }
    return Write(_HEAD, row)


_WRITTEN = select(writebacks).where(
    writebacks.c.connection == bindparam("connection"), writebacks.c.record.in_(bindparam("records", expanding=True))
)
_HEAD = Upsert(writebacks, keys=("connection", "record", "metric"), newest="answered_at")


def _link(done: CompletionContext, record: str) -> Write:
    """The record found by e-mail is the customer's from now on."""
    row = {"system": done.effect.connection, "value": record, "customer_id": done.facts.customer["id"], "gone_at": None}
    return Write(KNOW, row)

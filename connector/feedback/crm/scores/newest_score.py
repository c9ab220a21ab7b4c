"""The newest score of each metric on the customer's record, and nothing else.

Two steps where the record is not known: it is looked up, many customers together, and then written by a call of its
own, so that no two writes on one record are ever side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from connector.feedback.base.actions import ActionContext, CompletionContext, Effect, Intent, Output, Result
from connector.feedback.crm.scores import score_request
from connector.feedback.crm.scores.record_lookup import NOBODY, RecordLookup, Records
from connector.feedback.crm.scores.score_request import age_of, email_of, head, link
from connector.storage.engine.database import Database
from connector.storage.schema.tables import writebacks
from integrations.errors import Found, IntegrationError, Permanent
from integrations.limits import USERS_UPDATE
from integrations.protocols import Crm, Score, VendorUser
from workflows.sentences import say

NEWER = say("reason.newer_answer")
_WRITTEN = select(writebacks).where(
    writebacks.c.connection == bindparam("connection"), writebacks.c.record.in_(bindparam("records", expanding=True))
)


class NewestScore:
    """A ``ScoreWriter``. Writes go in batches; of several answers for one record only the newest is sent."""

    batch = 200  # what ``Crm.write_scores`` takes

    def __init__(self, database: Database, connection: str, crm: Crm, lookup: RecordLookup) -> None:
        self._database, self._connection, self._crm, self._lookup = database, connection, crm, lookup

    def prepare(self, ask: ActionContext) -> Intent | Output:
        request = self._lookup.request(score_request.wanted(ask))
        if not self._lookup.leads_somewhere(request):
            return Output({"done": False, "reason": NOBODY})
        if request["record"]:
            return self._writing(ask, request)
        return Intent(self._connection, request, reads_only=True)

    def _writing(
        self, inside: ActionContext | CompletionContext, request: Mapping[str, Any], stage: int = 0
    ) -> Intent:
        """From here on older answers stay away from the record: nobody can know when this one arrives there."""
        record = str(request["record"])
        claim = head(inside, self._connection, request, record)
        serial = f"score:{record}:{request['metric']}"
        return Intent(self._connection, request, serial=serial, stage=stage, writes=(claim,), bucket=USERS_UPDATE)

    def perform(self, effects: Sequence[Effect], now: datetime) -> Mapping[str, Result]:
        """What is to be written first: its lease must not end while others are looked up."""
        writes = [effect for effect in effects if _is_write(effect)]
        written = self._write(writes)
        return written | self._look_up([effect for effect in effects if effect.id not in written])

    # --- writing

    def _write(self, effects: Sequence[Effect]) -> dict[str, Result]:
        older: Result = {"done": False, "reason": NEWER}
        return {effect.id: older for effect in effects} | self._send(self._newest(effects))

    def _newest(self, effects: Sequence[Effect]) -> list[Effect]:
        """Those whose answer is newer than what was written and than any other of the batch, per record."""
        best: dict[tuple[str, str], Effect] = {}
        for effect in effects:
            place = (str(effect.request["record"]), str(effect.request["metric"]))
            if place not in best or age_of(effect.request) > age_of(best[place].request):
                best[place] = effect
        with self._database.read() as tx:
            written = self._written(tx, {record for record, _ in best})
        return [effect for place, effect in best.items() if place not in written or _beats(effect, written[place])]

    def _written(self, tx: Connection, records: set[str]) -> dict[tuple[str, str], tuple[datetime, str]]:
        rows = tx.execute(_WRITTEN, {"connection": self._connection, "records": list(records)})
        return {(row.record, row.metric): (row.answered_at, row.response_id) for row in rows}

    def _send(self, effects: Sequence[Effect]) -> dict[str, Result]:
        if not effects:
            return {}
        try:
            items = self._crm.write_scores([_score(effect) for effect in effects])
        except IntegrationError as error:
            return {effect.id: error for effect in effects}
        results = (_result(item.error, item.record) for item in items)
        return {effect.id: result for effect, result in zip(effects, results, strict=True)}

    # --- looking up

    def _look_up(self, effects: Sequence[Effect]) -> dict[str, Result]:
        """A record that an effect of other settings knows already is written by the next step, as one that is found."""
        known: dict[str, str | Result] = {e.id: str(e.request["record"]) for e in effects if e.request["record"]}
        unknown = [effect for effect in effects if effect.id not in known]
        try:
            found = known | self._lookup.found(unknown, self._by_email({email_of(each) for each in unknown} - {""}))
        except IntegrationError as error:
            found = known | {effect.id: error for effect in unknown}
        return {id_: {"found": each} if isinstance(each, str) else each for id_, each in found.items()}

    def _by_email(self, emails: set[str]) -> Records:
        asked = sorted(emails)
        found = self._crm.contacts_by_email(asked) if asked else []
        return {email: _records(each) for email, each in zip(asked, found, strict=True)}

    # --- what became of it

    def finish(self, done: CompletionContext) -> Intent | Output:
        result, request = done.result, done.effect.request
        if "found" in result:
            known = {name: value for name, value in request.items() if name != "whole"}
            wanted = {**known, "record": result["found"], "looked_up": not request["record"]}
            return self._writing(done, wanted, stage=done.effect.stage + 1)
        if result.get("done") is False:
            return Output(result)
        record = str(result["record"])
        writes = [head(done, self._connection, request, record)]
        if request.get("looked_up"):
            writes.extend(link(done, record))
        return Output({"record": result["record"]}, tuple(writes))


def _is_write(effect: Effect) -> bool:
    """One of everything (``whole``) claimed no turn at its record."""
    return bool(effect.request["record"]) and not effect.request.get("whole")


def _records(found: Found[VendorUser]) -> Sequence[str] | IntegrationError:
    return found if isinstance(found, IntegrationError) else [each.id for each in found]


def _beats(effect: Effect, written: tuple[datetime, str]) -> bool:
    """The very answer that stands there may be written again: an earlier try of this effect put it there."""
    return age_of(effect.request) >= written


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

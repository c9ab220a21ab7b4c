"""What a changed answer means to its callback: its reader is told, and no second ticket is opened for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select

from connector.feedback.base.actions import ActionContext, Clients, CompletionContext, Effect, Intent, Output, Result
from connector.feedback.base.event_hooks import IncomingEvent
from connector.feedback.callbacks.briefing_words import TicketWords
from connector.feedback.callbacks.state_machine import GONE
from connector.feedback.callbacks.update_ticket import attempt, change_once, note_intent, paged, serial_of
from connector.feedback.responses import store as responses
from connector.feedback.responses.store import CHANGED
from connector.storage.schema.tables import callbacks
from connector.storage.stores.inbox import OWN
from integrations.limits import TICKETS_UPDATE
from workflows.sentences import say

LOOK_AGAIN = timedelta(minutes=1)
"""How soon, when the ticket is still about to be opened."""

PATIENCE = timedelta(days=1)
"""A ticket that is not opened by then has troubles of its own, which its run tells."""

_OF_ANSWERS = (
    select(callbacks).where(callbacks.c.response_id.in_(bindparam("ids", expanding=True))).order_by(callbacks.c.id)
)
_BY_ID = select(callbacks).where(callbacks.c.id == bindparam("id"))
_SHOWN = ("id", "ticket_id", "status", "cycle", "tries", "outcome", "handed_over")


def with_callbacks(tx: Connection, batch: Sequence[IncomingEvent]) -> list[IncomingEvent]:
    """Give each change of an answer the newest callback that the answer led to, or that it is about: as
    ``event.callback``, None without one."""
    changes = [each for each in batch if each.type == CHANGED and each.event.connection == OWN]
    if not changes:
        return list(batch)
    found = _newest(tx, [str(id_) for each in changes for id_ in _answers_of(each.data)])
    shown = {each.id: _first(found, _answers_of(each.data)) for each in changes}
    return [replace(a, data={**a.data, "callback": shown[a.id]}) if a.id in shown else a for a in batch]


def _answers_of(data: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(id_ for id_ in (data.get("response"), data.get("about")) if id_)


def _newest(tx: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    return {row.response_id: _view(row) for row in tx.execute(_OF_ANSWERS, {"ids": list(ids)})}


def _first(found: Mapping[str, dict[str, Any]], ids: Iterable[Any]) -> dict[str, Any] | None:
    return next((found[id_] for id_ in ids if id_ in found), None)


def _view(row: Any) -> dict[str, Any]:
    ticket = f"{row.connection}:{row.ticket_id}" if row.ticket_id else None
    return {**{name: getattr(row, name) for name in _SHOWN}, "ticket": ticket}


def refusal(ask: ActionContext, connection: str) -> str:
    """Why no ticket is opened for this answer; "" when there is nothing against it. Once an answer was changed it has
    one ticket, whichever of its revisions asked first. Asked under a lock, until the transaction ends."""
    answer = _changed_answer(ask)
    if answer is None:
        return ""
    ask.database.lock(ask.tx, [f"callback-of:{answer['id']}"])
    rows = ask.tx.execute(_OF_ANSWERS, {"ids": [answer["id"]]}).all()
    others = [row for row in rows if row.connection == connection and row.run_id != ask.run_id]
    if not others:
        return ""
    where = f"{connection}:{others[-1].ticket_id}" if others[-1].ticket_id else "one that is being opened"
    return f"not opened: this answer was changed, and has its ticket already ({where})"


def said_since(ask: ActionContext, say: TicketWords) -> str:
    """What the customer has made of the answer since the event that asks for a call; "" when nothing."""
    answer = _changed_answer(ask)
    if answer is None or answer["revision"] == ask.facts.event.get("revision"):
        return ""
    told = say("Since then the customer has changed the answer to {score} ({band}): {words}")
    words = answer["comment"] or say("no comment")
    return told.format(score=answer["score"], band=say(answer["band"]), words=words)


def _changed_answer(ask: ActionContext) -> Mapping[str, Any] | None:
    """The stored answer of the event, if it is one that was ever changed. (Others' answers never are.)"""
    event = ask.facts.event
    if event.get("connection") != OWN or not event.get("response"):
        return None
    answer = responses.get(ask.tx, str(event["response"]))
    return answer if answer and answer["revision"] > 1 else None


class NoteCallback:
    """``callback.note``: an internal note on a callback's ticket. One that is still to be opened is waited for."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def batch(self, connection: str) -> int:
        return 1

    def prepare(self, ask: ActionContext) -> Intent | Output:
        row = ask.tx.execute(_BY_ID, {"id": str(ask.params["callback"])}).one_or_none()
        if row is None or row.status in GONE:
            return Output({"done": False, "reason": say("reason.no_ticket_any_more")})
        self._clients.helpdesk(row.connection)
        first, *more = self._clients.helpdesk(row.connection).pages(str(ask.params["body"]))
        request = {"callback": row.id, "comment": paged(first, 1, len(more) + 1), "pages": more,
                   "until": (ask.now + PATIENCE).isoformat()}  # fmt: skip
        return _note(row, request, 0) if row.ticket_id else _look_again(row.connection, request, 0, ask.now)

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        return [
            attempt(change_once, self._clients, effect, now) if effect.request["do"] == "note" else {}
            for effect in effects
        ]

    def finish(self, done: CompletionContext) -> Intent | Output:
        request = done.effect.request
        if request["do"] == "look":
            return self._looked(done)
        if "output" in request:
            return note_intent(done) or Output(request["output"])
        output = {"ticket": f"{done.effect.connection}:{request['ticket_id']}"}
        return note_intent(done, request["ticket_id"], request["pages"], output) or Output(output)

    def _looked(self, done: CompletionContext) -> Intent | Output:
        request, stage = done.effect.request, done.effect.stage + 1
        row = done.tx.execute(_BY_ID, {"id": request["callback"]}).one_or_none()
        if row is not None and row.ticket_id:
            return _note(row, request, stage)
        if row is None or done.now >= datetime.fromisoformat(request["until"]):
            return Output({"done": False, "reason": say("reason.never_opened")})
        return _look_again(done.effect.connection, request, stage, done.now)


def _note(row: Any, request: Mapping[str, Any], stage: int) -> Intent:
    changes = {"comment": request["comment"], "public": False}
    told = {"do": "note", "ticket_id": row.ticket_id, "changes": changes, "pages": list(request["pages"])}
    return Intent(row.connection, told, serial=serial_of(row.ticket_id), stage=stage, bucket=TICKETS_UPDATE)


def _look_again(connection: str, request: Mapping[str, Any], stage: int, now: datetime) -> Intent:
    told = {**request, "do": "look"}
    return Intent(connection, told, stage=stage, reads_only=True, due_at=now + LOOK_AGAIN, cost=0)

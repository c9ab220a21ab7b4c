"""Callbacks: whom to call, the most urgent first, and what came of a call. The helpdesk stays the truth."""

from __future__ import annotations

from datetime import datetime

from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, validate

from connector.feedback.agent import call_list
from connector.feedback.agent.call_list import GROUPS, TO_MAKE, CallbackLine, CallbackScope
from connector.feedback.base.actions import NotPossibleError
from connector.feedback.callbacks.state_machine import GONE
from connector.feedback.messaging.text import plain
from connector.feedback.surveys.model import MAX_COMMENT
from connector.ids import new_id
from connector.runtime.doorbell import INTAKE
from connector.runtime.operations.errors import InputError, RefusedError, UnknownError
from connector.web.admin import rendering
from connector.web.admin.customers import sentences
from connector.web.admin.customers.acting import agent_of
from connector.web.admin.forms import line, one_of
from connector.web.admin.lists import ROWS, CursorSchema, listing
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.rendering import labels
from connector.web.admin.words import later
from integrations.callback_fields import OUTCOMES, ROOT_CAUSES

_GROUPS = {
    TO_MAKE: later("still to be made"), "open": later("nobody has it yet"), "taken": later("somebody has it"),
    "contacted": later("in contact"), "waiting": later("waits for the second answer"), "closed": later("closed"),
    "gone": later("ticket merged, deleted or spam"),
}  # fmt: skip
_NEED_CAUSE = ("recovered", "partly", "not_recovered")
_NO_TEAM = "-"
"""The team of a filter that names those of no team."""


class CallbackListSchema(CursorSchema):
    """Which callbacks."""

    state = one_of((*GROUPS, "all"), load_default=TO_MAKE)
    team = line(100)
    overdue = one_of(("yes",))


class OutcomeSchema(Schema):
    """What came of a call. ``seen`` is the outcome that the page showed."""

    key = fields.String(
        required=True, validate=validate.Regexp(r"^[A-Za-z0-9]{8,64}\Z", error=later("Open the page anew."))
    )
    seen = line(60, load_default="")
    outcome = one_of(OUTCOMES, required=True, error_messages={"required": later("Choose what came of it.")})
    root_cause = one_of(ROOT_CAUSES, load_default="")
    note = line(MAX_COMMENT, load_default="")


def scope_of(visit: AdminVisit) -> CallbackScope:
    """Whose callbacks this viewer sees."""
    return CallbackScope(visit.viewer.reach.teams, visit.viewer.reach.brands)


def _list(visit: AdminVisit) -> ResponseReturnValue:
    given, scope, now, team = visit.given, scope_of(visit), visit.now, visit.given.get("team")
    state = given.get("state") or TO_MAKE
    with visit.services.database.read() as tx:
        found = call_list.listed(
            tx, scope, now, limit=ROWS + 1, before=given.get("before") or "", overdue=bool(given.get("overdue")),
            state="" if state == "all" else state, team="" if team == _NO_TEAM else team,
        )  # fmt: skip
        loads = call_list.load(tx, scope, now)
    every = [(name, visit.say(words)) for name, words in _GROUPS.items()]
    return rendering.page(
        visit, "admin/customers/callbacks.html", list=listing(found, lambda each: each.id), now=now, loads=loads,
        groups=[*every, ("all", visit.say("all"))], states=labels(visit.say, sentences.STATES),
        outcomes=labels(visit.say, sentences.OUTCOMES), shown_state=state,
        teams=[(each.team or _NO_TEAM, each.team or visit.say("of no team")) for each in loads],
    )  # fmt: skip


def _show(visit: AdminVisit) -> ResponseReturnValue:
    found, say = _found(visit), visit.say
    seen = visit.services.agents.callback(found.connection, found.ticket_id) if found.ticket_id else None
    return rendering.page(
        visit, "admin/customers/callback.html", callback=found, seen=seen, section="callbacks", now=visit.now,
        states=labels(say, sentences.STATES), outcomes=labels(say, sentences.OUTCOMES), key=new_id(),
        causes=labels(say, sentences.CAUSES), windows=labels(say, sentences.WINDOWS),
        ticket_url=_ticket_url(visit, found), story=_story(visit, found),
        possible=bool(found.ticket_id) and found.status not in GONE,
    )  # fmt: skip


def _conclude(visit: AdminVisit) -> ResponseReturnValue:
    found, given = _found(visit), visit.given
    if given["outcome"] in _NEED_CAUSE and not given["root_cause"]:
        trouble = visit.say("This outcome needs a cause.")
        raise InputError("root_cause", trouble, visit.say("Choose why it went wrong."))
    if not found.ticket_id or found.status in GONE:
        raise RefusedError(f"The ticket of this callback is {found.status if found.ticket_id else 'not opened yet'}.")
    agents = visit.services.agents
    known = agents.callback(found.connection, found.ticket_id)
    if known is not None and known.outcome != given["seen"]:
        raise RefusedError(f"Meanwhile {known.concluded_by or 'somebody'} said of it: {known.outcome or 'open again'}.")
    told = (given["key"], given["outcome"], given["root_cause"], plain(given["note"]))
    agents.conclude(found.connection, found.ticket_id, agent_of(visit), *told)
    visit.services.bell.ring(INTAKE)
    return rendering.back(visit, visit.say("It is kept, with your name."), "callback", callback_id=found.id)


def _found(visit: AdminVisit) -> CallbackLine:
    """The callback of the address. Raises UnknownError, also for one out of reach."""
    id_ = visit.path["callback_id"]
    with visit.services.database.read() as tx:
        found = call_list.one(tx, scope_of(visit), id_) if id_.isascii() and id_.isalnum() else None
    if found is None:
        raise UnknownError("callback", id_[:60], "")
    return found


def _story(visit: AdminVisit, found: CallbackLine) -> list[tuple[datetime, str]]:
    """What happened to it, in its order."""
    say = visit.say
    told = (
        (found.created_at, say("Asked for")), (found.taken_at, say("Taken by an agent")),
        (found.contacted_at, say("First contact")), (found.solved_at, say("Solved for the last time")),
        (found.closed_at, say("Closed: outcome and cause are known")),
    )  # fmt: skip
    return sorted([(at, words) for at, words in told if at is not None], key=lambda each: each[0])


def _ticket_url(visit: AdminVisit, found: CallbackLine) -> str:
    """Of the ticket; "" of one that is not opened yet, or whose connection is configured no more."""
    if not found.ticket_id:
        return ""
    try:
        return visit.services.connections.helpdesk(found.connection).ticket_url(found.ticket_id)
    except NotPossibleError:
        return ""


_ONE = "/callbacks/<callback_id>"

PAGES = (
    Page("GET", "/callbacks", "callbacks", "callbacks:read", _list, title=later("Callbacks"), group="people",
         icon="callbacks", takes=CallbackListSchema()),
    Page("GET", _ONE, "callback", "callbacks:read", _show),
    Page("POST", f"{_ONE}/outcome", "callback_outcome", "callbacks:write", _conclude, takes=OutcomeSchema(),
         back=_show),
)  # fmt: skip

"""For support agents, through the sidebar in their helpdesk: a requester's picture, and the clicks beside it.

The path names the helpdesk's connection and its number of the person or ticket: the sidebar knows no id of ours.
"""

from __future__ import annotations

from typing import Any

from connector.feedback.agent.sidebar import Agent, Requester
from connector.feedback.agent.timeline import CursorError
from connector.runtime.doorbell import INTAKE
from connector.runtime.operations.errors import InputError, UnknownError
from connector.web.api import schemas_agent as schemas
from connector.web.api.operation import Call, Operation
from workflows.errors import ScoreError

_LONGEST_NUMBER = 20
_NO_CALLBACK = "This ticket is no callback of ours."


def _picture(call: Call) -> Any:
    return call.parts.agents.picture(_requester(call), call.given["ticket_id"], call.given["limit"])


def _timeline(call: Call) -> Any:
    customer, given = call.path["customer_id"], call.given
    is_ours = customer.isascii() and customer.isalnum()
    try:
        found = call.parts.agents.timeline(customer, given["limit"], given.get("before")) if is_ours else None
    except CursorError:
        raise InputError("before", "is no place on the timeline.", "Give `next` of the page before.") from None
    if found is None:
        raise UnknownError("customer", customer[:60], "Two may have become one: ask for the picture again.")
    return found


def _callback(call: Call) -> Any:
    found = call.parts.agents.callback(_helpdesk(call), _number(call, "ticket_id", "ticket"))
    if found is None:
        raise UnknownError("callback", call.path["ticket_id"], _NO_CALLBACK)
    return found


def _send_survey(call: Call) -> Any:
    names, survey = call.parts.agents.survey_names(), call.given["survey"]
    if survey not in names:
        known = ", ".join(names) or "none"
        raise InputError("survey", "is none that can be sent by hand.", f"Name one of: {known}.")
    given = call.given
    told = call.parts.agents.send_survey(_requester(call), _agent(call), survey, given["ticket_id"], given["key"])
    call.parts.ring(INTAKE)
    return told


def _log_feedback(call: Call) -> Any:
    given, agents = call.given, call.parts.agents
    try:
        told = agents.log_feedback(_requester(call), _agent(call), given["ticket_id"], given["key"], given)
    except ScoreError as error:
        raise InputError("score", "does not fit the metric.", str(error)) from None
    call.parts.ring(INTAKE)
    return told


def _conclude(call: Call) -> Any:
    given, ticket = call.given, _number(call, "ticket_id", "ticket")
    told = (given["key"], given["outcome"], given["root_cause"], given["note"])
    done = call.parts.agents.conclude(_helpdesk(call), ticket, _agent(call), *told)
    if done is None:
        raise UnknownError("callback", ticket, _NO_CALLBACK)
    call.parts.ring(INTAKE)
    return done


def _became(call: Call) -> Any:
    found = call.parts.agents.became(call.path["key"][:64])
    if found is None:
        raise UnknownError("click", call.path["key"][:64], "It is the `key` that a click was sent with.")
    return found


def _requester(call: Call) -> Requester:
    told = {name: call.given[name] for name in ("email", "name", "locale") if call.given.get(name)}
    return Requester(_helpdesk(call), _number(call, "user_id", "user"), **told)


def _agent(call: Call) -> Agent:
    return Agent(**call.given["agent"], token=call.by)


def _helpdesk(call: Call) -> str:
    name = call.path["connection"]
    if name not in call.parts.helpdesks:
        known = ", ".join(call.parts.helpdesks) or "none"
        raise UnknownError("helpdesk", name[:60], f"Helpdesks in ringback.yaml are: {known}.")
    return name


def _number(call: Call, name: str, what: str) -> str:
    text = call.path[name]
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        raise UnknownError(what, text[:60], "Name it by its number in the helpdesk.")
    return text


_SCOPE, _USER, _TICKET = "agent", "/agent/<connection>/users/<user_id>", "/agent/<connection>/tickets/<ticket_id>"

OPERATIONS = (
    Operation("POST", f"{_USER}/picture", "lookUpPicture", "All that an agent sees beside a ticket, in one piece",
              _SCOPE, _picture, schemas.PictureSchema(), schemas.LookUpSchema(), can=(404,)),
    Operation("GET", "/agent/customers/<customer_id>/timeline", "getTimeline", "More of a customer's timeline", _SCOPE,
              _timeline, schemas.TimelineSchema(), schemas.TimelineQuerySchema(), can=(404,)),
    Operation("POST", f"{_USER}/surveys", "sendSurvey", "Send a survey now, unless the rules forbid it", _SCOPE,
              _send_survey, schemas.BecameSchema(), schemas.SendSurveySchema(), can=(404,)),
    Operation("POST", f"{_USER}/feedback", "logFeedback", "Log what a customer said in a conversation", _SCOPE,
              _log_feedback, schemas.BecameSchema(), schemas.LogFeedbackSchema(), can=(404,)),
    Operation("GET", f"{_TICKET}/callback", "getCallback", "The callback that a ticket is", _SCOPE, _callback,
              schemas.CallbackSchema(), can=(404,)),
    Operation("POST", f"{_TICKET}/outcome", "concludeCallback", "Say what came of a callback", _SCOPE, _conclude,
              schemas.BecameSchema(), schemas.ConcludeSchema(), can=(404,)),
    Operation("GET", "/agent/clicks/<key>", "getClick", "What became of a click", _SCOPE, _became,
              schemas.BecameSchema(), can=(404,)),
)  # fmt: skip

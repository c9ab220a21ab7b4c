"""What is done for a customer by hand: feedback logged, a survey sent, opted out and in. As the sidebar does it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, validate

from connector.feedback.agent.sidebar import Agent, Requester
from connector.feedback.consent import opt_outs
from connector.feedback.messaging.text import plain
from connector.feedback.surveys.model import MAX_COMMENT
from connector.feedback.surveys.overview.plan import NOT
from connector.runtime.doorbell import INTAKE
from connector.runtime.operations.errors import InputError, RefusedError
from connector.runtime.operations.validation import LONGEST_REASON
from connector.web.admin import rendering
from connector.web.admin.customers import customer, sentences
from connector.web.admin.forms import line, one_of
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.words import later
from workflows import scoring
from workflows.errors import ScoreError

_STAFF = "staff"
"""How we know what somebody decided: they told one of us."""


class _KeyedSchema(Schema):
    """What a form of the page brings, so that it does its work once however often it is sent."""

    key = fields.String(
        required=True, validate=validate.Regexp(r"^[A-Za-z0-9]{8,64}\Z", error=later("Open the page anew."))
    )


class NoteFeedbackSchema(_KeyedSchema):
    """What a customer said."""

    comment = line(MAX_COMMENT, required=True, error_messages={"required": later("Write down what they said.")})
    conversation = one_of(sentences.CONVERSATIONS, load_default="call")
    metric = one_of([metric.value for metric in scoring.Metric], load_default="nps")
    score = line(4)
    at = line(16)
    contact_consent = fields.Boolean(load_default=False)


class SurveyByHandSchema(_KeyedSchema):
    """Which survey."""

    survey = line(100, required=True, error_messages={"required": later("Choose a survey.")})


class OptOutSchema(Schema):
    """Why."""

    reason = line(LONGEST_REASON, required=True, error_messages={"required": later("Write why, in a few words.")})


def agent_of(visit: AdminVisit) -> Agent:
    """Whoever is signed in, as events name who clicked."""
    return Agent(visit.viewer.name, visit.viewer.email)


def _log(visit: AdminVisit) -> ResponseReturnValue:
    who, given = customer.customer_of(visit), visit.given
    told = {"comment": plain(given["comment"]), "conversation": given["conversation"], "metric": given["metric"],
            "contact_consent": given["contact_consent"], "score": _score(visit), "at": _moment(visit)}  # fmt: skip
    visit.services.agents.log_feedback(_about(who.id), agent_of(visit), "", given["key"], told)
    visit.services.bell.ring(INTAKE)
    return _back(visit, visit.say("It is logged. Workflows that wait for it begin at once."))


def _score(visit: AdminVisit) -> int | None:
    text = (visit.given.get("score") or "").strip()
    if not text:
        return None
    try:
        return scoring.check_score(visit.given["metric"], int(text))
    except (ValueError, ScoreError):
        scale = scoring.scale_of(visit.given["metric"])
        trouble = visit.say("This is no score of {metric}.", metric=scale.metric.value.upper())
        remedy = visit.say("Write a whole number from {lowest} to {highest}, or nothing.", lowest=scale.lowest,
                           highest=scale.highest)  # fmt: skip
        raise InputError("score", trouble, remedy) from None


def _moment(visit: AdminVisit) -> datetime | None:
    """When it was said, on the wall of the house; None: now."""
    text = (visit.given.get("at") or "").strip()
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(visit.services.config.calendar.timezone))
    except (ValueError, OverflowError):
        at = None
    if at is None or at > visit.now:
        trouble = visit.say("This is no moment that has been.")
        raise InputError("at", trouble, visit.say("Write it as 2026-11-30 14:00."))
    return at


def _send(visit: AdminVisit) -> ResponseReturnValue:
    who, survey, agents = customer.customer_of(visit), visit.given["survey"], visit.services.agents
    if survey not in agents.survey_names():
        trouble = visit.say("This survey cannot be sent by hand.")
        raise InputError("survey", trouble, visit.say("Choose one of the list."))
    planned = visit.services.planner.plan(who.id, survey) or []
    why_not = next((each.why for each in planned if each.verdict == NOT), "")
    if why_not:
        raise RefusedError(why_not)
    told = agents.send_survey(_about(who.id), agent_of(visit), survey, "", visit.given["key"])
    if told.state == "withheld":
        return _back(visit, visit.say("It is not sent. The timeline says why."), warning=True)
    visit.services.bell.ring(INTAKE)
    return _back(visit, visit.say("It is asked for. The timeline says what becomes of it."))


def _opt_out(visit: AdminVisit) -> ResponseReturnValue:
    who, database, note = customer.customer_of(visit), visit.services.database, visit.given["reason"].strip()
    by = {"by": visit.by, "note": note}
    done = database.transact(lambda tx: opt_outs.opt_out(
        database, tx, who.id, _STAFF, visit.now, text_version=opt_outs.TOLD_TO_US, **by))  # fmt: skip
    if not done:
        raise RefusedError("They had opted out already.")
    visit.services.bell.ring(INTAKE)
    return _back(visit, visit.say("No survey reaches them any more."))


def _opt_in(visit: AdminVisit) -> ResponseReturnValue:
    who, note = customer.customer_of(visit), visit.given["reason"].strip()
    database = visit.services.database
    if not database.transact(lambda tx: opt_outs.opt_in(tx, who.id, _STAFF, visit.now, by=visit.by, note=note)):
        raise RefusedError("They had not opted out, or have opted in again already.")
    return _back(visit, visit.say("Surveys may reach them again, by the rules."))


def _about(customer_id: str) -> Requester:
    return Requester("", "", customer=customer_id)


def _back(visit: AdminVisit, told: str, *, warning: bool = False) -> ResponseReturnValue:
    return rendering.back(visit, told, "customer", warning=warning, customer_id=visit.path["customer_id"])


_ONE, _WRITE, _show = "/customers/<customer_id>", "customers:write", customer.show

PAGES = (
    Page("POST", f"{_ONE}/feedback", "customer_feedback", _WRITE, _log, takes=NoteFeedbackSchema(), back=_show),
    Page("POST", f"{_ONE}/survey", "customer_survey", _WRITE, _send, takes=SurveyByHandSchema(), back=_show),
    Page("POST", f"{_ONE}/opt-out", "customer_opt_out", _WRITE, _opt_out, takes=OptOutSchema(), back=_show),
    Page("POST", f"{_ONE}/opt-in", "customer_opt_in", _WRITE, _opt_in, takes=OptOutSchema(), back=_show),
)

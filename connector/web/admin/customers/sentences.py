"""The words for what is kept as a code, such as states and bands, and what a moment of the timeline says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connector.feedback.agent.timeline import TimelineItem
from connector.web.admin.page import AdminVisit
from connector.web.admin.words import Speech, later

STATES: Mapping[str, str] = {
    "asked": later("being opened"), "not_opened": later("could not be opened"), "open": later("to be called"),
    "taken": later("somebody has it"), "contacted": later("in contact"), "solved": later("waits for the second answer"),
    "not_reached": later("not reached"), "recovered": later("won back"), "not_recovered": later("not won back"),
    "closed": later("closed"), "reopened": later("reopened"), "merged": later("merged"), "deleted": later("deleted"),
    "spam": later("marked as spam"),
}  # fmt: skip
"""Of a callback."""

OUTCOMES: Mapping[str, str] = {
    "recovered": later("Won back"), "partly": later("Partly won back"), "not_recovered": later("Not won back"),
    "not_reached": later("Not reached"), "not_needed": later("No call needed"),
}  # fmt: skip
CAUSES: Mapping[str, str] = {
    "product": later("Product"), "delivery": later("Delivery to the customer"), "waiting_time": later("Waiting time"),
    "communication": later("Communication"), "price_or_invoice": later("Price or invoice"),
    "staff": later("Our staff"), "website_or_app": later("Website or app"), "other": later("Something else"),
}  # fmt: skip
WINDOWS: Mapping[str, str] = {
    "morning": later("in the morning"), "afternoon": later("in the afternoon"), "evening": later("in the evening"),
}  # fmt: skip
"""When somebody prefers to be called."""

QUADRANTS: Mapping[str, str] = {
    "disloyalty": later("Disloyal: would neither come back nor recommend us"),
    "false loyalty": later("False loyalty: recommends us, but would not come back"),
    "trapped loyalty": later("Trapped: comes back, but would not recommend us"),
    "pure loyalty": later("Loyal: comes back and recommends us"),
}
BANDS: Mapping[str, str] = {
    "promoter": later("promoter"), "passive": later("passive"), "detractor": later("detractor"),
    "satisfied": later("satisfied"), "neutral": later("neutral"), "dissatisfied": later("dissatisfied"),
    "easy": later("easy"), "hard": later("hard"),
}  # fmt: skip
"""The metrics' own words for bands."""

CONVERSATIONS: Mapping[str, str] = {
    "call": later("a call"), "visit": later("a visit"), "mail": later("a mail"), "chat": later("a chat"),
    "other": later("elsewhere"),
}  # fmt: skip
PURPOSES: Mapping[str, str] = {
    "surveys": later("Surveys"), "contact": later("To be contacted about an answer"),
    "improvements": later("To hear what we improve"),
}  # fmt: skip
"""What somebody consents to."""

_SURVEY: Mapping[str, str] = {
    "prepared": later("Survey planned: {survey}"), "sent": later("Survey sent: {survey}"),
    "opened": later("Survey opened: {survey}"), "started": later("Survey begun: {survey}"),
    "answered": later("Survey answered: {survey}"), "withheld": later("Survey not sent: {survey}"),
    "expired": later("Survey not answered in time: {survey}"),
}  # fmt: skip
_RETURNED: Mapping[str, str] = {
    "hard": later("E-mail came back: the address is wrong"), "soft": later("E-mail came back"),
    "complaint": later("E-mail reported as spam"),
}  # fmt: skip
_EVENT: Mapping[str, str] = {
    "ticket.created": later("Ticket {ticket_id} opened"), "ticket.solved": later("Ticket {ticket_id} solved"),
    "ticket.reopened": later("Ticket {ticket_id} reopened"), "ticket.merged": later("Ticket {ticket_id} merged"),
    "ticket.deleted": later("Ticket {ticket_id} deleted"), "ticket.closed": later("Ticket {ticket_id} closed"),
    "ticket.first_contact": later("First contact on ticket {ticket_id}"),
    "case.closed": later("Case closed"), "opportunity.won": later("Bought something"),
    "customer.opted_out": later("Opted out of surveys"), "reward.granted": later("Got a reward"),
    "feedback.logged": later("Said in a conversation"), "callback.outcome": later("Callback: what came of it"),
    "csat.rated": later("Rated in the helpdesk"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ToldMoment:
    """A moment of the timeline as it is read: ``title`` in the page's language; ``words`` are the customer's or a
    colleague's, ``reason`` is what was kept of why, ``by`` is who of the staff wrote it down."""

    title: str
    words: str = ""
    reason: str = ""
    by: str = ""
    is_bad: bool = False


def told(visit: AdminVisit, item: TimelineItem) -> ToldMoment:
    """What a moment says to this viewer."""
    details: Mapping[str, Any] = item.details
    made = _TOLD[item.kind](visit.say, details) if item.kind in _TOLD else ToldMoment(item.kind)
    by = str(details.get("logged_by") or "")
    return ToldMoment(made.title, visit.shown(made.words), visit.shown(made.reason), by, made.is_bad)


def band(say: Speech, word: str) -> str:
    """Of what nobody has words for, the code."""
    return say(BANDS[word]) if word in BANDS else word


def _answer(say: Speech, d: Mapping[str, Any]) -> ToldMoment:
    values = {"metric": str(d["metric"]).upper(), "score": d["score"], "band": band(say, d["label"])}
    title = say("{metric} {score}, {band}: {survey}", survey=d["survey"], **values)
    return ToldMoment(title, d.get("comment") or "", is_bad=d["band"] == "detractor")


def _callback(say: Speech, d: Mapping[str, Any]) -> ToldMoment:
    state = say(STATES[d["status"]]) if d["status"] in STATES else d["status"]
    if d.get("ticket_id"):
        return ToldMoment(say("Callback, ticket {ticket}: {state}", ticket=d["ticket_id"], state=state))
    return ToldMoment(say("Callback: {state}", state=state), is_bad=d["status"] == "not_opened")


def _survey(say: Speech, d: Mapping[str, Any]) -> ToldMoment:
    words = _SURVEY.get(d["status"])
    title = say(words, survey=d["survey"]) if words else f"{d['survey']}: {d['status']}"
    return ToldMoment(title, reason=d.get("reason") or "")


def _withheld(say: Speech, d: Mapping[str, Any]) -> ToldMoment:
    return ToldMoment(say(_SURVEY["withheld"], survey=d["survey"]), reason=d.get("reason") or "")


def _message(say: Speech, d: Mapping[str, Any]) -> ToldMoment:
    return ToldMoment(say("A message was sent"), d.get("subject") or "")


def _returned(say: Speech, d: Mapping[str, Any]) -> ToldMoment:
    return ToldMoment(say(_RETURNED.get(d["returned"], _RETURNED["soft"])), reason=d.get("reason") or "", is_bad=True)


def _consent(say: Speech, d: Mapping[str, Any]) -> ToldMoment:
    if d["purpose"] == "surveys":
        words = say("Wants surveys again") if d["granted"] else say("Opted out of surveys")
    else:
        purpose = say(PURPOSES.get(d["purpose"], d["purpose"]))
        words = say("Agreed: {purpose}", purpose=purpose)
        words = words if d["granted"] else say("Refused: {purpose}", purpose=purpose)
    return ToldMoment(words, d.get("note") or "")


def _event(say: Speech, d: Mapping[str, Any]) -> ToldMoment:
    known = _EVENT.get(d["type"])
    title = say(known, ticket_id=d.get("ticket_id", "")) if known else d["type"].replace(".", " ").replace("_", " ")
    outcome, cause = OUTCOMES.get(d.get("outcome", "")), CAUSES.get(d.get("root_cause", ""))
    result = ", ".join(say(each) for each in (outcome, cause) if each)
    title = f"{title}: {result}" if result else title
    return ToldMoment(title, str(d.get("comment") or d.get("note") or d.get("subject") or ""))


_TOLD: Mapping[str, Callable[[Speech, Mapping[str, Any]], ToldMoment]] = {
    "answer": _answer, "callback": _callback, "survey": _survey, "withheld": _withheld, "message": _message,
    "returned": _returned, "consent": _consent, "event": _event,
}  # fmt: skip

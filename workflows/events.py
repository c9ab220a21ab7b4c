"""Events: past facts in the house's own words, whatever vendor told us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Person:
    """Who an event is about, as far as its source says.

    ``ids`` maps a system to the person's id there: a connection's name ("zendesk-nl"), or a kind
    ("zendesk", "salesforce") when the source does not say which account of that kind it means.
    """

    email: str | None = None
    name: str | None = None
    phone: str | None = None
    locale: str | None = None
    time_zone: str | None = None  # by its IANA name, where a helpdesk says it
    ids: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)  # whatever else the source tells of the person
    as_of: datetime | None = field(default=None, compare=False)  # when this was true (aware); None: at the event's time


@dataclass(frozen=True, slots=True)
class Event:
    """One past fact.

    ``id`` is unique per connection: the same id again is the same fact. ``time`` is when it happened (aware,
    UTC). ``data`` is what conditions and templates read as ``event.<field>``; the neutral fields of its type
    (see ``EVENT_TYPES``) plus everything else the source sent.
    """

    id: str
    type: str
    time: datetime
    connection: str
    data: Mapping[str, Any]
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class EventType:
    """A catalogue entry: what the type means and which neutral fields its data has."""

    name: str
    meaning: str
    fields: tuple[str, ...]
    subject: str | None = None  # the field that names what the event is about; waits are looked up by it


def _catalogue(*types: EventType) -> Mapping[str, EventType]:
    return {each.name: each for each in types}


_TICKET = (
    "ticket", "ticket_id", "status", "priority", "tags", "group", "agent", "subject", "external_id", "channel", "brand",
    "brand_name", "form", "form_name", "group_name", "is_public", "requester_is_staff", "callback",
)  # fmt: skip
_CALLBACK = ("ticket", "ticket_id", "callback")
_STANDING = ("status", "previous", "shown", "cycle", "tries", "handed_over", "response", "survey", "score", "outcome",
             "root_cause")  # fmt: skip
_ANSWER = ("response", "survey", "metric", "score", "band", "comment", "contact_consent", "contact_refused",
           "improvements", "answered_at", "context")  # fmt: skip
_SURVEY = ("invitation", "survey", "channel")
_CHANGE = ("previous", "revision")  # what counted before: {score, band, comment, contact_consent, bands}, or nothing

EVENT_TYPES: Mapping[str, EventType] = _catalogue(
    EventType("ticket.created", "a ticket was opened", _TICKET, "ticket"),
    EventType("ticket.assigned", "a ticket got an agent or a group", (*_TICKET, "by_person"), "ticket"),
    EventType("ticket.solved", "a ticket was solved", _TICKET, "ticket"),
    EventType("ticket.reopened", "a solved ticket was opened again", _TICKET, "ticket"),
    EventType("ticket.commented", "someone wrote on a ticket", (*_TICKET, "public", "comment", "by_staff"), "ticket"),
    EventType("ticket.merged", "a ticket was merged into another", (*_TICKET, "into"), "ticket"),
    EventType("ticket.deleted", "a ticket was deleted", _TICKET, "ticket"),
    EventType("ticket.spam", "a ticket was marked as spam, and its requester suspended", _TICKET, "ticket"),
    EventType("ticket.restored", "a deleted ticket was taken back", _TICKET, "ticket"),
    EventType("ticket.closed", "a solved ticket was closed for good", _TICKET, "ticket"),
    EventType("ticket.requester_changed", "a ticket was given to another requester", _TICKET, "ticket"),
    EventType("ticket.first_contact", "an agent wrote on a callback for the first time", _CALLBACK, "ticket"),
    EventType("callback.changed", "a callback's status changed", ("ticket", "ticket_id", *_STANDING), "ticket"),
    EventType("csat.rated", "a customer rated a ticket in the helpdesk", ("ticket", "rating", "comment"), "ticket"),
    EventType("case.closed", "a Salesforce case was closed", ("case", "record"), "case"),
    EventType("opportunity.won", "a Salesforce opportunity was won", ("opportunity", "record"), "opportunity"),
    EventType("order.delivered", "an order reached the customer", ("order", "record"), "order"),
    EventType("lead.changed", "a CRM lead was created or changed", ("lead", "record"), "lead"),
    EventType("lead.converted", "a CRM lead became a contact", ("lead", "contact", "record"), "lead"),
    EventType("contact.changed", "a CRM contact was created or changed", ("contact", "record"), "contact"),
    EventType("contact.merged", "a CRM contact or a helpdesk's user was merged into another", ("contact", "into"),
              "contact"),
    EventType("contact.deleted", "a CRM contact or a helpdesk's user was deleted", ("contact",), "contact"),
    EventType("callback.outcome", "an agent said what came of a callback",
              ("ticket", "ticket_id", "outcome", "root_cause", "note", "by"), "ticket"),
    EventType("survey.requested", "an agent asked for a survey to be sent", ("survey", "context", "by"), "customer"),
    EventType("score.due", "an earlier answer's score is to be written", ("response", "crm", "metric"),
              "response"),
    EventType("survey.sent", "an invitation left the house", (*_SURVEY, "reminders"), "invitation"),
    EventType("survey.reminded", "a reminder left the house", (*_SURVEY, "number"), "invitation"),
    EventType("survey.opened", "a person opened the survey page", _SURVEY, "invitation"),
    EventType("survey.started", "a person gave a first answer", _SURVEY, "invitation"),
    EventType("survey.score_given", "a person gave a score that does not count yet; once for each band",
              (*_SURVEY, "metric", "score", "band", "context"), "invitation"),
    EventType("survey.answered", "a person's answer counts", (*_ANSWER, *_CHANGE), "response"),
    EventType("survey.changed", "a person changed an answer that counts", (*_ANSWER, *_CHANGE, "callback"), "response"),
    EventType("survey.doubted", "an answer came that may not be a person's; it does not count", (*_SURVEY, "doubt"),
              "invitation"),
    EventType("survey.expired", "an invitation ran out unanswered", (*_SURVEY, "started", "context"), "invitation"),
    EventType("survey.bounced", "an invitation could not be delivered", (*_SURVEY, "reason"), "invitation"),
    EventType("customer.opted_out", "a person wants no more surveys", ("channel", "source"), "customer"),
    EventType("customer.anniversary", "a date of the customer came round", ("date", "on", "kind", "years"), "customer"),
    EventType("feedback.logged", "staff logged feedback from a conversation", _ANSWER, "response"),
    EventType("reward.granted", "a reward was given", ("campaign", "code"), "customer"),
)
"""Neutral types. A connection may name others (``parcel.lost``); they have no subject."""

_EVERY = ("type", "id", "time", "connection", "customer", "consent")
_OF_RECORDS = ("object", "record", "record_id", "detail", "change")
_OF_TICKETS = ("requester_id", "organization_id", "group_id", "assignee_id", "brand_id", "actor_id", "requester_role",
               "number", *_OF_RECORDS)  # fmt: skip
_OF_ANSWERS = ("response_id", "contact", "answers", "about", "brand", "variant", "scale", "further", "ticket",
               "ticket_id", "by", "invitation", "channel", *_OF_RECORDS)  # fmt: skip
_MORE: Mapping[str, tuple[str, ...]] = {
    "ticket": _OF_TICKETS, "csat": _OF_TICKETS, "callback": ("response", "shown", *_CALLBACK),
    "survey": ("context", *_OF_ANSWERS), "feedback": (*_OF_ANSWERS, *_CHANGE), "customer": ("source", "ticket"),
    "case": _OF_RECORDS, "opportunity": _OF_RECORDS, "order": _OF_RECORDS, "lead": _OF_RECORDS, "contact": _OF_RECORDS,
}  # fmt: skip
"""The first word of a type → what such events may have beside their neutral fields."""


def known_fields(type_: str) -> frozenset[str] | None:
    """Every field that an event of this type may have from us and from vendors; None for a type that a connection named
    itself. A sender who chooses its own body may tell others."""
    known = EVENT_TYPES.get(type_)
    return frozenset({*_EVERY, *known.fields, *_MORE.get(type_.split(".")[0], ())}) if known else None

"""What an agent reads before the call: a callback ticket's first, internal comment. Pure.

In the order of a call: the words, the person, the history, the approach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.config.customer_value import value_of
from connector.feedback.callbacks.briefing_words import TicketWords
from connector.feedback.consent.consents import DO_NOT_CALL
from connector.feedback.customers.phone_numbers import Dialled, dialled
from connector.feedback.customers.phone_origins import origin_of
from connector.feedback.messaging.text import plain

APPROACH = """\
How to call
- Call soon and under your own name; you are the one who makes it right.
- Let the customer tell the whole story first. Say back what you understood, and say sorry without "but".
- Agree on one thing you will do, and by when. Do it, then solve this ticket: fill in the outcome and the cause.
- Not reached? Say so in the outcome (or add the tag ringback_not_reached) before you solve it: you get another try, \
and the customer is not asked how it went."""

_WORDS = "In the customer's words"
_NOT_BY_PHONE = "so says the customer's record in the CRM; write instead"

_WHENEVER = "any"
"""What the surveys' contact question keeps of somebody who prefers no time."""

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Brief:
    """What is known for a call. ``earlier`` are stored answers, newest first; ``country`` is where phone numbers
    without + are from; ``about_url`` is the address of the ticket that the answer is about."""

    event: Facts
    customer: Facts
    earlier: Sequence[Any] = ()
    country: str = "NL"
    about_url: str = ""

    @property
    def phone(self) -> str | None:
        """The number to call, as it was given, else as the customer's record has it."""
        contact = self.event.get("contact") or {}
        given = contact.get("phone") or ("" if self.customer.get(DO_NOT_CALL) else self.customer.get("phone"))
        return plain(str(given)) or None if given else None

    @property
    def number(self) -> Dialled | None:
        """The number with its extension, if it is one."""
        return dialled(self.phone, origin_of(self.customer, self.country)) if self.phone else None

    @property
    def dialled(self) -> str | None:
        """The number in E.164, if it is one; its extension is for whoever dials it to read."""
        return self.number.e164 if self.number else None

    @property
    def reach(self) -> str:
        """The number on one line: in E.164 where it is one, else as it was given, marked so that nobody dials it."""
        return str(self.number) if self.number else f"“{self.phone}”" if self.phone else ""


def first_comment(brief: Brief, introduction: str = "", say: TicketWords = TicketWords()) -> str:  # noqa: B008 - frozen
    parts = [introduction, _answer(brief, say), _reach(brief, say), _history(brief.earlier, say), say(APPROACH)]
    return "\n\n".join(part for part in parts if part)


def subject(brief: Brief, say: TicketWords) -> str:
    """Of a ticket for which the workflow names none."""
    return say("Call back {name}").format(name=plain(str(brief.customer.get("name") or "")) or say("the customer"))


def _answer(brief: Brief, say: TicketWords) -> str:
    event = brief.event
    if event.get("score") is None:
        return ""
    lines = [f"{say('Score')}: {event['score']} ({event.get('metric', '')}, {say(str(event.get('band', '')))})"]
    if event.get("survey"):
        lines.append(f"{say('Survey')}: {event['survey']}")
    words = plain(str(event.get("comment") or "")) or say("(no comment given)")
    lines.append(f"{say(_WORDS)}: {words}")
    if event.get("contact_consent") is True:
        lines.append(say("The customer agreed to be called."))
    if about := (event.get("context") or {}).get("ticket_id"):
        lines.append(f"{say('About ticket')}: {about}{f' {brief.about_url}' if brief.about_url else ''}")
    return "\n".join(lines)


def _reach(brief: Brief, say: TicketWords) -> str:
    contact, customer, number = brief.event.get("contact") or {}, brief.customer, brief.number
    forbidden = customer.get(DO_NOT_CALL) and not contact.get("phone")
    known = {
        "Customer": customer.get("name"),
        "Phone": number,
        "Phone as given, which we cannot read as a number": None if number else brief.phone,
        "E-mail": contact.get("email") or customer.get("email"),
        "Prefers": _window(contact.get("window"), say),
        "Do not call": say(_NOT_BY_PHONE) if forbidden else None,
        "Customer value": value_of(customer, brief.event),
    }
    return "\n".join(f"{say(label)}: {plain(str(value))}" for label, value in known.items() if value)


def _window(chosen: Any, say: TicketWords) -> str:
    return say(str(chosen)) if chosen and chosen != _WHENEVER else ""


def _history(earlier: Sequence[Any], say: TicketWords) -> str:
    lines = [
        f"- {row.answered_at:%Y-%m-%d} {row.survey}: {row.score} ({say(row.band)}) {row.comment}" for row in earlier
    ]
    return "\n".join([say("Earlier answers"), *lines]) if lines else ""

"""What an agent reads before the call: a callback ticket's first, internal comment. Pure.

In the order of a call: the words, the person, the history, the approach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.config.customer_value import value_of
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

_NOT_BY_PHONE = "so says the customer's record in the CRM; write instead"

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


def first_comment(brief: Brief, introduction: str = "") -> str:
    parts = [introduction, _answer(brief), _reach(brief), _history(brief.earlier), APPROACH]
    return "\n\n".join(part for part in parts if part)


def _answer(brief: Brief) -> str:
    event = brief.event
    if event.get("score") is None:
        return ""
    lines = [f"Score: {event['score']} ({event.get('metric', '')}, {event.get('band', '')})"]
    if event.get("survey"):
        lines.append(f"Survey: {event['survey']}")
    lines.append(f"In the customer's words: {plain(str(event.get('comment') or '')) or '(no comment given)'}")
    if event.get("contact_consent") is True:
        lines.append("The customer agreed to be called.")
    if about := (event.get("context") or {}).get("ticket_id"):
        lines.append(f"About ticket: {about}{f' {brief.about_url}' if brief.about_url else ''}")
    return "\n".join(lines)


def _reach(brief: Brief) -> str:
    contact, customer, number = brief.event.get("contact") or {}, brief.customer, brief.number
    known = {
        "Customer": customer.get("name"),
        "Phone": number,
        "Phone as given, which we cannot read as a number": None if number else brief.phone,
        "E-mail": contact.get("email") or customer.get("email"),
        "Prefers": contact.get("window"),
        "Do not call": _NOT_BY_PHONE if customer.get(DO_NOT_CALL) and not contact.get("phone") else None,
        "Customer value": value_of(customer, brief.event),
    }
    return "\n".join(f"{label}: {plain(str(value))}" for label, value in known.items() if value)


def _history(earlier: Sequence[Any]) -> str:
    lines = [f"- {row.answered_at:%Y-%m-%d} {row.survey}: {row.score} ({row.band}) {row.comment}" for row in earlier]
    return "\n".join(["Earlier answers", *lines]) if lines else ""

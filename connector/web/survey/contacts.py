"""How we may already know to reach somebody: offered on the page to confirm with a tap, never told whole.

The page holds a number and an address only masked ("06 •• •• 78"): who finds the link learns nothing, and the person
knows them all the same. A confirmed one is filled in here, when the form comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import phonenumbers

from connector.feedback.customers.phone_numbers import dialled
from connector.feedback.customers.phone_origins import Origin
from connector.feedback.surveys.answers import AnswerError, check_answer
from connector.feedback.surveys.model import Question, QuestionType, Survey

PARTS = ("phone", "email")
CONFIRMED = "confirmed"
"""In what a form held: which of what we know was confirmed, by part."""

GIVEN, OURS = "given", "ours"
_DOTS = "•• ••"
_ANYBODY = Question(id="contact", type=QuestionType.CONTACT, text={})


@dataclass(frozen=True, slots=True)
class Known:
    """By part, the number (as an agent reads it) and the address that can be used.

    ``given``: as the person gave them on this page. ``ours``: as the house knew them before. What is shown is named
    when it comes back, as the other may have come in between.
    """

    given: Mapping[str, str]
    ours: Mapping[str, str]

    def masked(self, origin: Origin | str) -> dict[str, tuple[str, str]]:
        """What is offered of each part: which it is, and what may be shown of it; two empty texts for none."""
        return {part: self._masked(part, origin) for part in PARTS}

    def _masked(self, part: str, origin: Origin | str) -> tuple[str, str]:
        which = GIVEN if self.given.get(part) else OURS
        text = self.get(part, which)
        shown = masked_phone(text, origin) if part == "phone" else masked_email(text)
        return (which, shown) if shown else ("", "")

    def get(self, part: str, which: str) -> str:
        return {GIVEN: self.given, OURS: self.ours}.get(which, {}).get(part, "")


def known_of(survey: Survey, answers: Mapping[str, Any], customer: Mapping[str, Any], origin: Origin | str) -> Known:
    """What the person gave here, and what the house knew."""
    given = answers.get(_id_of(survey)) or {}
    return Known(given, {part: _usable(part, customer.get(part), origin) for part in PARTS})


def as_shown(survey: Survey, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The contact question's answer as a form holds it: what is kept is confirmed, not typed."""
    id_ = _id_of(survey)
    given = answers.get(id_)
    if not given:
        return {}
    return {id_: {"window": given.get("window", ""), CONFIRMED: {part: GIVEN for part in PARTS if given.get(part)}}}


def filled_in(held: Mapping[str, Any], known: Known) -> dict[str, str]:
    """What a form held, with what was confirmed in its place; what was typed replaces it."""
    confirmed = {part: known.get(part, which) for part, which in held[CONFIRMED].items()}
    return {**held, **{part: held[part].strip() or confirmed.get(part, "") for part in PARTS}}


def masked_phone(number: str, origin: Origin | str) -> str:
    """Its beginning and its last two digits, as it is dialled at home or from abroad; "" for none."""
    found = dialled(number, origin)
    if found is None:
        return ""
    parsed = phonenumbers.parse(found.e164)
    home = origin if isinstance(origin, str) else origin.home
    if phonenumbers.region_code_for_number(parsed) != home:
        return f"+{parsed.country_code} {_DOTS} {found.e164[-2:]}"
    national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    return f"{phonenumbers.normalize_digits_only(national)[:2]} {_DOTS} {found.e164[-2:]}"


def masked_email(address: str) -> str:
    """Its first letter and its domain; "" for none."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1] if len(local) > 1 else ''}•••@{domain}" if domain else ""


def _usable(part: str, value: Any, origin: Origin | str) -> str:
    """What the house has of it, if the page would take it; a record may hold "ask at the desk"."""
    try:
        found = check_answer(_ANYBODY, {part: str(value or "")}, origin)
    except AnswerError:
        return ""
    return str((found or {}).get(part, ""))


def _id_of(survey: Survey) -> str:
    return next((question.id for question in survey.questions if question.type is QuestionType.CONTACT), "")

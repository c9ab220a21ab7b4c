"""What the thank-you tells one person: what they said, and what will be done about it.

Only what stands is promised: a callback whose ticket is on its way, or one that a workflow in force opens as soon as
the answer counts. Without either, the page repeats what was asked for and promises nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time
from sqlalchemy import Connection

from connector.feedback.callbacks import store as callbacks
from connector.feedback.messaging.translations import Words
from connector.feedback.responses import store as responses
from connector.feedback.surveys.answering import reports
from connector.feedback.surveys.invitations import Invitation
from connector.feedback.surveys.model import (
    Purpose,
    QuestionType,
    Survey,
    comment_of,
    consent_of,
    contact_of,
)
from connector.runtime.runs.outlook import Outlook
from workflows import durations
from workflows.scoring import Band
from workflows.simulate import Asked, Happening

_QUARTER = timedelta(minutes=15)
_WEEK = timedelta(days=6)
"""Within it a weekday is enough to know the day by."""

_WHENEVER = "any"
"""The option of a contact question that prefers no time."""


@dataclass(frozen=True, slots=True)
class Backing:
    """A callback that is on its way: ``before`` when (aware; None: nobody said), who makes it ("": whoever is free)."""

    before: datetime | None = None
    caller: str = ""


@dataclass(frozen=True, slots=True)
class Promise:
    """How somebody who asked for it is reached. ``backing`` is what will; None: nothing does."""

    phone: str  # masked, as is the address
    email: str
    window: str  # in the page's language
    backing: Backing | None


@dataclass(frozen=True, slots=True)
class Answered:
    """Whose thank-you it is: their answer as it stands, who they are, and what is known to reach them by."""

    invitation: Invitation
    survey: Survey
    customer: Mapping[str, Any]
    masked: Mapping[str, tuple[str, str]]

    @property
    def score(self) -> int | None:
        return self.survey.score(self.invitation.answers)

    @property
    def band(self) -> str:
        return self.survey.band(self.invitation.answers)

    @property
    def comment(self) -> str:
        return comment_of(self.survey, self.invitation.answers)

    @property
    def is_glad(self) -> bool:
        return self.band == Band.PROMOTER

    @property
    def is_about_a_resolution(self) -> bool:
        """Whether it was asked whether an earlier answer was put right."""
        return self.invitation.about is not None


def promise_of(
    tx: Connection, answered: Answered, outlook: Outlook | None, language: str, now: datetime
) -> Promise | None:
    """What becomes of their wish to be contacted; None for who did not wish it, and once it was done."""
    invitation, survey = answered.invitation, answered.survey
    if not consent_of(survey, invitation.answers, Purpose.CONTACT) or callbacks.is_over(tx, invitation.id):
        return None
    phone, email = answered.masked["phone"][1], answered.masked["email"][1]
    window = _window(survey, invitation.answers, language)
    return Promise(phone, "" if phone else email, window, _backing(tx, answered, outlook, now))


def _window(survey: Survey, answers: Mapping[str, Any], language: str) -> str:
    chosen = contact_of(survey, answers).get("window", _WHENEVER)
    asked = next((each for each in survey.questions if each.type is QuestionType.CONTACT), None)
    options = asked.options if asked and chosen != _WHENEVER else ()
    return next((option.text[language] for option in options if option.value == chosen), "")


def _backing(tx: Connection, answered: Answered, outlook: Outlook | None, now: datetime) -> Backing | None:
    """The callback that is on its way.

    Other processes may take the answer further while this looks, so it looks in the order in which that happens: at
    what is not understood, at what is under way, and at last at what stands.
    """
    at = max(answered.invitation.settles_at or now, now)
    asked = _asked(tx, answered, outlook, at, now) if outlook else ()
    row = callbacks.open_of(tx, answered.invitation.customer_id)
    if row is not None:  # whoever took the ticket may be somebody else
        return Backing(row["due_at"], row["caller"] or "" if row["taken_at"] is None else "")
    opened = next((each for each in asked if each.action == "ticket.open"), None)
    if outlook is None or opened is None:
        return None
    due = opened.params.get("due")
    before = durations.parse(str(due)).after(at, outlook.calendar) if due else None
    return Backing(before, outlook.callers.get(str(opened.params.get("team")), ""))


def _asked(
    tx: Connection, answered: Answered, outlook: Outlook, at: datetime, now: datetime
) -> tuple[Asked, ...]:
    """What the answer will lead to, unless it was understood, and what is under way for this person."""
    invitation = answered.invitation
    led_to: tuple[Asked, ...] = ()
    if responses.get(tx, invitation.id) is None:
        data = {**reports.data(invitation, answered.survey, at), "customer": invitation.customer_id}
        led_to = outlook.asked(tx, Happening(at, "survey.answered", data, answered.customer))
    return (*led_to, *outlook.under_way(tx, invitation.customer_id, now))


def sentence_of(promise: Promise, say: Words, zone: str, now: datetime) -> str:
    """The promise in words, or what was asked for where there is none to make."""
    backing, before = promise.backing, ""
    if backing and backing.before:
        before = say("before {moment}").format(moment=moment_of(backing.before, say, zone, now))
    when = ", ".join(filter(None, (_lower(promise.window), before)))
    how = _left_to_right(promise.phone or promise.email)
    if backing is None:
        asked = ", ".join(filter(None, (how, when)))
        text = say("You asked us to contact you: {how}.") if asked else say("You asked us to contact you.")
        return text.format(how=asked)
    if promise.phone:
        text = say("We will call {phone}, {when}.") if when else say("We will call {phone}.")
    elif promise.email:
        text = say("We will write to {email}, {when}.") if when else say("We will write to {email}.")
    else:
        text = say("We will contact you, {when}.") if when else say("We will contact you.")
    who = say("{name} does it.").format(name=backing.caller) if backing.caller else ""
    return " ".join(filter(None, (text.format(phone=how, email=how, when=when), who)))


def moment_of(moment: datetime, say: Words, zone: str, now: datetime) -> str:
    """A weekday and a time on the person's clock, to the next quarter of an hour; the date, too, when it is far off."""
    up = moment + (datetime.min.replace(tzinfo=moment.tzinfo) - moment) % _QUARTER
    local = up.astimezone(ZoneInfo(zone))
    weekday, time = format_date(local, "EEEE", say.locale), format_time(local, "short", locale=say.locale)
    if up - now < _WEEK:
        return f"{weekday} {time}"
    return f"{weekday}, {format_skeleton('MMMMd', local, locale=say.locale)}, {time}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _left_to_right(text: str) -> str:
    """Digits and addresses run from the left, also within Arabic or Hebrew (Unicode's isolates)."""
    return f"\u2066{text}\u2069" if text else ""

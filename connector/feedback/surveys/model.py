"""A survey as frozen values, and its branching: which questions a person gets after what they answered.

``files`` reads these values from YAML and writes them back.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from connector.config.quiet_hours import QuietChange
from connector.feedback.surveys.audience import EVERYBODY, Audience, Reminder
from workflows.errors import ConditionError
from workflows.expressions import condition
from workflows.scoring import Scale, band

Text = Mapping[str, str]
"""One wording per language: {"en": "Thank you", "nl": "Dank u"}."""

Answers = Mapping[str, Any]
"""Question id → what was given: a score as int, a text, an option, a list of options, a bool, contact details."""

MAX_COMMENT = 5_000  # characters of any open answer

_log = logging.getLogger(__name__)


class QuestionType(StrEnum):
    """What is asked, and so what an answer looks like."""

    NPS = "nps"
    NLS = "nls"
    CSAT = "csat"
    CES = "ces"
    CHOICE = "choice"  # one option
    CHOICES = "choices"  # any number of options
    TEXT = "text"
    CONSENT = "consent"
    CONTACT = "contact"  # phone, e-mail, preferred time window


SCALES = frozenset({QuestionType.NPS, QuestionType.NLS, QuestionType.CSAT, QuestionType.CES})


class Purpose(StrEnum):
    """What a consent is given for."""

    CONTACT = "contact"  # may we contact you about your answers: decides about the callback
    IMPROVEMENTS = "improvements"  # may we tell you what was done with the feedback


@dataclass(frozen=True, slots=True)
class Option:
    """One possible answer; ``value`` is stored, ``text`` is shown. A contact question's options are time windows."""

    value: str
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. ``text_by_band`` replaces the text for a band ("What went wrong?" for a low score)."""

    id: str
    type: QuestionType
    text: Text
    text_by_band: Mapping[str, Text] = field(default_factory=dict)
    help: Text = field(default_factory=dict)
    required: bool = False
    condition: str | None = None  # CEL over answers, band and customer
    options: tuple[Option, ...] = ()
    purpose: Purpose | None = None
    scale: Scale | None = None

    def wording(self, band: str) -> Text:
        return self.text_by_band.get(band, self.text)


@dataclass(frozen=True, slots=True)
class Override:
    """Who answers for it that only some people get a link, and why. It stays in every stored version of the survey."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Link:
    """Where a thank-you page leads to: a review page, a referral, a reward. The same for all bands, but for an
    ``override``."""

    url: str
    text: Text
    override: Override | None = None


@dataclass(frozen=True, slots=True)
class Thanks:
    """The thank-you page of one band."""

    title: Text
    text: Text
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class MailTexts:
    """The invitation's wording: Liquid over customer, agent, product, ticket and context. ``preview`` stands beside the
    subject in a list of mails; {}: how the mail begins. ``second`` holds, by part, a wording that is tried beside the
    first (``mail_variants``)."""

    subject: Text
    greeting: Text
    intro: Text
    preview: Text = field(default_factory=dict)
    second: Mapping[str, Text] = field(default_factory=dict)

    def parts(self, variants: Mapping[str, str]) -> Mapping[str, Text]:
        """The wording of each part; those left out are not among them. ``variants``: which of two, {"subject": "b"}."""
        first = {"subject": self.subject, "greeting": self.greeting, "intro": self.intro, "preview": self.preview}
        second = {part: self.second[part] for part, letter in variants.items() if letter == "b"}
        return {part: text for part, text in (first | second).items() if text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A definition. The first question is the main one: its type is the survey's metric.

    ``languages``: the first is for people whose language is not among them. ``expires_days`` counts from the
    sending; ``fatigue_days`` is this survey's own quiet time, None for the house's; one that ``passes_fatigue`` is sent
    whenever its workflow says so, but never to who opted out. ``who`` chooses among those for whom a workflow asks;
    ``quiet_hours`` are this survey's own, None for the brand's and the house's. ``consent`` names the version of the
    consent wordings, kept with every consent. ``fallback`` is the language whose fixed words are used where one of the
    survey's languages has no catalogue. ``promise`` says what happens with an answer, ``improved`` what
    earlier answers have changed.
    """

    slug: str
    name: str
    metric: str
    languages: tuple[str, ...]
    questions: tuple[Question, ...]
    mail: MailTexts
    thanks: Mapping[str, Thanks]  # by band
    intro: Text
    promise: Text
    consent: str
    improved: Text = field(default_factory=dict)
    brand: str = ""
    fallback: str = ""
    expires_days: int = 30
    fatigue_days: int | None = None
    passes_fatigue: bool = False
    who: Audience = EVERYBODY
    reminders: tuple[Reminder, ...] = ()
    quiet_hours: QuietChange | None = None

    @property
    def main(self) -> Question:
        return self.questions[0]

    @property
    def scale(self) -> Scale:
        return scale_of(self.main)

    def question(self, id_: str) -> Question | None:
        return next((question for question in self.questions if question.id == id_), None)

    def language_for(self, wanted: str | None) -> str:
        """The survey's language that comes nearest: "nl" for "nl-BE", its first for one it has not."""
        code = (wanted or "").replace("_", "-").lower()
        near = (code, code.partition("-")[0])
        return next((each for name in near for each in self.languages if each.lower() == name), self.languages[0])

    def score(self, answers: Answers) -> int | None:
        return answers.get(self.main.id)

    def band(self, answers: Answers) -> str:
        """The band of the main answer; "" while it is not given."""
        score = self.score(answers)
        return "" if score is None else band(self.scale.metric, score, self.scale).value

    def asked(self, answers: Answers, customer: Mapping[str, Any]) -> tuple[Question, ...]:
        """The questions for this person so far. What has a condition waits for the main answer.

        A condition that cannot be decided (a customer fact nobody knows) leaves its question out: only what
        surely concerns a person is asked.
        """
        known = dict(answers)
        found: list[Question] = []
        for question in self.questions:
            if _applies(self, question, known, customer):
                found.append(question)
            else:
                known.pop(question.id, None)  # an answer to what is no longer asked decides nothing either
        return tuple(found)

    def relevant(self, answers: Answers, customer: Mapping[str, Any]) -> dict[str, Any]:
        """The answers to the questions that are asked: a score that was changed leaves stale ones behind."""
        return {q.id: answers[q.id] for q in self.asked(answers, customer) if answers.get(q.id) is not None}


def scale_of(question: Question) -> Scale:
    """The scale of a score question; reading a survey sees to it that every one has one."""
    if question.scale is None:
        raise ValueError(f'question "{question.id}" is of type {question.type} and has no scale')
    return question.scale


def condition_names(survey: Survey, answers: Answers, band: str, customer: Mapping[str, Any]) -> dict[str, Any]:
    """What conditions read: every question has an entry, so that ``answers.reason == "price"`` is decidable."""
    full = {question.id: answers.get(question.id, unanswered(question)) for question in survey.questions}
    return {"answers": full, "band": band, "customer": customer}


def unanswered(question: Question) -> Any:
    """What an answer that was not given reads as in a condition; a score has no such value but null."""
    empty: Mapping[QuestionType, Any] = {
        QuestionType.CHOICE: "", QuestionType.CHOICES: [], QuestionType.TEXT: "", QuestionType.CONSENT: False,
        QuestionType.CONTACT: {"phone": "", "email": "", "window": ""},
    }
    return empty.get(question.type)


def comment_of(survey: Survey, answers: Answers) -> str:
    """The comment: what was written under the survey's first open question."""
    first = next((question for question in survey.questions if question.type is QuestionType.TEXT), None)
    return str(answers.get(first.id, "")) if first else ""


def consent_of(survey: Survey, answers: Answers, purpose: Purpose) -> bool | None:
    """What was answered to the consent question of this purpose; None: not asked, or not answered."""
    asked = [q for q in survey.questions if q.type is QuestionType.CONSENT and q.purpose is purpose]
    given = [answers[question.id] for question in asked if question.id in answers]
    return given[0] if given else None


def contact_of(survey: Survey, answers: Answers) -> dict[str, str]:
    """Phone, e-mail and time window, as far as given."""
    asked: Sequence[Question] = [q for q in survey.questions if q.type is QuestionType.CONTACT]
    return next((dict(answers[question.id]) for question in asked if question.id in answers), {})


def points(scale: Scale) -> range:
    """Every score on the scale, lowest first."""
    return range(scale.lowest, scale.highest + 1)


def _applies(survey: Survey, question: Question, answers: Answers, customer: Mapping[str, Any]) -> bool:
    if question.condition is None:
        return True
    if not (banded := survey.band(answers)):
        return False
    try:
        return condition(question.condition).decide(condition_names(survey, answers, banded, customer)).value
    except ConditionError as error:
        _log.warning('survey "%s" left out question "%s": %s', survey.slug, question.id, error)
        return False

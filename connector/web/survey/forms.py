"""From the fields of a form to answers, and from what is wrong with them to a sentence for the person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from connector.feedback.customers.phone_origins import Origin
from connector.feedback.messaging.scale_labels import has_smileys, smiley_words
from connector.feedback.messaging.translations import Words
from connector.feedback.surveys.answers import AnswerError, check_answer
from connector.feedback.surveys.model import Purpose, Question, QuestionType, Survey
from connector.web.survey.contacts import CONFIRMED, PARTS, Known, filled_in, masked_email, masked_phone

Form = MultiDict[str, str]

_NUMBER = re.compile(r"[0-9]{1,9}")
_SHOWN = 80  # characters of an answer that is spoken of
_PAGE_LENGTH = 16  # characters of what tells one page from another


@dataclass(frozen=True, slots=True)
class Given:
    """What a form held: ``answers`` that can be kept, what was typed (``raw``), and an error per question; which
    ``page`` it was, and of which ``revision`` of the answers that page was made (None: it does not say)."""

    answers: Mapping[str, Any]
    raw: Mapping[str, Any]
    errors: Mapping[str, AnswerError]
    shown: frozenset[str]  # the questions that were on the page
    page: str = ""
    revision: int | None = None
    gone: bool = False  # it held an answer to a question that the survey does not have, or no more


def read_form(survey: Survey, form: Form, country: Origin | str, known: Known) -> Given:
    """Read the questions that were on the page; of others only whether there are any is looked at. ``country`` is where
    a phone number without + is from; ``known`` is what a person may have confirmed."""
    shown = frozenset(form.getlist("shown"))
    raw = {question.id: _raw(question, form) for question in survey.questions if question.id in shown}
    answers: dict[str, Any] = {}
    errors: dict[str, AnswerError] = {}
    for id_, question in _known(survey, raw):
        try:
            _expect_one_answer(question, form)
            given = filled_in(raw[id_], known) if question.type is QuestionType.CONTACT else raw[id_]
            answers[id_] = check_answer(question, given, country)
        except AnswerError as error:
            errors[id_] = error
    revision = form.get("revision", "")
    made_of = int(revision) if _NUMBER.fullmatch(revision) else None
    page, gone = form.get("page", "")[:_PAGE_LENGTH], any(_is_of_no_question(survey, name) for name in form)
    return Given(answers, raw, errors, shown, page, made_of, gone)


def _is_of_no_question(survey: Survey, field: str) -> bool:
    mark, _, rest = field.partition(".")
    return mark == "q" and survey.question(rest.partition(".")[0]) is None


def _known(survey: Survey, ids: Iterable[str]) -> list[tuple[str, Question]]:
    return [(id_, question) for id_ in ids if (question := survey.question(id_)) is not None]


def _expect_one_answer(question: Question, form: Form) -> None:
    """Raises AnswerError where a field came several times and says different things: nobody knows which is meant."""
    if question.type is QuestionType.CHOICES:
        return
    name = f"q.{question.id}"
    fields = (name, *(f"{name}.{part}" for part in (*PARTS, "window")))
    if any(len(set(form.getlist(field))) > 1 for field in fields):
        raise AnswerError(question.id, "twice")


def _raw(question: Question, form: Form) -> Any:
    name = f"q.{question.id}"
    if question.type is QuestionType.CHOICES:
        return form.getlist(name)
    if question.type is QuestionType.CONTACT:
        typed = {part: form.get(f"{name}.{part}", "") for part in (*PARTS, "window")}
        return typed | {CONFIRMED: {part: form.get(f"{name}.{part}.known", "") for part in PARTS}}
    if question.purpose is Purpose.IMPROVEMENTS:
        return form.get(name, "no")  # a box that is not ticked sends nothing
    return form.get(name, "")


def as_words(question: Question, value: Any, language: str, say: Words, origin: Origin | str = "NL") -> str:
    """An answer as the page may show it: a phone number (``origin`` is where it is from) and an address masked."""
    if value in (None, "", [], {}):
        return say("nothing")
    if question.type is QuestionType.CONSENT:
        return say("Yes, please") if value is True else say("No, thank you")
    if isinstance(value, Mapping):
        masked = (masked_phone(str(value.get("phone") or ""), origin), masked_email(str(value.get("email") or "")))
        return ", ".join(filter(None, (*masked, _option(question, str(value.get("window") or ""), language))))
    if isinstance(value, list):
        return ", ".join(_option(question, str(each), language) for each in value)
    if question.scale and has_smileys(question.scale):
        return say(smiley_words()[int(value) - 1])
    return _option(question, str(value), language)


def _option(question: Question, value: str, language: str) -> str:
    """The option's text; of what is none its beginning, so that a page of text is told from another."""
    text = next((option.text[language] for option in question.options if option.value == value), value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def sentence(error: AnswerError, question: Question, say: Words) -> str:
    """What is wrong and how to mend it, in the person's language."""
    text = question.type is QuestionType.TEXT
    words = {
        "missing": say("Please fill this in.") if text else say("Please choose an answer."),
        "score": say("Please choose a number from {lowest} to {highest}."),
        "twice": say("This was answered twice, and differently. Please answer it once more."),
        "choice": say("Please choose one of the answers shown."),
        "too_long": say.count(
            "Your text has {length} character, and {most} fit. Please shorten it.",
            "Your text has {length} characters, and {most} fit. Please shorten it.", error.numbers.get("length", 0),
        ),
        "phone": say("This is no phone number we can call. An example: 06 12345678 or +31 6 12345678."),
        "email": say("This is no e-mail address we can write to. An example: name@example.com."),
    }  # fmt: skip
    return words[error.code].format(**error.numbers)

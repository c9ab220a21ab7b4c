"""From the fields of a form to answers, and from what is wrong with them to a sentence for the person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from connector.feedback.customers.phone_origins import Origin
from connector.feedback.messaging.translations import Words
from connector.feedback.surveys.answers import AnswerError, check_answer
from connector.feedback.surveys.model import Purpose, Question, QuestionType, Survey
from connector.web.survey.contacts import CONFIRMED, PARTS, Known, filled_in

Form = MultiDict[str, str]


@dataclass(frozen=True, slots=True)
class Given:
    """What a form held: ``answers`` that can be kept, what was typed (``raw``), and an error per question."""

    answers: Mapping[str, Any]
    raw: Mapping[str, Any]
    errors: Mapping[str, AnswerError]
    shown: frozenset[str]  # the questions that were on the page


def read_form(survey: Survey, form: Form, country: Origin | str, known: Known) -> Given:
    """Read the questions that were on the page; fields of others are not looked at. ``country`` is where a phone number
    without + is from; ``known`` is what a person may have confirmed."""
    shown = frozenset(form.getlist("shown"))
    raw = {question.id: _raw(question, form) for question in survey.questions if question.id in shown}
    answers: dict[str, Any] = {}
    errors: dict[str, AnswerError] = {}
    for id_, question in _known(survey, raw):
        try:
            given = filled_in(raw[id_], known) if question.type is QuestionType.CONTACT else raw[id_]
            answers[id_] = check_answer(question, given, country)
        except AnswerError as error:
            errors[id_] = error
    return Given(answers, raw, errors, shown)


def _known(survey: Survey, ids: Iterable[str]) -> list[tuple[str, Question]]:
    return [(id_, question) for id_ in ids if (question := survey.question(id_)) is not None]


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


def sentence(error: AnswerError, question: Question, say: Words) -> str:
    """What is wrong and how to mend it, in the person's language."""
    text = question.type is QuestionType.TEXT
    words = {
        "missing": say("Please fill this in.") if text else say("Please choose an answer."),
        "score": say("Please choose a number from {lowest} to {highest}."),
        "choice": say("Please choose one of the answers shown."),
        "too_long": say.count(
            "Your text has {length} character, and {most} fit. Please shorten it.",
            "Your text has {length} characters, and {most} fit. Please shorten it.", error.numbers.get("length", 0),
        ),
        "phone": say("This is no phone number we can call. An example: 06 12345678 or +31 6 12345678."),
        "email": say("This is no e-mail address we can write to. An example: name@example.com."),
    }  # fmt: skip
    return words[error.code].format(**error.numbers)

"""One given answer: checked, and brought into the form it is stored in.

What a person typed is never trusted: it comes from a form that anybody can send.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connector.feedback.customers.phone_numbers import dialled
from connector.feedback.customers.phone_origins import Origin
from connector.feedback.messaging.text import plain
from connector.feedback.surveys.model import MAX_COMMENT, SCALES, Question, QuestionType, points, scale_of
from integrations.mailboxes import read
from workflows.whole import whole


class AnswerError(Exception):
    """An answer that cannot be taken. ``code`` names why; ``numbers`` are what the message needs to say so."""

    def __init__(self, question: str, code: str, **numbers: int) -> None:
        super().__init__(f"{question}: {code} {numbers or ''}".rstrip())
        self.question, self.code, self.numbers = question, code, numbers


def check_answer(question: Question, given: Any, country: Origin | str = "NL") -> Any:
    """The answer as it is stored, or None for "nothing given". Raises AnswerError.

    ``given`` is what a form holds: text, a list of texts for choices, a mapping of texts for contact details.
    ``country`` is where a phone number without + is from.
    """
    if given is None or given in ("", [], {}):
        return None
    if question.type is QuestionType.CONTACT:
        return _contact(question, given, country)
    return _CHECKS[question.type](question, given)


def check_complete(asked: tuple[Question, ...], answers: Mapping[str, Any]) -> None:
    """Raises AnswerError for the first question that must be answered and is not; the main one always must."""
    for index, question in enumerate(asked):
        if (index == 0 or question.required) and answers.get(question.id) is None:
            raise AnswerError(question.id, "missing")


def _score(question: Question, given: Any) -> int:
    scale = scale_of(question)
    number = whole(given)
    text = str(given if number is None else number)
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and int(text) in points(scale)):
        raise AnswerError(question.id, "score", lowest=scale.lowest, highest=scale.highest)
    return int(text)


def _text(question: Question, given: Any) -> str | None:
    text = plain(str(given))
    if len(text) > MAX_COMMENT:
        raise AnswerError(question.id, "too_long", length=len(text), most=MAX_COMMENT)
    return text or None


def _choice(question: Question, given: Any) -> str:
    if given not in [option.value for option in question.options]:
        raise AnswerError(question.id, "choice")
    return str(given)


def _choices(question: Question, given: Any) -> list[str]:
    values = [given] if isinstance(given, str) else list(given)
    return list(dict.fromkeys(_choice(question, value) for value in values))


def _consent(question: Question, given: Any) -> bool:
    if given not in ("yes", "no", True, False):
        raise AnswerError(question.id, "choice")
    return given in ("yes", True)


_CHECKS: Mapping[QuestionType, Callable[[Question, Any], Any]] = {
    **dict.fromkeys(SCALES, _score),
    QuestionType.TEXT: _text,
    QuestionType.CHOICE: _choice,
    QuestionType.CHOICES: _choices,
    QuestionType.CONSENT: _consent,
}


def _contact(question: Question, given: Any, country: Origin | str) -> dict[str, str] | None:
    if not isinstance(given, Mapping):
        raise AnswerError(question.id, "choice")
    window = given.get("window") or ""
    found = {
        "phone": _phone(question, plain(str(given.get("phone") or "")), country),
        "email": _email(question, plain(str(given.get("email") or ""))),
        "window": _choice(question, window) if window else "",
    }
    return {name: value for name, value in found.items() if value} or None


def _phone(question: Question, text: str, country: Origin | str) -> str:
    """The number in E.164, with its extension; one that could not be dialled is refused while the person is there."""
    if not text:
        return ""
    number = dialled(text, country)
    if number is None:
        raise AnswerError(question.id, "phone")
    return str(number)


def _email(question: Question, text: str) -> str:
    """As it was typed; one that no mail could be sent to is refused while the person is still there."""
    try:
        reachable = not text or "." in read(text).domain
    except ValueError:
        reachable = False
    if not reachable:
        raise AnswerError(question.id, "email")
    return text

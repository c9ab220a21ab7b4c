"""The survey as one person has filled it in so far, and what each score would lead to."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.feedback.messaging.scale_labels import has_smileys, smiley_words
from connector.feedback.messaging.translations import Say
from connector.feedback.surveys.model import Question, Survey, points, scale_of
from workflows.expressions import references


@dataclass(frozen=True, slots=True)
class Branch:
    """The questions below the first, as they follow from ``scores`` and from what else is known."""

    band: str
    asked: tuple[Question, ...]
    scores: tuple[int, ...] = ()

    @property
    def shape(self) -> str:
        """What the questions look like; the page replaces them only when this changes."""
        return ".".join([self.band, *(question.id for question in self.asked)])


@dataclass(frozen=True, slots=True)
class Sheet:
    """The survey as it is filled in so far.

    ``values`` holds what was given or typed, ``errors`` a sentence per question; ``chosen`` is a score that was clicked
    in the mail and not sent yet, ``before`` the one that holds so far. ``revision`` and ``page`` say what a form was
    made of, so that an older one overwrites nothing. ``known`` are the phone number and the e-mail address that we
    have: which, and masked.
    """

    survey: Survey
    branch: Branch
    values: Mapping[str, Any]
    errors: Mapping[str, str] = field(default_factory=dict)
    chosen: int | None = None
    branches: tuple[Branch, ...] = ()
    known: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    before: str = ""  # the main answer that holds so far, in words
    is_change: bool = False
    revision: int = 0
    page: str = field(default_factory=lambda: secrets.token_hex(4))

    def chosen_word(self, say: Say) -> str:
        """The clicked score as the mail showed it: a number, or what the smiley means."""
        if self.chosen is None:
            return ""
        smiley = has_smileys(scale_of(self.survey.main))
        return say(smiley_words()[self.chosen - 1]).lower() if smiley else str(self.chosen)


def branch_of(survey: Survey, answers: Mapping[str, Any], customer: Mapping[str, Any]) -> Branch:
    """What follows from the answers so far."""
    return Branch(survey.band(answers), survey.asked(answers, customer)[1:])


def branches_of(survey: Survey, answers: Mapping[str, Any], customer: Mapping[str, Any]) -> tuple[Branch, ...]:
    """What would follow from each score, all else left as it is: scores that lead to the same are one branch."""
    scores: dict[str, tuple[Branch, list[int]]] = {}
    for score, found in _each(survey, answers, customer):
        scores.setdefault(found.shape, (found, []))[1].append(score)
    return tuple(Branch(found.band, found.asked, tuple(of_it)) for found, of_it in scores.values())


def _each(survey: Survey, answers: Mapping[str, Any], customer: Mapping[str, Any]) -> Iterator[tuple[int, Branch]]:
    """Scores of one band lead to the same, unless a condition looks at the score itself."""
    known: dict[str, Branch] = {}
    by_score = _looks_at_the_score(survey)
    for score in points(survey.scale):
        given = {**answers, survey.main.id: score}
        name = str(score) if by_score else survey.band(given)
        if name not in known:
            known[name] = branch_of(survey, given, customer)
        yield score, known[name]


def _looks_at_the_score(survey: Survey) -> bool:
    score = ("answers", f"answers.{survey.main.id}")
    conditions = (question.condition for question in survey.questions if question.condition)
    return any(path in score or path.startswith(f"{score[1]}.") for text in conditions for path in references(text))

"""What our own pages tell the workflows: that somebody began, gave a score, answered, changed an answer.

Each is an inbox row, to be inserted in the transaction that caused it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from connector.feedback.surveys.invitations import Invitation
from connector.feedback.surveys.model import (
    Answers,
    Purpose,
    Question,
    Survey,
    comment_of,
    consent_of,
    contact_of,
    scale_of,
)
from connector.storage.stores.inbox import own_event
from workflows.scoring import Scale, band


def touched(before: Invitation, after: Invitation, survey: Survey, at: datetime) -> Iterator[dict[str, Any]]:
    """What a save tells at once. That somebody began, once; a score, once for each band: how often a person tries
    another number is nobody's business."""
    if before.started_at is None:
        yield own_event("survey.started", f"started-{after.id}", at, _about(after))
    banded = survey.band(after.answers)
    if banded and banded != survey.band(before.answers):
        yield own_event("survey.score_given", f"score-{after.id}-{banded}", at, _score(after, survey))


def answered(done: Invitation, survey: Survey, at: datetime) -> dict[str, Any]:
    """``survey.answered``: the answer counts."""
    fresh: dict[str, Any] = {"previous": None, "revision": 1}
    return own_event("survey.answered", done.id, at, {**data(done, survey, at), **fresh})


def changed(done: Invitation, survey: Survey, at: datetime, counted: Mapping[str, Any]) -> dict[str, Any]:
    """``survey.changed``: the same answer has other values than those that ``counted`` before."""
    revision = int(counted["times"]) + 1
    known = {"previous": previous(survey, counted), "revision": revision}
    return own_event("survey.changed", f"{done.id}-{revision}", at, {**data(done, survey, at), **known})


def previous(survey: Survey, counted: Mapping[str, Any]) -> dict[str, Any]:
    """What counted before, as conditions read it: ``event.previous``. ``bands`` are those of all revisions so far."""
    answers: Answers = counted["answers"]
    return {
        "score": survey.score(answers),
        "band": survey.band(answers),
        "comment": comment_of(survey, answers),
        "contact_consent": consent_of(survey, answers, Purpose.CONTACT) is True,
        "bands": list(counted["bands"]),
    }


def data(done: Invitation, survey: Survey, at: datetime) -> dict[str, Any]:
    """An answer in the form in which other survey platforms send it, too."""
    answers = done.answers
    consent = consent_of(survey, answers, Purpose.CONTACT)
    return {
        **_score(done, survey),
        "response_id": done.id,
        "comment": comment_of(survey, answers),
        "contact_consent": consent is True,
        "contact_refused": consent is False,
        "improvements": consent_of(survey, answers, Purpose.IMPROVEMENTS) is True,
        "contact": contact_of(survey, answers) if consent else {},
        "answered_at": at.isoformat(),
        "answers": dict(answers),
        "about": done.about,
        "brand": survey.brand,
    }


def _about(invitation: Invitation) -> dict[str, Any]:
    return {
        "invitation": invitation.id,
        "survey": invitation.survey,
        "channel": invitation.channel,
        "customer": {"id": invitation.customer_id},
        "context": dict(invitation.context),
    }


def _score(invitation: Invitation, survey: Survey) -> dict[str, Any]:
    answers = invitation.answers
    return {
        **_about(invitation),
        "metric": survey.metric,
        "variant": survey.scale.name,
        "scale": survey.scale.name,
        "score": survey.score(answers),
        "band": survey.band(answers),
        **_further(survey, answers),
    }


def _further(survey: Survey, answers: Answers) -> dict[str, Any]:
    """The scores of other questions than the main one, if the survey has any: they count in their own metrics."""
    asked = [question for question in survey.questions[1:] if question.scale and answers.get(question.id) is not None]
    scores = [_of(question, scale_of(question), answers[question.id]) for question in asked]
    return {"further": scores} if scores else {}


def _of(question: Question, scale: Scale, score: int) -> dict[str, Any]:
    metric, banded = scale.metric.value, band(scale.metric, score, scale).value
    return {"question": question.id, "metric": metric, "scale": scale.name, "score": score, "band": banded}

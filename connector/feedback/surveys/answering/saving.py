"""What a person gives is kept at once, as given; *Send* says that it is all.

Every save that changes something is a revision of the invitation, and each question remembers in which one, and on
which page, it was changed last. A page carries the revision it was shown: what it holds of questions that another page
has changed since is stale, and overwrites nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from connector.feedback.surveys.answering import reports
from connector.feedback.surveys.answering.settling import Settling
from connector.feedback.surveys.answers import check_complete
from connector.feedback.surveys.invitations import Invitation, customer_view
from connector.feedback.surveys.model import Survey
from connector.storage.engine import bulk
from connector.storage.schema.tables import invitations
from connector.storage.stores.inbox import insert_deliveries

_NEW = ("answers", "changes", "revision", "seen_language", "started_at", "touched_at", "answered_at", "settles_at",
        "status")  # fmt: skip
_SAVED = bulk.Update(invitations, where=("id",), new=_NEW)


@dataclass(frozen=True, slots=True)
class Touch:
    """One visit to the page that gives something: when, in which language it was shown, on which page, and what
    revision of the answers that page was made of (None: the page does not say, and is taken for up to date)."""

    at: datetime
    language: str = ""
    page: str = ""
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """What is stored now. ``stale`` holds by question what an older page gave and was not taken, as another had given
    something else since. ``told``: events were stored, so the intake has work."""

    invitation: Invitation
    stale: Mapping[str, Any] = field(default_factory=dict)
    told: bool = False


def save(
    settling: Settling, tx: Connection, found: Invitation, survey: Survey, given: Mapping[str, Any], touch: Touch
) -> Saved:
    """Keep answers as given so far; None takes one back. The same again changes nothing.

    ``found`` is locked in this transaction (``invitations.find``).
    """
    stale = {question: value for question, value in given.items() if _is_stale(found, question, value, touch)}
    fresh = {question: value for question, value in given.items() if question not in stale}
    answers = {question: value for question, value in {**found.answers, **fresh}.items() if value is not None}
    shown = {question: value for question, value in stale.items() if value is not None}
    if answers == found.answers:
        return Saved(found, shown)
    kept = _kept(settling, found, survey, answers, touch)
    bulk.execute(tx, _SAVED, [_row(kept)])
    events = list(reports.touched(found, kept, survey, touch.at))
    told = bool(events) and settling.is_person(tx, found.id) and any(insert_deliveries(settling.database, tx, events))
    return _at_once(settling, tx, Saved(kept, shown, told), touch)


def send(settling: Settling, tx: Connection, found: Invitation, survey: Survey, touch: Touch) -> Saved:
    """The person says that it is all. Raises AnswerError when an answer that must be given is missing."""
    check_complete(survey.asked(found.answers, customer_view(tx, found.customer_id)), found.answers)
    if found.answered_at and not found.settles_at:
        return Saved(found)  # it counts already, as it stands
    settles_at = touch.at + settling.windows.settle_after_send
    sent = replace(
        found,
        status="answered",
        answered_at=found.answered_at or touch.at,
        started_at=found.started_at or touch.at,
        settles_at=min(settles_at, found.settles_at or settles_at),
        seen_language=touch.language or found.seen_language,
    )
    bulk.execute(tx, _SAVED, [_row(sent)])
    return _at_once(settling, tx, Saved(sent), touch)


def _is_stale(found: Invitation, question: str, value: Any, touch: Touch) -> bool:
    """Whether another page has changed the question since this page was made. A page is never older than what it gave
    itself: its own last save may have been answered after it gave something else."""
    revision, page = found.changes.get(question) or (0, "")
    overtaken = touch.revision is not None and revision > touch.revision and page != touch.page
    return overtaken and value != found.answers.get(question)


def _kept(
    settling: Settling, found: Invitation, survey: Survey, answers: Mapping[str, Any], touch: Touch
) -> Invitation:
    revision = found.revision + 1
    moved = [each for each in {**found.answers, **answers} if answers.get(each) != found.answers.get(each)]
    counts = survey.score(answers) is not None
    return replace(
        found,
        answers=answers,
        changes={**found.changes, **{each: [revision, touch.page] for each in moved}},
        revision=revision,
        seen_language=touch.language or found.seen_language,
        started_at=found.started_at or touch.at,
        touched_at=touch.at,
        settles_at=touch.at + settling.windows.settle_after_touch if counts else None,
        status=found.status if found.answered_at else "started",
    )


def _at_once(settling: Settling, tx: Connection, saved: Saved, touch: Touch) -> Saved:
    """Without a window the answer counts in the transaction that keeps it."""
    kept = saved.invitation
    if kept.settles_at is None or kept.settles_at > touch.at:
        return saved
    settling.settle(tx, [kept], touch.at)
    return replace(saved, told=True)


def _row(kept: Invitation) -> dict[str, Any]:
    return {name: getattr(kept, name) for name in ("id", *_NEW)}

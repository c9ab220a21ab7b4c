"""Answers whose window is over: reported once, as they stand, with every consent as last given.

The person pressed *Send* a little while ago, or left without it and has not come back. Any number of processes may
settle at once: a row is claimed by its lock, and what it reports is committed with the mark that it was.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select

from connector.clock import Clock
from connector.config.answers import SettlingWindows
from connector.feedback.consent import opt_outs
from connector.feedback.customers import identity as customers
from connector.feedback.surveys.answering import consents_given, reports
from connector.feedback.surveys.invitations import COLUMNS, Invitation
from connector.feedback.surveys.model import Survey
from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.schema.tables import invitations
from connector.storage.stores.inbox import insert_deliveries

log = logging.getLogger(__name__)

FindSurvey = Callable[[str, str], Survey]
"""(slug, id of the stored definition) → the survey as it was when the invitation was sent."""

MayCount = Callable[[Connection, Sequence[Invitation], datetime], Collection[str]]
"""(transaction, invitations about to count, now) → the ids of those that may.

Asked at the moment when they settle, and so with all that is known by then. The others wait no more, and count when
their ``settles_at`` is set again; what else becomes of them is done by who says no.
"""

_EARLIEST = select(*COLUMNS).order_by(invitations.c.settles_at).limit(bindparam("most"))
_DUE = _EARLIEST.where(invitations.c.settles_at <= bindparam("now"))
_TOO_FAR = _EARLIEST.where(invitations.c.settles_at > bindparam("furthest"))
_CLAIMS = tuple(each.with_for_update(skip_locked=True) for each in (_DUE, _TOO_FAR))
_LOOKS = tuple(each.with_only_columns(invitations.c.id) for each in (_DUE, _TOO_FAR))
_SKEW = timedelta(minutes=5)
"""The clocks of two machines may be so far apart without one of them having been set back."""

_SETTLED = bulk.Update(
    invitations, where=("id",), new=("status", "started_at", "answered_at", "answers", "settles_at", "counted")
)

_WAITS_NO_MORE = bulk.Update(invitations, where=("id",), new=("settles_at",))


def every_one(_tx: Connection, found: Sequence[Invitation], _now: datetime) -> Collection[str]:
    """Whoever answered may count."""
    return {each.id for each in found}


@dataclass(frozen=True, slots=True)
class Settling:
    """``windows`` say how far ahead a moment of settling can lie: one further away was written by a clock that has been
    set back since, and its answer is due."""

    database: Database
    surveys: FindSurvey
    windows: SettlingWindows = field(default_factory=SettlingWindows)
    may_count: MayCount = every_one
    is_person: Callable[[Connection, str], bool] = lambda _tx, _id: True
    """Whether a person seems to have given what was just saved on this invitation: only of theirs anything is told."""

    def due(self, clock: Clock, most: int) -> int:
        """Settle the longest due, ``most`` of them in one transaction. → how many there were.

        Should the power fail before the next lasting commit, they are due again and nothing was told.
        """
        with self.database.read() as tx:
            limits = self._limits(clock(), 1)
            if all(tx.execute(look, limits).first() is None for look in _LOOKS):
                return 0
        return self.database.transact(lambda tx: self._claim(tx, clock(), most), lasting=False)

    def _limits(self, now: datetime, most: int) -> dict[str, Any]:
        return {"now": now, "furthest": now + self.windows.longest + _SKEW, "most": most}

    def _claim(self, tx: Connection, now: datetime, most: int) -> int:
        """``now`` is the moment at which the transaction has its turn: while it waited others have saved."""
        limits = self._limits(now, most)
        found: list[Any] = []
        for claim in _CLAIMS:
            if room := most - len(found):
                found += tx.execute(claim, {**limits, "most": room}).all()
        self.settle(tx, [Invitation(*row) for row in found], now)
        return len(found)

    def settle(self, tx: Connection, found: Sequence[Invitation], now: datetime) -> None:
        """Count what the invitations hold, where it may count. They are locked by the caller."""
        if not found:
            return
        allowed = self.may_count(tx, found, now)
        people = customers.load(tx, {each.customer_id for each in found})
        views = {id_: each.view() for id_, each in people.items()}
        judged = [self._judged(each, views.get(each.customer_id, {}), now) for each in found if each.id in allowed]
        others = [{"id": each.id, "settles_at": None} for each in found if each.id not in allowed]
        bulk.execute(tx, _WAITS_NO_MORE, others)
        told = [each.event for each in judged if each.event]
        if told:
            insert_deliveries(self.database, tx, told)
        bulk.execute(tx, _SETTLED, [each.row for each in judged])
        opt_outs.keep(tx, [consent for each in judged for consent in each.consents])

    def _judged(self, found: Invitation, customer: Mapping[str, Any], now: datetime) -> _Settled:
        """One that cannot be read holds up no other: it is said, and tried again."""
        try:
            return _settled(found, self.surveys(found.survey, found.definition_id), customer, now)
        except Exception:
            log.exception("an answer could not be counted; it is tried again", extra={"invitation": found.id})
            return _Settled(_row(found, settles_at=now + self.windows.longest))


@dataclass(frozen=True, slots=True)
class _Settled:
    """What becomes of one invitation: its new columns, and what is told and kept."""

    row: dict[str, Any]
    event: dict[str, Any] | None = None
    consents: Sequence[dict[str, Any]] = ()


def _settled(found: Invitation, survey: Survey, customer: Mapping[str, Any], now: datetime) -> _Settled:
    answers = survey.relevant(found.answers, customer)
    before = found.counted
    if survey.score(answers) is None or (before and answers == before["answers"]):
        return _Settled(_row(found, settles_at=None))
    at = _moment(found, now)
    done = replace(found, answers=answers, status="answered", answered_at=found.answered_at or at)
    event = reports.changed(done, survey, at, before) if before else reports.answered(done, survey, at)
    counted = _counted(survey, answers, before, at)
    return _Settled(_row(done, settles_at=None, counted=counted), event, list(_consents(done, survey, before, at)))


def _moment(found: Invitation, now: datetime) -> datetime:
    """When the answer was given as it stands. A later revision is later, whatever clocks were set to: records keep the
    newest."""
    given = min(found.touched_at or now, now)
    if not found.counted:
        return given
    return max(given, datetime.fromisoformat(found.counted["at"]) + timedelta(milliseconds=1))


def _counted(
    survey: Survey, answers: Mapping[str, Any], before: Mapping[str, Any] | None, at: datetime
) -> dict[str, Any]:
    earlier, times = (before["bands"], int(before["times"])) if before else ([], 0)
    bands = list(dict.fromkeys([*earlier, survey.band(answers)]))
    return {"answers": dict(answers), "bands": bands, "times": times + 1, "at": at.isoformat()}


def _consents(
    done: Invitation, survey: Survey, before: Mapping[str, Any] | None, at: datetime
) -> Iterator[dict[str, Any]]:
    version = f"{survey.consent}/{done.seen_language or done.language}"
    source = f"survey:{survey.slug}"[:60]
    for purpose, granted in consents_given.decided(survey, done.answers, before["answers"] if before else {}):
        yield opt_outs.decision(done.customer_id, purpose, granted, version, source, at)


def _row(each: Invitation, **new: Any) -> dict[str, Any]:
    names = ("id", "status", "started_at", "answered_at", "answers", "counted")
    return {**{name: getattr(each, name) for name in names}, **new}

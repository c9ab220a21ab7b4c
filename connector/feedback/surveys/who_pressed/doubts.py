"""Presses that may have been a machine's: kept whole with their reasons, and decided by the person or an admin.

A row is open until it is decided: *confirmed* or *denied* by the person's tap, *released* by an admin, or *replaced*
by what came after it. Who decided, when and why stays on the row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from connector.feedback.surveys.who_pressed import traces
from connector.feedback.surveys.who_pressed.rules import RULES, Judgement, Presser
from connector.feedback.surveys.who_pressed.signals import WORDS, Signal
from connector.ids import new_id
from connector.storage.schema.tables import doubted_presses

_REASONS = {rule.name: rule.reason for rule in RULES}


class Pressed(StrEnum):
    """What was pressed."""

    ANSWER = "answer"
    OPT_OUT = "opt_out"


class DoubtStatus(StrEnum):
    """Where a doubt stands."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DENIED = "denied"
    RELEASED = "released"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A press that did not count. ``reasons`` say in words, one a signal, what spoke against a person."""

    id: str
    invitation: str
    customer: str
    survey: str
    what: Pressed
    verdict: Presser
    rule: str
    reason: str
    signals: Sequence[str]
    reasons: Sequence[str]
    answers: Mapping[str, Any]
    language: str
    pressed_at: datetime
    judged_at: datetime
    asked_at: datetime | None
    status: DoubtStatus
    decided_by: str
    decided_why: str
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Doubted:
    """Whose press it is that is doubted now: the invitation's, with what was given."""

    invitation: str
    customer: str
    survey: str
    answers: Mapping[str, Any]
    language: str
    pressed_at: datetime


def keep(tx: Connection, press: Doubted, what: Pressed, judgement: Judgement, now: datetime) -> str:
    """Keep a doubted press; an open one of the same invitation is replaced by it. What was touched up to an answer is
    closed: it speaks against nobody who comes later. → the row's id."""
    c = doubted_presses.c
    same = (c.invitation_id == press.invitation, c.what == what.value)
    replace_open(tx, [press.invitation], what, now)
    if what is Pressed.ANSWER:
        times = tx.execute(select(func.count()).select_from(doubted_presses).where(*same)).scalar_one()
        traces.close(tx, press.invitation, times + 1)
    id_ = new_id()
    tx.execute(insert(doubted_presses).values(
        id=id_, invitation_id=press.invitation, customer_id=press.customer, survey=press.survey, what=what.value,
        verdict=judgement.verdict.value, rule=judgement.rule, signals=[each.value for each in judgement.signals],
        answers=dict(press.answers), language=press.language, pressed_at=press.pressed_at, judged_at=now,
        status=DoubtStatus.OPEN.value, decided_by="", reason="",
    ))  # fmt: skip
    return id_


def replace_open(tx: Connection, invitation_ids: Collection[str], what: Pressed, now: datetime) -> None:
    """Something newer stands in the place of what waited on these invitations."""
    c = doubted_presses.c
    of_these = c.invitation_id.in_(list(invitation_ids))
    open_ones = update(doubted_presses).where(of_these, c.what == what.value, c.status == DoubtStatus.OPEN.value)
    tx.execute(open_ones.values(status=DoubtStatus.REPLACED.value, decided_at=now))


def waiting(
    tx: Connection, invitation_id: str, what: Pressed = Pressed.ANSWER, *, verdict: Presser | None = Presser.DOUBTFUL
) -> Doubt | None:
    """What waits for a decision, by default what the person is to be asked about; None: of any verdict."""
    c = doubted_presses.c
    of_these = (c.invitation_id == invitation_id, c.what == what.value, c.status == DoubtStatus.OPEN.value)
    rows = select(doubted_presses).where(*of_these, *([] if verdict is None else [c.verdict == verdict.value]))
    row = tx.execute(rows.order_by(c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _doubt(row)


def decide(tx: Connection, id_: str, status: DoubtStatus, by: str, now: datetime, why: str = "") -> bool:
    """Decide an open one. False: it was decided before, and stays so."""
    c = doubted_presses.c
    row = update(doubted_presses).where(c.id == id_, c.status == DoubtStatus.OPEN.value)
    decided = {"status": status.value, "decided_by": by, "reason": why, "decided_at": now}
    return tx.execute(row.values(decided)).rowcount == 1


def mark_asked(tx: Connection, id_: str, now: datetime) -> bool:
    """Book the one mail that asks. False: it was booked for another moment, or nothing is open any more."""
    c = doubted_presses.c
    free = or_(c.asked_at.is_(None), c.asked_at == now)  # a mail that is tried again keeps its booking
    row = update(doubted_presses).where(c.id == id_, c.status == DoubtStatus.OPEN.value, free)
    return tx.execute(row.values(asked_at=now)).rowcount == 1


def listed(
    tx: Connection, *, verdict: str | None = Presser.DOUBTFUL.value, status: str | None = DoubtStatus.OPEN.value,
    limit: int = 50,
) -> list[Doubt]:  # fmt: skip
    """The list, the newest first; None: of every verdict, or of every status."""
    c = doubted_presses.c
    rows = select(doubted_presses).order_by(c.id.desc()).limit(limit)
    rows = rows if verdict is None else rows.where(c.verdict == verdict)
    return [_doubt(row) for row in tx.execute(rows if status is None else rows.where(c.status == status))]


def find(tx: Connection, id_: str, *, lock: bool = False) -> Doubt | None:
    """One of them, or None."""
    one = select(doubted_presses).where(doubted_presses.c.id == id_)
    row = tx.execute(one.with_for_update() if lock else one).one_or_none()
    return None if row is None else _doubt(row)


def _doubt(row: Row[Any]) -> Doubt:
    return Doubt(
        id=row.id, invitation=row.invitation_id, customer=row.customer_id, survey=row.survey, what=Pressed(row.what),
        verdict=Presser(row.verdict), rule=row.rule, reason=_REASONS.get(row.rule, ""), signals=tuple(row.signals),
        reasons=tuple(WORDS[Signal(each)] for each in row.signals if each in WORDS), answers=row.answers,
        language=row.language, pressed_at=row.pressed_at, judged_at=row.judged_at, asked_at=row.asked_at,
        status=DoubtStatus(row.status), decided_by=row.decided_by, decided_why=row.reason, decided_at=row.decided_at,
    )  # fmt: skip

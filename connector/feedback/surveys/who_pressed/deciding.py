"""Decided by hand: the person's tap on "Was this you?", or an admin who knows better. Then the press counts after all.

Each needs an open transaction, and is done once: what was decided before stays so.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from connector.feedback.consent import opt_outs
from connector.feedback.surveys.answering.settling import Settling, every_one
from connector.feedback.surveys.invitations import COLUMNS, Invitation
from connector.feedback.surveys.who_pressed import doubts, guard
from connector.feedback.surveys.who_pressed.doubts import Doubt, DoubtStatus, Pressed
from connector.storage.schema.tables import invitations as invitations_table

THE_PERSON = "the person asked"
"""Who confirmed or denied by the page."""


def confirm(settling: Settling, tx: Connection, doubt: Doubt, now: datetime) -> bool:
    """It was them: it counts as it was given, when it was given. False: it was decided before."""
    return _count(settling, tx, doubt, DoubtStatus.CONFIRMED, THE_PERSON, "", now)


def release(settling: Settling, tx: Connection, doubt: Doubt, by: str, why: str, now: datetime) -> bool:
    """An admin says that it was a person's. False: it was decided before."""
    return _count(settling, tx, doubt, DoubtStatus.RELEASED, by, why, now)


def deny(tx: Connection, doubt: Doubt, now: datetime) -> bool:
    """It was not them: the page is as it was before. What was given stays with the doubt."""
    if not doubts.decide(tx, doubt.id, DoubtStatus.DENIED, THE_PERSON, now):
        return False
    guard.take_back(tx, _locked(tx, doubt.invitation))
    return True


def _count(
    settling: Settling, tx: Connection, doubt: Doubt, status: DoubtStatus, by: str, why: str, now: datetime
) -> bool:
    found = _locked(tx, doubt.invitation)
    if not doubts.decide(tx, doubt.id, status, by, now, why):
        return False
    if doubt.what is Pressed.OPT_OUT:
        opt_outs.opt_out(settling.database, tx, found.customer_id, "unsubscribe page", now)
        return True
    given = replace(
        found,
        answers=doubt.answers,
        status="answered",
        started_at=found.started_at or doubt.pressed_at,
        answered_at=found.answered_at or doubt.pressed_at,
        touched_at=doubt.pressed_at,
        seen_language=doubt.language,
    )
    replace(settling, may_count=every_one).settle(tx, [given], now)
    return True


def _locked(tx: Connection, invitation_id: str) -> Invitation:
    one = select(*COLUMNS).where(invitations_table.c.id == invitation_id).with_for_update()
    return Invitation(*tx.execute(one).one())

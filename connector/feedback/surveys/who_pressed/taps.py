"""What a tap on a page does, behind the same guard: "Was this you?", and the button that stops the surveys.

A doubtful press of these two is not lost either: the first waits to be pressed again, the second asks for one more tap.
What a mail program does by itself (RFC 8058) comes by neither.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from connector.feedback.consent import opt_outs
from connector.feedback.surveys.answering.settling import Settling
from connector.feedback.surveys.invitations import Invitation
from connector.feedback.surveys.who_pressed import deciding, doubts, guard, traces
from connector.feedback.surveys.who_pressed.doubts import Doubt, Doubted, DoubtStatus, Pressed
from connector.feedback.surveys.who_pressed.judging import judge_all
from connector.feedback.surveys.who_pressed.rules import Judgement, Presser
from connector.feedback.surveys.who_pressed.signals import AT_DELIVERY, PAUSE, Signal
from connector.feedback.surveys.who_pressed.traces import Touched, Trace
from connector.storage.schema.tables import invitations as table
from connector.storage.stores.inbox import insert_deliveries

SECOND_TAP = timedelta(seconds=3)
"""A person reads the page before they press again."""

_NO_TAP = frozenset((Signal.TRAP_FIELD, Signal.UNTOUCHED))
"""What no doubt is left with: a second press with one of these is no better than the first."""


def is_held(found: Invitation) -> bool:
    """Whether answers stand there that neither count nor wait to. Told from the row alone."""
    counted = found.counted["answers"] if found.counted else {}
    return bool(found.answers) and found.settles_at is None and dict(found.answers) != dict(counted)


def asked_about(tx: Connection, found: Invitation, now: datetime) -> Doubt | None:
    """What the page is to ask about now. Not in the visit in which it was pressed: a program that presses everything
    would press this, too."""
    doubt = doubts.waiting(tx, found.id) if is_held(found) else None
    return doubt if doubt is not None and now >= doubt.pressed_at + PAUSE else None


def answer_whether(
    settling: Settling, tx: Connection, found: Invitation, trace: Trace, was_me: bool, now: datetime
) -> bool:
    """"Was this you?" was answered. False: nothing is asked any more, or the tap itself may be a machine's."""
    traces.keep(tx, found.id, trace)
    doubt = asked_about(tx, found, now)
    if doubt is None or not _is_tap(_judged(tx, found, Touched.CONFIRMED)):
        return False
    return deciding.confirm(settling, tx, doubt, now) if was_me else deciding.deny(tx, doubt, now)


def stop(settling: Settling, tx: Connection, found: Invitation, trace: Trace, now: datetime) -> bool:
    """The button of the way out was pressed. False: it is kept, and one more tap is asked for."""
    traces.keep(tx, found.id, trace)
    judged = _judged(tx, found, Touched.LEFT)
    earlier = doubts.waiting(tx, found.id, Pressed.OPT_OUT, verdict=None)
    if judged.is_person or (_is_tap(judged) and _is_second(earlier, now)):
        if earlier is not None:
            doubts.decide(tx, earlier.id, DoubtStatus.CONFIRMED, deciding.THE_PERSON, now)
        opt_outs.opt_out(settling.database, tx, found.customer_id, "unsubscribe page", now)
        return True
    if earlier is None or earlier.verdict is not judged.verdict:
        press = Doubted(found.id, found.customer_id, found.survey, {}, found.language, now)
        doubts.keep(tx, press, Pressed.OPT_OUT, judged, now)
    return False


def seen(settling: Settling, tx: Connection, found: Invitation, trace: Trace, now: datetime) -> bool:
    """The page's script noticed a first touch. True: a person opened the page, and it is told as an event, once.

    While scanners are about, just after the mail, a touch tells of nobody: then it is told when the answer counts.
    """
    traces.keep(tx, found.id, trace)
    sent_at = tx.execute(select(table.c.sent_at).where(table.c.id == found.id)).scalar_one()
    if sent_at is None or now <= sent_at + AT_DELIVERY or not _judged(tx, found, Touched.SEEN).is_person:
        return False
    return any(insert_deliveries(settling.database, tx, [guard.opened(found, now)]))


def _is_second(earlier: Doubt | None, now: datetime) -> bool:
    return earlier is not None and earlier.verdict is Presser.DOUBTFUL and now >= earlier.judged_at + SECOND_TAP


def _is_tap(judged: Judgement) -> bool:
    return judged.verdict is not Presser.MACHINE and not _NO_TAP & set(judged.signals)


def _judged(tx: Connection, found: Invitation, touched: Touched) -> Judgement:
    return judge_all(tx, [found.id], frozenset((touched,)))[found.id]

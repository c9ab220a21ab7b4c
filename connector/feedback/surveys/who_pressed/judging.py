"""Who pressed, for many invitations at once: their traces and the moments of their mails, two statements in all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from connector.feedback.surveys.who_pressed import rules, signals, traces
from connector.feedback.surveys.who_pressed.rules import Judgement
from connector.feedback.surveys.who_pressed.traces import ANSWERS, Touched, Trace
from connector.storage.schema.tables import invitations

_UNTRACED = rules.judge(frozenset())


def judge_all(
    tx: Connection, ids: Collection[str], kinds: frozenset[Touched] = ANSWERS
) -> Mapping[str, Judgement]:
    """Who made the newest press of these kinds on each invitation. Nothing speaks against one that left no trace."""
    found = traces.of_invitations(tx, ids)
    if not found:
        return dict.fromkeys(ids, _UNTRACED)
    c = invitations.c
    moments = tx.execute(select(c.id, c.sent_at).where(c.id.in_(list(found))))
    sent: dict[str, datetime | None] = dict(tuple(row) for row in moments)
    return {each: _judge(found.get(each, ()), sent.get(each), kinds) for each in ids}


def _judge(known: Sequence[Trace], sent_at: datetime | None, kinds: frozenset[Touched]) -> Judgement:
    press = signals.last_press(known, sent_at, kinds)
    return rules.judge(signals.read(press)) if press else _UNTRACED


def is_person(tx: Connection, invitation_id: str) -> bool:
    """Whether a person seems to have given the newest answer of this invitation."""
    return judge_all(tx, [invitation_id])[invitation_id].is_person

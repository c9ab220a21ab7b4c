"""The guard before what counts: only a person's answer does. Asked when answers settle, for a batch at once.

A doubtful answer stays on its invitation, where the person finds it with the question whether it was theirs. A
machine's is taken off, so that whoever comes next finds the page as it was before.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from connector.feedback.surveys.invitations import Invitation
from connector.feedback.surveys.who_pressed import doubts
from connector.feedback.surveys.who_pressed.doubts import Doubted, Pressed
from connector.feedback.surveys.who_pressed.judging import judge_all
from connector.feedback.surveys.who_pressed.rules import Judgement, Presser
from connector.storage.engine.database import Database
from connector.storage.schema.tables import invitations
from connector.storage.stores.inbox import insert_deliveries, own_event


class PersonsOnly:
    """Of the answers about to count those of persons may; the others are kept with their reasons."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, tx: Connection, found: Sequence[Invitation], now: datetime) -> Collection[str]:
        """The ids of those that may count. The others are changed here; their rows are locked by the caller."""
        judged = judge_all(tx, [each.id for each in found])
        for each in found:
            if not judged[each.id].is_person:
                hold(self._database, tx, each, judged[each.id], now)
        allowed = {each.id for each in found if judged[each.id].is_person}
        doubts.replace_open(tx, allowed, Pressed.ANSWER, now)
        first = [opened(each, each.opened_at or now) for each in found if each.id in allowed and not each.counted]
        if first:
            insert_deliveries(self._database, tx, first)
        return allowed


def hold(database: Database, tx: Connection, found: Invitation, judgement: Judgement, now: datetime) -> None:
    """Keep an answer that may not be a person's, and say so once as an event where the person can be asked."""
    kept = doubts.keep(tx, doubted(found, now), Pressed.ANSWER, judgement, now)
    if judgement.verdict is Presser.MACHINE:
        take_back(tx, found)
        return
    open_again = {} if found.counted else {"status": "started", "answered_at": None}
    _change(tx, found, settles_at=None, **open_again)
    told = {"invitation": found.id, "survey": found.survey, "channel": found.channel, "doubt": kept,
            "customer": {"id": found.customer_id}}  # fmt: skip
    insert_deliveries(database, tx, [own_event("survey.doubted", f"doubted-{kept}", now, told)])


def opened(found: Invitation, at: datetime) -> dict[str, Any]:
    """That a person opened the page: its key is the invitation's, so it is told once however often it is stored."""
    told = {"invitation": found.id, "survey": found.survey, "channel": found.channel,
            "customer": {"id": found.customer_id}}  # fmt: skip
    return own_event("survey.opened", f"opened-{found.id}", at, told)


def doubted(found: Invitation, now: datetime) -> Doubted:
    """The invitation's answers as a press."""
    language, at = found.seen_language or found.language, found.touched_at or now
    return Doubted(found.id, found.customer_id, found.survey, found.answers, language, at)


def take_back(tx: Connection, found: Invitation) -> None:
    """The invitation as it was before an answer that nobody gave: with what counted last, or with nothing."""
    if found.counted:
        _change(tx, found, answers=found.counted["answers"], changes={}, revision=found.revision + 1, settles_at=None)
        return
    status = "opened" if found.opened_at else "sent"
    _change(tx, found, answers={}, changes={}, revision=found.revision + 1, settles_at=None, status=status,
            started_at=None, answered_at=None, touched_at=None, seen_language=None)  # fmt: skip


def _change(tx: Connection, found: Invitation, **new: Any) -> None:
    tx.execute(update(invitations).where(invitations.c.id == found.id).values(**new))

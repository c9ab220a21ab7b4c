"""Invitations: one person asked for one survey, from the first look at the page to the recorded answer.

All functions work inside the caller's transaction. What changes an invitation needs it read with ``lock=True`` in
the same transaction, so that two requests of one person cannot overwrite each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from connector.feedback.consent import opt_outs
from connector.feedback.customers import identity as customers
from connector.feedback.surveys.answers import check_complete
from connector.feedback.surveys.model import Purpose, Survey, comment_of, consent_of, contact_of
from connector.storage.engine.database import Database
from connector.storage.schema.tables import invitations
from connector.storage.stores.inbox import insert_deliveries, own_event


@dataclass(frozen=True, slots=True)
class Invitation:
    """One row of ``invitations``, but for what only its sending needs."""

    id: str
    survey: str
    definition_id: str
    customer_id: str
    channel: str
    language: str
    status: str
    about: str | None
    context: Mapping[str, Any]
    answers: Mapping[str, Any]
    expires_at: datetime
    opened_at: datetime | None
    started_at: datetime | None
    answered_at: datetime | None

    def is_expired(self, now: datetime) -> bool:
        """Whether it may no longer be answered; what was answered in time stays so."""
        return self.answered_at is None and now >= self.expires_at


_COLUMNS = [invitations.c[field.name] for field in fields(Invitation)]


def find(connection: Connection, token_digest: str, *, lock: bool = False) -> Invitation | None:
    """The invitation whose link has this token (see ``connector.ids.digest``)."""
    statement = select(*_COLUMNS).where(invitations.c.token_digest == token_digest)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    return None if row is None else Invitation(*row)


def customer_view(connection: Connection, customer_id: str) -> Mapping[str, Any]:
    """What conditions read as ``customer.<field>``."""
    customer = customers.load(connection, [customer_id]).get(customer_id)
    return customer.view() if customer else {}


def mark_opened(connection: Connection, invitation: Invitation, now: datetime) -> None:
    """Note the first look at the page. A link scanner looks too, so nothing may follow from it."""
    statement = update(invitations).where(invitations.c.id == invitation.id, invitations.c.opened_at.is_(None))
    connection.execute(statement.values(opened_at=now))
    connection.execute(_while("sent", invitation).values(status="opened"))


def save_answer(
    connection: Connection, invitation: Invitation, question_id: str, value: Any, now: datetime
) -> Invitation:
    """Keep one answer as given so far; None takes it back. The same again changes nothing."""
    return save_answers(connection, invitation, {question_id: value}, now)


def save_answers(
    connection: Connection, invitation: Invitation, given: Mapping[str, Any], now: datetime
) -> Invitation:
    """Keep several answers. Answers stay open until the survey is finished, and are not touched afterwards."""
    merged = {**invitation.answers, **given}
    answers = {question: value for question, value in merged.items() if value is not None}
    if answers == invitation.answers or invitation.answered_at is not None:
        return invitation
    started = invitation.started_at or now
    statement = update(invitations).where(invitations.c.id == invitation.id, invitations.c.answered_at.is_(None))
    connection.execute(statement.values(answers=answers, started_at=started, status="started"))
    return replace(invitation, answers=answers, started_at=started, status="started")


def finish(
    database: Database,
    connection: Connection,
    invitation: Invitation,
    survey: Survey,
    now: datetime,
    *,
    language: str | None = None,
) -> bool:
    """Record the answers for good, and report them as an event. False: they were recorded before.

    ``language`` is the one the person saw. Raises AnswerError when an answer that must be given is missing.
    """
    customer = customer_view(connection, invitation.customer_id)
    check_complete(survey.asked(invitation.answers, customer), invitation.answers)
    answers = survey.relevant(invitation.answers, customer)
    if not _close(connection, invitation, answers, now):
        return False
    done = replace(invitation, answers=answers, answered_at=now, status="answered")
    event = own_event("survey.answered", invitation.id, now, answered(done, survey, now))
    insert_deliveries(database, connection, [event])
    _keep_consents(connection, done, survey, language or invitation.language, now)
    return True


def answered(invitation: Invitation, survey: Survey, at: datetime) -> dict[str, Any]:
    """The data of ``survey.answered``, in the form other survey platforms send it, too."""
    answers = invitation.answers
    consent = consent_of(survey, answers, Purpose.CONTACT)
    return {
        "response_id": invitation.id,
        "invitation": invitation.id,
        "survey": survey.slug,
        "metric": survey.metric,
        "variant": survey.scale.name,
        "scale": survey.scale.name,
        "score": survey.score(answers),
        "band": survey.band(answers),
        "comment": comment_of(survey, answers),
        "contact_consent": consent is True,
        "contact_refused": consent is False,
        "contact": contact_of(survey, answers) if consent else {},
        "answered_at": at.isoformat(),
        "answers": dict(answers),
        "about": invitation.about,
        "channel": invitation.channel,
        "brand": survey.brand,
        "customer": {"id": invitation.customer_id},
        "context": dict(invitation.context),
    }


def _close(connection: Connection, invitation: Invitation, answers: Mapping[str, Any], now: datetime) -> bool:
    """One of two requests that finish at the same time wins: it updates a row, the other none."""
    statement = update(invitations).where(invitations.c.id == invitation.id, invitations.c.answered_at.is_(None))
    started = invitation.started_at or now
    values = {"status": "answered", "answered_at": now, "started_at": started, "answers": dict(answers)}
    return connection.execute(statement.values(**values)).rowcount == 1


def _keep_consents(
    connection: Connection, done: Invitation, survey: Survey, language: str, now: datetime
) -> None:
    version, source = f"{survey.consent}/{language}", f"survey:{survey.slug}"[:60]
    for purpose, granted in _decided(survey, done.answers):
        opt_outs.keep(connection, done.customer_id, purpose, granted, version, source, now)


def _decided(survey: Survey, answers: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """What the person decided. A box left open is no decision: it must not undo an opt-in given elsewhere."""
    for purpose in Purpose:
        granted = consent_of(survey, answers, purpose)
        if granted or (granted is False and purpose is Purpose.CONTACT):
            yield purpose.value, granted


def _while(status: str, invitation: Invitation) -> Any:
    return update(invitations).where(invitations.c.id == invitation.id, invitations.c.status == status)

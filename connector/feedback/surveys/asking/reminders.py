"""``survey.remind``: the same question in other words, to whoever has not begun to answer.

The call is stored when it is decided, with its mail and the moment it is due, days before it leaves; so a restart loses
no reminder, and the run's history shows it. When it leaves it is looked at again, by the rules of the invitation and
by what happened meanwhile. The link is the invitation's own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from connector.feedback.base.actions import (
    ActionContext,
    Clients,
    CompletionContext,
    Effect,
    Intent,
    NotPossibleError,
    Output,
    Result,
)
from connector.feedback.customers import identity as customers
from connector.feedback.messaging.actions import Post
from connector.feedback.surveys.asking import eligibility
from connector.feedback.surveys.asking.departures import Departure, Departures
from connector.feedback.surveys.asking.leaving.link_token import TOKEN, with_token
from connector.feedback.surveys.asking.refusal import Refusal
from connector.feedback.surveys.asking.send_survey import Render, stayed
from connector.feedback.surveys.audience import MOST_REMINDERS, Reminder
from connector.feedback.surveys.catalog import SurveyCatalog
from connector.feedback.surveys.model import MailTexts, Survey
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.schema.tables import OPEN_CALLBACKS, callbacks, invitations, mail_returns
from connector.storage.sealing.survey_links import SurveyLinks
from connector.storage.stores.inbox import insert_deliveries, own_event
from integrations.errors import IntegrationError, NotYet, Transient
from workflows.whole import whole

log = logging.getLogger(__name__)

REMINDED = "survey.reminded"

NO_INVITATION = Refusal("no_invitation", "no_reminder.no_invitation")
NOT_SENT = Refusal("not_sent", "no_reminder.not_sent")
ANSWERED = Refusal("answered", "no_reminder.answered")
UNDER_WAY = Refusal("under_way", "no_reminder.under_way")
BOUNCED = Refusal("bounced", "no_reminder.bounced")
OPTED_OUT = Refusal("opted_out", "no_reminder.opted_out")
RUN_OUT = Refusal("run_out", "no_reminder.run_out")
ALREADY = Refusal("reminded", "no_reminder.reminded")
NEWER = Refusal("newer_survey", "no_reminder.newer_survey")

Json = Mapping[str, Any]
_i = invitations.c


class RemindSurvey:
    """One mail. ``look`` sees to it that an opt-out in a CRM is known here."""

    def __init__(
        self,
        *,
        database: Database,
        clients: Clients,
        surveys: SurveyCatalog,
        render: Render,
        secret_keys: SecretKeys,
        departures: Departures,
        look: Callable[[str, datetime], None],
    ) -> None:
        self._database, self._clients, self._surveys, self._render = database, clients, surveys, render
        self._departures, self._look = departures, look
        self._links, self._post = SurveyLinks(database, secret_keys), Post(clients, secret_keys)

    def batch(self, connection: str) -> int:
        return 1

    def prepare(self, ask: ActionContext) -> Intent | Output:
        number = _number(ask.params.get("number", 1))
        row = _invitation(ask.tx, str(ask.params["invitation"]))
        if row is None:
            return Output(NO_INVITATION.told())
        survey = self._surveys.get(row.survey, row.definition_id)
        if number > len(survey.reminders):
            times = len(survey.reminders)
            id_ = "no_reminder.once" if times == 1 else "no_reminder.no_more"
            return Output(Refusal("no_more", id_, {"times": times}, number=number).told())
        if reason := why_not(ask.tx, row, number, ask.now):
            return Output(reason.told())
        departure = self._departure(ask.tx, row, survey, number, ask.now)
        if departure.at >= row.expires_at:
            return Output(RUN_OUT.told())
        via, _ = self._clients.messenger(ask.params.get("via"))
        return Intent(via, self._request(ask.tx, row, survey, number, departure), due_at=departure.at)

    def _departure(self, tx: Connection, row: Row[Any], survey: Survey, number: int, now: datetime) -> Departure:
        """So long after the mail before it, by the survey's file, and not in the quiet hours."""
        customer = customers.load(tx, [row.customer_id])[row.customer_id]
        before = row.sent_at if number == 1 else row.reminded_at
        wanted = survey.reminders[number - 1].after.after(before or now, self._departures.calendar)
        return self._departures.of(customer, survey, max(wanted, now))

    def _request(self, tx: Connection, row: Row[Any], survey: Survey, number: int, departure: Departure) -> Json:
        customer = customers.load(tx, [row.customer_id])[row.customer_id]
        worded = in_other_words(survey, survey.reminders[number - 1])
        mail = self._render(worded, row.language, customer.view(), row.context, TOKEN, {})
        told = {"invitation": row.id, "survey": survey.slug, "definition": row.definition_id, "number": number}
        return {**told, "customer": customer.id, "mail": asdict(mail), "held": departure.held}

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        return [self._send(effect, now) for effect in effects]

    def _send(self, effect: Effect, now: datetime) -> Result:
        request = effect.request
        token = self._links.secret(request["invitation"])
        if (known := self._before(effect, now)) is not None:
            return known
        result = self._post.send(effect, with_token(request["mail"], token), request["invitation"])
        if stayed(result) and not effect.unsure:
            self._take_back(request["invitation"], request["number"])
        return result

    def _before(self, effect: Effect, now: datetime) -> Result | None:
        """The last look, and the booking; what stops the mail. An error here is never in doubt: no mail has begun."""
        try:
            self._look(effect.request["customer"], now)
            held = self._database.transact(lambda tx: self._book(tx, effect.request, now))
        except (IntegrationError, NotPossibleError):
            raise
        except Exception as error:
            log.exception("a reminder was not begun", extra={"effect": effect.id, "run": effect.run_id})
            return Transient(f"an error of ours before the mail: {type(error).__name__}; see the log")
        if isinstance(held, Departure):
            return NotYet(held.held, retry_after=(held.at - now).total_seconds(), code="quiet_hours")
        return held.told() if held else None

    def _book(self, tx: Connection, request: Json, now: datetime) -> Refusal | Departure | None:
        row = _invitation(tx, request["invitation"], lock=True)
        if row is None:
            return NO_INVITATION
        if reason := why_not(tx, row, request["number"], now):
            return reason
        survey = self._surveys.get(request["survey"], request["definition"])
        customer = customers.load(tx, [row.customer_id])[row.customer_id]
        departure = self._departures.of(customer, survey, now)
        if departure.quiet:
            return RUN_OUT if departure.at >= row.expires_at else departure
        booked = {"reminded": request["number"], "reminded_at": now}
        tx.execute(update(invitations).where(_i.id == row.id).values(booked))
        return None

    def _take_back(self, invitation: str, number: int) -> None:
        """The booking of a reminder that stayed here, so that another try may send it."""
        this_one = update(invitations).where(_i.id == invitation, _i.reminded == number)
        try:
            self._database.transact(lambda tx: tx.execute(this_one.values(reminded=number - 1)))
        except Exception:
            log.exception("a booking could not be taken back", extra={"invitation": invitation})

    def finish(self, done: CompletionContext) -> Output:
        request, result = done.effect.request, done.result
        if result.get("done") is False:
            return Output(dict(result))
        told = {"invitation": request["invitation"], "survey": request["survey"], "channel": "email"}
        told |= {"number": request["number"], "customer": {"id": request["customer"]}}
        event = own_event(REMINDED, f"reminded-{request['invitation']}-{request['number']}", done.now, told)
        insert_deliveries(done.database, done.tx, [event])
        return Output({"sent_to": request["mail"]["to"], "number": request["number"]})


def in_other_words(survey: Survey, reminder: Reminder) -> Survey:
    """The survey with the reminder's words in its mail."""
    return replace(survey, mail=MailTexts(reminder.subject, reminder.greeting or survey.mail.greeting, reminder.intro))


def why_not(tx: Connection, row: Row[Any], number: int, now: datetime) -> Refusal | None:
    """The reason not to remind, or None."""
    return next((reason for reason in _reasons(tx, row, number, now) if reason), None)


def _reasons(tx: Connection, row: Row[Any], number: int, now: datetime) -> Iterator[Refusal | None]:
    yield NOT_SENT if row.sent_at is None else None
    yield ANSWERED if row.answered_at is not None or row.status == "answered" else None
    yield UNDER_WAY if row.started_at is not None else None
    yield RUN_OUT if now >= row.expires_at else None
    yield ALREADY if row.reminded >= number else None
    customer = customers.load(tx, [row.customer_id])[row.customer_id]
    yield OPTED_OUT if customer.opted_out_at else None
    came_back = select(mail_returns.c.id).where(mail_returns.c.mail == row.id)
    yield BOUNCED if tx.execute(came_back.limit(1)).first() else None
    yield _retold(eligibility.comes_back(tx, customer.email))
    yield _open_callback(tx, row.customer_id)
    asked_at = row.asked_at or row.sent_at
    newer = select(_i.id).where(_i.customer_id == row.customer_id, _i.asked_at > asked_at, _i.id != row.id)
    yield NEWER if tx.execute(newer.limit(1)).first() else None
    yield _retold(eligibility.ticket_gone(tx, row.context.get("ticket")))


def _retold(reason: Refusal | None) -> Refusal | None:
    """A reason not to ask is one not to remind."""
    if reason is None:
        return None
    id_ = reason.id.replace("refusal.", "no_reminder.", 1)
    return Refusal(reason.code, id_, {**reason.values}, **reason.numbers)


def _open_callback(tx: Connection, customer_id: str) -> Refusal | None:
    """Whoever waits for our call, or talks with us about what went wrong, is not asked meanwhile."""
    c = callbacks.c
    found = tx.execute(select(c.ticket_id).where(c.customer_id == customer_id, OPEN_CALLBACKS).limit(1)).first()
    if found is None:
        return None
    return Refusal("open_callback", "no_reminder.open_callback", ticket=found.ticket_id)


def _invitation(tx: Connection, id_: str, *, lock: bool = False) -> Row[Any] | None:
    found = select(invitations).where(_i.id == id_)
    return tx.execute(found.with_for_update() if lock else found).one_or_none()


def _number(value: Any) -> int:
    """Raises ``NotPossibleError`` for what is no reminder's number."""
    number = whole(value)
    if number is None or not 1 <= number <= MOST_REMINDERS:
        raise NotPossibleError(f"number: {str(value)[:20]!r} is no reminder. Write 1 or {MOST_REMINDERS}.")
    return number

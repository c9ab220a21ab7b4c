"""Surveys as a feature: asking, and why somebody was not asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import Row, select

from connector.feedback.base.actions import Clients, Handler
from connector.feedback.base.feature import DELETE_ROWS, Feature, OwnedTable
from connector.feedback.base.timeline_source import TimelineSource, ticket_in
from connector.feedback.crm.consent_check import CrmConsents
from connector.feedback.surveys.asking.departures import Departures
from connector.feedback.surveys.asking.reminders import RemindSurvey
from connector.feedback.surveys.asking.selection import AskingRules
from connector.feedback.surveys.asking.send_survey import SendSurvey
from connector.feedback.surveys.catalog import SurveyCatalog
from connector.feedback.surveys.invitation_email import Mailer
from connector.feedback.surveys.who_pressed.confirm_mail import ConfirmAnswer
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.schema.tables import doubted_presses, household_asks, invitations, press_traces, suppressions
from connector.storage.stores.old_rows import oldest_first, unarchived
from workflows.sentences import found


class SurveyParts(Protocol):
    """What surveys need of the house."""

    @property
    def database(self) -> Database: ...

    @property
    def clients(self) -> Clients: ...

    @property
    def surveys(self) -> SurveyCatalog: ...

    @property
    def mailer(self) -> Mailer: ...

    @property
    def asking_rules(self) -> AskingRules: ...

    @property
    def departures(self) -> Departures: ...

    @property
    def secret_keys(self) -> SecretKeys: ...


def _actions(parts: SurveyParts) -> Mapping[str, Handler]:
    consents = CrmConsents(parts.database, parts.clients)
    send = SendSurvey(
        database=parts.database,
        clients=parts.clients,
        surveys=parts.surveys,
        render=parts.mailer.invitation,
        secret_keys=parts.secret_keys,
        rules=parts.asking_rules,
        departures=parts.departures,
        look=consents.look,
    )
    remind = RemindSurvey(
        database=parts.database,
        clients=parts.clients,
        surveys=parts.surveys,
        render=parts.mailer.invitation,
        secret_keys=parts.secret_keys,
        departures=parts.departures,
        look=consents.look,
    )
    confirm = ConfirmAnswer(
        database=parts.database,
        clients=parts.clients,
        surveys=parts.surveys,
        mailer=parts.mailer,
        departures=parts.departures,
        secret_keys=parts.secret_keys,
    )
    return {"survey.send": send, "survey.remind": remind, "survey.confirm": confirm}


def _survey(row: Row[Any]) -> dict[str, Any]:
    """An invitation. ``status``: prepared, sent, opened, started, answered, expired, or withheld with its ``reason``.
    One that is prepared says when it is due, and by whose clock."""
    moments = {"opened_at": row.opened_at, "answered_at": row.answered_at, "reminded_at": row.reminded_at}
    waits = row.status == "prepared" and row.due_at is not None
    moments |= {"due_at": row.due_at} if waits else {}
    told = {name: value.isoformat() for name, value in moments.items() if value}
    return {"survey": row.survey, "channel": row.channel, "status": row.status,
            "reason": row.held if waits else found(row.reason, row.said), **told, **ticket_in(row.context)}  # fmt: skip


def _withheld(row: Row[Any]) -> dict[str, Any]:
    """A survey that was not sent, and why: the sentence, its code, and the rule's numbers."""
    numbers = {"numbers": row.numbers} if row.numbers else {}
    return {"survey": row.survey, "reason": found(row.reason, row.said), "code": row.code, **numbers}


FEATURE: Feature[SurveyParts] = Feature(
    name="surveys",
    actions=_actions,
    owned=(
        OwnedTable(doubted_presses, DELETE_ROWS),
        OwnedTable(household_asks, DELETE_ROWS),
        OwnedTable(invitations, DELETE_ROWS),
        OwnedTable(suppressions, DELETE_ROWS),
    ),
    timeline=(
        TimelineSource(
            "survey", select(invitations).where(invitations.c.asked_at.is_not(None)),
            invitations.c.customer_id, invitations.c.asked_at, invitations.c.id, _survey,
        ),
        TimelineSource(
            "survey", select(invitations).where(invitations.c.asked_at.is_(None)),
            invitations.c.customer_id, invitations.c.created_at, invitations.c.id, _survey,
        ),
        TimelineSource(
            "withheld", select(suppressions),
            suppressions.c.customer_id, suppressions.c.at, suppressions.c.id, _withheld,
        ),
    ),
    retention=(
        oldest_first("suppressions", suppressions, suppressions.c.id, suppressions.c.at),
        unarchived(oldest_first("traces", press_traces, press_traces.c.id, press_traces.c.first_at)),
    ),
)  # fmt: skip

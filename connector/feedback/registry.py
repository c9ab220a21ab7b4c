"""The features of this house, one row each, and the tables that are made from the rows.

Two rows stand here and in no folder: the engine's, whose tables no feature has, and that of ``customers``, the folder
below all others, which knows nothing of features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Table

from connector.config.customer_value import Valuation
from connector.config.file import Team
from connector.feedback.agent.feature import FEATURE as AGENT
from connector.feedback.base.actions import Clients, Handler
from connector.feedback.base.event_hooks import EventHook
from connector.feedback.base.feature import DELETE_ROWS, Erasure, Feature, OwnedTable, blank
from connector.feedback.callbacks.custom_field_ids import FieldIdsOf
from connector.feedback.callbacks.feature import FEATURE as CALLBACKS
from connector.feedback.consent.feature import FEATURE as CONSENT
from connector.feedback.crm.feature import FEATURE as CRM
from connector.feedback.customers.record_ids import RecordIds
from connector.feedback.mail_feedback.feature import FEATURE as MAIL_FEEDBACK
from connector.feedback.messaging.feature import FEATURE as MESSAGING
from connector.feedback.responses.feature import FEATURE as RESPONSES
from connector.feedback.surveys.asking.departures import Departures
from connector.feedback.surveys.asking.selection import AskingRules
from connector.feedback.surveys.catalog import SurveyCatalog
from connector.feedback.surveys.feature import FEATURE as SURVEYS
from connector.feedback.surveys.invitation_email import Mailer
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.schema import tables as t
from connector.storage.stores.old_rows import ENGINE_KINDS, oldest_first
from integrations.messaging import Alerter
from workflows.calendars import BusinessCalendar


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureParts:
    """What features are made with. ``ids`` knows how connections name their records, ``country`` is where phone
    numbers without + are from, ``ticket_fields`` has the ids of our fields by connection."""

    database: Database
    clients: Clients
    ids: RecordIds
    surveys: SurveyCatalog
    mailer: Mailer
    alerter: Alerter
    teams: Mapping[str, Team]
    calendar: BusinessCalendar
    country: str
    valuation: Valuation
    ticket_fields: FieldIdsOf
    asking_rules: AskingRules
    departures: Departures
    secret_keys: SecretKeys


_ENGINE: Feature[object] = Feature(
    name="engine",
    owned=(
        OwnedTable(t.events, blank("customer_id", "subject", "data", "decisions")),  # known still, if told again
        OwnedTable(t.runs, DELETE_ROWS),
    ),
    retention=ENGINE_KINDS,
)

_CUSTOMERS: Feature[object] = Feature(
    name="customers",
    owned=(OwnedTable(t.identities, DELETE_ROWS), OwnedTable(t.phones, DELETE_ROWS)),
    retention=(
        oldest_first("conflicts", t.identity_conflicts, t.identity_conflicts.c.id, t.identity_conflicts.c.seen_at),
    ),
)

FEATURES: tuple[Feature[FeatureParts], ...] = (
    _ENGINE, RESPONSES, CALLBACKS, SURVEYS, AGENT, MESSAGING, CONSENT, CRM, _CUSTOMERS,
    MAIL_FEEDBACK,
)  # fmt: skip
"""A new one goes at the end, for two reasons: the place of a timeline's source stands in cursors that readers hold, and
what refers to other rows must go before them. What refers to rows of a feature before it is the exception."""

OWNED: Mapping[Table, Erasure] = {owned.table: owned.erasure for feature in FEATURES for owned in feature.owned}
"""The tables of customers, and what becomes of their rows when one is to be forgotten."""

TIMELINE_SOURCES = tuple(source for feature in FEATURES for source in feature.timeline)

RETENTION_KINDS = tuple(kind for feature in FEATURES for kind in feature.retention)
"""In this order they go: what refers to others before them."""


def handlers(parts: FeatureParts) -> dict[str, Handler]:
    """The table of actions, by the names of ``workflows.actions``."""
    return {name: handler for feature in FEATURES for name, handler in feature.actions(parts).items()}


def hooks(parts: FeatureParts) -> tuple[EventHook, ...]:
    """What the intake passes each batch of new events through, stage by stage."""
    staged = [hook for feature in FEATURES for hook in feature.hooks(parts)]
    return tuple(each.record for each in sorted(staged, key=lambda each: each.stage))

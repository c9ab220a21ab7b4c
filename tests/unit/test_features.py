"""The rows of the features and the house's other tables hold together: a new feature that forgets one is told here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from sqlalchemy import JSON, Column, String, Table, Text, UniqueConstraint

from connector.clock import system_clock
from connector.config.customer_value import Valuation
from connector.config.file import read_config
from connector.config.retention import Retention
from connector.feedback import registry
from connector.feedback.base.feature import Feature, OwnedTable
from connector.feedback.callbacks import store as callbacks
from connector.feedback.consent import opt_out_events
from connector.feedback.crm.people_cache import ForgetChanged
from connector.feedback.crm.record_merges import RecordMerges
from connector.feedback.mail_feedback.hook import ReturnedMail
from connector.feedback.messaging.brands import read_brands
from connector.feedback.registry import FEATURES, FeatureParts
from connector.feedback.responses import loyalty_hook
from connector.feedback.responses import store as responses
from connector.feedback.surveys.asking.departures import Departures
from connector.feedback.surveys.asking.selection import AskingRules
from connector.feedback.surveys.catalog import SurveyCatalog
from connector.feedback.surveys.invitation_email import Mailer
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.schema.tables import OF_CUSTOMERS, metadata
from connector.storage.stores.oauth_tokens import DatabaseTokenStore
from connector.storage.stores.provisioned import FieldIds
from connector.vendors.clients import Connections
from connector.vendors.registry import VENDORS
from integrations.alerts.client import AppriseAlerter
from workflows.actions import ACTIONS

FEEDBACK = Path(registry.__file__).parent
_SECRET = "a secret of the tests"

every_feature = pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
every_owned = pytest.mark.parametrize(
    "owned", [owned for feature in FEATURES for owned in feature.owned], ids=lambda owned: owned.table.name
)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[FeatureParts]:
    database = Database(f"sqlite:///{tmp_path}/features.db")
    config = read_config("", tmp_path / "ringback.yaml", {})
    clients = Connections(
        config,
        store=lambda name: DatabaseTokenStore(database, name, SecretKeys(_SECRET), system_clock),
        now=lambda: 0.0,
        vendors=VENDORS,
    )
    yield FeatureParts(
        database=database,
        clients=clients,
        ids=clients.ids,
        surveys=SurveyCatalog(database),
        mailer=Mailer("https://feedback.example", read_brands(config.brands)),
        alerter=AppriseAlerter(),
        teams=config.teams,
        calendar=config.calendar,
        country="NL",
        valuation=Valuation(),
        ticket_fields=FieldIds(database, system_clock).ticket_fields,
        asking_rules=AskingRules(config.fatigue_days, config.household, "NL"),
        departures=Departures(config.quiet_hours, config.calendar, "NL", lambda _brand: ""),
        secret_keys=SecretKeys(_SECRET),
    )
    database.close()


@every_feature
def test_a_feature_has_something_to_say(feature: Feature[FeatureParts], parts: FeatureParts) -> None:
    told = (feature.actions(parts), feature.hooks(parts), feature.owned, feature.timeline, feature.retention)
    assert any(told)


def test_a_feature_stands_in_the_registry_once() -> None:
    assert len({feature.name for feature in FEATURES}) == len(FEATURES)


def test_a_folder_with_a_row_is_in_the_registry() -> None:
    folders = {path.parent.name for path in FEEDBACK.glob("*/feature.py")} - {"base"}
    assert folders <= {feature.name for feature in FEATURES}


# actions and hooks


def test_every_action_of_the_catalogue_has_one_handler(parts: FeatureParts) -> None:
    made = Counter(name for feature in FEATURES for name in feature.actions(parts))
    assert made == dict.fromkeys(ACTIONS, 1)
    assert set(registry.handlers(parts)) == set(ACTIONS)


def test_hooks_take_their_turns_in_the_order_that_they_rely_on(parts: FeatureParts) -> None:
    merges, returned, *others, forget = registry.hooks(parts)
    assert isinstance(merges, RecordMerges)
    assert isinstance(returned, ReturnedMail)
    assert others == [responses.record, loyalty_hook.move, callbacks.record, opt_out_events.record]
    assert isinstance(forget, ForgetChanged)


# customers


def test_every_table_of_customers_is_owned_by_one_feature() -> None:
    owners = Counter(owned.table.name for feature in FEATURES for owned in feature.owned)
    assert owners == {name: 1 for name, table in metadata.tables.items() if "customer_id" in table.c}


def test_what_is_owned_goes_along_at_a_merge() -> None:
    assert set(registry.OWNED) == set(OF_CUSTOMERS)


@every_owned
def test_an_erasure_leaves_no_row_that_says_whose_it_was(owned: OwnedTable) -> None:
    assert owned.erasure.deletes or "customer_id" in owned.erasure.blanks
    assert owned.erasure.deletes or owned.table.c.customer_id.nullable


@every_owned
def test_an_erasure_empties_only_what_can_be_empty(owned: OwnedTable) -> None:
    columns = [owned.table.c[name] for name in owned.erasure.blanks]
    assert [column.name for column in columns if not _can_be_emptied(owned.table, column)] == []


def _can_be_emptied(table: Table, column: Column[object]) -> bool:
    """Many rows are emptied, so what is unique must become NULL."""
    unique = column.primary_key or column.unique or column.name in _together_unique(table)
    return bool(column.nullable) or (not unique and isinstance(column.type, String | Text | JSON))


def _together_unique(table: Table) -> set[str]:
    constraints = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    indexes = [each for each in table.indexes if each.unique]
    return {column.name for each in (*constraints, *indexes) for column in each.columns}


def test_only_phone_numbers_are_joined_by_a_rule_of_their_own_at_a_merge() -> None:
    """Whoever adds a key with the customer in it says in ``identity.merge`` which of two equal rows remains."""
    keys = {table.name: {*table.primary_key.columns.keys(), *_together_unique(table)} for table in OF_CUSTOMERS}
    assert [name for name, key in keys.items() if "customer_id" in key] == ["phones"]


# the timeline, and what goes with age


def test_the_places_of_the_timeline_are_those_that_cursors_hold() -> None:
    places = [(source.kind, source.id.table.name, source.at.name) for source in registry.TIMELINE_SOURCES]
    assert places == [
        ("answer", "responses", "answered_at"),
        ("callback", "callbacks", "created_at"),
        ("survey", "invitations", "asked_at"),
        ("survey", "invitations", "created_at"),
        ("withheld", "suppressions", "at"),
        ("event", "events", "time"),
        ("message", "effects", "ended_at"),
        ("consent", "consents", "at"),
        ("returned", "mail_returns", "seen_at"),
    ]


def test_what_refers_to_others_goes_before_them() -> None:
    kinds = [kind.name for kind in registry.RETENTION_KINDS]
    assert kinds == ["contents", "runs", "events", "deliveries", "suppressions", "traces", "conflicts"]


def test_every_kind_of_rows_that_goes_has_a_period_and_every_period_a_kind() -> None:
    periods = {field.name for field in fields(Retention)} - {"archive"}
    assert {kind.name for kind in registry.RETENTION_KINDS} == periods


"""Configuration is read whole or refused: no word of it may count for nothing, or for something else, in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connector.config.file import ConfigError, read_config
from connector.config.settings import Settings
from connector.config.yaml_reader import put_in, read_yaml
from connector.feedback.messaging.brands import home_country, read_brands
from connector.vendors.clients import Connections
from integrations.errors import OptionsError
from tests.support.clients import build
from webhooks.salesforce.rules import mistakes
from workflows.errors import DefinitionError

SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0"


def refused(connection: str) -> list[str]:
    config = read_config(f"connections:\n  c: {connection}\n", Path("ringback.yaml"), {})
    return [str(mistake) for mistake in Connections(config).check()]


@pytest.mark.parametrize(("written", "read"), [
    ("010", "010"), ("0x10", "0x10"), ("1_000", "1_000"), ("12:30", "12:30"), (".inf", ".inf"), (".nan", ".nan"),
    ("10.000", "10.000"), ("123.456", "123.456"), ("-5", -5), ("0", 0), ("90", 90), ("0.125", 0.125), ("60.0", 60.0),
    ("1.5", 1.5), ("1234.500", 1234.5),
])
def test_a_number_is_one_only_if_everybody_reads_the_same(written: str, read: Any) -> None:
    assert read_yaml(f"key: {written}") == {"key": read}


@pytest.mark.parametrize(("connection", "said"), [
    ("{kind: inbound, webhook_secrets: [x]}", "connections.c.webhook_secrets: is not known here."),
    (f"{{kind: inbound, webhook_secret: {SECRET}, events: {{a: b.c}}}}", "connections.c.events: is not known here."),
    ("{kind: inbound, webhook_secret: 12345}", "connections.c.webhook_secret: is no text."),
    ("{kind: inbound, webhook_secret: {a: b}}", "connections.c.webhook_secret: is no text."),
    ("{kind: zendesk, webhook_secret: [good, 7]}", "connections.c.webhook_secret: is no text."),
    ("{kind: salesforce, webhook_token: 0.5}", "connections.c.webhook_token: is no text."),
    ("{kind: smtp, requests_per_minute: true}", "connections.c.requests_per_minute: True is no rate."),
    ("{kind: smtp, requests_per_minute: 1.000}", "connections.c.requests_per_minute: '1.000' is no rate."),
    ("{kind: smtp, concurrency: 2.5}", "connections.c.concurrency: 2.5 is no number of calls."),
    ("{kind: smtp, concurrency: true}", "connections.c.concurrency: True is no number of calls."),
])
def test_a_setting_that_nobody_would_obey_is_refused(connection: str, said: str) -> None:
    assert any(each.startswith(said) for each in refused(connection)), refused(connection)


@pytest.mark.parametrize(("options", "said"), [
    ({"fields": {"npss": {"score": "NPS__c"}}}, "fields.npss: is no metric; did you mean nps?"),
    ({"cases": {"priorities": {"urgnt": "High"}}}, "cases.priorities.urgnt: is not known; did you mean urgent?"),
    ({"cases": {"statuses": {"done": "Closed"}}}, "cases.statuses.done: is not known"),
])
def test_a_name_of_ours_that_is_none_is_refused_in_a_table_of_names(options: dict[str, Any], said: str) -> None:
    given = {"base_url": "https://a.my.salesforce.com", "auth": {"type": "token", "token": "t"}, **options}
    with pytest.raises(OptionsError) as error:
        build("salesforce", "c", given)
    assert any(said in each for each in error.value.mistakes), error.value.mistakes


def test_a_condition_without_values_would_never_be_met_and_is_refused() -> None:
    told = list(mistakes({"Order__c": {"type": "order.delivered", "when": {"Status__c": []}}}))
    assert told == ["Order__c.when.Status__c needs a field's name, and one value or a list of them"]


def test_a_country_that_no_number_is_from_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"brands\.default\.country: 'UK' does not fit\. .* GB for the United"):
        read_brands({"default": {"country": "UK"}})


@pytest.mark.parametrize(("countries", "home"), [
    ({}, "NL"), ({"acme": "BE"}, "BE"), ({"acme": "BE", "other": "BE"}, "BE"), ({"acme": "BE", "other": "DE"}, "NL"),
    ({"acme": "BE", "default": "DE"}, "DE"),
])
def test_the_house_is_where_its_brands_say(countries: dict[str, str], home: str) -> None:
    assert home_country(read_brands({name: {"country": country} for name, country in countries.items()})) == home


def test_what_the_environment_holds_has_no_stray_ends() -> None:
    assert put_in("${SECRET}", {"SECRET": " s3cret\r\n"}) == ("s3cret", ())
    assert put_in("${SECRET}", {"SECRET": " \n"})[1]
    assert Settings.from_environment({"RINGBACK_CONFIG": " acme.yaml\n"}).config == Path("acme.yaml")
    assert not Settings.from_environment({"RINGBACK_CONFIG": "  "}).config_named


def test_a_number_from_the_environment_is_one_and_a_broken_one_is_refused() -> None:
    assert read_config("fatigue_days: ${DAYS}", Path("ringback.yaml"), {"DAYS": "30"}).fatigue_days == 30
    with pytest.raises(ConfigError, match=r"fatigue_days: '\$\{DAYS\}' is no whole number"):
        read_config("fatigue_days: ${DAYS}", Path("ringback.yaml"), {"DAYS": "30.5"})

"""A connection's settings: what is taken, and what is said about the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connector.config.file import read_config
from connector.vendors.clients import Connections
from integrations.errors import OptionsError
from integrations.roles import Role
from integrations.salesforce.options import audience
from tests.support.clients import KINDS, build

OAUTH = {"type": "oauth", "client_id": "c", "client_secret": "hush"}
ZENDESK = {"base_url": "https://acme.zendesk.com", "auth": OAUTH}
SALESFORCE = {
    "base_url": "https://acme.my.salesforce.com",
    "auth": {"type": "client_credentials", "client_id": "c", "client_secret": "hush"},
}


def mistakes(kind: str, settings: Any) -> tuple[str, ...]:
    with pytest.raises(OptionsError) as refused:
        build(kind, "acme", settings)
    assert "hush" not in str(refused.value)
    assert str(refused.value).startswith(f"connection acme: {len(refused.value.mistakes)} mistake")
    return refused.value.mistakes


def test_a_kind_that_nobody_knows_is_told_with_the_one_that_was_meant() -> None:
    config = read_config("connections: {acme: {kind: zendsk}}", Path("ringback.yaml"), {})
    [mistake] = Connections(config).check()
    assert (mistake.path, mistake.message) == ("connections.acme.kind", "'zendsk' is not known. Did you mean zendesk?")
    assert mistake.remedy == "Use one of inbound, mailbox, mailgun, salesforce, ses, smtp, zendesk."


def test_each_kind_is_to_us_what_its_client_implements() -> None:
    assert {name: kind.roles for name, kind in KINDS.items()} == {
        "zendesk": {Role.HELPDESK, Role.TICKETS},
        "salesforce": {Role.CRM, Role.SALES, Role.TICKETS},
        "smtp": {Role.MESSENGER},
        "mailbox": {Role.MAILBOX},
    }


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("zendesk", ZENDESK),
        ("zendesk", ZENDESK | {"auth": {"type": "api_token", "email": "e@x", "token": "t"}}),
        ("zendesk", ZENDESK | {"auth": {"type": "token", "token": "t"}, "base_url": "http://localhost:6300"}),
        ("zendesk", ZENDESK | {"kind": "zendesk", "webhook_secret": ["a", "b"], "integration_user": 7}),
        ("zendesk", ZENDESK | {"fields": {"band": "", "csat": {"score": "csat_score"}}}),
        ("salesforce", SALESFORCE | {"organization_id": "00D000000000001", "webhook_token": "t", "events": {}}),
        ("salesforce", SALESFORCE | {"fields": {"score": "NPS__c"}, "api_version": 62.0}),
        ("salesforce", SALESFORCE | {"write_back": "everything", "api_reserve": "25%", "bulk_above": 500}),
        ("salesforce", SALESFORCE | {"write_back": {"people": {"trend": ""}, "accounts": False, "answers": True}}),
        ("zendesk", ZENDESK | {"organizations": True}),
        ("zendesk", ZENDESK | {"organizations": {"responses": "nps_n"}}),
        ("smtp", {"url": "smtps://u:hush@mail.example", "sender": "Acme <feedback@acme.example>"}),
    ],
)
def test_settings_as_they_stand_in_the_file_are_taken(kind: str, settings: dict[str, Any]) -> None:
    assert isinstance(build(kind, "acme", settings), object)


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("zendesk", {"base_url": "https://x.zendesk.com"}, ["auth: is missing"]),
        ("salesforce", SALESFORCE | {"write_back": "all"},
         ["write_back: 'all' is neither newest nor everything, nor a mapping of people, accounts, answers"]),
        ("salesforce", SALESFORCE | {"cases": {"object": "Lead"}},
         ["cases.object: 'Lead' is neither Case nor ContactRequest"]),
        ("salesforce", SALESFORCE | {"write_back": {"acounts": False}},
         ["write_back.acounts: is not known; did you mean accounts?"]),
        ("salesforce", SALESFORCE | {"write_back": {"people": False}},
         ["write_back.people: is no table of names; write true or a mapping of names"]),
        ("salesforce", SALESFORCE | {"write_back": {"answers": {"scor": "X__c"}}},
         ["write_back.answers.scor: is not known; did you mean score?"]),
        ("salesforce", SALESFORCE | {"write_back": {"answers": {"score": "1; DROP"}}},
         ["write_back.answers.score: is no name of a field or an object"]),
        ("salesforce", SALESFORCE | {"api_reserve": "120%"}, ["api_reserve: is no share; write it as 20%"]),
        ("salesforce", SALESFORCE | {"bulk_above": 0}, ["bulk_above: is no number of rows from 1 on"]),
        ("zendesk", ZENDESK | {"organizations": {"nps": "x"}}, None),
        ("zendesk", {"auth": OAUTH}, ["base_url: is missing"]),
        ("zendesk", ZENDESK | {"webhok_secret": "s"}, ["webhok_secret: is not known; did you mean webhook_secret?"]),
        ("zendesk", ZENDESK | {"feilds": {}}, ["feilds: is not known; did you mean fields?"]),
        (
            "zendesk",
            ZENDESK | {"auth": "hush"},
            ["auth: is no mapping; write type: with one of oauth, api_token, token"],
        ),
        ("zendesk", ZENDESK | {"auth": {}}, ["auth.type: nothing is not known; known are api_token, oauth, token"]),
        ("zendesk", ZENDESK | {"auth": {"type": ["oauth"]}}, None),
        (
            "zendesk",
            ZENDESK | {"auth": OAUTH | {"client_id": None, "secret": "hush"}},
            ["auth.client_id: is empty", "auth.secret: is not known; did you mean client_secret?"],
        ),
        (
            "zendesk",
            ZENDESK | {"auth": OAUTH | {"client_secret": 5}},
            ["auth.client_secret: is no text; put it in quotes"],
        ),
        ("zendesk", ZENDESK | {"fields": "score"}, None),
        ("zendesk", ZENDESK | {"fields": {"score": "my score"}}, ["fields.score: is no field name"]),
        ("zendesk", ZENDESK | {"fields": {"csat": {"band": "b"}}}, ["fields.csat.score: is missing"]),
        (
            "zendesk",
            ZENDESK | {"fields": {"csat": {"scor": "b"}}},
            ["fields.csat.scor: is not known; did you mean score?"],
        ),
        ("zendesk", None, ["settings: is no mapping; write its keys below it"]),
        ("zendesk", [], ["settings: is no mapping; write its keys below it"]),
        ("salesforce", SALESFORCE | {"base_url": "https://login.salesforce.com"}, None),
        ("salesforce", SALESFORCE | {"api_version": "sixty"}, ["api_version: is no API version; write it as v60.0"]),
    ],
)
def test_each_mistake_is_told_with_its_path_and_its_remedy(kind: str, settings: Any, said: list[str] | None) -> None:
    found = mistakes(kind, settings)
    assert said is None or sorted(found) == said
    assert found


def test_all_mistakes_are_told_at_once() -> None:
    assert len(mistakes("zendesk", {"base_url": "http://acme.zendesk.com", "auth": {"type": "oauth"}, "x": 1})) == 4


@pytest.mark.parametrize(
    "auth",
    [{}, {"private_key": "x"}, {"private_key": "x", "private_key_file": "y"}, {"private_key_file": "/nowhere/key"}],
)
def test_a_jwt_login_needs_one_readable_key(auth: dict[str, str]) -> None:
    jwt = {"type": "jwt", "client_id": "c", "username": "u"} | auth
    [mistake] = mistakes("salesforce", SALESFORCE | {"auth": jwt})
    assert mistake.startswith("auth.private_key")


@pytest.mark.parametrize(
    ("host", "login"),
    [
        ("acme.my.salesforce.com", "https://login.salesforce.com"),
        ("localhost", "https://login.salesforce.com"),
        ("acme--uat.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("acme--uat.my.salesforce.com", "https://test.salesforce.com"),
    ],
)
def test_a_jwt_is_for_the_login_host_of_the_org(host: str, login: str) -> None:
    assert audience(host) == login

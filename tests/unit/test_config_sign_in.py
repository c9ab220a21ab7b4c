"""``sign_in:`` of ringback.yaml."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from connector.config.file import ConfigError, read_config
from connector.config.sign_in.rules import SignInRules

OIDC = "oidc: {issuer: 'https://login.bank.example', client_id: ringback, client_secret: '${S}'}"


def rules(text: str) -> SignInRules:
    return read_config(f"sign_in: {{{text}}}", Path("ringback.yaml"), {"S": "secret"}).sign_in


def test_without_a_word_admins_and_editors_need_a_second_factor_and_a_password_opens_the_door() -> None:
    found = read_config("", Path("ringback.yaml"), {}).sign_in
    assert found == SignInRules()
    assert found.second_factor == {"admin", "editor"}
    assert found.takes_password("ada@bank.example")


def test_all_of_it_can_be_said() -> None:
    words = "second_factor: [], idle: 2 hours, longest: 1 day, password: false, emergency: Ada@bank.example"
    found = rules(f"{words}, {OIDC}")
    assert (found.second_factor, found.idle, found.longest) == (frozenset(), timedelta(hours=2), timedelta(days=1))
    assert (found.takes_password("ada@bank.example"), found.takes_password("eve@bank.example")) == (True, False)
    assert found.oidc is not None
    assert found.oidc.client_secret == "secret"
    assert "secret" not in repr(found).replace("client_secret", "")


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        ("second_factor: [wizard]", "sign_in.second_factor", "The roles are: admin"),
        ("second_factor: admin", "sign_in.second_factor", "[admin, editor]"),
        ("idle: soon", "sign_in.idle", "is no time span"),
        ("idle: 30 seconds", "sign_in.idle", "1 minute to 7 days"),
        ("longest: 2 business hours", "sign_in.longest", "1 minute to 7 days"),
        ("password: 'no'", "sign_in.password", "true or false"),
        ("password: false", "sign_in.password", "nobody may be able to sign in"),
        ("emergency: ada", "sign_in.emergency", "ada@example.org"),
        ("secnd_factor: []", "sign_in.secnd_factor", "Did you mean second_factor?"),
        ("oidc: {client_id: a, client_secret: b}", "sign_in.oidc.issuer", "https://login.example.org"),
        ("oidc: {issuer: 'http://login.example', client_id: a, client_secret: b}", "sign_in.oidc.issuer", "https"),
        (f"{OIDC[:-1]}, roles: {{a: wizard}}}}", "sign_in.oidc.roles", "'wizard'"),
        (f"{OIDC[:-1]}, teams: [a]}}", "sign_in.oidc.teams", "group-there: name-here"),
    ],
)
def test_every_mistake_has_its_path_and_its_remedy(text: str, path: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        rules(text)
    assert path in str(refused.value)
    assert told in str(refused.value)

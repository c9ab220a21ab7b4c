"""Sign-in by an OpenID Connect provider over real HTTP: who comes in as what, and what is not believed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from connector.storage.schema import tables
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.admin import words
from tests.support.browserless import Person, a_person
from tests.support.house import Harness, a_house, config_of
from tests.support.identity_provider import CLIENT, SECRET, IdentityProvider, an_identity_provider
from tests.support.people import BY_HAND, PASSWORD, somebody

_numbers = count(1)


@dataclass
class Both:
    """A house and its people's provider."""

    home: Harness
    provider: IdentityProvider

    def stranger(self) -> Person:
        return Person(self.home, self.home.client.application.test_client())

    def person(self, *groups: str, **claims: Any) -> None:
        """Whom the provider signs in next."""
        sub = f"sub-{next(_numbers)}"
        told = {"sub": sub, "email": f"{sub}@bank.example", "email_verified": True, "name": sub.title()}
        self.provider.person = {**told, "groups": list(groups), **claims}

    def enter(
        self, who: Person | None = None, start: str = "/oidc/start?next=/admin/account"
    ) -> tuple[Person, TestResponse]:
        """There and back, as a browser goes."""
        who = who or self.stranger()
        there = who.get(start).headers["Location"]
        back = requests.get(there, allow_redirects=False, timeout=10).headers["Location"]
        parts = urlsplit(back)
        return who, who.get(f"{parts.path.removeprefix('/admin')}?{parts.query}")

    def user(self) -> Any:
        return self.home.one(tables.users, tables.users.c.subject == self.provider.person["sub"])


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Both]:
    file = shutil.copy(sqlite_template, tmp_path_factory.mktemp("provider") / "ringback.db")
    clock = HandClock()
    with World(clock=clock) as world, an_identity_provider(clock) as provider:
        config = f"""{config_of(world)}
sign_in:
  password: false
  emergency: root@bank.example
  longest: 5 days
  idle: 5 days
  oidc:
    title: Acme
    issuer: {provider.url}
    client_id: {CLIENT}
    client_secret: "{SECRET}"
    roles: {{admins: admin, care: agent, readers: viewer}}
    teams: {{care: care-team}}
"""
        with a_house(f"sqlite:///{file}", world, {}, clock=clock, config=config) as home:
            a_person(home, "admin", "root@bank.example")
            yield Both(home, provider)


@pytest.fixture(autouse=True)
def _honest(both: Both) -> Iterator[None]:
    yield
    both.provider.lies, both.provider.algorithm, both.provider.metadata_lies = {}, "RS256", {}
    both.home.clock.move(minutes=30)


# --- who comes in


def test_somebody_of_a_known_group_comes_in_with_its_role_and_teams(both: Both) -> None:
    both.person("care", "others")
    who, entered = both.enter()
    assert (entered.status_code, entered.headers["Location"]) == (303, "/admin/account")
    assert who.get("/account").status_code == 200
    user = both.user()
    assert (user.role, user.teams, user.issuer, user.password) == ("agent", ["care-team"], both.provider.url, None)
    asked = both.provider.asked[-1]
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert len(asked["nonce"]) >= 32


def test_of_several_roles_the_one_that_may_most_counts_and_no_second_factor_is_asked_for(both: Both) -> None:
    both.person("readers", "admins")
    who, _ = both.enter()
    assert both.user().role == "admin"
    assert who.get("/users").status_code == 200


def test_whoever_is_in_no_known_group_does_not_come_in_and_nobody_is_made(both: Both) -> None:
    both.person("others")
    who, refused = both.enter()
    assert refused.status_code == 403
    assert "in no group that may come in" in words(refused)
    assert who.get("/").status_code == 303
    assert both.home.rows(tables.users, tables.users.c.subject == both.provider.person["sub"]) == []


def test_groups_are_read_anew_and_a_change_ends_the_older_sessions(both: Both) -> None:
    both.person("care")
    first, _ = both.enter()
    both.provider.person["groups"] = ["readers"]
    both.enter()
    assert (both.user().role, both.user().teams) == ("viewer", [])
    assert first.get("/").status_code == 303
    both.provider.person["groups"] = []
    again, _ = both.enter()
    assert again.get("/").status_code == 303


def test_somebody_is_issuer_and_subject_and_not_an_address(both: Both) -> None:
    both.person("care")
    both.enter()
    before = both.user().id
    both.provider.person["email"] = "renamed@bank.example"
    both.enter()
    assert both.user().id == before
    stolen = both.user().email
    both.person("admins", email=stolen, email_verified=False)
    _, refused = both.enter()
    assert refused.status_code == 403
    assert "Somebody else has this address" in words(refused)


def test_somebody_whom_we_know_by_a_verified_address_becomes_the_providers(both: Both) -> None:
    database, now = both.home.house.database, both.home.clock()
    known = somebody(both.home.house.access, database, now, "viewer", "known@bank.example")
    both.person("care", email="Known@bank.example")
    both.enter()
    assert (both.user().id, both.user().role) == (known.id, "agent")


def test_the_emergency_admin_is_nobody_elses(both: Both) -> None:
    both.person("readers", email="root@bank.example")
    _, refused = both.enter()
    assert refused.status_code == 403


def test_a_disabled_person_does_not_come_in(both: Both) -> None:
    both.person("care")
    who, _ = both.enter()
    both.home.house.access.people.disable(BY_HAND, both.user().id, both.home.clock())
    assert who.get("/").status_code == 303
    assert both.enter()[1].status_code == 403


def test_passwords_are_switched_off_but_for_the_one(both: Both) -> None:
    database, now = both.home.house.database, both.home.clock()
    local = somebody(both.home.house.access, database, now, "agent", "local@bank.example")
    for email, status in ((local.email, 422), ("root@bank.example", 303)):
        who = both.stranger()
        who.get("/sign-in")
        assert who.post("/sign-in", email=email, password=PASSWORD).status_code == status


def test_a_session_by_the_provider_lasts_twelve_hours_at_most(both: Both) -> None:
    both.person("care")
    who, _ = both.enter()
    both.home.clock.move(hours=11, minutes=59)
    assert who.get("/account").status_code == 200
    both.home.clock.move(minutes=1)
    assert who.get("/account").status_code == 303


# --- what is not believed


@pytest.mark.parametrize(
    "lies",
    [
        {"iss": "https://evil.example"}, {"aud": "another-client"}, {"aud": ["another-client", "third"]},
        {"nonce": "x"}, {"nonce": None}, {"exp": 1}, {"exp": None}, {"iat": 9_999_999_999},
        {"iat": None}, {"sub": None}, {"aud": None},
        {"aud": [CLIENT, "another"], "azp": "another"}, {"nbf": 9_999_999_999},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_that_says_something_else_signs_nobody_in(both: Both, lies: dict[str, Any]) -> None:
    both.person("admins")
    both.provider.lies = lies
    who, refused = both.enter()
    assert refused.status_code == 403
    assert who.cookie == ""


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_that_anybody_could_have_signed_signs_nobody_in(both: Both, algorithm: str) -> None:
    both.person("admins")
    both.provider.algorithm = algorithm
    who, refused = both.enter()
    assert (refused.status_code, who.cookie) == (403, "")


def test_a_key_that_was_changed_is_fetched_and_a_strangers_is_not_believed(both: Both) -> None:
    both.person("care")
    both.enter()
    old = both.provider.key
    both.home.clock.move(minutes=1)
    both.provider.key = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
    assert both.enter()[1].status_code == 303
    before = both.provider.key_requests
    both.provider.published = [both.provider.key]
    both.provider.key = old  # a key that is no longer published
    for _ in range(3):
        assert both.enter()[1].status_code == 403
    assert both.provider.key_requests - before <= 1, "who sends unknown keys makes us ask no more than once a minute"
    both.provider.key = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})  # another, under a known name
    assert both.enter()[1].status_code == 403
    both.provider.published = []
    both.home.clock.move(hours=2)
    assert both.enter()[1].status_code == 303


def test_an_answer_that_belongs_to_no_sign_in_of_this_browser_is_worth_nothing(both: Both) -> None:
    both.person("admins")
    eve, victim = both.stranger(), both.stranger()
    there = eve.get("/oidc/start").headers["Location"]
    back = urlsplit(requests.get(there, allow_redirects=False, timeout=10).headers["Location"])
    planted = f"{back.path.removeprefix('/admin')}?{back.query}"
    assert victim.get(planted).status_code == 403
    victim.get("/oidc/start")
    assert victim.get(planted).status_code == 403
    assert victim.cookie == ""


def test_an_answer_counts_once_and_for_ten_minutes(both: Both) -> None:
    both.person("care")
    who = both.stranger()
    there = who.get("/oidc/start").headers["Location"]
    back = urlsplit(requests.get(there, allow_redirects=False, timeout=10).headers["Location"])
    answer = f"{back.path.removeprefix('/admin')}?{back.query}"
    both.home.clock.move(minutes=11)
    assert who.get(answer).status_code == 403
    who, _ = both.enter()
    assert who.get(answer).status_code == 403


def test_the_answer_of_another_provider_is_refused(both: Both) -> None:
    both.person("care")
    who = both.stranger()
    there = who.get("/oidc/start").headers["Location"]
    back = urlsplit(requests.get(there, allow_redirects=False, timeout=10).headers["Location"])
    assert who.get(f"/oidc/back?{back.query}&iss=https://evil.example").status_code == 403


def test_nobody_is_led_out_of_the_house(both: Both) -> None:
    both.person("care")
    _, entered = both.enter(start="/oidc/start?next=https://evil.example")
    assert entered.headers["Location"] == "/admin/"


def test_what_needs_a_recent_sign_in_asks_the_provider_for_one(both: Both) -> None:
    both.person("admins")
    who, _ = both.enter()
    both.home.clock.move(minutes=11)
    assert "/sign-in/again" in who.get("/users/new").headers["Location"]
    assert "/admin/oidc/start?next=/admin/users/new&amp;again=1" in who.get("/sign-in/again?next=/admin/users/new").text
    both.provider.lies = {"auth_time": int(both.home.clock().timestamp()) - 600}
    assert both.enter(who, "/oidc/start?next=/admin/users/new&again=1")[1].status_code == 403, "it asked nobody"
    both.provider.lies = {}
    both.enter(who, "/oidc/start?next=/admin/users/new&again=1")
    assert both.provider.asked[-1]["prompt"] == "login"
    assert who.get("/users/new").status_code == 200


def test_a_session_that_was_planted_ends_with_the_sign_in(both: Both) -> None:
    both.person("care")
    eve, _ = both.enter()
    victim = both.stranger()
    victim.client.set_cookie("ringback-session", eve.cookie)
    both.person("care")
    both.enter(victim)
    assert victim.cookie != eve.cookie
    assert eve.get("/").status_code == 303


# --- the end, as the provider says


def ended(both: Both, token: str) -> int:
    return both.home.client.post("/admin/oidc/ended", data={"logout_token": token}).status_code


def test_the_provider_ends_one_session_or_all_of_a_person(both: Both) -> None:
    both.person("care", sid="s1")
    first, _ = both.enter()
    both.provider.person["sid"] = "s2"
    second, _ = both.enter()
    sub = both.provider.person["sub"]
    assert ended(both, both.provider.ended(sid="s1")) == 200
    assert (first.get("/").status_code, second.get("/").status_code) == (303, 200)
    third, _ = both.enter()
    assert ended(both, both.provider.ended(sub=sub)) == 200
    assert (second.get("/").status_code, third.get("/").status_code) == (303, 303)


def test_a_logout_token_counts_once(both: Both) -> None:
    both.person("care")
    both.enter()
    token = both.provider.ended(sub=both.provider.person["sub"])
    assert ended(both, token) == 200
    who, _ = both.enter()
    assert ended(both, token) == 200
    assert who.get("/").status_code == 200


@pytest.mark.parametrize(
    "claims",
    [{"events": {}}, {"events": None}, {"nonce": "x"}, {"iss": "https://evil.example"}, {"aud": "other"}, {"jti": None},
     {"sub": None}, {"exp": 1}],
    ids=str,
)  # fmt: skip
def test_what_is_no_logout_token_ends_nothing(both: Both, claims: dict[str, Any]) -> None:
    both.person("care")
    who, _ = both.enter()
    assert ended(both, both.provider.ended(**{"sub": both.provider.person["sub"], **claims})) == 400
    both.provider.algorithm = "none"
    assert ended(both, both.provider.ended(sub=both.provider.person["sub"])) == 400
    assert ended(both, "nonsense") == 400
    assert ended(both, "") == 400
    assert who.get("/").status_code == 200


# --- the provider itself


def test_a_provider_that_is_away_or_calls_itself_otherwise_is_told_of(
    both: Both, tmp_path: Path, sqlite_template: Path
) -> None:
    oidc = f"{{issuer: {both.provider.url}, client_id: a, client_secret: b}}"
    config = f"{config_of(both.home.world)}\nsign_in: {{oidc: {oidc}}}\n"
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'other.db')}"
    with a_house(url, both.home.world, {}, clock=both.home.clock, config=config) as home:
        a_person(home, "admin")
        for lies in ({"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example/token"}):
            both.provider.metadata_lies = lies
            away = Person(home, home.client.application.test_client()).get("/oidc/start")
            assert (away.status_code, "does not answer" in words(away)) == (503, True)
        both.provider.metadata_lies = {}
        assert "Sign in with" in words(Person(home, home.client.application.test_client()).get("/sign-in"))


def test_without_a_provider_there_is_no_such_door(both: Both, tmp_path: Path, sqlite_template: Path) -> None:
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'none.db')}"
    with a_house(url, both.home.world, {}, clock=both.home.clock) as home:
        a_person(home, "admin")
        who = Person(home, home.client.application.test_client())
        assert [who.get(path).status_code for path in ("/oidc/start", "/oidc/back?code=x&state=y")] == [404, 404]
        assert home.client.post("/admin/oidc/ended", data={"logout_token": "x"}).status_code == 404

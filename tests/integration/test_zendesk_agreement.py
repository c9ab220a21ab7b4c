"""A person agrees to a Zendesk connection once, and it lives on by tokens that each work once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from click.testing import CliRunner

from connector.cli.main import main
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.flow_control import connection_state
from connector.storage.schema import tables
from connector.storage.stores.oauth_tokens import DatabaseTokenStore
from connector.vendors import oauth_consent
from integrations.auth.tokens import Token
from integrations.errors import AuthFailed, NotYet
from sandbox.clock import HandClock
from sandbox.faults import Effect, Fault
from sandbox.world import World
from tests.support.clients import build
from tests.support.house import SECRET_KEY, SECRET_KEYS, Harness, a_house, config_of

BACK = "http://127.0.0.1:8000/connect/zendesk"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def world(clock: HandClock) -> Iterator[World]:
    with World(clock=clock) as world:
        yield world


@pytest.fixture
def home(database_url: str, world: World, clock: HandClock) -> Iterator[Harness]:
    """A house whose Zendesk connection waits for somebody to agree."""
    config = waiting(world)
    with a_house(database_url, world, {}, clock=clock, config=config) as home:
        yield home


def waiting(world: World) -> str:
    """The configuration of a Zendesk connection that somebody must agree to."""
    plain = "      type: oauth\n"
    return config_of(world).replace(plain, f"{plain}      grant: authorization_code\n", 1)


def asked(home: Harness) -> str:
    """The address that the command prints."""
    begun = oauth_consent.begin(SECRET_KEYS, "zendesk", home.clock())
    return home.house.connections.oauth_client("zendesk").address(BACK, begun.state, begun.challenge)


def agree(address: str) -> str:
    """Open it and agree. → where the browser is sent."""
    answer = requests.get(address, allow_redirects=False, timeout=60)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def connect(home: Harness) -> None:
    assert come_back(home, agree(asked(home))).status_code == 200


def come_back(home: Harness, location: str) -> Any:
    parts = urlsplit(location)
    return home.client.get(f"{parts.path}?{parts.query}")


def tokens_asked(world: World) -> list[str]:
    """The grants that were asked for, in order."""
    return [each.json()["grant_type"] for each in world.zendesk.requests if each.path == "/oauth/tokens"]


# --- agreeing -------------------------------------------------------------------------------------------------------


def test_nothing_works_before_somebody_agrees_and_the_remedy_is_named(home: Harness) -> None:
    with pytest.raises(AuthFailed, match="nobody has agreed to this connection yet; `ringback connections authorize`"):
        home.house.connections.me("zendesk")


def test_after_somebody_agreed_the_connection_works_and_is_no_longer_paused(home: Harness) -> None:
    database, now = home.house.database, home.clock()
    database.transact(lambda tx: connection_state.pause(database, tx, "zendesk", "refused", now))
    said = come_back(home, agree(asked(home)))
    assert (said.status_code, "Connected" in said.text) == (200, True)
    assert said.headers["Referrer-Policy"] == "no-referrer"
    assert home.house.connections.me("zendesk") == str(home.world.zendesk.integration_user["id"])
    assert home.one(tables.connections, tables.connections.c.name == "zendesk").status == "active"


def test_the_tokens_are_kept_sealed(home: Harness) -> None:
    connect(home)
    row = home.one(tables.connections, tables.connections.c.name == "zendesk")
    held = DatabaseTokenStore(home.house.database, "zendesk", SECRET_KEYS, home.clock).get()
    assert held is not None
    assert held.value.encode() not in row.token
    assert held.refresh.encode() not in row.token
    with pytest.raises(NotYet, match="does not open in this process"):  # never asked for anew, which would end it
        DatabaseTokenStore(home.house.database, "zendesk", SecretKeys("another key"), home.clock).get()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda location: location.replace("state=", "state=x"), "This link has ended"),
        (lambda location: location.split("&state")[0], "This link has ended"),
        (lambda location: location.replace("/connect/zendesk", "/connect/other"), "This link has ended"),
        (lambda location: location.replace("code=", "denied="), "Nobody agreed"),
        (lambda location: location.replace("code=", "code=x"), "refused our credentials (invalid_grant)"),
    ],
    ids=["a forged state", "no state", "another connection", "a refusal", "a forged code"],
)
def test_what_does_not_come_from_us_connects_nothing(home: Harness, change: Any, says: str) -> None:
    said = come_back(home, change(agree(asked(home))))
    assert said.status_code in (400, 502)
    assert says in said.text
    with pytest.raises(AuthFailed):
        home.house.connections.me("zendesk")


def test_a_code_works_once_and_a_link_ten_minutes(home: Harness) -> None:
    location = agree(asked(home))
    assert come_back(home, location).status_code == 200
    assert come_back(home, location).status_code == 502
    late = asked(home)
    home.clock.move(minutes=11)
    assert "This link has ended" in come_back(home, agree(late)).text


def test_a_stolen_code_is_worthless_without_our_verifier(home: Harness, world: World) -> None:
    code = parse_qs(urlsplit(agree(asked(home))).query)["code"][0]
    with pytest.raises(AuthFailed, match="invalid_grant"):
        home.house.connections.oauth_client("zendesk").exchange(code, BACK, "a guess")


def test_the_command_prints_the_address_and_what_must_be_set_at_zendesk(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = waiting(world)
    (tmp_path / "ringback.yaml").write_text(config)
    shown = CliRunner().invoke(main, ["connections", "authorize", "zendesk"])
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.startswith(f"{world.zendesk_url}/oauth/authorizations/new?response_type=code&")
    assert "redirect URL must be http://127.0.0.1:8000/connect/zendesk" in shown.stderr
    refused = CliRunner().invoke(main, ["connections", "authorize", "salesforce"])
    assert (refused.exit_code, "is no connection with `auth:" in refused.output) == (2, True)


def test_doctor_looks_with_what_somebody_agreed_to_and_says_when_nobody_did(
    home: Harness, database_url: str, tmp_path: Path
) -> None:
    config = waiting(home.world)
    (tmp_path / "ringback.yaml").write_text(config)
    environment = {"RINGBACK_DATABASE_URL": database_url, "RINGBACK_SECRET_KEY": SECRET_KEY,
                   "RINGBACK_CONFIG": str(tmp_path / "ringback.yaml")}  # fmt: skip
    said = CliRunner().invoke(main, ["doctor"], env=environment).output
    assert "nobody has agreed to this connection yet; `ringback connections authorize`" in said
    begun = oauth_consent.begin(SECRET_KEYS, "zendesk", home.clock())
    client = home.house.connections.oauth_client("zendesk")
    code = parse_qs(urlsplit(agree(client.address(BACK, begun.state, begun.challenge))).query)["code"][0]
    token = replace(client.exchange(code, BACK, begun.verifier), use_until=None)  # the doctor has its own clock
    DatabaseTokenStore(home.house.database, "zendesk", SECRET_KEYS, home.clock).replace(token)
    said = CliRunner().invoke(main, ["doctor"], env=environment).output
    assert "zendesk: reached, and our credentials are taken" in said


# --- living on ------------------------------------------------------------------------------------------------------


@dataclass
class Processes:
    """Clients of one connection, each with a token store of its own on one database."""

    database: Database
    world: World
    clock: HandClock
    made: list[Any] = field(default_factory=list)

    def __call__(self) -> Any:
        auth = {"type": "oauth", "grant": "authorization_code", "client_id": self.world.zendesk.client_id,
                "client_secret": self.world.zendesk.client_secret}  # fmt: skip
        settings = {"base_url": self.world.zendesk_url, "auth": auth}
        store = DatabaseTokenStore(self.database, "zendesk", SECRET_KEYS, self.clock)
        client = build("zendesk", "zendesk", settings, store=store, now=lambda: self.clock().timestamp())
        self.made.append(client)
        return client


@pytest.fixture
def processes(database: Database, world: World, clock: HandClock) -> Iterator[Processes]:
    """With tokens that somebody agreed to."""
    processes = Processes(database, world, clock)
    begun = oauth_consent.begin(SECRET_KEYS, "zendesk", clock())
    client = processes().session.tokens._client
    code = parse_qs(urlsplit(agree(client.address(BACK, begun.state, begun.challenge))).query)["code"][0]
    token = client.exchange(code, BACK, begun.verifier)
    DatabaseTokenStore(database, "zendesk", SECRET_KEYS, clock).replace(token)
    yield processes
    for each in processes.made:
        each.session.close()


def test_a_token_is_refreshed_before_it_ends_and_each_refresh_token_works_once(processes: Processes) -> None:
    client = processes()
    for _ in range(5):
        processes.clock.move(minutes=31)
        assert client.me().id
    assert tokens_asked(processes.world) == ["authorization_code", *["refresh_token"] * 5]
    logins = [each.json() for each in processes.world.zendesk.requests if each.path == "/oauth/tokens"]
    used = [each.get("refresh_token") for each in logins]
    assert len(set(used)) == len(used)


def test_of_many_processes_at_once_one_refreshes_and_all_go_on(processes: Processes) -> None:
    clients = [processes() for _ in range(8)]
    processes.clock.move(minutes=31)
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda client: client.me().id, clients))
    assert len(ids) == 1
    assert tokens_asked(processes.world).count("refresh_token") == 1


def test_a_token_that_zendesk_revoked_is_refreshed_once_for_all_processes(processes: Processes) -> None:
    clients = [processes() for _ in range(4)]
    for client in clients:
        client.me()
    processes.world.zendesk.revoke_tokens()
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda client: client.me().id, clients))) == 1
    assert tokens_asked(processes.world).count("refresh_token") == 1


def test_a_note_that_is_written_while_a_token_is_refreshed_does_not_cost_the_fresh_one(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, store = processes(), DatabaseTokenStore(processes.database, "zendesk", SECRET_KEYS, processes.clock)
    refresh = type(client.session.tokens._client).refresh

    def interrupted(self: Any, token: Token) -> Token:
        fresh = refresh(self, token)
        store.replace(Token(token.value, token.use_until, 0, 7.0, token.refresh, token.refresh_until))
        return fresh

    monkeypatch.setattr(type(client.session.tokens._client), "refresh", interrupted)
    processes.clock.move(minutes=31)
    client.me()
    held = store.get()
    assert held is not None
    assert held.header == client.session.tokens.header()
    monkeypatch.undo()
    processes.clock.move(minutes=31)
    assert client.me().id


def test_a_process_that_died_over_a_refresh_holds_up_the_others_for_a_minute_only(processes: Processes) -> None:
    client, store = processes(), DatabaseTokenStore(processes.database, "zendesk", SECRET_KEYS, processes.clock)
    processes.clock.move(minutes=31)
    assert store.lease(60)
    client.session.tokens._sleep = lambda seconds: processes.clock.move(seconds=10)
    assert client.me().id


def test_an_agreement_that_is_withdrawn_says_what_to_do(processes: Processes) -> None:
    client = processes()
    client.me()
    processes.world.zendesk.withdraw_agreement()
    with pytest.raises(AuthFailed, match="invalid_grant"):
        client.me()


def test_an_answer_that_is_lost_while_refreshing_does_not_hang(processes: Processes) -> None:
    client = processes()
    processes.clock.move(minutes=31)
    processes.world.zendesk.faults.add(Fault("/oauth/tokens", effect=Effect.COMMIT_THEN_DROP))
    with pytest.raises(Exception, match="connection to Zendesk was lost"):
        client.me()
    with pytest.raises(AuthFailed, match="invalid_grant"):  # the one that Zendesk gave is nowhere
        client.me()


def test_ninety_days_without_use_end_the_agreement(processes: Processes) -> None:
    processes.clock.move(days=88)
    assert processes().me().id
    processes.clock.move(days=91)
    with pytest.raises(AuthFailed, match="invalid_grant"):
        processes().me()

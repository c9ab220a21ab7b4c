"""How we log in to Salesforce: rarely, one process at a time, and never anywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.flow_control import connection_state
from connector.storage.schema import tables
from connector.storage.stores.oauth_tokens import DatabaseTokenStore
from integrations.auth.tokens import SharedToken, Token
from integrations.errors import AuthFailed, IntegrationError, Permanent, RateLimited
from integrations.salesforce.options import audience
from integrations.salesforce.setup.metadata import MetadataApi
from integrations.salesforce.setup.org import Setup
from sandbox.clock import HandClock
from sandbox.faults import Fault
from tests.support.clients import build
from tests.support.house import Harness, a_home, a_second_house, answer
from tests.support.house_workflows import WRITE_THE_SCORE
from tests.support.http import Reply, Seen, Server, serving
from tests.support.http import answer as reply

LOGIN = "/services/oauth2/token"
GONE = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
REFUSED = Fault(path="/services/(data|oauth2/userinfo)", status=401, body=GONE, times=10**6)
REDIRECTS = (301, 302, 303, 307, 308)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, score=WRITE_THE_SCORE) as home:
        yield home


def logins(home: Harness) -> int:
    return sum(each.path == LOGIN for each in home.world.salesforce.requests)


def tell(home: Harness, *scores: int) -> None:
    for number, value in enumerate(scores):
        home.world.salesforce.add_contact(f"Jansen{number}", f"jansen{number}@example.com")
        home.deliver(answer(value, email=f"jansen{number}@example.com"))


# --- a permanent 401, through the whole runtime ---------------------------------------------------------------------


def test_a_permanent_401_costs_two_tokens_and_the_connection_pauses_and_says_so(home: Harness) -> None:
    home.world.salesforce.faults.add(REFUSED)
    tell(home, 1, 2, 3, 4, 5)
    home.settle()
    assert logins(home) == 2
    paused = home.one(tables.connections, tables.connections.c.name == "salesforce")
    assert paused.status == connection_state.PAUSED
    assert "401" in paused.reason or "refused" in paused.reason
    assert {each.status for each in home.effects("score.write")} == {"due"}, "no answer is lost by it"


def test_while_it_lasts_one_token_a_minute_finds_out_whether_it_is_mended_and_then_all_goes_on(home: Harness) -> None:
    home.world.salesforce.faults.add(REFUSED)
    tell(home, 1, 2, 3)
    home.settle()
    for minute in range(1, 11):
        home.wait(minutes=1)
        assert logins(home) <= 2 + minute
    home.world.salesforce.faults.clear()
    home.wait(minutes=1)
    home.wait(minutes=1)
    assert home.one(tables.connections, tables.connections.c.name == "salesforce").status == connection_state.ACTIVE
    assert sorted(each["NPS_Score__c"] for each in home.world.salesforce.contacts) == [1, 2, 3]


def test_two_workers_ask_for_no_more_tokens_than_one(home: Harness, database_url: str) -> None:
    home.world.salesforce.faults.add(REFUSED)
    with a_second_house(home, database_url) as other:
        tell(home, 1, 2, 3, 4)
        home.pump("intake")
        for _ in range(3):
            for each in (home, other):
                each.settle()
        client: Any = other.house.connections.crm("salesforce")
        with pytest.raises(AuthFailed):
            client.me()
    assert logins(home) == 2


def test_a_worker_uses_the_token_that_another_one_asked_for(home: Harness, database_url: str) -> None:
    home.house.connections.me("salesforce")
    with a_second_house(home, database_url) as other:
        assert other.house.connections.me("salesforce") == home.house.connections.me("salesforce")
        assert logins(home) == 1
        home.world.salesforce.expire_sessions()
        home.house.connections.me("salesforce")
        other.house.connections.me("salesforce")
        assert logins(home) == 2


def test_a_session_that_ends_again_and_again_is_renewed_each_time(home: Harness) -> None:
    """A token that worked and came to its end is no sign that nothing works."""
    for _ in range(6):
        home.house.connections.me("salesforce")
        home.world.salesforce.expire_sessions()
    assert logins(home) == 6


# --- one at a time, and not too often -------------------------------------------------------------------------------


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, pool_size=4)
    yield opened
    opened.close()


def store(database: Database, clock: HandClock) -> DatabaseTokenStore:
    return DatabaseTokenStore(database, "salesforce", SecretKeys("a secret key of the tests, long enough"), clock)


def test_while_one_process_asks_another_waits_and_takes_its_token(database: Database) -> None:
    clock = HandClock()
    mine, theirs = store(database, clock), store(database, clock)
    assert theirs.lease(60)
    waited: list[float] = []

    def they_are_done(seconds: float) -> None:
        waited.append(seconds)
        theirs.put(Token("theirs"), replacing=None)
        theirs.release()

    def never() -> Token:
        raise AssertionError("one login is enough")

    token = SharedToken(never, mine, lambda: clock().timestamp(), they_are_done)
    assert token.header() == "Bearer theirs"
    assert len(waited) == 1


def test_a_process_that_died_while_it_asked_holds_up_the_others_for_a_minute_at_most(database: Database) -> None:
    clock = HandClock()
    assert store(database, clock).lease(60)
    token = SharedToken(
        lambda: Token("mine"), store(database, clock), lambda: clock().timestamp(), lambda s: clock.move(seconds=50 * s)
    )
    began = clock()
    assert token.header() == "Bearer mine"
    assert timedelta(seconds=55) < clock() - began < timedelta(seconds=66)


def test_a_login_that_fails_leaves_the_way_free(database: Database) -> None:
    clock, tries = HandClock(), []

    def fail_once() -> Token:
        tries.append(1)
        if len(tries) == 1:
            raise AuthFailed("no")
        return Token("mine")

    token = SharedToken(fail_once, store(database, clock), lambda: clock().timestamp())
    with pytest.raises(AuthFailed):
        token.header()
    assert token.header() == "Bearer mine"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_logins_stay_far_below_what_salesforce_allows_an_hour(database: Database) -> None:
    """3,600 an hour and user, and we may not be the only ones who log in as this user."""
    clock = HandClock()
    kept = store(database, clock)
    kept.lease(60)
    made, waits = 0, []
    for _ in range(12):  # for six minutes, every half minute, as often as it lets us
        try:
            while True:
                kept.count()
                made += 1
        except RateLimited as refused:
            waits.append(refused.retry_after or 0)
        clock.move(seconds=30)
    in_an_hour = made + 54 * 60 // 2  # what goes on at the even pace; the burst was used up at once
    assert 1_800 <= in_an_hour <= 1_900
    assert 0 < max(waits) <= 2


def test_a_token_is_kept_sealed_with_what_is_known_of_it(database: Database) -> None:
    clock = HandClock()
    token = Token("secret-token", None, unproven=1, asked_at=5.0)
    store(database, clock).put(token, replacing=None)
    assert store(database, clock).get() == token
    with database.read() as tx:
        assert b"secret-token" not in connection_state.state(tx, "salesforce").token  # type: ignore[union-attr]


# --- nowhere else ---------------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    with serving(lambda _seen: reply(200, {"access_token": "stolen", "records": []})) as running:
        yield running


@pytest.fixture
def org() -> Iterator[Server]:
    nothing = {"access_token": "token", "totalSize": 0, "done": True, "records": []}
    with serving(lambda _seen: reply(200, nothing)) as running:
        yield running


@pytest.fixture
def client(org: Server) -> Iterator[Any]:
    auth = {"type": "client_credentials", "client_id": "client", "client_secret": "hush"}
    built: Any = build("salesforce", "salesforce", {"base_url": org.url, "auth": auth})
    yield built
    built.session.close()


def to(server: Server, status: int) -> Reply:
    return Reply(status, b"", {"Location": f"{server.url}/services/oauth2/token"})


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_login_that_is_sent_to_another_host_goes_nowhere(
    client: Any, org: Server, elsewhere: Server, status: int
) -> None:
    org.replies = [to(elsewhere, status)]
    with pytest.raises(AuthFailed, match=f"status {status}.*check auth and base_url"):
        client.me()
    assert elsewhere.requests == []
    assert len(org.requests) == 1


CALLS = {
    "write": lambda client: client.session.patch("/services/data/v60.0/composite/sobjects", json={}),
    "query": lambda client: client.find_contacts("jan@acme.example"),
    "read": lambda client: client.get_contact("003000000000001"),
    "me": lambda client: client.me(),
    "describe": lambda client: Setup(client.session, "60.0").described("Contact"),
    "deploy": lambda client: MetadataApi(client.session, "60.0", sleep=lambda _s: None).validate(b"zip"),
    "assign": lambda client: Setup(client.session, "60.0").assign("0PS000000000001", "005000000000001"),
}  # fmt: skip


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_is_sent_to_another_host_takes_no_token_there(
    client: Any, org: Server, elsewhere: Server, name: str, status: int
) -> None:
    org.replies = [reply(200, {"access_token": "token"}), to(elsewhere, status)]
    with pytest.raises(IntegrationError):
        CALLS[name](client)
    assert elsewhere.requests == []
    assert len(org.requests) == 2


HOSTILE = ("//{0}/x", "https://{0}/x", "http://{0}/x", "/\\{0}/x", "/services//{0}", "/services/../{0}", "@{0}/x")


@pytest.mark.parametrize("link", HOSTILE)
def test_a_next_page_at_another_host_is_not_fetched(client: Any, org: Server, elsewhere: Server, link: str) -> None:
    page = {"records": [], "nextRecordsUrl": link.format(elsewhere.url.removeprefix("http://"))}
    org.replies = [reply(200, {"access_token": "token"}), reply(200, page)]
    with pytest.raises(Permanent):
        list(Setup(client.session, "60.0").holders("0PS000000000001"))
    assert elsewhere.requests == []
    assert len(org.requests) == 2


@pytest.mark.parametrize("hostile", ["//evil.example/x", "../../x", "0Af?x", "", "a" * 16, 5, None])
def test_ids_that_come_back_are_looked_at_before_they_are_used(client: Any, org: Server, hostile: Any) -> None:
    org.replies = [reply(200, {"access_token": "token"}), reply(201, {"id": hostile})]
    with pytest.raises(Permanent, match="is no Salesforce id"):
        MetadataApi(client.session, "60.0", sleep=lambda _s: None).validate(b"zip")
    assert len(org.requests) == 2
    with pytest.raises(Permanent, match="is no Salesforce id"):
        Setup(client.session, "60.0").unassign(hostile)
    assert len(org.requests) == 2


def test_the_address_that_a_token_names_gets_neither_token_nor_package(
    client: Any, org: Server, elsewhere: Server
) -> None:
    org.replies = [reply(200, {"access_token": "token", "instance_url": elsewhere.url, "id": f"{elsewhere.url}/id"})]

    def finished(seen: Seen) -> Reply:
        done = {"done": True, "success": True, "status": "Succeeded"}
        return reply(200, {"id": "0Af000000000001", "url": f"{elsewhere.url}/status", "deployResult": done})

    org.responder = finished
    assert MetadataApi(client.session, "60.0", sleep=lambda _s: None).validate(b"zip").succeeded
    assert elsewhere.requests == []


# --- whose login ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "login"),
    [
        ("acme.my.salesforce.com", "login"),
        ("acme--uat.sandbox.my.salesforce.com", "test"),
        ("acme--uat.my.salesforce.com", "test"),
        ("acme-dev-ed.develop.my.salesforce.com", "login"),
    ],
)
def test_an_assertion_is_for_the_login_of_production_or_of_sandboxes(host: str, login: str) -> None:
    assert audience(host) == f"https://{login}.salesforce.com"


def test_the_library_never_renews_a_session_by_itself(client: Any) -> None:
    assert client._salesforce.auth_type == "direct"
    assert client._salesforce._salesforce_login_partial is None

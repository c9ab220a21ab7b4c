"""Chat tools that are slow, that send us elsewhere, and words that would wake a whole company."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connector.storage.schema import tables
from integrations.alerts import guard
from integrations.alerts.client import AppriseAlerter
from integrations.alerts.words import calls_nobody
from integrations.errors import Ambiguous, IntegrationError, Transient
from integrations.transport.bounded_http import Bound
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.house import Harness, a_house, config_of
from tests.support.house import answer as answered
from tests.support.http import Reply, Server, answer, serving

MINUTE = 60

TELL = """\
trigger: {{event: survey.answered}}
run: {{key: event.response_id, mode: parallel}}
steps:
  - {{id: tell, do: alert.send, delivery: {delivery}, with: {{to: care-team, text: "{{{{ event.comment }}}}"}}}}
"""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def hook(server: Server, scheme: str = "json") -> str:
    return f"{scheme}://127.0.0.1:{server.server_port}/hooks/very-secret"


def alerted(url: str, text: str = "3: too slow") -> IntegrationError | None:
    try:
        AppriseAlerter().alert([url], "Jan is unhappy", text)
    except IntegrationError as error:
        return error
    return None


def test_a_receiver_that_took_the_alert_and_says_nothing_leaves_us_unsure(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "BOUND", Bound(1_000_000, 0.3))
    held = threading.Event()
    server.replies = [Reply(hold=held)]
    error = alerted(hook(server))
    held.set()
    assert isinstance(error, Ambiguous)
    assert "very-secret" not in error.reason


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(drop=True), Ambiguous), (answer(502), Ambiguous), (answer(504), Ambiguous),
        (answer(500), Transient), (answer(503), Transient), (answer(404), Transient), (answer(429), Transient),
    ],
)  # fmt: skip
def test_what_a_receiver_says_tells_whether_it_may_have_happened(
    server: Server, reply: Reply, kind: type[IntegrationError]
) -> None:
    server.replies = [reply]
    assert type(alerted(hook(server))) is kind


@contextmanager
def home_with(database_url: str, server: Server, delivery: str) -> Iterator[Harness]:
    clock = HandClock()
    with World(clock=clock) as world:
        config = config_of(world).replace("{email: [care@acme.example]}", f'{{notify: ["{hook(server)}"]}}')
        workflows = {"tell": TELL.format(delivery=delivery)}
        with a_house(database_url, world, workflows, clock=clock, config=config) as home:
            yield home


@pytest.mark.parametrize(("delivery", "times"), [("at-most-once", 1), ("needs-review", 1), ("at-least-once", 2)])
def test_a_slow_receiver_is_told_again_only_where_the_step_says_so(
    database_url: str, server: Server, delivery: str, times: int
) -> None:
    server.replies = [Reply(drop=True)]
    with home_with(database_url, server, delivery) as home:
        home.deliver(answered(3))
        home.settle()
        for _ in range(6):
            home.wait(seconds=5 * MINUTE)
        assert len(server.requests) == times
        assert home.run().status == ("needs_review" if delivery == "needs-review" else "succeeded")


def test_a_redirect_is_not_followed(server: Server) -> None:
    with serving() as elsewhere:
        server.replies = [answer(307, location=f"{elsewhere.url}/collect")]
        assert alerted(hook(server)) is not None
        assert elsewhere.requests == []


def test_an_address_may_not_ask_for_redirects_either(server: Server) -> None:
    with serving() as elsewhere:
        server.replies = [answer(307, location=f"{elsewhere.url}/collect")]
        assert alerted(f"{hook(server)}?redirect=yes") is not None
        assert elsewhere.requests == []


CALLS = ["@all", "@here", "@channel", "@everyone", "@Jan", "(@all)", "<!channel>", "<!here|x>", "<@U123>", "<@&42>",
         "<users/all>", "<!subteam^S1>"]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_words_of_a_customer_call_nobody(server: Server, call: str) -> None:
    assert alerted(hook(server, "mmost"), f"Waited. {call} look") is None
    [seen] = server.requests
    assert call not in seen.json["text"]
    assert call in seen.json["text"].replace("\u200b", "")


@pytest.mark.parametrize("plain", ["jan@customer.example", "10 @ € 5", "a < b > c", "<b>rude</b>", "x@y@all.example"])
def test_what_calls_nobody_stays_as_it_was_written(plain: str) -> None:
    assert calls_nobody(plain) == plain


def test_a_program_gets_the_words_as_they_are(server: Server) -> None:
    assert alerted(hook(server), "@all look") is None
    assert server.requests[0].json["message"] == "@all look"


def test_the_database_holds_no_address_of_a_chat_tool(database_url: str, server: Server) -> None:
    server.replies = [answer(500)]
    with home_with(database_url, server, "at-least-once") as home:
        home.deliver(answered(3))
        home.settle()
        assert "very-secret" not in str(home.rows(tables.effects)) + str(home.rows(tables.runs)) + str(home.story())
        home.wait(seconds=MINUTE)
        assert home.run().status == "succeeded"
        assert [seen.path for seen in server.requests] == ["/hooks/very-secret"] * 2


def test_an_address_that_was_taken_out_of_the_configuration_is_told_no_more(database_url: str, server: Server) -> None:
    server.replies = [answer(500)]
    with home_with(database_url, server, "at-least-once") as home:
        home.deliver(answered(3))
        home.settle()
        config = config_of(home.world).replace("{email: [care@acme.example]}", '{notify: ["json://127.0.0.1:1/other"]}')
        with a_house(database_url, home.world, clock=home.clock, config=config) as changed:
            changed.wait(seconds=MINUTE)
            assert len(server.requests) == 1
            assert "no longer" in changed.effects()[0].error

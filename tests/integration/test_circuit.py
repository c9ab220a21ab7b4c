"""The circuit breaker: an outage costs no effect its tries, and a vendor that is down is not hammered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connector.feedback.base.actions import Effect, Result
from connector.runtime.doorbell import INTAKE, effects_queue
from connector.runtime.effects import claims
from connector.runtime.effects.claims import ClaimPolicy
from connector.storage.flow_control import circuit_breaker
from connector.storage.schema import tables
from integrations.errors import Ambiguous, Permanent, RateLimited, Transient
from sandbox.faults import Fault
from tests.support.house import Harness, a_home, a_second_house, answer
from tests.support.house_workflows import OPEN_A_TICKET, WRITE_TO_THE_CUSTOMER

AWAY = Transient("Zendesk answered 503", status=503)
DOWN = Fault(path="/", status=503, times=10**6)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, tickets=OPEN_A_TICKET) as home:
        home.know()
        yield home


def ask(home: Harness, times: int = 1) -> None:
    for _ in range(times):
        home.deliver(answer(3))
    home.pump(INTAKE)


def claim(home: Harness, limit: int = 100, connection: str = "zendesk") -> list[Effect]:
    database, now, who = home.house.database, home.clock(), ClaimPolicy(connection, "one")
    calls = database.transact(lambda tx: claims.claim(database, tx, who, now, limit))
    return [effect for call in calls for effect in call]


def end(home: Harness, effects: list[Effect], result: Result) -> None:
    """Each of them was a call of its own, and ended so."""
    for effect in effects:
        own = type(result)(result.reason, status=result.status) if isinstance(result, Transient | Ambiguous) else result
        home.house.pumps._outcomes.record([(effect, own)])


def meet_nobody(home: Harness, calls: int) -> None:
    end(home, claim(home, calls), AWAY)


def connection(home: Harness, name: str = "zendesk") -> Any:
    return home.one(tables.connections, tables.connections.c.name == name)


def break_down(home: Harness) -> None:
    """As many calls meet nobody as open the circuit, over the time it takes."""
    meet_nobody(home, 1)
    home.clock.now += circuit_breaker.SPAN
    meet_nobody(home, circuit_breaker.FAILURES - 1)
    assert connection(home).status == "open"


# --- when it opens ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failures", "status"), [(circuit_breaker.FAILURES - 1, "active"), (circuit_breaker.FAILURES, "open")]
)
def test_so_many_failures_in_a_row_open_the_circuit_and_one_less_does_not(
    home: Harness, failures: int, status: str
) -> None:
    ask(home, 10)
    meet_nobody(home, 1)
    home.clock.now += circuit_breaker.SPAN
    meet_nobody(home, failures - 1)
    assert (connection(home).status, connection(home).failures) == (status, failures)


def test_a_hiccup_that_hits_many_calls_at_once_opens_nothing(home: Harness) -> None:
    ask(home, 30)
    meet_nobody(home, 20)
    home.clock.now += circuit_breaker.SPAN - timedelta(milliseconds=1)
    meet_nobody(home, 1)
    assert connection(home).status == "active"
    home.clock.now += timedelta(milliseconds=1)
    meet_nobody(home, 1)
    assert connection(home).status == "open"


@pytest.mark.parametrize(
    "sign_of_life",
    [{"ticket_id": "7", "url": ""}, Permanent("422", status=422), Transient("409", status=409),
     RateLimited("429", retry_after=1.0)],
)  # fmt: skip
def test_any_answer_in_between_begins_the_count_anew(home: Harness, sign_of_life: Result) -> None:
    ask(home, 20)
    meet_nobody(home, 1)
    home.clock.now += circuit_breaker.SPAN
    meet_nobody(home, circuit_breaker.FAILURES - 2)
    end(home, claim(home, 1), sign_of_life)
    home.clock.move(seconds=2)
    meet_nobody(home, circuit_breaker.FAILURES - 1)
    assert connection(home).status == "active"


def test_a_call_that_was_never_made_is_no_sign_of_life(home: Harness) -> None:
    ask(home, 20)
    meet_nobody(home, 1)
    home.clock.now += circuit_breaker.SPAN
    meet_nobody(home, circuit_breaker.FAILURES - 2)
    end(home, claim(home, 1), {"done": False, "reason": "nothing to write"})
    meet_nobody(home, 1)
    assert connection(home).status == "open"


def test_the_records_of_one_call_count_as_one_failure(home: Harness) -> None:
    ask(home, 10)
    together, same = claim(home, 10), Transient("503", status=503)
    home.clock.now += circuit_breaker.SPAN
    home.house.pumps._outcomes.record([(effect, same) for effect in together])
    assert (connection(home).status, connection(home).failures) == ("active", 1)


# --- while it is open ---------------------------------------------------------------------------------------


def test_one_call_after_ever_longer_pauses_finds_out_whether_the_vendor_is_back(home: Harness) -> None:
    home.world.zendesk.faults.add(DOWN)
    ask(home, 20)
    break_down(home)
    pauses, calls = [], []
    for _ in range(6):
        pauses.append((connection(home).blocked_until - home.clock()).total_seconds())
        home.clock.now = connection(home).blocked_until - timedelta(milliseconds=1)
        home.tick()
        home.clock.now = connection(home).blocked_until
        before = len(home.world.zendesk.requests)
        home.tick()
        calls.append(len(home.world.zendesk.requests) - before)
    assert pauses == [5, 8, 16, 32, 60, 60]
    assert calls == [1] * 6


def test_an_answer_closes_it_and_everything_goes_on_in_the_order_of_age(home: Harness) -> None:
    ask(home, 8)
    break_down(home)
    for _ in range(3):
        home.clock.move(milliseconds=1)
        ask(home)
    home.clock.now = connection(home).blocked_until
    home.tick()
    assert (connection(home).status, connection(home).failures) == ("active", 0)
    home.wait(seconds=10)
    assert {run.status for run in home.runs()} == {"succeeded"}
    tried = sorted(home.effects(), key=lambda effect: effect.first_tried_at)
    assert [effect.id for effect in tried[-3:]] == [effect.id for effect in home.effects()[-3:]]


def test_the_absence_of_the_vendor_costs_no_attempt_and_no_place_in_the_line(home: Harness) -> None:
    ask(home, circuit_breaker.FAILURES + 1)
    break_down(home)
    before = [effect.attempts for effect in home.effects()]  # those before the last could not know
    assert sorted(before) == [0, 0, 1, 1, 1, 1]
    for _ in range(circuit_breaker.FAILURES + 1):
        home.clock.now = connection(home).blocked_until + timedelta(minutes=1)
        home.house.sweep.tick()
        meet_nobody(home, 1)
    assert [effect.attempts for effect in home.effects()] == before
    assert {effect.epoch for effect in home.effects()} == {1, 2}
    spared = [effect for effect in home.effects() if effect.error]
    assert {effect.due_at <= effect.first_tried_at for effect in spared} == {True}


def test_a_lost_answer_is_still_looked_for_first(home: Harness) -> None:
    ask(home, circuit_breaker.FAILURES)
    meet_nobody(home, 1)
    home.clock.now += circuit_breaker.SPAN
    end(home, claim(home, 4), Ambiguous("lost", status=502))
    assert connection(home).status == "open"
    assert [effect.unsure for effect in home.effects()].count(True) == circuit_breaker.FAILURES - 1


def test_a_probe_takes_what_was_tried_least_so_that_one_bad_effect_cannot_keep_the_circuit_open(home: Harness) -> None:
    ask(home, circuit_breaker.FAILURES)
    break_down(home)
    probed = []
    home.clock.move(seconds=10)
    ask(home)
    for _ in range(2):
        home.clock.now = max(home.clock(), connection(home).blocked_until)
        home.house.sweep.tick()
        [effect] = claim(home)
        assert claim(home) == []
        probed.append(effect.id)
        end(home, [effect], AWAY)
    assert probed[0] == home.effects()[-1].id  # it was never tried
    assert probed[1] != probed[0]


def test_what_no_working_vendor_can_digest_comes_to_its_end_after_a_day(home: Harness) -> None:
    home.world.zendesk.faults.add(DOWN)
    ask(home)
    for _ in range(40):
        home.wait(hours=1)
        if home.effects()[0].status == "failed":
            break
    [effect] = home.effects()
    assert (effect.status, effect.error_kind, home.run().status) == ("failed", "transient", "failed")
    assert home.clock() - effect.first_tried_at > timedelta(days=1)


# --- everybody sees it --------------------------------------------------------------------------------------


def test_it_is_shown_by_the_connections_the_figures_and_the_journal(
    home: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    ask(home, 8)
    break_down(home)
    health = next(each for each in home.house.switches.health() if each.name == "zendesk")
    assert (health.status, health.due, health.reason) == ("open", 8, "Zendesk answered 503")
    assert health.failing_since == home.clock() - circuit_breaker.SPAN
    assert health.blocked_until == home.clock() + circuit_breaker.FIRST_PAUSE
    shown = home.client.get("/metrics").text
    assert 'ringback_connection_state{connection="zendesk",state="open"} 1.0' in shown
    home.clock.now = connection(home).blocked_until
    home.tick()
    said = [record.getMessage() for record in caplog.records]
    assert "connection zendesk does not work, its circuit is open: Zendesk answered 503" in said
    assert "connection zendesk works again" in said


def test_a_person_may_close_it_or_stop_the_connection_altogether(home: Harness) -> None:
    ask(home, 8)
    break_down(home)
    home.house.switches.pause("zendesk", "Kim", "we wait for them")
    home.wait(minutes=5)
    assert connection(home).status == "stopped"
    assert home.house.switches.resume("zendesk").status == "active"
    home.settle()
    assert {run.status for run in home.runs()} == {"succeeded"}


def test_other_connections_go_on(home: Harness) -> None:
    home.install(mails=WRITE_TO_THE_CUSTOMER)
    ask(home, 8)
    break_down(home)
    home.pump(effects_queue("mail"))
    assert len(home.mails("ann@example.com")) == 8


@pytest.mark.services
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_processes_share_it(home: Harness, database_url: str) -> None:
    home.world.zendesk.faults.add(DOWN)
    ask(home, 20)
    with a_second_house(home, database_url) as other:
        meet_nobody(home, 1)
        home.clock.now += circuit_breaker.SPAN
        meet_nobody(home, 2)
        meet_nobody(other, 2)
        assert connection(home).status == "open"
        assert (claim(home), claim(other)) == ([], [])
        home.clock.now = connection(home).blocked_until
        home.house.sweep.tick()
        assert (len(claim(other)), claim(home), claim(other)) == (1, [], [])

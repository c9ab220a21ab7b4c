"""Effects: what goes wrong at a vendor's costs time; never a second ticket, nor a neighbour's turn."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from connector.feedback.base.actions import Effect as Claimed
from connector.feedback.base.actions import Result
from connector.runtime.doorbell import INTAKE, effects_queue
from connector.runtime.effects.claims import ClaimPolicy
from connector.runtime.effects.performer import Performer
from connector.storage.schema import tables
from sandbox.faults import Effect, Fault
from sandbox.mailbox.store import Stage
from sandbox.receiver import Receiver
from tests.support.house import Harness, a_home, a_house, answer, config_of
from tests.support.house_workflows import OPEN_A_TICKET, WRITE_TO_THE_CUSTOMER
from tests.support.processes import until

PATIENCE = 60  # seconds

CREATE: dict[str, Any] = {"path": "/tickets$", "method": "POST"}
REFUSED = Fault(path="/tickets$|/oauth/tokens", status=401, body={"error": "invalid_token"}, times=99)
RESCUED = """\
trigger: {event: survey.answered}
steps:
  - id: callback
    do: ticket.open
    with: {connection: zendesk, subject: Call back}
    on_error:
      - {id: tell, do: alert.send, with: {to: care-team, text: "No ticket: {{ steps.callback.reason }}"}}
"""
COMMENT = """\
trigger: {event: ticket.created}
run: {key: event.ticket, mode: parallel}
steps:
  - {id: note, do: ticket.comment, with: {ticket: "{{ event.ticket }}", body: Handled.}}
"""


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, tickets=OPEN_A_TICKET) as home:
        home.know()
        yield home


def creations(home: Harness) -> list[Any]:
    return [
        each
        for each in home.world.zendesk.requests
        if (each.method, each.path) == ("POST", "/api/v2/tickets")
    ]


def connection(home: Harness, name: str = "zendesk") -> Any:
    return home.one(tables.connections, tables.connections.c.name == name)


def settle_over_time(home: Harness, minutes: int = 60) -> None:
    """Let time pass in small steps, as it does."""
    for _ in range(minutes):
        home.wait(minutes=1)


# --- trying again -------------------------------------------------------------------------------------------


def test_a_retry_sends_the_very_bytes_and_the_key_of_the_first_try(home: Harness) -> None:
    home.world.zendesk.faults.add(Fault(**CREATE, status=503, times=2))
    home.deliver(answer(3))
    home.settle()
    settle_over_time(home, 10)
    first, *others = creations(home)
    assert len(others) == 2
    assert {each.body for each in others} == {first.body}
    assert {each.headers["idempotency-key"] for each in creations(home)} == {home.effects()[0].key}
    assert len(home.world.zendesk.tickets) == 1


def test_tries_are_spaced_out_and_counted(home: Harness) -> None:
    home.world.zendesk.faults.add(Fault(**CREATE, status=503, times=3))
    home.deliver(answer(3))
    home.pump(INTAKE)
    seen = []
    for _ in range(3):
        home.clock.now = max(home.clock.now, home.effects()[0].due_at)
        home.pump(effects_queue("zendesk"))
        effect = home.effects()[0]
        seen.append((effect.status, effect.attempts, effect.due_at >= home.clock.now, effect.error_kind))
    assert seen == [
        ("due", 1, True, "transient"),
        ("due", 2, True, "transient"),
        ("due", 3, True, "transient"),
    ]


def test_an_effect_that_fails_for_good_is_parked_with_its_reason_and_the_run_says_so(home: Harness) -> None:
    home.world.zendesk.faults.add(Fault(**CREATE, status=422, body={"error": "RecordInvalid"}))
    home.deliver(answer(3))
    home.settle()
    [effect] = home.effects()
    assert (effect.status, effect.error_kind, effect.attempts) == ("failed", "permanent", 1)
    assert "RecordInvalid" in effect.error
    assert home.run().status == "failed"
    assert len(creations(home)) == 1


def test_tries_end_and_the_last_error_stays_visible(home: Harness) -> None:
    home.world.zendesk.faults.add(Fault(**CREATE, status=409, times=100))
    home.deliver(answer(3))
    home.settle()
    settle_over_time(home, 400)
    [effect] = home.effects()
    assert (effect.status, effect.error_kind) == ("failed", "transient")
    assert effect.attempts == len(creations(home)) < 20
    assert "409" in effect.error
    assert home.run().status == "failed"


def test_on_error_takes_another_way(home: Harness) -> None:
    home.install(tickets=RESCUED)
    home.world.zendesk.faults.add(Fault(**CREATE, status=422, body={"error": "RecordInvalid"}))
    home.deliver(answer(3))
    home.settle()
    [mail] = home.mails("care@acme.example")
    assert "RecordInvalid" in mail.text
    assert (home.run().status, home.run().step) == ("done_with_failure", "callback")


# --- did it happen? -----------------------------------------------------------------------------------------


def test_a_ticket_whose_answer_got_lost_is_opened_once(home: Harness) -> None:
    home.world.zendesk.faults.add(Fault(**CREATE, effect=Effect.COMMIT_THEN_DROP))
    home.deliver(answer(3))
    home.settle()
    [effect] = home.effects()
    assert (effect.status, effect.unsure, effect.error_kind) == ("due", True, "ambiguous")
    settle_over_time(home, 10)
    assert len(creations(home)) == 2  # the second one was answered from the vendor's memory of the key
    assert len(home.world.zendesk.tickets) == 1
    assert home.run().status == "succeeded"


def test_after_the_vendor_forgot_the_key_the_ticket_is_found_by_our_mark(home: Harness) -> None:
    home.world.zendesk.faults.add(Fault(**CREATE, effect=Effect.COMMIT_THEN_DROP))
    home.deliver(answer(3))
    home.settle()
    home.wait(hours=2, minutes=1)
    assert len(creations(home)) == 1
    assert len(home.world.zendesk.tickets) == 1
    assert home.output("callback")["ticket"] == f"zendesk:{home.world.zendesk.tickets[0]['id']}"


def test_a_ticket_that_never_arrived_is_opened_after_the_vendor_forgot_the_key(home: Harness) -> None:
    home.world.zendesk.faults.add(Fault(**CREATE, effect=Effect.DROP_BEFORE))
    home.deliver(answer(3))
    home.settle()
    home.wait(hours=2, minutes=1)
    assert len(home.world.zendesk.tickets) == 1
    assert home.run().status == "succeeded"


def test_a_comment_whose_answer_got_lost_is_written_once(home: Harness) -> None:
    home.install(tickets=COMMENT)
    ticket = home.world.zendesk.write_in("Ann", "ann@example.com", "Help", "It broke")["id"]
    home.world.zendesk.faults.add(
        Fault(path=f"/tickets/{ticket}$", method="PUT", effect=Effect.COMMIT_THEN_DROP)
    )
    home.ticket_event("ticket_created", str(ticket))
    home.settle()
    settle_over_time(home, 10)
    assert [each["body"] for each in home.world.zendesk.comments(ticket)][1:] == ["Handled."]
    assert home.run().status == "succeeded"


@pytest.mark.parametrize(
    ("delivery", "mails", "status"),
    [
        ("at-most-once", 1, "succeeded"),
        ("at-least-once", 2, "succeeded"),
        ("needs-review", 1, "needs_review"),
    ],
)
def test_of_a_mail_nobody_knows_about_the_author_says_what_to_do(
    home: Harness, delivery: str, mails: int, status: str
) -> None:
    home.install(
        tickets=WRITE_TO_THE_CUSTOMER.replace("do: message.send,", f"do: message.send, delivery: {delivery},")
    )
    home.world.mailbox.refuse(stage=Stage.DROP_AFTER_DATA)
    home.deliver(answer(9))
    home.settle()
    settle_over_time(home, 10)
    arrived = home.mails("ann@example.com")
    assert (len(arrived), home.run().status) == (mails, status)
    assert len({mail.header("Message-ID") for mail in arrived}) == 1  # a repeat is recognisable as one
    assert home.effects()[0].status == ("review" if status == "needs_review" else "done")


def test_a_mail_that_may_have_left_says_so_in_the_run(home: Harness) -> None:
    home.install(tickets=WRITE_TO_THE_CUSTOMER)
    home.world.mailbox.refuse(stage=Stage.DROP_AFTER_DATA)
    home.deliver(answer(9))
    home.settle()
    settle_over_time(home, 10)
    assert home.output("note")["unsure"] is True
    assert any("it may have happened" in line for line in home.story())


# --- the connection -----------------------------------------------------------------------------------------


def test_a_limit_holds_the_whole_connection_until_the_vendor_said_and_costs_no_attempt(home: Harness) -> None:
    home.world.zendesk.faults.add(Fault(**CREATE, status=429, headers={"Retry-After": "93"}))
    for _ in range(2):
        home.deliver(answer(3))
    home.pump(INTAKE)
    home.pump(effects_queue("zendesk"))
    assert connection(home).blocked_until == home.clock() + timedelta(seconds=93)
    before = len(creations(home))
    home.deliver(answer(3))
    home.wait(seconds=92)
    assert len(creations(home)) == before
    home.wait(seconds=1)
    assert [effect.status for effect in home.effects()] == ["done"] * 3
    assert {effect.attempts for effect in home.effects()} == {1}


def test_refused_credentials_pause_their_connection_and_no_other(home: Harness) -> None:
    home.install(mails=WRITE_TO_THE_CUSTOMER)
    home.world.zendesk.faults.add(REFUSED)
    home.deliver(answer(3))
    home.settle()
    assert connection(home).status == "paused"
    assert "invalid_token" in connection(home).reason
    assert len(home.mails("ann@example.com")) == 1
    [effect] = home.effects("ticket.open")
    assert (effect.status, effect.attempts) == ("due", 0)
    home.deliver(answer(3))
    home.settle()
    assert len(home.mails("ann@example.com")) == 2


def test_mended_credentials_are_found_by_one_careful_call(home: Harness) -> None:
    home.world.zendesk.faults.add(REFUSED)
    for _ in range(5):
        home.deliver(answer(3))
    home.settle()
    before = len(home.world.zendesk.requests)
    home.wait(minutes=1)  # the probe: one call, refused again
    assert len(creations(home)) + 2 >= len(home.world.zendesk.requests) - before >= 1
    assert connection(home).status == "paused"
    home.world.zendesk.faults.clear()
    home.wait(minutes=1)
    assert connection(home).status == "active"
    assert len(home.world.zendesk.tickets) == 5
    assert {run.status for run in home.runs()} == {"succeeded"}


def test_an_access_token_that_ran_out_is_replaced_without_anybody_noticing(home: Harness) -> None:
    home.deliver(answer(3))
    home.settle()
    home.world.zendesk.revoke_tokens()
    home.deliver(answer(3))
    home.settle()
    assert len(home.world.zendesk.tickets) == 2
    assert {effect.attempts for effect in home.effects()} == {1}


def test_a_mail_server_that_is_away_is_tried_again(home: Harness) -> None:
    home.install(tickets=WRITE_TO_THE_CUSTOMER)
    home.world.mailbox.refuse(code=451, text="4.3.0 come back later", times=2)
    home.deliver(answer(9))
    home.settle()
    settle_over_time(home, 10)
    assert len(home.mails("ann@example.com")) == 1
    assert home.run().status == "succeeded"


def test_no_mail_server_at_all_is_tried_again_and_then_it_leaves_once(home: Harness, database_url: str) -> None:
    away = config_of(home.world).replace(home.world.smtp_url, "smtp://127.0.0.1:1")
    home.install(tickets=WRITE_TO_THE_CUSTOMER)
    with a_house(database_url, home.world, clock=home.clock, config=away) as without:
        without.deliver(answer(9))
        without.settle()
        [effect] = without.effects()
        assert (effect.status, effect.error_kind, effect.unsure) == ("due", "transient", False)
    settle_over_time(home, 10)
    assert len(home.mails("ann@example.com")) == 1


def test_a_slow_or_broken_vendor_holds_up_only_its_own_calls(home: Harness) -> None:
    home.install(mails=WRITE_TO_THE_CUSTOMER)
    home.world.zendesk.faults.add(Fault(**CREATE, status=500, times=99))
    for _ in range(3):
        home.deliver(answer(9))
    home.settle()
    assert len(home.mails("ann@example.com")) == 3


def test_a_rate_budget_keeps_us_below_the_vendors_limit(home: Harness, database_url: str) -> None:
    slow = config_of(home.world).replace("  zendesk:\n", "  zendesk:\n    requests_per_minute: 12\n")
    with a_house(database_url, home.world, clock=home.clock, config=slow) as careful:
        for _ in range(4):
            careful.deliver(answer(3))
        careful.settle()
        assert len(creations(home)) == 1
        for made in (2, 3, 4):
            careful.wait(seconds=5)
            assert len(creations(home)) == made


def test_making_a_user_for_a_stranger_counts_as_a_request_too(home: Harness, database_url: str) -> None:
    slow = config_of(home.world).replace("  zendesk:\n", "  zendesk:\n    requests_per_minute: 12\n")
    with a_house(database_url, home.world, clock=home.clock, config=slow) as careful:
        for name in ("bo", "cy"):
            careful.deliver(answer(3, email=f"{name}@example.com"))
        careful.settle()
        careful.wait(seconds=9)
        assert len(creations(home)) == 1
        careful.wait(seconds=1)
        assert len(creations(home)) == 2


def test_a_team_is_told_at_every_address_once_also_when_one_fails(home: Harness, database_url: str) -> None:
    home.install(tickets="trigger: {event: survey.answered}\nsteps:\n"
                 "  - {id: tell, do: alert.send, with: {to: care-team, text: Look}}\n")  # fmt: skip
    with Receiver() as chat:
        chat.faults.add(Fault(path="/", status=503))
        notify = chat.url.replace("http://", "json://")
        both = config_of(home.world).replace(
            "[care@acme.example]}", f"[care@acme.example], notify: ['{notify}/x']}}"
        )
        with a_house(database_url, home.world, clock=home.clock, config=both) as house:
            house.deliver(answer(3))
            house.settle()
            settle_over_time(house, 10)
            assert house.run().status == "succeeded"
        assert [each.status for each in chat.requests] == [503, 200]
        assert json.loads(chat.requests[-1].body)["message"].strip() == "Look"
    assert len(home.mails("care@acme.example")) == 1


def test_calls_of_a_connection_that_is_no_longer_configured_are_parked(home: Harness, database_url: str) -> None:
    home.deliver(answer(3))
    home.pump(INTAKE)
    without = config_of(home.world).replace("  zendesk:\n", "  zendesk-nl:\n")
    with a_house(database_url, home.world, clock=home.clock, config=without) as changed:
        changed.settle()
        [effect] = changed.effects()
        assert (effect.status, changed.run().status) == ("failed", "failed")
        assert "'zendesk' is not configured" in effect.error


# --- one thing at a time ------------------------------------------------------------------------------------

WRITE_ON_IT = """\
trigger: {event: order.delivered}
run: {key: event.id, mode: parallel}
steps:
  - {id: note, do: ticket.comment, with: {ticket: "zendesk:1", body: "{{ event.id }}"}}
"""
RAISE_IT = """\
trigger: {event: order.delivered}
run: {key: event.id, mode: parallel}
steps:
  - {id: raise, do: ticket.escalate, with: {ticket: "zendesk:1"}}
"""


class TwoAtOnce:
    """Performs nothing, and finds out whether two calls are under way at the same time."""

    def __init__(self, seconds: float) -> None:
        self.meeting, self.met, self._seconds = threading.Barrier(2), False, seconds

    def batch(self, _connection: str) -> int:
        return 1

    def perform(self, effects: Sequence[Claimed], _now: datetime) -> list[Result]:
        try:
            self.meeting.wait(self._seconds)
            self.met = True
        except threading.BrokenBarrierError:
            self.meeting.reset()
        return [{} for _ in effects]


@pytest.mark.parametrize(("other_ticket", "side_by_side"), [(1, False), (2, True)])
def test_different_changes_of_one_ticket_go_out_one_after_the_other(
    home: Harness, other_ticket: int, side_by_side: bool
) -> None:
    home.install(write_on_it=WRITE_ON_IT, raise_it=RAISE_IT.replace("zendesk:1", f"zendesk:{other_ticket}"))
    home.deliver({"type": "order.delivered", "id": "o1", "data": {"customer": {"email": "a@b.example"}}})
    home.pump(INTAKE)
    calls: Any = TwoAtOnce(PATIENCE if side_by_side else 0.3)
    handlers = {"ticket.comment": calls, "ticket.escalate": calls}
    who, outcomes = ClaimPolicy("zendesk", "this worker"), home.house.pumps._outcomes
    performer = Performer(who, home.house.database, handlers, outcomes, home.clock, lambda _queues: None)
    performer.run()
    performer.close()
    assert calls.met is side_by_side
    done = [home.effects(action) for action in handlers]
    assert [[effect.status for effect in effects] for effects in done] == [["done"], ["done"]]



class HoldsTheTurn:
    """The first call comes back when SQLite's one writer is taken; the others when somebody waits for it."""

    def __init__(self, home: Harness) -> None:
        self._database, self._first = home.house.database, threading.Lock()
        self._taken, self._others = threading.Event(), threading.Event()
        self.landed: Callable[[], int] = lambda: 0
        self.holder = threading.Thread(target=self._hold)

    def batch(self, _connection: str) -> int:
        return 1

    def perform(self, effects: Sequence[Claimed], _now: datetime) -> list[Result]:
        if self._first.acquire(blocking=False):
            self.holder.start()
            assert self._taken.wait(PATIENCE)
        else:
            assert self._others.wait(PATIENCE)
        return [{"ticket_id": effect.id, "url": ""} for effect in effects]

    def _hold(self) -> None:
        with self._database.write():
            self._taken.set()
            until(lambda: len(self._database._turns._others) > 0, "somebody waits for the turn", PATIENCE)
            self._others.set()
            until(lambda: self.landed() == 4, "the others have landed", PATIENCE)


class CountingOutcomes:
    """Knows how many were written down together."""

    def __init__(self, home: Harness) -> None:
        self._outcomes, self.sizes = home.house.pumps._outcomes, list[int]()

    def write(self, tx: Connection, results: Any) -> frozenset[str]:
        self.sizes.append(len(results))
        return self._outcomes.write(tx, results)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_lands_while_the_turn_is_waited_for_is_written_down_in_it(home: Harness) -> None:
    for number in range(5):
        home.know(f"p{number}@example.com")
        home.deliver(answer(3, email=f"p{number}@example.com"))
    home.pump(INTAKE)
    calls: Any = HoldsTheTurn(home)
    outcomes: Any = CountingOutcomes(home)
    who, database = ClaimPolicy("zendesk", "one"), home.house.database
    performer = Performer(who, database, {"ticket.open": calls}, outcomes, home.clock, lambda _queues: None)
    calls.landed = performer._landed.qsize
    performer.run()
    performer.close()
    calls.holder.join(PATIENCE)
    assert outcomes.sizes == [5]
    assert {effect.status for effect in home.effects("ticket.open")} == {"done"}

"""People at the controls: what they may do to runs and connections, what it leads to, and what is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from connector.observe.backlog import read_backlog
from connector.runtime.doorbell import INTAKE, effects_queue
from connector.runtime.effects import claims
from connector.runtime.effects.claims import ClaimPolicy
from connector.runtime.operations import bulk as controls_bulk
from connector.runtime.operations.bulk import RunFilter
from connector.runtime.operations.errors import InputError, RefusedError, UnknownError
from connector.runtime.operations.following import follow
from connector.runtime.operations.runs import RunCommands
from connector.runtime.runs import dead_letter
from connector.storage.flow_control import connection_state
from connector.storage.schema import tables
from sandbox.faults import Effect, Fault
from sandbox.mailbox.store import Stage
from tests.support.house import Harness, a_home, answer
from tests.support.house_race import Racers
from tests.support.house_workflows import CALL_AND_WAIT, OPEN_A_TICKET, WRITE_TO_THE_CUSTOMER
from tests.support.processes import PATIENCE, until
from workflows.runs import Status

CREATE: dict[str, Any] = {"path": "/tickets$", "method": "POST"}
TWO_STEPS = """\
trigger: {event: survey.answered}
run: {key: event.customer, mode: single}
steps:
  - {id: tell, do: alert.send, with: {to: care-team, text: "A {{ event.score }}"}}
  - {id: callback, do: ticket.open, with: {connection: zendesk, subject: Call back}}
  - {id: note, do: ticket.comment, with: {ticket: "{{ steps.callback.ticket }}", body: "Noted."}}
"""
EACH = """\
trigger: {event: survey.answered}
run: {key: event.response, mode: parallel}
steps:
  - id: every
    each:
      in: "['a', 'b']"
      as: item
      steps: [{id: open, do: ticket.open, with: {connection: zendesk, subject: "{{ item }}"}}]
"""
BROKEN_CHOICE = """\
trigger: {event: survey.answered}
run: {key: event.response, mode: parallel}
steps:
  - id: which
    choose:
      - {if: event.context.nothing == 1, steps: [{id: never, stop: never}]}
"""
SNOOZE = """\
trigger: {event: survey.answered}
run: {key: event.response, mode: parallel}
steps:
  - {id: pause, wait: 3 days}
"""
PAUSE_SINGLE = SNOOZE.replace("{key: event.response, mode: parallel}", "{key: event.customer, mode: single}")


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, it=OPEN_A_TICKET) as home:
        home.know()
        yield home


def controls(home: Harness) -> RunCommands:
    return home.house.controls


def refuse_tickets(home: Harness) -> None:
    """The helpdesk refuses the next one."""
    home.world.zendesk.faults.add(Fault(**CREATE, status=422, body={"error": "RecordInvalid"}))


def failed(home: Harness, workflow: str = OPEN_A_TICKET) -> str:
    """A run whose ticket the helpdesk refused. → its id."""
    home.install(it=workflow)
    refuse_tickets(home)
    home.deliver(answer(3))
    home.settle()
    assert home.run().status == "failed"
    return str(home.run().id)


def worn_out(home: Harness) -> str:
    """A run whose ticket was tried until the tries were used up. → its id."""
    home.world.zendesk.faults.add(Fault(**CREATE, status=503, times=999))
    home.deliver(answer(3))
    home.settle()
    while home.run().status == "waiting":
        home.wait(minutes=30)
    home.world.zendesk.faults.clear()
    return str(home.run().id)


def in_doubt(home: Harness) -> str:
    """A run whose mail may or may not have left; it did. → its id."""
    home.install(
        it=WRITE_TO_THE_CUSTOMER.replace("do: message.send,", "do: message.send, delivery: needs-review,")
    )
    home.world.mailbox.refuse(stage=Stage.DROP_AFTER_DATA)
    home.deliver(answer(9))
    home.settle()
    home.wait(minutes=30)
    assert home.effects()[0].status == "review"
    return str(home.run().id)


def claim(home: Harness, connection: str = "zendesk") -> list[Any]:
    """Another worker takes the calls of a connection into its hands."""
    who, now = ClaimPolicy(connection, "another-worker"), home.clock()
    calls = home.house.database.transact(lambda tx: claims.claim(home.house.database, tx, who, now, 10))
    return [effect for call in calls for effect in call]


@contextmanager
def under_way(home: Harness, fault: Fault) -> Iterator[None]:
    """While the vendor takes its time with a call, which ends with the block; then its outcome is recorded."""
    home.world.zendesk.faults.add(fault)
    call = threading.Thread(target=lambda: home.pump(effects_queue("zendesk")))
    call.start()
    try:
        until(lambda: home.world.zendesk.faults.pending == (), "the call is under way")
        yield
    finally:
        home.world.zendesk.release()
        call.join(PATIENCE)
    assert not call.is_alive()


# --- cancel ---------------------------------------------------------------------------------------------------------


def test_a_cancelled_run_makes_no_more_calls_and_says_who_cancelled_it(home: Harness) -> None:
    home.deliver(answer(3))
    home.pump(INTAKE)
    [done] = controls(home).cancel([home.run().id], "Ann", "a test answer")
    home.tick()
    assert (done.status, home.run().status, home.run().reason) == (
        "cancelled",
        "cancelled",
        "by Ann: a test answer",
    )
    assert home.effects()[0].status == "cancelled"
    assert home.world.zendesk.tickets == []
    assert "Cancelled: by Ann: a test answer." in home.story()


def test_cancelling_twice_is_once(home: Harness) -> None:
    home.deliver(answer(3))
    home.pump(INTAKE)
    controls(home).cancel([home.run().id], "Ann", "no")
    before = home.run().epoch, home.story()
    [done] = controls(home).cancel([home.run().id], "Bo", "no")
    assert done.what == "was cancelled before"
    assert (home.run().epoch, home.story()) == before


def test_of_several_runs_all_are_cancelled_or_none(home: Harness) -> None:
    home.install(it=SNOOZE)
    for score in (1, 2):
        home.deliver(answer(score))
    home.settle()
    first, second = (run.id for run in home.runs())
    controls(home).skip(first, "pause", {}, "Ann")
    with pytest.raises(
        RefusedError, match=f"Run {first} is succeeded: cancel is not possible.* instead: restart"
    ):
        controls(home).cancel([first, second], "Ann", "no")
    assert [run.status for run in home.runs()] == ["succeeded", "waiting"]


def test_a_cancelled_run_no_longer_listens(home: Harness) -> None:
    home.install(it=CALL_AND_WAIT)
    home.deliver(answer(3))
    home.settle()
    controls(home).cancel([home.run().id], "Ann", "no")
    assert home.one(tables.waits).status == "cancelled"
    home.wait(days=8)
    assert home.run().status == "cancelled"
    assert len(home.effects()) == 1


def test_a_call_under_way_when_its_run_is_cancelled_is_recorded_and_leads_to_nothing(home: Harness) -> None:
    home.install(it=CALL_AND_WAIT)
    home.deliver(answer(3))
    home.pump(INTAKE)
    with under_way(home, Fault(**CREATE, effect=Effect.DELAY, delay=PATIENCE)):
        controls(home).cancel([home.run().id], "Ann", "no")
    home.tick()
    assert (home.run().status, home.effects()[0].status) == ("cancelled", "done")
    assert len(home.world.zendesk.tickets) == 1
    assert home.rows(tables.waits) == []
    assert any("succeeded after the run had moved on" in line for line in home.story())


def test_a_call_that_fails_after_its_run_was_cancelled_is_not_repeated(home: Harness) -> None:
    home.deliver(answer(3))
    home.pump(INTAKE)
    with under_way(home, Fault(**CREATE, status=503, delay=PATIENCE)):
        controls(home).cancel([home.run().id], "Ann", "no")
    home.wait(hours=2)
    assert home.effects()[0].status == "cancelled"
    assert home.world.zendesk.tickets == []


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "\x00", "a\x1bb"])
def test_a_reason_that_cannot_be_kept_is_refused(home: Harness, reason: str) -> None:
    home.deliver(answer(3))
    home.pump(INTAKE)
    with pytest.raises(InputError, match="reason: "):
        controls(home).cancel([home.run().id], "Ann", reason)
    assert home.run().status == "waiting"


@pytest.mark.parametrize("run_id", ["", "nobody", "'; DROP TABLE runs", "\x00", "x" * 5000, "é"])
def test_a_run_that_does_not_exist_is_said(home: Harness, run_id: str) -> None:
    with pytest.raises(UnknownError, match="There is no run"):
        controls(home).retry(run_id, "Ann")


# --- retry ----------------------------------------------------------------------------------------------------------


def test_what_the_vendor_refused_is_asked_anew_under_a_new_key(home: Harness) -> None:
    run = failed(home)
    done = controls(home).retry(run, "Ann")
    home.settle()
    old, new = home.effects()
    assert (old.status, new.status, home.run().status) == ("failed", "done", "succeeded")
    assert old.key != new.key
    assert done.what == "tried again from its step, as a new visit"
    assert "Retried by Ann: anew, under a new key." in home.story()
    assert len(home.world.zendesk.tickets) == 1


def test_what_only_failed_for_the_time_being_is_sent_again_as_it_was(home: Harness) -> None:
    run = worn_out(home)
    first = home.effects()[0]
    controls(home).retry(run, "Ann")
    home.wait(minutes=2)  # its connection is tried with one call first: the vendor was away
    [effect] = home.effects()
    assert (effect.key, effect.request, effect.status) == (first.key, first.request, "done")
    assert home.run().status == "succeeded"
    assert len(home.world.zendesk.tickets) == 1
    bodies = {
        each.body for each in home.world.zendesk.requests if each.method == "POST" and "/tickets" in each.path
    }
    assert len(bodies) == 1


def test_a_ticket_that_was_opened_unseen_is_found_when_it_is_retried_days_later(home: Harness) -> None:
    """The first try opened it and its answer was lost; all others failed before the vendor did anything."""
    home.world.zendesk.faults.add(Fault(**CREATE, effect=Effect.COMMIT_THEN_DROP))
    home.world.zendesk.faults.add(Fault(path=".", status=503, times=999))
    home.deliver(answer(3))
    home.settle()
    while home.run().status == "waiting":
        home.wait(minutes=30)
    home.world.zendesk.faults.clear()
    home.clock.move(days=3)
    controls(home).retry(home.run().id, "Ann")
    home.wait(minutes=2)
    assert len(home.world.zendesk.tickets) == 1
    assert home.run().status == "succeeded"


def test_anew_asks_for_a_new_call_in_any_case(home: Harness) -> None:
    run = worn_out(home)
    controls(home).retry(run, "Ann", anew=True)
    home.wait(minutes=2)
    assert [effect.status for effect in home.effects()] == ["failed", "done"]


def test_an_earlier_step_is_gone_back_to_and_all_from_there_is_done_again(home: Harness) -> None:
    run = failed(home, TWO_STEPS)
    controls(home).retry(run, "Ann", step="tell")
    home.settle()
    assert home.run().status == "succeeded"
    assert len(home.mails("care@acme.example")) == 2
    assert len(home.world.zendesk.tickets) == 1


@pytest.mark.parametrize("step", ["note", "nothing", "tell[0]", "x" * 200])
def test_a_step_that_the_run_did_not_pass_is_no_place_to_go_back_to(home: Harness, step: str) -> None:
    run = failed(home, TWO_STEPS)
    with pytest.raises(InputError, match="Name one of these: tell, callback"):
        controls(home).retry(run, "Ann", step=step)
    assert home.run().status == "failed"


def test_an_item_of_a_list_is_retried_where_it_failed(home: Harness) -> None:
    home.install(it=EACH)
    home.deliver(answer(3))
    refuse_tickets(home)
    home.settle()
    assert (home.run().status, home.run().step) == ("failed", "open[0]")
    controls(home).retry(home.run().id, "Ann")
    home.settle()
    assert [ticket["subject"] for ticket in home.world.zendesk.tickets] == ["a", "b"]


def test_a_run_that_goes_on_is_not_retried_and_one_retry_of_two_counts(home: Harness) -> None:
    run = failed(home)
    controls(home).retry(run, "Ann")
    with pytest.raises(RefusedError, match=r"is waiting: retry is not possible\. .*: skip, cancel, restart"):
        controls(home).retry(run, "Bo")
    home.settle()
    assert len(home.world.zendesk.tickets) == 1


def test_a_retry_waits_for_a_call_that_is_under_way(home: Harness) -> None:
    """A run is buried while another worker has its call in hands."""
    home.deliver(answer(3))
    home.pump(INTAKE)
    run = home.run().id
    claim(home)
    bury(home, run)
    with pytest.raises(
        RefusedError, match=r"ticket\.open at zendesk is under way; retry must wait for its outcome"
    ):
        controls(home).retry(run, "Ann")
    assert home.run().status == "dead"


def bury(home: Harness, run: str) -> None:
    error = RuntimeError("ours")
    home.house.database.transact(lambda tx: dead_letter.mark_dead(tx, [run], error, home.clock()))


def test_a_buried_run_makes_the_call_that_was_taken_back_under_its_own_key(home: Harness) -> None:
    home.deliver(answer(3))
    home.pump(INTAKE)
    bury(home, home.run().id)
    key = home.effects()[0].key
    controls(home).retry(home.run().id, "Ann")
    home.settle()
    assert [(effect.key, effect.status) for effect in home.effects()] == [(key, "done")]
    assert home.run().status == "succeeded"


def test_a_buried_run_whose_call_succeeded_takes_the_outcome_and_calls_nobody(home: Harness) -> None:
    home.deliver(answer(3))
    home.pump(INTAKE)
    with under_way(home, Fault(**CREATE, effect=Effect.DELAY, delay=PATIENCE)):
        bury(home, home.run().id)
    assert (home.run().status, home.effects()[0].status) == ("dead", "done")
    controls(home).retry(home.run().id, "Ann")
    home.settle()
    assert (home.run().status, len(home.world.zendesk.tickets)) == ("succeeded", 1)
    assert home.output("callback")["ticket_id"] == str(home.world.zendesk.tickets[0]["id"])


def test_a_failed_run_whose_key_another_run_has_is_refused(home: Harness) -> None:
    run = failed(home, TWO_STEPS)
    home.deliver(answer(2))
    home.pump(INTAKE)
    other = home.runs()[1].id
    for wish in (controls(home).retry, controls(home).restart):
        with pytest.raises(RefusedError, match=other):
            wish(run, "Ann")
    assert [each.status for each in home.runs()] == ["failed", "waiting"]


# --- skip and review ------------------------------------------------------------------------------------------------


def test_a_failed_step_is_given_its_output_by_hand_and_the_run_goes_on(home: Harness) -> None:
    ticket = home.world.zendesk.write_in("Ann", "ann@example.com", "By hand", "Opened by a person")["id"]
    run = failed(home, TWO_STEPS)
    controls(home).skip(run, "callback", {"ticket": f"zendesk:{ticket}"}, "Ann")
    home.settle()
    assert home.run().status == "succeeded"
    assert home.output("callback") == {"done": True, "ticket": f"zendesk:{ticket}"}
    assert "Noted." in [each["body"] for each in home.world.zendesk.comments(ticket)]
    assert "Skipped by Ann, with an output by hand." in home.story()


def test_a_step_that_waits_for_its_call_is_skipped_and_the_call_is_not_made(home: Harness) -> None:
    home.deliver(answer(3))
    home.pump(INTAKE)
    controls(home).skip(home.run().id, "callback", {"done": False, "reason": "called already"}, "Ann")
    home.tick()
    assert (home.run().status, home.effects()[0].status) == ("succeeded", "cancelled")
    assert home.output("callback")["done"] is False
    assert home.world.zendesk.tickets == []


def test_an_awaited_event_is_given_by_hand(home: Harness) -> None:
    home.install(it=CALL_AND_WAIT)
    home.deliver(answer(3))
    home.settle()
    controls(home).skip(home.run().id, "solved", {"ticket": "by hand"}, "Ann")
    assert (home.run().status, home.one(tables.waits).status) == ("succeeded", "cancelled")
    assert home.output("solved")["event"] == {"ticket": "by hand"}


def test_a_time_is_waited_for_no_longer(home: Harness) -> None:
    home.install(it=SNOOZE)
    home.deliver(answer(3))
    home.settle()
    controls(home).skip(home.run().id, "pause", {}, "Ann")
    assert home.run().status == "succeeded"


def test_who_skips_a_step_that_was_skipped_already_does_not_skip_the_next(home: Harness) -> None:
    run = failed(home, TWO_STEPS)
    controls(home).skip(run, "callback", {"ticket": "zendesk:1"}, "Ann")
    with pytest.raises(RefusedError, match="not at the step 'callback': it is at 'note' now"):
        controls(home).skip(run, "callback", {"ticket": "zendesk:2"}, "Bo")
    assert home.output("callback")["ticket"] == "zendesk:1"


def test_a_step_whose_call_is_under_way_is_not_skipped(home: Harness) -> None:
    home.deliver(answer(3))
    home.pump(INTAKE)
    claim(home)
    with pytest.raises(RefusedError, match="skip must wait for its outcome"):
        controls(home).skip(home.run().id, "callback", {}, "Ann")


def test_a_step_that_is_no_action_takes_no_output(home: Harness) -> None:
    home.install(it=BROKEN_CHOICE)
    home.deliver(answer(3))
    home.settle()
    assert home.run().status == "failed"
    with pytest.raises(RefusedError, match="'which' is neither an action nor a wait"):
        controls(home).skip(home.run().id, "which", {}, "Ann")


@pytest.mark.parametrize(
    "output",
    ["text", [1], None, {"a": "\x00"}, {"a": "\ud800"}, {"a\x00": 1}, {"a": float("nan")}, {"a": "x" * 70_000},
     json.loads('{"a":' * 30 + "1" + "}" * 30)],
)  # fmt: skip
def test_an_output_that_cannot_be_kept_is_refused(home: Harness, output: Any) -> None:
    run = failed(home)
    with pytest.raises(InputError, match="output: "):
        controls(home).skip(run, "callback", output, "Ann")
    assert home.run().status == "failed"


def test_a_mail_that_had_arrived_is_not_sent_again(home: Harness) -> None:
    run = in_doubt(home)
    controls(home).answer_review(run, True, "Ann")
    home.settle()
    assert (home.run().status, home.effects()[0].status) == ("succeeded", "done")
    assert len(home.mails("ann@example.com")) == 1
    assert "Ann looked: it happened." in home.story()


@pytest.mark.parametrize("how", ["review", "retry"])
def test_a_mail_that_had_not_arrived_is_sent_again_as_it_was(home: Harness, how: str) -> None:
    run = in_doubt(home)
    if how == "review":
        controls(home).answer_review(run, False, "Ann")
    else:
        controls(home).retry(run, "Ann")
    home.settle()
    assert (home.run().status, len(home.effects())) == ("succeeded", 1)
    assert len({mail.header("Message-ID") for mail in home.mails("ann@example.com")}) == 1


def test_a_review_is_answered_once_and_only_where_there_is_a_doubt(home: Harness) -> None:
    run = in_doubt(home)
    controls(home).answer_review(run, True, "Ann")
    with pytest.raises(RefusedError, match="review is not possible"):
        controls(home).answer_review(run, False, "Bo")
    assert len(home.mails("ann@example.com")) == 1


# --- dismiss --------------------------------------------------------------------------------------------------------


def dead_letters(home: Harness) -> dict[str, int]:
    with home.house.database.read() as tx:
        found = read_backlog(tx, (), lambda _: None, home.clock())
    calls = sum(each.failed + each.review for each in found.connections)
    every = {**found.stopped, "calls": calls}
    return {what: count for what, count in every.items() if count}


@pytest.mark.parametrize("stop", [failed, in_doubt])
def test_a_dismissed_run_waits_for_nobody_and_its_history_says_who_and_why(
    home: Harness, stop: Callable[[Harness], str]
) -> None:
    run = stop(home)
    assert dead_letters(home)
    done = controls(home).dismiss(run, "Ann", "The customer was called by phone")
    assert (done.status, done.what) == ("dismissed", "dismissed")
    assert dead_letters(home) == {}
    assert "Dismissed: by Ann: The customer was called by phone." in home.story()
    assert home.run().reason.startswith("by Ann: The customer was called by phone; ")  # and what had stopped it
    assert (home.run().slot, home.run().ended_at) == (None, home.clock())


def test_dismissing_twice_is_once_and_nothing_but_a_restart_follows(home: Harness) -> None:
    run = failed(home)
    controls(home).dismiss(run, "Ann", "done by hand")
    assert controls(home).dismiss(run, "Bo", "me, too").what == "was dismissed before"
    with pytest.raises(RefusedError, match=r"dismissed: retry is not possible\. Possible instead: restart\."):
        controls(home).retry(run, "Bo")
    assert home.story().count("Dismissed: by Ann: done by hand.") == 1


def test_a_run_that_goes_well_cannot_be_dismissed_and_a_reason_is_needed(home: Harness) -> None:
    with pytest.raises(InputError, match="reason"):
        controls(home).dismiss(failed(home), "Ann", " ")
    home.install(it=PAUSE_SINGLE)
    home.deliver(answer(4))
    home.settle()
    [waiting] = [run for run in home.runs() if run.status == "waiting"]
    with pytest.raises(RefusedError, match="waiting: dismiss is not possible"):
        controls(home).dismiss(waiting.id, "Ann", "enough")


# --- what came of it ------------------------------------------------------------------------------------------------


def test_a_retry_that_fails_again_is_told_as_such_with_the_reason(home: Harness) -> None:
    run = failed(home)
    refuse_tickets(home)
    controls(home).retry(run, "Ann")
    [fate] = follow(home.house.database, [run], 10, pause=lambda _: home.settle())
    assert fate.failed
    assert str(fate).startswith(f"Run {run}: it is failed again, at callback: ")


def test_a_retry_that_goes_well_is_told_and_one_that_nobody_works_on_is_not_waited_for_for_ever(home: Harness) -> None:
    run = failed(home)
    controls(home).retry(run, "Ann")
    [unseen] = follow(home.house.database, [run], 0.3, pause=lambda _: None)
    assert (unseen.failed, unseen.calls) == (False, True)
    assert "its call has not ended yet" in str(unseen)
    [fate] = follow(home.house.database, [run], 10, pause=lambda _: home.settle())
    assert str(fate) == f"Run {run}: it is succeeded now."


# --- restart --------------------------------------------------------------------------------------------------------


def test_a_restart_begins_a_new_run_with_the_newest_version_and_both_say_so(home: Harness) -> None:
    run = failed(home)
    home.install(it=OPEN_A_TICKET.replace("Call back", "Ring"))
    done = controls(home).restart(run, "Ann")
    home.settle()
    old, new = home.runs()
    assert (old.status, new.status, new.id) == ("failed", "succeeded", done.new_run)
    assert (old.event_seq, old.customer_id, old.key) == (new.event_seq, new.customer_id, new.key)
    assert old.facts == new.facts
    assert home.world.zendesk.tickets[0]["subject"] == "Ring"
    assert f"Restarted by Ann as run {new.id}." in home.story(old.id)
    assert f"Restarted by Ann, after run {old.id}." in home.story(new.id)


def test_a_run_that_waits_is_cancelled_by_its_restart(home: Harness) -> None:
    home.install(it=PAUSE_SINGLE)
    home.deliver(answer(3))
    home.settle()
    controls(home).restart(home.run().id, "Ann")
    assert [run.status for run in home.runs()] == ["cancelled", "waiting"]


def test_a_run_is_restarted_once(home: Harness) -> None:
    run = failed(home)
    new = controls(home).restart(run, "Ann").new_run
    with pytest.raises(RefusedError, match=f"restarted already, as run {new}"):
        controls(home).restart(run, "Bo")
    assert len(home.runs()) == 2


def test_a_retired_workflow_starts_nothing(home: Harness) -> None:
    run = failed(home)
    home.install(it=f"enabled: false\n{OPEN_A_TICKET}")
    with pytest.raises(RefusedError, match="the workflow it is retired or switched off"):
        controls(home).restart(run, "Ann")


def test_a_version_that_starts_on_another_event_is_not_given_the_old_one(home: Harness) -> None:
    run = failed(home)
    home.install(
        it=SNOOZE.replace("survey.answered", "ticket.solved").replace("event.response", "event.ticket")
    )
    with pytest.raises(
        RefusedError, match=r"starts on ticket\.solved, and this run began with survey\.answered"
    ):
        controls(home).restart(run, "Ann")


# --- many at once ---------------------------------------------------------------------------------------------------


def test_a_filter_counts_first_and_one_refusal_holds_up_no_other(home: Harness) -> None:
    home.install(it=SNOOZE)
    for _ in range(3):
        home.deliver(answer(3))
    home.settle()
    home.clock.move(hours=2)
    home.deliver(answer(3))
    home.settle()
    old = RunFilter("it", (Status.WAITING,), home.clock() - timedelta(hours=1), "pause")
    with home.house.database.read() as tx:
        ids, counted = controls_bulk.find(tx, old), controls_bulk.count(tx, old)
    assert counted == len(ids) == 3
    controls(home).skip(ids[1], "pause", {}, "Bo")
    lines = list(controls_bulk.each(lambda run: controls(home).cancel([run], "Ann", "old")[0], ids))
    assert [line.done is not None for line in lines] == [True, False, True]
    assert [bool(line.error) for line in lines] == [False, True, False]
    assert sorted(run.status for run in home.runs()) == ["cancelled", "cancelled", "succeeded", "waiting"]


def test_runs_that_failed_are_found_by_the_step_at_which_they_failed(home: Harness) -> None:
    run = failed(home, TWO_STEPS)
    with home.house.database.read() as tx:
        assert controls_bulk.find(tx, RunFilter(step="callback")) == [run]
        assert controls_bulk.find(tx, RunFilter(step="call%")) == []
        with pytest.raises(InputError, match="names nothing"):
            controls_bulk.find(tx, RunFilter())


# --- two at once ----------------------------------------------------------------------------------------------------


def test_of_two_who_cancel_at_once_one_did_it(home: Harness) -> None:
    home.install(it=SNOOZE)
    with Racers() as racers:
        for number in range(10):
            home.deliver(answer(3, response_id=f"r{number}"))
            home.settle()
            run = home.runs()[-1].id
            whats: list[str] = []
            racers.race(*(lambda by=by, run=run, whats=whats: whats.append(
                controls(home).cancel([run], by, "no")[0].what) for by in ("Ann", "Bo")))  # fmt: skip
            assert sorted(whats) == ["cancelled", "was cancelled before"]
            assert sum("Cancelled" in line for line in home.story(run)) == 1


def test_of_two_who_retry_at_once_one_call_comes(home: Harness) -> None:
    with Racers() as racers:
        for number in range(6):
            refuse_tickets(home)
            home.deliver(answer(3, response_id=f"r{number}"))
            home.settle()
            run = home.runs()[-1].id
            racers.race(*(lambda by=by, run=run: done_or_refused(lambda: controls(home).retry(run, by))
                          for by in ("Ann", "Bo")))  # fmt: skip
            home.settle()
    assert len(home.world.zendesk.tickets) == 6
    assert {run.status for run in home.runs()} == {"succeeded"}


def test_a_cancel_that_meets_the_outcome_leaves_one_clear_end(home: Harness) -> None:
    with Racers() as racers:
        for number in range(10):
            home.deliver(answer(3, response_id=f"r{number}"))
            home.pump(INTAKE)
            run = home.runs()[-1].id
            racers.race(
                lambda: home.pump(effects_queue("zendesk")),
                lambda run=run: done_or_refused(lambda: controls(home).cancel([run], "Ann", "no")),
            )
            home.settle()
    ends = {(run.status, effect.status) for run, effect in zip(home.runs(), home.effects(), strict=True)}
    assert ends <= {("succeeded", "done"), ("cancelled", "done"), ("cancelled", "cancelled")}
    assert len(home.world.zendesk.tickets) == sum(effect.status == "done" for effect in home.effects())
    assert all(run.slot is None for run in home.runs())


def done_or_refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except RefusedError:
        return False
    return True


# --- connections ----------------------------------------------------------------------------------------------------


def test_a_paused_connection_makes_no_calls_until_a_person_resumes_it(home: Harness) -> None:
    health = home.house.switches.pause("zendesk", "Ann", "they migrate")
    home.deliver(answer(3))
    home.settle()
    home.wait(hours=3)
    assert (health.status, health.reason) == ("stopped", "by Ann: they migrate")
    assert home.world.zendesk.tickets == []
    assert home.house.switches.resume("zendesk").status == "active"
    home.settle()
    assert len(home.world.zendesk.tickets) == 1


def test_a_pause_outlives_refused_credentials_and_limits_of_calls_that_were_under_way(home: Harness) -> None:
    home.house.switches.pause("zendesk", "Ann", "they migrate")
    database, now = home.house.database, home.clock()
    database.transact(lambda tx: connection_state.pause(database, tx, "zendesk", "the token is refused", now))
    database.transact(lambda tx: connection_state.hold(database, tx, "zendesk", now + timedelta(seconds=1), now))
    home.wait(hours=1)
    state = home.house.switches.health_of("zendesk")
    assert (state.status, state.reason) == ("stopped", "by Ann: they migrate")


def test_health_tells_what_waits_since_when_and_what_went_well(home: Harness) -> None:
    home.deliver(answer(3))
    home.settle()
    succeeded_at = home.clock()
    home.house.switches.pause("zendesk", "Ann", "no")
    home.clock.move(hours=1)
    home.deliver(answer(3))
    home.settle()
    due_since = home.clock()
    home.clock.move(hours=1)
    health = home.house.switches.health_of("zendesk")
    assert (health.due, health.performing, health.failed, health.review) == (1, 0, 0, 0)
    assert (health.oldest_due_at, health.last_success_at) == (due_since, succeeded_at)
    assert (health.budget, health.budget_left) == (None, None)
    assert [each.name for each in home.house.switches.health()] == [
        "zendesk",
        "salesforce",
        "survey-platform",
        "mail",
    ]


@pytest.mark.parametrize("name", ["nobody", "\x00", ""])
def test_an_unknown_connection_is_said(home: Harness, name: str) -> None:
    with pytest.raises(UnknownError, match="Configured are: mail, salesforce"):
        home.house.switches.pause(name, "Ann", "no")
    assert name not in {row.name for row in home.rows(tables.connections)}

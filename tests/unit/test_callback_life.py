"""The life of a callback, as pure rules: whatever the order, whatever is told twice."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.feedback.callbacks.state_machine import (
    GONE,
    LONG_AGO,
    SOLVED,
    CallbackState,
    CallbackStatus,
    after,
    read,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
AGENT = {"agent": "7", "by_person": True}
STAFF = {"by_staff": True, "public": False}

Told = tuple[str, int, dict[str, Any]]  # event, minutes, data


def lived(*told: Told, start: CallbackState | None = None) -> CallbackState:
    life = start or CallbackState(CallbackStatus.OPEN)
    for event, minutes, data in told:
        life = after(life, f"ticket.{event}", NOW + timedelta(minutes=minutes), data)
    return life


def test_a_callback_is_taken_contacted_and_solved_and_each_first_time_is_kept() -> None:
    life = lived(("assigned", 1, AGENT), ("commented", 2, STAFF), ("commented", 3, STAFF), ("solved", 4, {}))
    minutes = [int((at - NOW).total_seconds() / 60) for at in (life.taken_at, life.contacted_at, life.solved_at) if at]
    assert (life.status, life.cycle, minutes) == (CallbackStatus.SOLVED, 1, [1, 2, 4])


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (("assigned", 1, {**AGENT, "by_person": False}), CallbackStatus.OPEN),  # Zendesk's own routing touches nobody
        (("assigned", 1, {"agent": None, "by_person": True}), CallbackStatus.OPEN),  # given to a group
        (("commented", 1, {"by_staff": False}), CallbackStatus.OPEN),  # the customer wrote
        (("assigned", 1, AGENT), CallbackStatus.TAKEN),
        (("commented", 1, STAFF), CallbackStatus.CONTACTED),
        (("requester_changed", 1, {}), CallbackStatus.OPEN),
        (("created", 1, {}), CallbackStatus.OPEN),
    ],
)
def test_what_touches_a_callback_and_what_does_not(told: Told, status: CallbackStatus) -> None:
    assert lived(told).status == status


def test_an_agent_who_solves_without_a_word_has_been_in_contact() -> None:
    life = lived(("solved", 5, {}))
    assert life.taken_at == life.contacted_at == NOW + timedelta(minutes=5)


def test_who_was_not_reached_was_not_contacted_and_the_try_is_counted() -> None:
    tagged = {"tags": ["callback", "ringback_not_reached"]}
    life = lived(("solved", 1, tagged), ("reopened", 2, {}), ("solved", 3, tagged))
    assert (life.status, life.tries, life.cycle, life.contacted_at) == (CallbackStatus.UNREACHED, 2, 2, None)


@pytest.mark.parametrize("order", list(itertools.permutations([("solved", 1), ("merged", 2), ("closed", 3)])))
def test_a_merge_is_final_also_when_it_is_told_first_or_last(order: Any) -> None:
    assert lived(*((event, minute, {}) for event, minute in order)).status == CallbackStatus.MERGED


SOLVED_TWICE: tuple[Told, ...] = (("solved", 1, {}), ("reopened", 2, {}), ("solved", 3, {}))


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        ((("merged", 4, {}), ("closed", 4, {})), CallbackStatus.MERGED),
        ((("deleted", 4, {}), ("deleted", 4, {})), CallbackStatus.DELETED),
    ],
)
def test_in_all_orders_of_two_solves_and_an_end_the_end_stands(ends: tuple[Told, ...], status: CallbackStatus) -> None:
    for order in itertools.permutations((*SOLVED_TWICE, *ends)):
        life = lived(*order)
        assert life.status == status, order
        assert life.cycle <= 2


def test_a_ticket_taken_back_is_as_it_was_and_its_solve_is_not_counted_again() -> None:
    life = lived(("solved", 1, {}), ("deleted", 2, {}), ("restored", 3, {"status": "solved"}))
    assert (life.status, life.cycle) == (CallbackStatus.SOLVED, 1)
    assert lived(("spam", 1, {}), ("restored", 2, {"status": "open"})).status == CallbackStatus.OPEN


def test_a_solved_ticket_that_is_closed_is_at_its_end_and_tells_a_solve_that_was_never_told() -> None:
    assert lived(("solved", 1, {}), ("closed", 99, {})).status == CallbackStatus.CLOSED
    life = lived(("closed", 99, {}))
    assert (life.status, life.cycle) == (CallbackStatus.SOLVED, 1)


EVENTS = st.sampled_from(
    ["solved", "reopened", "merged", "deleted", "spam", "restored", "closed", "assigned", "commented"]
)
HISTORIES = st.lists(st.tuples(EVENTS, st.integers(0, 30), st.just({**AGENT, **STAFF})), max_size=12)


@given(HISTORIES)
def test_whatever_is_told_twice_in_a_row_counts_once(history: list[Told]) -> None:
    doubled = [told for told in history for _ in range(2)]
    assert lived(*doubled) == lived(*history)


@given(HISTORIES)
def test_solves_are_never_counted_more_often_than_they_were_told(history: list[Told]) -> None:
    life = lived(*history)
    assert life.cycle <= len({minute for event, minute, _ in history if event in ("solved", "closed")})
    assert life.changed_at == LONG_AGO or life.changed_at in {NOW + timedelta(minutes=m) for _, m, _ in history}


@given(HISTORIES)
def test_after_a_merge_nothing_else_can_be(history: list[Told]) -> None:
    assert lived(*history, start=CallbackState(CallbackStatus.MERGED, changed_at=NOW)).status == CallbackStatus.MERGED


@given(HISTORIES, st.integers(0, 40), st.integers(0, 5))
@settings(max_examples=60)
def test_a_look_at_the_ticket_never_takes_a_solve_back_and_is_told_once(
    history: list[Told], minute: int, cycle: int
) -> None:
    life = lived(*history)
    at = NOW + timedelta(minutes=minute)
    seen = read(life, status="solved", cycle=cycle, solved_at=at)
    assert seen.cycle >= life.cycle
    assert read(seen, status="solved", cycle=cycle, solved_at=at) == seen
    assert (seen.status in GONE) == (life.status in GONE)
    assert read(life, status="open", cycle=cycle, solved_at=at).status not in SOLVED


def test_a_solve_a_moment_after_its_reopening_is_a_new_one_also_within_the_same_second() -> None:
    moments = [NOW + timedelta(milliseconds=each) for each in (100, 200, 300)]
    life = CallbackState(CallbackStatus.OPEN)
    for event, at in zip(("ticket.solved", "ticket.reopened", "ticket.solved"), moments, strict=True):
        life = after(life, event, at, {})
    assert (life.status, life.cycle) == (CallbackStatus.SOLVED, 2)
    assert after(life, "ticket.solved", moments[2], {}) == life

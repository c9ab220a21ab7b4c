"""Guesses of addresses that do not exist, per network and shared by processes; what is kept of visits; doubts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, insert, select

from connector.feedback.surveys.who_pressed import doubts, judging, traces
from connector.feedback.surveys.who_pressed.doubts import Doubted, DoubtStatus, Pressed
from connector.feedback.surveys.who_pressed.rules import Presser, judge
from connector.feedback.surveys.who_pressed.signals import Signal
from connector.feedback.surveys.who_pressed.traces import Hand, Touched, touch
from connector.ids import new_id
from connector.storage.engine.database import Database
from connector.storage.flow_control.guess_limit import ALLOWED, GuessLimit
from connector.storage.schema.tables import customers, definitions, guesses, invitations, press_traces

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOME = "203.0.113.0/24"


def guesses_left(limit: GuessLimit, network: str, now: datetime) -> int:
    count = 0
    while limit.count(network, now) is None:
        count += 1
    return count


def test_a_network_has_so_many_guesses_and_then_waits(database: Database) -> None:
    limit = GuessLimit(database)
    assert guesses_left(limit, HOME, NOON) == ALLOWED.at_once
    wait = limit.count(HOME, NOON)
    assert wait is not None
    assert timedelta(0) < wait <= ALLOWED.pause


def test_whoever_waits_as_long_as_told_may_guess_again(database: Database) -> None:
    limit = GuessLimit(database)
    guesses_left(limit, HOME, NOON)
    wait = limit.count(HOME, NOON)
    assert wait is not None
    assert limit.count(HOME, NOON + wait) is None
    assert limit.count(HOME, NOON + wait) is not None


def test_another_network_is_not_held_up(database: Database) -> None:
    limit = GuessLimit(database)
    guesses_left(limit, HOME, NOON)
    assert limit.count("198.51.100.0/24", NOON) is None


def test_processes_share_the_count(database: Database) -> None:
    one, other = GuessLimit(database), GuessLimit(database)
    guesses_left(one, HOME, NOON)
    assert other.count(HOME, NOON) is not None


def test_guesses_side_by_side_are_counted_exactly(database: Database) -> None:
    limits = [GuessLimit(database) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda index: limits[index % 4].count(HOME, NOON), range(60)))
    assert told.count(None) == ALLOWED.at_once


def test_what_is_over_leaves_no_row_behind(database: Database) -> None:
    limit = GuessLimit(database)
    for number in range(5):
        limit.count(f"10.0.{number}.0/24", NOON)
    limit.count(HOME, NOON + timedelta(hours=1))
    with database.read() as tx:
        assert tx.execute(select(guesses.c.network)).scalars().all() == [HOME]


# traces and doubts


def invited(database: Database) -> Doubted:
    invitation, customer, definition = new_id(), new_id(), new_id()
    moments = {"created_at": NOON, "updated_at": NOON}
    with database.write() as tx:
        tx.execute(insert(customers).values(id=customer, facts={}, **moments))
        tx.execute(insert(definitions).values(
            id=definition, kind="survey", slug=definition, version=1, digest="", body="", active=True, created_at=NOON,
        ))  # fmt: skip
        tx.execute(insert(invitations).values(
            id=invitation, token_digest=invitation, survey="after-support", definition_id=definition,
            customer_id=customer, channel="email", language="en", status="sent", context={}, answers={},
            created_at=NOON, sent_at=NOON, expires_at=NOON + timedelta(days=30),
        ))  # fmt: skip
    return Doubted(invitation, customer, "after-support", {"score": 3}, "en", NOON)


def test_touching_the_same_thing_again_is_one_row_with_the_newest_report(database: Database) -> None:
    press = invited(database)
    for second, hand in ((1, Hand(0, 0, 5)), (2, None), (3, Hand(4, 1, 900))):
        given = touch(Touched.GIVEN, HOME, NOON + timedelta(seconds=second), value="9", hand=hand, trapped=second == 1)
        with database.write() as tx:
            traces.keep(tx, press.invitation, given)
    with database.read() as tx:
        [trace] = traces.of_invitations(tx, [press.invitation])[press.invitation]
        assert tx.execute(select(press_traces.c.times)).scalar_one() == 3
    assert (trace.first_at, trace.last_at) == (NOON + timedelta(seconds=1), NOON + timedelta(seconds=3))
    assert (trace.hand, trace.trapped, trace.scanner) == (Hand(4, 1, 900), True, False)


def test_two_minutes_later_it_is_a_row_of_its_own(database: Database) -> None:
    press = invited(database)
    with database.write() as tx:
        for minutes in (0, 2):
            traces.keep(tx, press.invitation, touch(Touched.PAGE, HOME, NOON + timedelta(minutes=minutes)))
        assert tx.execute(select(func.count()).select_from(press_traces)).scalar_one() == 2


def test_after_a_machine_was_seen_the_next_one_begins_without_its_traces(database: Database) -> None:
    press = invited(database)
    for moment in (NOON, NOON + timedelta(seconds=30)):
        with database.write() as tx:
            given = touch(Touched.GIVEN, HOME, moment, value="3", scanner=True, trapped=True)
            traces.keep(tx, press.invitation, given)
            told = judging.judge_all(tx, [press.invitation])[press.invitation]
            assert told.verdict is Presser.MACHINE
            doubts.keep(tx, press, Pressed.ANSWER, told, moment)
    with database.write() as tx:
        traces.keep(tx, press.invitation, touch(Touched.GIVEN, HOME, NOON + timedelta(minutes=1), value="9"))
        assert judging.judge_all(tx, [press.invitation])[press.invitation].is_person


def test_many_are_judged_with_two_statements(database: Database) -> None:
    presses = [invited(database) for _ in range(3)]
    with database.write() as tx:
        traces.keep(tx, presses[1].invitation, touch(Touched.GIVEN, HOME, NOON + timedelta(seconds=1)))
        told = judging.judge_all(tx, [each.invitation for each in presses])
    assert [told[each.invitation].verdict for each in presses] == [Presser.PERSON, Presser.DOUBTFUL, Presser.PERSON]


def test_a_doubt_is_decided_once_and_asked_about_by_one_mail(database: Database) -> None:
    press, doubtful = invited(database), judge(frozenset((Signal.TRAP_FIELD,)))
    with database.write() as tx:
        first = doubts.keep(tx, press, Pressed.ANSWER, doubtful, NOON)
        second = doubts.keep(tx, press, Pressed.ANSWER, doubtful, NOON)
        waiting = doubts.waiting(tx, press.invitation)
        assert waiting is not None
        assert (waiting.id, waiting.answers, waiting.reasons) == (
            second, {"score": 3}, ("the field on the page was filled in that people do not see",),
        )  # fmt: skip
        booked = [doubts.mark_asked(tx, second, NOON + timedelta(seconds=each)) for each in (0, 0, 1)]
        assert booked == [True, True, False]  # the same mail, tried again, and another
        assert not doubts.decide(tx, first, DoubtStatus.CONFIRMED, "the person", NOON)  # it was replaced
        assert [doubts.decide(tx, second, DoubtStatus.RELEASED, by, NOON, "known") for by in "ab"] == [True, False]
        assert doubts.waiting(tx, press.invitation) is None
        [told] = doubts.listed(tx, status=DoubtStatus.RELEASED.value)
    assert (told.id, told.decided_by, told.decided_why, told.decided_at) == (second, "a", "known", NOON)


def test_nobody_is_asked_about_a_machines_press_but_it_is_listed(database: Database) -> None:
    press = invited(database)
    with database.write() as tx:
        machine = judge(frozenset((Signal.TRAP_FIELD, Signal.TOO_SOON)))
        doubts.keep(tx, press, Pressed.ANSWER, machine, NOON)
        assert doubts.waiting(tx, press.invitation) is None
        assert doubts.listed(tx) == []
        assert [each.verdict for each in doubts.listed(tx, verdict=None)] == [Presser.MACHINE]

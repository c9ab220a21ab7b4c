"""Who pressed: from what was touched to signals, and from signals to a verdict, by one table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.feedback.surveys.who_pressed.networks import UNKNOWN, shortened
from connector.feedback.surveys.who_pressed.rules import RULES, Judgement, Presser, judge
from connector.feedback.surveys.who_pressed.scanner_agents import is_scanner
from connector.feedback.surveys.who_pressed.signals import WORDS, Signal, last_press, read
from connector.feedback.surveys.who_pressed.traces import PRESSES, Hand, Touched, Trace, read_hand, touch

SENT_AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOME, OFFICE = "203.0.113.0/24", "198.51.100.0/24"
TOUCHED = Hand(pointers=2, keys=14, seen_ms=9_000)
NOTHING = Hand(pointers=0, keys=0, seen_ms=400)


def after(**span: float) -> datetime:
    return SENT_AT + timedelta(**span)


def answer(at: datetime, *, network: str = HOME, score: str = "9", **noticed: object) -> Trace:
    return touch(Touched.GIVEN, network, at, value=score, **noticed)  # type: ignore[arg-type]


def every_link(at: datetime, network: str) -> list[Trace]:
    """What a link scanner fetches: the page, each score, the trap and the way out, half a second each."""
    scores = [(Touched.SCORE, str(score)) for score in range(11)]
    links = [(Touched.PAGE, ""), *scores, (Touched.TRAP, ""), (Touched.WAY_OUT, "")]
    half = timedelta(seconds=0.5)
    return [touch(kind, network, at + half * index, value=value) for index, (kind, value) in enumerate(links)]


def signals(*traces: Trace, sent_at: datetime | None = SENT_AT) -> set[str]:
    press = last_press(traces, sent_at)
    return {signal.value for signal in read(press)} if press else set()


def verdict(*traces: Trace) -> Judgement:
    press = last_press(traces, SENT_AT)
    assert press is not None
    return judge(read(press))


def test_a_person_who_answers_an_hour_later_leaves_no_signal() -> None:
    look = touch(Touched.SCORE, HOME, after(hours=1), value="9")
    assert signals(look, answer(after(hours=1, seconds=20), hand=TOUCHED)) == set()
    assert verdict(look, answer(after(hours=1, seconds=20), hand=TOUCHED)).is_person


def test_without_javascript_an_answer_of_an_hour_later_is_a_persons_too() -> None:
    assert verdict(answer(after(hours=1))).is_person


def test_a_look_alone_is_no_press() -> None:
    assert last_press(every_link(SENT_AT, HOME), SENT_AT) is None


def test_at_once_and_untouched_and_every_link_is_a_machine() -> None:
    looks = every_link(SENT_AT, OFFICE)
    told = verdict(*looks, answer(after(seconds=8), network=OFFICE))
    assert told.verdict is Presser.MACHINE
    assert {Signal.TOO_SOON, Signal.EVERY_LINK, Signal.TRAP_LINK, Signal.SCORES_OPENED} <= set(told.signals)


def test_scanners_of_several_networks_are_taken_together_at_delivery() -> None:
    looks = every_link(SENT_AT, OFFICE)
    assert "trap_link" in signals(*looks, answer(after(seconds=30), network="192.0.2.0/24"))


def test_a_scanner_at_delivery_does_not_speak_against_the_person_after_it() -> None:
    looks = every_link(SENT_AT, OFFICE)
    assert signals(*looks, answer(after(minutes=20), network=HOME, hand=TOUCHED)) == set()


def test_not_even_against_one_behind_the_same_door_as_the_scanner() -> None:
    looks = every_link(SENT_AT, OFFICE)
    assert signals(*looks, answer(after(minutes=20), network=OFFICE, hand=TOUCHED)) == set()


def test_what_is_opened_after_the_answer_in_the_same_visit_speaks_too() -> None:
    pressed = answer(after(hours=1), hand=TOUCHED)
    assert signals(pressed, touch(Touched.TRAP, HOME, after(hours=1, minutes=1))) == {"trap_link"}


def test_within_seconds_of_the_mail_but_with_a_hand_is_not_too_soon() -> None:
    assert signals(answer(after(seconds=10), hand=TOUCHED)) == set()


@pytest.mark.parametrize(("seconds", "told"), [(-2, True), (15, True), (15.001, False)])
def test_too_soon_ends_after_fifteen_seconds(seconds: float, told: bool) -> None:
    assert ("too_soon" in signals(answer(after(seconds=seconds)))) is told


def test_an_answer_before_the_mail_is_known_to_have_left_is_too_soon() -> None:
    assert signals(answer(SENT_AT), sent_at=None) == {"too_soon"}


def test_a_script_that_ran_and_noticed_nothing_tells_of_nobody() -> None:
    assert signals(answer(after(hours=1), hand=NOTHING)) == {"untouched"}


def test_keys_on_a_page_that_could_not_be_seen_are_no_hand() -> None:
    assert signals(answer(after(hours=1), hand=Hand(0, 5, 0))) == {"untouched"}


@pytest.mark.parametrize(("opened", "told"), [(2, False), (3, True)])
def test_three_score_links_within_seconds_are_more_than_a_slip(opened: int, told: bool) -> None:
    looks = [touch(Touched.SCORE, HOME, after(hours=1, seconds=each), value=str(each)) for each in range(opened)]
    assert ("scores_opened" in signals(*looks, answer(after(hours=1, seconds=30), hand=TOUCHED))) is told


def test_score_links_opened_over_minutes_are_none() -> None:
    looks = [touch(Touched.SCORE, HOME, after(hours=1, minutes=each), value=str(each)) for each in range(4)]
    assert signals(*looks, answer(after(hours=1, minutes=5), hand=TOUCHED)) == set()


def scale(steps: int, hand: Hand) -> list[Trace]:
    return [answer(after(hours=1, seconds=each / 2), score=str(each), hand=hand) for each in range(steps)]


@pytest.mark.parametrize(("steps", "told"), [(3, False), (4, True)])
def test_four_scores_by_finger_within_seconds_are_more_than_a_change_of_mind(steps: int, told: bool) -> None:
    assert ("scores_given" in signals(*scale(steps, Hand(steps, 0, 5_000)))) is told


def test_who_goes_through_the_scale_by_arrow_keys_is_a_person() -> None:
    assert verdict(*scale(10, Hand(0, 11, 5_000))).is_person


def test_a_filled_trap_alone_may_have_been_a_program_that_fills_in_forms_for_people() -> None:
    assert verdict(answer(after(hours=1), hand=TOUCHED, trapped=True)).verdict is Presser.DOUBTFUL


def test_a_filled_trap_and_an_opened_trap_are_a_machine_however_slowly() -> None:
    trap = touch(Touched.TRAP, HOME, after(hours=1))
    assert verdict(trap, answer(after(hours=1, minutes=2), hand=TOUCHED, trapped=True)).verdict is Presser.MACHINE


def test_the_newest_press_is_judged_and_not_the_one_before_it() -> None:
    machine = answer(after(seconds=5), network=OFFICE, trapped=True, scanner=True)
    assert verdict(machine, answer(after(minutes=9), hand=TOUCHED)).is_person


# the table


def test_each_signal_alone_asks_and_says_why_in_words() -> None:
    for signal in Signal:
        told = judge(frozenset((signal,)))
        assert (told.verdict, told.reason, told.signals) == (Presser.DOUBTFUL, WORDS[signal], (signal,))


def test_nothing_is_a_person() -> None:
    assert judge(frozenset()).verdict is Presser.PERSON


@given(st.frozensets(st.sampled_from(list(Signal)), min_size=1))
def test_with_any_signal_nothing_counts(found: frozenset[Signal]) -> None:
    assert judge(found).verdict is not Presser.PERSON


@given(st.frozensets(st.sampled_from(list(Signal))), st.sampled_from(list(Signal)))
def test_one_more_signal_never_makes_it_more_of_a_person(found: frozenset[Signal], more: Signal) -> None:
    order = [Presser.PERSON, Presser.DOUBTFUL, Presser.MACHINE]
    assert order.index(judge(found | {more}).verdict) >= order.index(judge(found).verdict)


def test_every_row_of_the_table_can_decide_and_has_a_name_of_its_own() -> None:
    every = [frozenset(s for i, s in enumerate(Signal) if number >> i & 1) for number in range(2 ** len(Signal))]
    assert {judge(found).rule for found in every} == {rule.name for rule in RULES}
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_what_looks_alone_can_do_never_makes_a_machine_of_who_touched_the_page() -> None:
    """A program of the house that opens links must not take somebody's answer away without asking."""
    looks = frozenset((Signal.TRAP_LINK, Signal.EVERY_LINK, Signal.SCORES_OPENED))
    assert judge(looks).verdict is Presser.DOUBTFUL


# what comes in from outside


@pytest.mark.parametrize(
    ("report", "hand"),
    [
        ("3.0.5200", Hand(3, 0, 5200)), ("0.0.0", Hand(0, 0, 0)), ("", None), ("3.0", None), ("-1.0.5", None),
        ("9999999.0.1", None), ("\u0663.0.5", None), ("3.0.5200\n", None),
    ],
)  # fmt: skip
def test_a_report_is_read_or_is_none(report: str, hand: Hand | None) -> None:
    assert read_hand(report) == hand


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"), ("2001:db8:7:8::9", "2001:db8:7::/48"), ("::ffff:203.0.113.77", HOME),
        ("fe80::1%eth0", "fe80::/48"), ("", UNKNOWN), (None, UNKNOWN), ("a name", UNKNOWN),
        ("203.0.113.77, x", UNKNOWN),
    ],
)  # fmt: skip
def test_of_an_address_only_its_network_is_kept(address: str | None, network: str) -> None:
    assert shortened(address) == network


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "python-requests/2.32.3",
        "curl/8.5.0", "Barracuda Sentinel (EE)", "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/126.0.0.0",
    ],
)  # fmt: skip
def test_a_program_that_says_who_it_is_is_known(agent: str) -> None:
    assert is_scanner(agent)


BROWSERS = (
    "",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (Linux; Android 14; SM-A546B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/320.0",
    "Lynx/2.9.0dev.12 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.7.8",
    "x" * 100_000,
)


@pytest.mark.parametrize("agent", BROWSERS)
def test_a_browser_is_not_taken_for_one(agent: str) -> None:
    assert not is_scanner(agent)


def test_only_what_does_something_is_a_press() -> None:
    assert not PRESSES & {Touched.PAGE, Touched.SCORE, Touched.TRAP, Touched.WAY_OUT}

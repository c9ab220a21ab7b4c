"""Which of those who may be asked are asked: segment, share, quotas, and one of a household at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from connector.feedback.surveys import files
from connector.storage.schema import tables
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.house import Harness, a_house, config_of
from workflows.errors import DefinitionError
from workflows.sampling import draw, share_of

ASK = """\
trigger: {event: order.delivered}
run: {key: event.id, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support, once: "{{ event.order }}"}}
"""
HOUSEHOLD = "household: {by: [address, phone, customer.family], days: 30}\nfatigue_days: 60"
AFTER_SUPPORT = files.built_in()["after-support"]

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@contextmanager
def house(url: str, who: str = "", config: str = "fatigue_days: 60", ask: str = ASK) -> Iterator[Harness]:
    clock = HandClock()
    with World(clock=clock) as world:
        whole = re.sub("fatigue_days: 60", config, config_of(world))
        surveys = {"after-support": f"{AFTER_SUPPORT}\nwho: {who or '{}'}\n"}
        with a_house(url, world, {"ask": ask}, clock=clock, config=whole, surveys=surveys) as home:
            yield home


def delivered(home: Harness, name: str, **customer: Any) -> None:
    person = {"email": f"{name}@example.com", "name": name.title(), **customer}
    home.deliver({"type": "order.delivered", "id": f"order-{name}", "data": {"order": name, "customer": person}})


def refusals(home: Harness) -> list[tuple[str, str]]:
    withheld = [(row.code, row.reason) for row in home.rows(tables.suppressions)]
    return withheld + [(row.code, row.reason) for row in home.rows(tables.invitations) if row.status == "withheld"]


def test_one_of_a_household_is_asked_at_a_time(database_url: str) -> None:
    with house(database_url, config=HOUSEHOLD) as home:
        address = {"street": "Dam 1", "postal_code": "1012 JS"}
        delivered(home, "ann", address=address)
        home.settle()
        home.clock.move(days=12)
        delivered(home, "bo", address={"street": "DAM  1", "postal_code": "1012JS"})
        delivered(home, "cy", address={"street": "Dam 2", "postal_code": "1012 JS"})
        home.settle()
        assert [to for mail in home.mails() for to in mail.to] == ["ann@example.com", "cy@example.com"]
        [(code, reason)] = refusals(home)
        assert code == "household"
        assert reason == "not sent: somebody of the household (same address) was asked 12 days ago, the rule is 30"
        assert home.rows(tables.suppressions)[0].numbers == {"days_ago": 12, "rule_days": 30, "by": "address"}
        home.clock.move(days=19)
        delivered(home, "dee", address=address)
        home.settle()
        assert len(home.mails()) == 3


def test_two_of_a_household_who_are_due_at_one_moment_are_not_both_asked(database_url: str) -> None:
    with house(database_url, config=HOUSEHOLD) as home:
        for name in ("ann", "bo", "cy"):
            delivered(home, name, family="jansen")
        home.settle()
        assert len(home.mails()) == 1
        assert [code for code, _ in refusals(home)] == ["household", "household"]


@on_sqlite
def test_a_mobile_makes_no_household_and_a_line_does(database_url: str) -> None:
    with house(database_url, config=HOUSEHOLD) as home:
        phones = {"ann": "06 12345678", "bo": "06-12345678", "cy": "020 1234567", "dee": "0201234567"}
        for name, phone in phones.items():
            delivered(home, name, phone=phone)
            home.settle()
        assert [code for code, _ in refusals(home)] == ["household"]


@on_sqlite
def test_without_the_key_there_are_no_households(database_url: str) -> None:
    with house(database_url) as home:
        for name in ("ann", "bo"):
            delivered(home, name, family="jansen", address="Dam 1")
        home.settle()
        assert len(home.mails()) == 2
        assert home.rows(tables.household_asks) == []


@on_sqlite
def test_who_is_not_of_the_segment_or_may_not_be_is_left_out(database_url: str) -> None:
    with house(database_url, '{if: customer.segment == "business"}') as home:
        delivered(home, "ann", segment="business")
        delivered(home, "bo", segment="private")
        delivered(home, "cy")
        home.settle()
        assert [to for mail in home.mails() for to in mail.to] == ["ann@example.com"]
        assert [code for code, _ in refusals(home)] == ["segment", "segment"]
        assert "customer.segment" in refusals(home)[1][1]


@on_sqlite
def test_a_share_is_drawn_by_the_occasion_and_told_with_both_numbers(database_url: str) -> None:
    with house(database_url, "{sample: 25 %}") as home:
        names = [f"p{number}" for number in range(12)]
        for name in names:
            delivered(home, name)
        home.settle()
        chosen = {name for name in names if draw("after-support", name) < 25}
        assert {mail.to[0].partition("@")[0] for mail in home.mails()} == chosen
        told = r"not sent: 25 % are asked, and the draw here was \d+\.\d"
        assert all(re.fullmatch(told, reason) for _, reason in refusals(home))


@on_sqlite
def test_a_steps_share_comes_before_the_surveys(database_url: str) -> None:
    asks_all = ASK.replace("survey: after-support", "survey: after-support, sample: 100 %")
    with house(database_url, "{sample: 0.01 %}", ask=asks_all) as home:
        delivered(home, "ann")
        home.settle()
        assert len(home.mails()) == 1


def test_a_quota_holds_for_mails_that_leave_at_one_moment(database_url: str) -> None:
    with house(database_url, "{per_hour: 2}") as home:
        for name in ("ann", "bo", "cy"):
            delivered(home, name)
        home.settle()
        assert len(home.mails()) == 2
        assert refusals(home) == [("quota", "not sent: 2 people were asked in the last hour, the quota is 2")]
        assert home.rows(tables.suppressions) == []  # it was invited, and held back when the mail was to leave
        home.clock.move(hours=1)
        delivered(home, "dee")
        home.settle()
        assert len(home.mails()) == 3


@on_sqlite
def test_a_teams_quota_is_its_own(database_url: str) -> None:
    with house(database_url, "{per_team_per_day: 1}") as home:
        for name, group in (("ann", "7"), ("bo", "7"), ("cy", "8")):
            person = {"email": f"{name}@example.com"}
            data = {"order": name, "group": group, "customer": person}
            home.deliver({"type": "order.delivered", "id": f"order-{name}", "data": data})
        home.settle()
        assert [row.team for row in home.rows(tables.invitations) if row.status == "sent"] == ["7", "8"]
        assert refusals(home) == [
            ("team_quota", "not sent: 1 people of team 7 were asked in the last day, the quota is 1")
        ]


def test_a_draw_is_even_and_always_the_same() -> None:
    drawn = [draw("s", str(number)) for number in range(4_000)]
    assert all(0 <= each < 100 for each in drawn)
    assert 900 < sum(each < 25 for each in drawn) < 1_100
    assert drawn == [draw("s", str(number)) for number in range(4_000)]
    assert share_of("12,5%") == share_of("12.5 %")


@pytest.mark.parametrize(("who", "says"), [
    ("{sample: 25}", r"who\.sample: \"25\" is no share\."), ("{sample: 0 %}", "is no share"),
    ("{sample: 101 %}", "is no share"), ("{per_hour: 0}", "out of range"), ("{per_week: 5}", "not known"),
    ("{if: answers.score > 3}", "answers is not known here"), ("{if: 'customer.x =='}", "who.if"),
])  # fmt: skip
def test_a_mistake_in_whom_a_survey_wants_is_told(who: str, says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        files.parse(f"{AFTER_SUPPORT}\nwho: {who}\n", "s")


def test_what_a_survey_says_of_whom_and_when_is_written_back() -> None:
    more = 'who: {if: customer.vip, sample: 12.5 %, per_hour: 3, per_team_per_day: 4}\nquiet_hours: {from: "22:00"}\n'
    survey = files.parse(f"{AFTER_SUPPORT}\n{more}", "s")
    assert files.from_dict(files.to_dict(survey)) == survey

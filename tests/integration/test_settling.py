"""What counts as an answer: saved at once, counted when the person has been left alone with it for a while."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import Connection, select, update
from sqlalchemy import event as listener

from connector.config.answers import SettlingWindows
from connector.feedback.surveys.answering.settling import Settling
from connector.feedback.surveys.invitations import COLUMNS, Invitation
from connector.storage.engine.database import Database
from connector.storage.schema.tables import invitations
from tests.integration.test_survey_pages import DETRACTOR, form, get, post, whole
from tests.survey_site import NOON, Site, survey_site

SENT, TOUCHED = timedelta(minutes=2), timedelta(minutes=30)


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    with survey_site(tmp_path, windows=SettlingWindows(SENT, TOUCHED), database_url=database_url) as found:
        yield found


def save(site: Site, token: str, **answers: Any) -> requests.Response:
    return post(site, f"/s/{token}/answer", form(**answers))


def counted(site: Site) -> list[tuple[str, int]]:
    return [(event["type"], event["data"]["score"]) for event in site.events()]


# left without Send


def test_a_score_that_was_tapped_and_left_counts_once_after_half_an_hour(site: Site) -> None:
    token = site.invite()
    save(site, token, score="9")
    assert site.settle(minutes=29, seconds=59) == 0
    assert site.events() == []
    assert site.settle(seconds=1) == 1
    assert site.settle(days=1) == 0
    [event] = site.events()
    assert (event["type"], event["data"]["score"], event["time"]) == ("survey.answered", 9, NOON.isoformat())
    row = site.invitation(token)
    assert (row.status, row.answered_at, row.settles_at) == ("answered", NOON, None)


def test_each_touch_begins_the_half_hour_anew(site: Site) -> None:
    token = site.invite()
    save(site, token, score="9")
    site.settle(minutes=20)
    save(site, token, score="9", reason="Quick")
    assert site.settle(minutes=29) == 0
    assert site.settle(minutes=1) == 1
    assert site.events()[0]["data"]["comment"] == "Quick"


def test_the_same_again_is_no_touch(site: Site) -> None:
    token = site.invite()
    save(site, token, score="9")
    site.settle(minutes=20)
    save(site, token, score="9")
    assert site.settle(minutes=10) == 1


def test_words_without_a_score_never_count(site: Site) -> None:
    site.surveys["after-support"] = words_first(site)
    token = site.invite()
    save(site, token, score=None, first="I have something to say")
    assert site.invitation(token).answers == {"first": "I have something to say"}
    assert site.settle(days=40) == 0
    assert site.events() == []
    assert [event["type"] for event in site.all_events()] == ["survey.started"]


def words_first(site: Site) -> Any:
    """A survey with an open question that waits for no score."""
    survey = site.surveys["after-support"]
    reason = next(question for question in survey.questions if question.id == "reason")
    first = replace(reason, id="first", condition=None)
    return replace(survey, questions=(survey.questions[0], first, *survey.questions[1:]))


def test_a_score_that_was_taken_back_does_not_count(site: Site) -> None:
    token = site.invite()
    save(site, token, score="9")
    save(site, token, score=None)
    assert site.settle(days=1) == 0


def test_a_link_that_ran_out_still_counts_what_was_given_in_time(site: Site) -> None:
    token = site.invite(expires_at=NOON + timedelta(minutes=10))
    save(site, token, score="2")
    assert site.settle(days=60) == 1
    assert counted(site) == [("survey.answered", 2)]


# sent


def test_what_was_sent_counts_after_two_minutes(site: Site) -> None:
    token = site.invite()
    assert "Thank you for telling us" in post(site, f"/s/{token}", DETRACTOR).text
    assert (site.settle(minutes=1, seconds=59), site.events(), site.consents()) == (0, [], [])
    assert site.settle(seconds=1) == 1
    [event] = site.events()
    assert (event["data"]["answered_at"], event["data"]["contact_consent"]) == (NOON.isoformat(), True)
    assert [(row.kind, row.granted, row.at) for row in site.consents()] == [
        ("contact", True, NOON), ("improvements", True, NOON),
    ]  # fmt: skip


def test_sending_again_does_not_begin_the_window_anew(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", whole(9))
    site.settle(minutes=1)
    post(site, f"/s/{token}", whole(9))
    assert site.settle(minutes=1) == 1


def test_before_it_counts_only_the_score_is_told_for_who_asks(site: Site) -> None:
    token = site.invite()
    for score in ("2", "3", "2", "9", "1"):
        save(site, token, score=score)
    told = [(event["type"], event["data"].get("band")) for event in site.all_events()]
    assert told == [
        ("survey.started", None), ("survey.score_given", "detractor"), ("survey.score_given", "promoter"),
    ]  # fmt: skip
    row = site.invitation(token)
    data = site.all_events()[1]["data"]
    assert (data["invitation"], data["score"], data["customer"]) == (row.id, 2, {"id": site.customer})
    assert "response_id" not in data


def test_the_wording_of_consents_is_that_of_the_last_save(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}/answer", DETRACTOR)
    post(site, f"/s/{token}?lang=nl", DETRACTOR)
    site.settle(minutes=2)
    assert {row.text_version for row in site.consents()} == {"support-2026-11/nl"}


# clocks, processes, crashes


def test_a_clock_that_is_set_back_keeps_no_answer_waiting(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", whole(9))
    site.now -= timedelta(days=400)
    assert site.settle() == 1
    [event] = site.events()
    assert event["time"] == site.now.isoformat()


def test_a_clock_that_is_set_back_a_little_delays_by_a_window_at_most(site: Site) -> None:
    token = site.invite()
    save(site, token, score="9")
    site.now -= timedelta(minutes=10)
    assert site.settle(minutes=39) == 0
    assert site.settle(minutes=1) == 1


def test_a_worker_that_had_to_wait_for_its_turn_takes_nothing_that_was_saved_meanwhile(site: Site) -> None:
    due, fresh = site.invite(), site.invite("retention")
    save(site, due, score="9")
    site.now += TOUCHED
    moments = iter((site.now, site.now + timedelta(seconds=50)))
    site.now += timedelta(seconds=40)
    save(site, fresh, score="4")
    assert site.settling.due(lambda: next(moments), 10) == 1
    assert counted(site) == [("survey.answered", 9)]


def test_clocks_that_are_a_little_apart_count_nothing_early(site: Site) -> None:
    token = site.invite()
    save(site, token, score="9")
    site.now -= timedelta(minutes=4)
    assert site.settle() == 0


def test_two_workers_that_settle_at_the_same_moment_tell_it_once(site: Site) -> None:
    for _ in range(40):
        post(site, f"/s/{site.invite()}", whole(9))
    later = NOON + timedelta(minutes=2)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: site.settling.due(lambda: later, 7), range(24)))
    assert sum(done) == 40
    assert len({event["id"] for event in site.events()}) == len(site.events()) == 40


class _PowerCutError(Exception):
    pass


def test_a_crash_before_the_commit_leaves_the_answer_to_be_counted_once(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", DETRACTOR)
    later = NOON + timedelta(minutes=2)

    def settled_and_gone(tx: Connection) -> None:
        found = Invitation(*tx.execute(select(*COLUMNS)).one())
        site.settling.settle(tx, [found], later)
        raise _PowerCutError

    with pytest.raises(_PowerCutError):
        site.database.transact(settled_and_gone)
    assert (site.events(), site.consents()) == ([], [])
    site.now = later
    assert (site.settle(), site.settle()) == (1, 0)
    assert (len(site.events()), len(site.consents())) == (1, 2)


def test_an_answer_that_cannot_be_read_holds_up_no_other(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    bad, good = site.invite(), site.invite("retention")
    save(site, bad, score="9")
    save(site, good, score="4")
    survey = site.surveys.pop("after-support")
    assert site.settle(minutes=30) == 2
    assert counted(site) == [("survey.answered", 4)]
    assert "could not be counted" in caplog.text
    site.surveys["after-support"] = survey
    assert site.settle(minutes=29) == 0
    assert site.settle(minutes=1) == 1
    assert counted(site) == [("survey.answered", 4), ("survey.answered", 9)]


@contextmanager
def statements_of(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(*heard: Any) -> None:
        seen.append(heard[2])

    listener.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        listener.remove(database.engine, "before_cursor_execute", note)


def test_many_are_settled_in_few_statements(site: Site) -> None:
    def statements(count: int) -> int:
        for _ in range(count):
            save(site, site.invite(), score="3")
        site.now += timedelta(minutes=30)
        with statements_of(site.database) as seen:
            assert site.settling.due(lambda: site.now, 500) == count
        return len(seen)

    assert statements(60) == statements(3)


def test_who_may_count_is_asked_when_it_settles_and_the_others_are_kept(site: Site) -> None:
    asked: list[str] = []

    def none_yet(_tx: Connection, found: Sequence[Invitation], _now: datetime) -> Collection[str]:
        asked.extend(each.id for each in found)
        return ()

    token = site.invite()
    post(site, f"/s/{token}", whole(3))
    guarded = Settling(site.database, site.settling.surveys, site.settling.windows, none_yet)
    assert guarded.due(lambda: NOON + timedelta(minutes=2), 10) == 1
    row = site.invitation(token)
    assert (asked, site.events(), row.settles_at) == ([row.id], [], None)
    assert row.answers["score"] == 3
    with site.database.write() as tx:  # a person released it
        tx.execute(update(invitations).where(invitations.c.id == row.id).values(settles_at=site.now))
    assert site.settle() == 1
    assert counted(site) == [("survey.answered", 3)]


# what people read


def test_the_page_says_what_is_saved_and_when(site: Site) -> None:
    token = site.invite()
    page = get(site, f"/s/{token}?score=3").text
    assert "It is saved once you answer anything here or send it" in page
    assert "Nothing is kept" not in page
    assert "Saved. You may close this page." in page
    assert "without one your answer does not count" in page
    assert "Bewaard. U mag deze pagina sluiten." in get(site, f"/s/{token}?lang=nl").text

"""Who pressed, over real HTTP: machines and the doubtful never count, nothing is lost, and persons are let through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from connector.config.answers import SettlingWindows
from connector.feedback.surveys.who_pressed import deciding, doubts
from connector.feedback.surveys.who_pressed.doubts import Doubt, DoubtStatus, Pressed
from connector.feedback.surveys.who_pressed.rules import Presser
from connector.storage.flow_control.guess_limit import ALLOWED
from connector.storage.schema.tables import press_traces
from tests.integration.test_survey_pages import form, get, post, whole
from tests.survey_site import NOON, Site, survey_site

SENT, TOUCHED = timedelta(minutes=2), timedelta(minutes=30)
SCANNER = {"User-Agent": "Barracuda Sentinel (EE)"}
HAND = [("hand", "3.12.9000")]
TRAPPED = [("extra", "https://spam.example")]


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    with survey_site(tmp_path, windows=SettlingWindows(SENT, TOUCHED), database_url=database_url) as found:
        yield found


def doubted(site: Site, **which: Any) -> list[Doubt]:
    with site.database.read() as tx:
        return doubts.listed(tx, **{"verdict": None, "status": None, **which})


def told(site: Site) -> list[str]:
    return [event["type"] for event in site.all_events()]


def every_link(site: Site, token: str, **more: Any) -> None:
    """What a scanner fetches."""
    paths = [f"/s/{token}", *(f"/s/{token}?score={score}" for score in range(11)), f"/s/{token}/details", f"/u/{token}"]
    for path in paths:
        assert get(site, path, **more).status_code == 200


# persons


def test_a_person_counts_and_is_told_to_have_opened_the_page_first(site: Site) -> None:
    token = site.invite()
    get(site, f"/s/{token}?score=9")
    post(site, f"/s/{token}", whole(9) + HAND)
    site.settle(minutes=2)
    assert told(site) == ["survey.started", "survey.score_given", "survey.opened", "survey.answered"]
    assert doubted(site) == []


def test_without_javascript_a_person_counts(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", whole(9))
    site.settle(minutes=2)
    assert [event["data"]["score"] for event in site.events()] == [9]


def test_the_invisible_field_is_there_for_programs_only(site: Site) -> None:
    page = get(site, f"/s/{site.invite()}").text
    [field] = re.findall(r'<div class="unseen" aria-hidden="true">.*?</div>', page)
    assert 'name="extra"' in field
    assert 'tabindex="-1"' in field
    assert 'autocomplete="off"' in field


# machines


def press_at_delivery(site: Site, **headers: str) -> str:
    token = site.invite(sent_at=NOON)
    every_link(site, token, headers=headers)
    post(site, f"/s/{token}", whole(0) + TRAPPED, headers=headers)
    return token


def test_what_a_machine_pressed_at_delivery_never_counts_and_is_kept_with_its_reasons(site: Site) -> None:
    press_at_delivery(site)
    site.settle(minutes=2)
    assert site.events() == []
    assert "survey.score_given" not in told(site)
    [doubt] = doubted(site)
    assert (doubt.verdict, doubt.answers["score"], doubt.status) == (Presser.MACHINE, 0, DoubtStatus.OPEN)
    assert {"trap_field", "trap_link", "too_soon", "every_link", "scores_opened"} <= set(doubt.signals)


def test_a_machine_leaves_the_link_open_and_empty_for_the_person(site: Site) -> None:
    token = press_at_delivery(site)
    site.settle(hours=1)
    page = get(site, f"/s/{token}?score=9").text
    assert page.count(" checked") == 1
    assert "Was this you?" not in page
    post(site, f"/s/{token}", whole(9) + HAND)
    site.settle(minutes=2)
    assert [event["data"]["score"] for event in site.events()] == [9]
    assert [each.status for each in doubted(site)] == [DoubtStatus.REPLACED]


def test_who_comes_before_the_machines_answer_settled_finds_nothing_of_it(site: Site) -> None:
    token = press_at_delivery(site)
    site.now += timedelta(seconds=30)
    page = get(site, f"/s/{token}").text
    assert " checked" not in page
    assert [each.verdict for each in doubted(site)] == [Presser.MACHINE]


def test_a_machine_that_changes_a_persons_answer_changes_nothing(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", whole(9) + HAND)
    site.settle(minutes=2)
    site.now += timedelta(hours=1)
    post(site, f"/s/{token}/answer", form(score="0") + TRAPPED, headers=SCANNER)
    site.settle(minutes=30)
    assert [(event["type"], event["data"]["score"]) for event in site.events()] == [("survey.answered", 9)]
    assert site.invitation(token).answers["score"] == 9


def test_looking_with_a_scanner_opens_nothing(site: Site) -> None:
    token = site.invite()
    every_link(site, token, headers=SCANNER)
    assert site.invitation(token).opened_at is None
    assert told(site) == []


def test_the_trap_shows_the_way_to_whoever_falls_into_it(site: Site) -> None:
    token = site.invite()
    page = get(site, f"/s/{token}/details")
    assert page.status_code == 200
    assert f'href="/s/{token}"' in page.text
    assert get(site, "/s/nobody/details").status_code == 404


# the doubtful


def doubtful(site: Site) -> str:
    """A token whose answer was given with the field filled in: by a program, or for a person by one."""
    token = site.invite()
    post(site, f"/s/{token}", whole(4) + HAND + TRAPPED)
    site.settle(minutes=2)
    assert site.events() == []
    return token


def confirm(site: Site, token: str, was_me: str, **more: Any) -> requests.Response:
    return post(site, f"/s/{token}/confirm", [("was_me", was_me), *more.pop("fields", [])], **more)


def test_a_doubtful_answer_is_told_once_and_listed_with_its_reason_in_words(site: Site) -> None:
    doubtful(site)
    assert told(site) == ["survey.doubted"]
    [doubt] = doubted(site, verdict="doubtful", status="open")
    assert doubt.reasons == ("the field on the page was filled in that people do not see",)
    assert site.all_events()[0]["data"]["doubt"] == doubt.id


def test_the_next_visit_asks_and_one_tap_lets_it_count_as_it_was_given(site: Site) -> None:
    token = doubtful(site)
    site.settle(hours=1)
    page = get(site, f"/s/{token}").text
    assert "Was this you?" in page
    assert "the answer 4 was given" in page
    assert "Thank you for telling us" in confirm(site, token, "yes").text
    [event] = site.events()
    assert (event["data"]["score"], event["data"]["answered_at"]) == (4, NOON.isoformat())
    [doubt] = doubted(site)
    assert (doubt.status, doubt.decided_by, doubt.decided_at) == (DoubtStatus.CONFIRMED, deciding.THE_PERSON, site.now)
    assert "already have your answer" in get(site, f"/s/{token}").text


def test_a_tap_twice_counts_once(site: Site) -> None:
    token = doubtful(site)
    site.settle(hours=1)
    for _ in range(2):
        confirm(site, token, "yes")
    assert len(site.events()) == 1


def test_who_says_it_was_not_them_finds_an_empty_page_and_can_answer(site: Site) -> None:
    token = doubtful(site)
    site.settle(hours=1)
    page = confirm(site, token, "no").text
    assert "How likely are you to recommend us" in page
    assert " checked" not in page
    post(site, f"/s/{token}", whole(9) + HAND)
    site.settle(minutes=2)
    assert [event["data"]["score"] for event in site.events()] == [9]
    assert [(each.status, each.answers["score"]) for each in doubted(site)] == [(DoubtStatus.DENIED, 4)]


def test_in_the_same_visit_nothing_is_asked_that_a_program_would_press_at_once(site: Site) -> None:
    token = doubtful(site)
    assert "Was this you?" not in get(site, f"/s/{token}").text
    confirm(site, token, "yes")
    assert site.events() == []
    assert "Thank you" in get(site, f"/s/{token}/thanks").text


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_a_program_that_presses_everything_confirms_and_denies_nothing(site: Site, answer: str) -> None:
    token = doubtful(site)
    site.settle(hours=1)
    page = confirm(site, token, answer, fields=TRAPPED)
    assert "Was this you?" in page.text
    assert site.events() == []
    assert [each.status for each in doubted(site)] == [DoubtStatus.OPEN]


def test_who_simply_answers_once_more_counts_and_the_doubt_is_over(site: Site) -> None:
    token = doubtful(site)
    site.now += timedelta(minutes=10)
    post(site, f"/s/{token}", whole(8) + HAND)
    site.settle(minutes=2)
    assert [event["data"]["score"] for event in site.events()] == [8]
    assert [each.status for each in doubted(site)] == [DoubtStatus.REPLACED]


def test_a_scanner_at_the_door_does_not_speak_against_who_answers_four_minutes_later(site: Site) -> None:
    """From one network, and each link that the person touches was touched by the scanner before."""
    token = site.invite(sent_at=NOON)
    every_link(site, token)
    site.now += timedelta(minutes=4)
    get(site, f"/s/{token}?score=9")
    site.now += timedelta(seconds=20)
    post(site, f"/s/{token}", whole(9) + HAND)
    site.settle(minutes=2)
    assert [event["data"]["score"] for event in site.events()] == [9]
    assert doubted(site) == []


# the way out


def test_the_button_of_a_person_stops_the_surveys_at_once(site: Site) -> None:
    token = site.invite()
    get(site, f"/u/{token}")
    assert "Done" in post(site, f"/u/{token}").text
    assert site.person().opted_out_at == NOON


def test_a_machine_that_presses_the_button_stops_nothing(site: Site) -> None:
    token = site.invite(sent_at=NOON)
    every_link(site, token)
    for _ in range(3):
        assert "Please press once more" in post(site, f"/u/{token}", TRAPPED).text
        site.now += timedelta(seconds=5)
    assert site.person().opted_out_at is None
    assert [(each.what, each.verdict) for each in doubted(site)] == [(Pressed.OPT_OUT, Presser.MACHINE)]


def test_who_may_be_a_machine_is_asked_for_one_more_tap(site: Site) -> None:
    token = site.invite()
    assert "Please press once more" in post(site, f"/u/{token}", headers=SCANNER).text
    assert "Please press once more" in post(site, f"/u/{token}", headers=SCANNER).text  # too quickly to have read it
    site.now += timedelta(seconds=4)
    assert "Done" in post(site, f"/u/{token}", headers=SCANNER).text
    assert site.person().opted_out_at == site.now
    assert [each.status for each in doubted(site)] == [DoubtStatus.CONFIRMED]


def test_a_mail_programs_one_click_stands_before_no_guard(site: Site) -> None:
    token = site.invite(sent_at=NOON)
    every_link(site, token, headers=SCANNER)
    answer = post(site, f"/u/{token}", {"List-Unsubscribe": "One-Click"}, headers=SCANNER)
    assert answer.status_code == 200
    assert site.person().opted_out_at == NOON


# opened


def seen(site: Site, token: str, hand: str = "1.0.900", **more: Any) -> int:
    return post(site, f"/s/{token}/seen", {"hand": hand}, **more).status_code


def test_a_first_touch_tells_once_that_a_person_opened_the_page(site: Site) -> None:
    token = site.invite()
    get(site, f"/s/{token}")
    assert told(site) == []
    assert [seen(site, token) for _ in range(2)] == [204, 204]
    [event] = site.all_events()
    assert (event["type"], event["data"]["survey"]) == ("survey.opened", "after-support")
    assert site.rings == 1


@pytest.mark.parametrize(
    ("minutes", "hand", "headers"),
    [(0, "1.0.900", {}), (60, "", SCANNER), (60, "0.0.50", {}), (60, "1.0.900", SCANNER)],
    ids=["at delivery", "a scanner without a script", "nobody touched it", "a scanner that says so"],
)
def test_a_touch_that_may_be_a_machines_tells_nothing(
    site: Site, minutes: int, hand: str, headers: dict[str, str]
) -> None:
    token = site.invite(sent_at=NOON - timedelta(minutes=minutes))
    assert seen(site, token, hand, headers=headers) == 204
    assert told(site) == []


# addresses that do not exist


def test_after_too_many_guesses_a_network_waits_and_a_right_address_still_opens(site: Site) -> None:
    token = site.invite()
    paths = ["/s/{}", "/u/{}", "/s/{}/thanks", "/s/{}/details"]
    codes = [get(site, paths[each % 4].format(f"guess{each}")).status_code for each in range(ALLOWED.at_once or 0)]
    assert set(codes) == {404}
    for path in paths:
        refused = get(site, path.format("one-more"))
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 6
        assert "Please wait a moment" in refused.text
    assert post(site, "/s/one-more", whole(9)).status_code == 429
    assert post(site, "/u/one-more").status_code == 429
    assert get(site, f"/s/{token}").status_code == 200
    assert post(site, f"/s/{token}/answer", form(score="9")).status_code == 200
    assert "Done" in post(site, f"/u/{token}").text


# traces


def test_no_visitor_can_fill_the_table_of_traces(site: Site) -> None:
    token = site.invite()
    for _ in range(5):
        every_link(site, token)
        post(site, f"/s/{token}/answer", form(score="9"))
        get(site, f"/s/{token}", params={"score": "x" * 500})
    with site.database.read() as tx:
        count, times = tx.execute(select(func.count(), func.sum(press_traces.c.times))).one()
        networks = set(tx.execute(select(press_traces.c.network)).scalars())
    assert (count, times) == (16, 80)
    assert networks == {"127.0.0.0/24"}


def test_a_browser_that_fetches_ahead_leaves_no_trace(site: Site) -> None:
    get(site, f"/s/{site.invite()}", headers={"Sec-Purpose": "prefetch"})
    with site.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(press_traces)).scalar_one() == 0

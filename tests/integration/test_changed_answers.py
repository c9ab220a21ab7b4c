"""An answer may be changed until its link expires: from the thank-you page, from another device, before and after it
counts. It stays one answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.config.answers import SettlingWindows
from tests.integration.test_survey_pages import DETRACTOR, form, get, post, whole
from tests.survey_site import NOON, Site, survey_site


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    with survey_site(tmp_path, windows=SettlingWindows(), database_url=database_url) as found:
        yield found


class Page:
    """A page as some browser shows it: it carries what it was made of."""

    def __init__(self, site: Site, token: str, query: str = "?change=1") -> None:
        self.site, self.token = site, token
        self.html = get(site, f"/s/{token}{query}").text
        self.made_of = dict(re.findall(r'type="hidden" name="(page|revision)" value="([^"]*)"', self.html))

    def save(self, **answers: Any) -> requests.Response:
        return post(self.site, f"/s/{self.token}/answer", [*self.made_of.items(), *form(**answers)])

    def send(self, fields: list[tuple[str, str]]) -> requests.Response:
        return post(self.site, f"/s/{self.token}", [*self.made_of.items(), *fields])


def counted(site: Site) -> list[tuple[str, int]]:
    return [(event["type"], event["data"]["score"]) for event in site.events()]


# within the window


def test_sent_and_changed_within_the_window_counts_once_with_the_newest(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", DETRACTOR)
    site.settle(minutes=1)
    assert "Thank you, that makes our day" in post(site, f"/s/{token}", whole(9)).text
    assert site.settle(minutes=2) == 1
    assert site.settle(days=1) == 0
    [event] = site.events()
    assert (event["type"], event["data"]["score"], event["data"]["previous"]) == ("survey.answered", 9, None)
    assert event["data"]["contact_consent"] is False
    assert [row.kind for row in site.consents()] == []


def test_who_changes_and_does_not_send_again_is_counted_after_half_an_hour(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", whole(9))
    site.settle(minutes=1)
    Page(site, token).save(score="5")
    assert site.settle(minutes=29) == 0
    assert site.settle(minutes=1) == 1
    assert counted(site) == [("survey.answered", 5)]


# after it counts


def test_a_change_after_it_counts_is_told_as_one_with_what_was_said_before(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", whole(9))
    site.settle(minutes=2)
    site.now = NOON + timedelta(days=3)
    post(site, f"/s/{token}", DETRACTOR)
    assert len(site.events()) == 1
    site.settle(minutes=2)
    first, second = site.events()
    data = second["data"]
    assert (second["type"], second["id"]) == ("survey.changed", f"{first['id']}-2")
    assert (data["response_id"], data["score"], data["band"], data["revision"]) == (first["id"], 3, "detractor", 2)
    assert data["previous"] == {
        "score": 9, "band": "promoter", "comment": "", "contact_consent": False, "bands": ["promoter"],
    }  # fmt: skip
    assert data["answered_at"] == (NOON + timedelta(days=3)).isoformat()
    assert set(data) == set(first["data"])


def test_each_change_remembers_every_band_there_was(site: Site) -> None:
    token = site.invite()
    for score in (9, 2, 9, 8, 1):
        post(site, f"/s/{token}", whole(score))
        site.settle(minutes=2)
    assert counted(site) == [
        ("survey.answered", 9), ("survey.changed", 2), ("survey.changed", 9), ("survey.changed", 8),
        ("survey.changed", 1),
    ]  # fmt: skip
    last = site.events()[-1]["data"]
    assert (last["previous"]["band"], last["previous"]["bands"], last["revision"]) == (
        "passive", ["promoter", "detractor", "passive"], 5,
    )  # fmt: skip


def test_there_and_back_within_the_window_is_no_change(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", whole(9))
    site.settle(minutes=2)
    page = Page(site, token)
    page.save(score="2")
    page.save(score="9")
    assert site.settle(minutes=30) == 1
    assert counted(site) == [("survey.answered", 9)]
    assert site.invitation(token).settles_at is None


def test_words_may_be_added(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", whole(9))
    site.settle(minutes=2)
    post(site, f"/s/{token}", form(score="9", reason="Anna was great", improvements=None))
    site.settle(minutes=2)
    data = site.events()[1]["data"]
    assert (data["comment"], data["previous"]["comment"]) == ("Anna was great", "")


def test_a_later_revision_is_later_whatever_the_clock_was_set_to(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", whole(9))
    site.settle(minutes=2)
    site.now = NOON - timedelta(days=2)
    post(site, f"/s/{token}", whole(2))
    site.settle(minutes=2)
    first, second = (event["data"]["answered_at"] for event in site.events())
    assert second > first


def test_what_was_allowed_is_taken_back_with_the_answer_it_was_given_with(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", DETRACTOR)
    site.settle(minutes=2)
    site.now += timedelta(hours=1)
    post(site, f"/s/{token}", whole(9))
    site.settle(minutes=2)
    rows = [(row.kind, row.granted) for row in sorted(site.consents(), key=lambda row: (row.at, row.kind))]
    assert rows == [("contact", True), ("improvements", True), ("contact", False), ("improvements", False)]


def test_what_did_not_change_is_not_decided_again(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", DETRACTOR)
    site.settle(minutes=2)
    post(site, f"/s/{token}", [(name, "5" if name == "q.score" else value) for name, value in DETRACTOR])
    site.settle(minutes=2)
    assert counted(site) == [("survey.answered", 3), ("survey.changed", 5)]
    assert len(site.consents()) == 2


# where


def test_the_thank_you_says_until_when_and_leads_back_to_the_answer(site: Site) -> None:
    token = site.invite()
    thanks = post(site, f"/s/{token}", form(score="9", reason="Quick", improvements=None)).text
    assert "Your answer is saved. You may close this page." in thanks
    assert "You can still change your answer until December 20, 2026, " in thanks
    [link] = re.findall(r'<a href="([^"]*change=1[^"]*)">Change my answer</a>', thanks)
    page = get(site, link).text
    assert "This is your answer as we have it." in page
    assert 'value="9" checked' in page
    assert "Quick</textarea>" in page


def test_in_dutch_as_well(site: Site) -> None:
    thanks = post(site, f"/s/{site.invite()}?lang=nl", whole(9)).text
    assert "U kunt uw antwoord nog veranderen tot 20 december 2026" in thanks
    assert "Mijn antwoord veranderen</a>" in thanks


def test_coming_back_by_the_mail_says_that_the_answer_is_there_and_may_be_changed(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", whole(9))
    page = get(site, f"/s/{token}").text
    assert "We already have your answer" in page
    assert "Change my answer</a>" in page


def test_another_score_clicked_in_the_mail_is_shown_beside_the_one_that_holds(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", whole(9))
    page = get(site, f"/s/{token}?score=2").text
    assert "Your answer so far is “9”. In the e-mail you now chose “2”" in page
    assert site.invitation(token).answers["score"] == 9
    assert "We already have your answer" in get(site, f"/s/{token}?score=9").text


def test_without_the_script_a_change_goes_step_by_step(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", whole(9))
    more = post(site, f"/s/{token}", form(score="3", reason="", improvements=None))
    assert "May we contact you about your answers?" in more.text
    assert "Thank you for telling us" in post(site, f"/s/{token}", whole(3)).text


def test_once_the_link_has_run_out_nothing_changes_any_more(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", whole(9))
    site.settle(days=30)
    looks = [get(site, f"/s/{token}{where}") for where in ("?change=1", "/thanks")]
    for page in (*looks, post(site, f"/s/{token}", whole(2))):
        assert "Thank you, that makes our day" in page.text
        assert "Change my answer" not in page.text
    assert post(site, f"/s/{token}/answer", form(score="2")).status_code == 409
    assert site.settle(days=1) == 0
    assert counted(site) == [("survey.answered", 9)]


def test_who_never_sent_is_thanked_once_the_link_has_run_out(site: Site) -> None:
    token = site.invite(expires_at=NOON + timedelta(minutes=5))
    Page(site, token, "").save(score="9")
    site.now += timedelta(minutes=5)
    assert "We already have your answer" in get(site, f"/s/{token}").text


# two devices


def test_the_older_pages_stale_score_does_not_overwrite_the_newer_one(site: Site) -> None:
    token = site.invite()
    phone = Page(site, token, "")
    phone.save(score="3")
    laptop = Page(site, token, "")
    laptop.save(score="9", reason="All good now", improvements=None)
    reply = phone.save(score="4", reason="Late")
    assert reply.status_code == 409
    assert site.invitation(token).answers == {"score": 9, "reason": "All good now", "improvements": False}
    told = phone.send(form(score="4", reason="Late", contact_consent="no", improvements=None))
    assert told.status_code == 422
    assert "On another page you have since given “9”, and this page still said “4”. We kept “9”." in told.text
    assert "you have since given “All good now”, and this page still said “Late”" in told.text
    assert 'value="9" checked' in told.text
    assert site.invitation(token).answered_at is None


def test_what_the_older_page_adds_is_kept(site: Site) -> None:
    token = site.invite()
    phone, laptop = Page(site, token, ""), Page(site, token, "")
    laptop.save(score="9")
    assert phone.save(score=None, reason="Written on the phone").status_code == 200
    assert site.invitation(token).answers == {"score": 9, "reason": "Written on the phone"}


def test_who_was_told_may_still_give_the_other(site: Site) -> None:
    token = site.invite()
    phone, laptop = Page(site, token, ""), Page(site, token, "")
    laptop.save(score="9")
    shown = phone.send(form(score="8"))
    again = Page(site, token, "")
    again.made_of = dict(re.findall(r'type="hidden" name="(page|revision)" value="([^"]*)"', shown.text))
    assert "Thank you for your advice" in again.send(whole(8)).text
    assert site.invitation(token).answers["score"] == 8


def test_a_page_is_never_older_than_what_it_gave_itself(site: Site) -> None:
    token = site.invite()
    page = Page(site, token, "")
    for score in ("3", "9", "3", "4"):  # the replies are lost: the page still carries its first revision
        assert page.save(score=score).status_code == 200
    assert site.invitation(token).answers["score"] == 4


def test_the_same_on_both_is_no_conflict(site: Site) -> None:
    token = site.invite()
    phone, laptop = Page(site, token, ""), Page(site, token, "")
    laptop.save(score="9")
    assert phone.save(score="9").status_code == 200


@pytest.mark.parametrize("revision", ["", "x", "-1", "٣", "9" * 40, "1.5"])
def test_a_revision_that_is_none_is_taken_for_up_to_date(site: Site, revision: str) -> None:
    token = site.invite()
    Page(site, token, "").save(score="9")
    fields = [("page", "<b>" * 400), ("revision", revision), *form(score="2")]
    assert post(site, f"/s/{token}/answer", fields).status_code == 200
    assert site.invitation(token).answers["score"] == 2


def test_both_values_are_shown_as_text(site: Site) -> None:
    token = site.invite()
    phone, laptop = Page(site, token, ""), Page(site, token, "")
    laptop.save(score="9", reason="<b>one</b>")
    told = phone.send(form(score="9", reason="<script>two()</script>", improvements=None))
    assert told.status_code == 422
    assert "<script>two" not in told.text
    assert "&lt;b&gt;one" in told.text

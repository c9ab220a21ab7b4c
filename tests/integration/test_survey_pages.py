"""The survey pages over real HTTP: what is recorded, what never is, and what hostile input gets to see."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests
import zstandard
from sqlalchemy import update

from connector.feedback.consent.opt_outs import OPT_OUT_TEXT, opt_out
from connector.feedback.surveys.answering import saving
from connector.feedback.surveys.answering.saving import Touch
from connector.feedback.surveys.files import Survey, from_dict, to_dict
from connector.feedback.surveys.invitations import find
from connector.ids import digest
from connector.storage.schema.tables import customers
from tests.survey_site import BROWSER, NOON, Site, survey_site

TIMEOUT = 60  # seconds


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with survey_site(tmp_path) as found:
        yield found


def get(site: Site, path: str, **more: Any) -> requests.Response:
    return requests.get(site.url + path, timeout=TIMEOUT, headers={**BROWSER, **more.pop("headers", {})}, **more)


def post(site: Site, path: str, fields: Any = None, **more: Any) -> requests.Response:
    headers = {**BROWSER, **more.pop("headers", {})}
    return requests.post(site.url + path, data=fields, timeout=TIMEOUT, headers=headers, **more)


def form(**answers: Any) -> list[tuple[str, str]]:
    """The fields a browser sends: each question that is on the page, and what was given."""
    fields: list[tuple[str, str]] = []
    for question, given in answers.items():
        fields.append(("shown", question))
        parts = given.items() if isinstance(given, dict) else [("", given)]
        fields += [(f"q.{question}.{part}".rstrip("."), value) for part, value in parts if value is not None]
    return fields


DETRACTOR = form(
    score="3", reason="Three weeks without an answer", contact_consent="yes",
    contact={"phone": "06 12345678", "email": "", "window": "evening"}, improvements="yes",
)  # fmt: skip


def whole(score: int) -> list[tuple[str, str]]:
    """A form with every question that this score leads to."""
    low = {"contact_consent": "no"} if score <= 6 else {}
    return form(score=str(score), reason="", **low, improvements=None)


# looking


def test_a_look_records_when_it_was_opened_and_nothing_else(site: Site) -> None:
    token = site.invite()
    before = site.invitation(token)._asdict()
    page = get(site, f"/s/{token}")
    assert page.status_code == 200
    assert "How likely are you to recommend us" in page.text
    after = site.invitation(token)._asdict()
    assert {name: after[name] for name in after if after[name] != before[name]} == {
        "opened_at": NOON, "status": "opened",
    }  # fmt: skip


def test_the_first_look_counts_and_not_the_last(site: Site) -> None:
    token = site.invite()
    get(site, f"/s/{token}")
    site.now = NOON + timedelta(days=1)
    get(site, f"/s/{token}")
    assert site.invitation(token).opened_at == NOON


def test_asking_for_the_head_records_nothing(site: Site) -> None:
    token = site.invite()
    assert requests.head(f"{site.url}/s/{token}", timeout=TIMEOUT).status_code == 200
    assert site.invitation(token).opened_at is None


def test_a_browser_that_fetches_ahead_records_nothing(site: Site) -> None:
    token = site.invite()
    get(site, f"/s/{token}", headers={"Sec-Purpose": "prefetch;prerender"})
    assert site.invitation(token).opened_at is None


def test_a_scanner_that_opens_every_link_of_the_mail_answers_nothing(site: Site) -> None:
    token = site.invite()
    for path in [*(f"/s/{token}?score={score}" for score in range(11)), f"/s/{token}/thanks", f"/u/{token}"]:
        assert get(site, path).status_code == 200
    row = site.invitation(token)
    assert (row.answers, row.started_at, row.answered_at, row.status) == ({}, None, None, "opened")
    assert (site.events(), site.consents(), site.person().opted_out_at, site.rings) == ([], [], None, 0)


def test_a_score_that_was_clicked_in_the_mail_is_chosen_with_its_questions(site: Site) -> None:
    page = get(site, f"/s/{site.invite()}?score=3").text
    assert 'value="3" checked' in page
    assert "You chose “3” in the e-mail." in page
    assert "We are sorry to read that. What went wrong?" in page
    assert "May we contact you about your answers?" in page


@pytest.mark.parametrize("score", ["11", "-1", "x", "<script>", ""])
def test_a_clicked_score_that_is_none_is_not_chosen(site: Site, score: str) -> None:
    page = get(site, f"/s/{site.invite()}", params={"score": score})
    assert page.status_code == 200
    assert " checked>" not in page.text
    assert page.text.count("<script>") == 1  # ours


# answering without the script


def test_answering_step_by_step_ends_with_a_thank_you(site: Site) -> None:
    token = site.invite()
    second = post(site, f"/s/{token}", form(score="3"))
    assert "What went wrong?" in second.text
    assert "How and when can we reach you" not in second.text
    third = post(site, f"/s/{token}", form(score="3", reason="slow", contact_consent="yes", improvements=None))
    assert "How and when can we reach you best?" in third.text
    assert site.events() == []
    last = post(site, f"/s/{token}", DETRACTOR)
    assert "Thank you for telling us" in last.text
    assert site.invitation(token).status == "answered"


def test_a_finished_survey_is_reported_whole(site: Site) -> None:
    token = site.invite(about=None)
    post(site, f"/s/{token}", DETRACTOR)
    [event] = site.events()
    row = site.invitation(token)
    data = event["data"]
    assert (event["type"], event["id"], event["time"]) == ("survey.answered", row.id, NOON.isoformat())
    assert data["response_id"] == data["invitation"] == row.id
    assert (data["survey"], data["metric"], data["scale"], data["score"]) == ("after-support", "nps", "nps", 3)
    assert (data["band"], data["comment"]) == ("detractor", "Three weeks without an answer")
    assert (data["contact_consent"], data["contact"]) == (True, {"phone": "+31612345678", "window": "evening"})
    assert (data["customer"], data["context"]) == ({"id": site.customer}, {"ticket_id": "42"})
    assert data["answers"]["reason"] == "Three weeks without an answer"
    assert site.rings == 1


def test_consents_are_kept_with_the_wording_that_was_seen(site: Site) -> None:
    post(site, f"/s/{site.invite()}?lang=nl", DETRACTOR)
    kept = [(row.kind, row.granted, row.text_version, row.source, row.at) for row in site.consents()]
    version, source = "support-2026-11/nl", "survey:after-support"
    assert kept == [("contact", True, version, source, NOON), ("improvements", True, version, source, NOON)]


def test_a_no_to_contact_is_kept_and_an_open_box_decides_nothing(site: Site) -> None:
    post(site, f"/s/{site.invite()}", whole(2))
    assert [(row.kind, row.granted) for row in site.consents()] == [("contact", False)]
    assert site.events()[0]["data"]["contact_consent"] is False


def test_a_score_that_was_raised_takes_the_consent_with_it(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}/answer", DETRACTOR)
    post(site, f"/s/{token}", [(n, "9" if n == "q.score" else v) for n, v in DETRACTOR])
    data = site.events()[0]["data"]
    assert (data["score"], data["contact_consent"], data["contact"]) == (9, False, {})
    assert [row.kind for row in site.consents()] == ["improvements"]


def test_finishing_without_a_score_asks_for_it(site: Site) -> None:
    token = site.invite()
    page = post(site, f"/s/{token}", form(score=None))
    assert page.status_code == 422
    assert "Please choose an answer." in page.text
    assert site.events() == []


@pytest.mark.parametrize(("score", "thanks"), [
    (0, "Thank you for telling us"), (6, "Thank you for telling us"), (7, "Thank you for your advice"),
    (8, "Thank you for your advice"), (9, "Thank you, that makes our day"), (10, "Thank you, that makes our day"),
])  # fmt: skip
def test_the_thank_you_depends_on_the_score(site: Site, score: int, thanks: str) -> None:
    assert f"<h1>{thanks}</h1>" in post(site, f"/s/{site.invite()}", whole(score)).text


@pytest.mark.parametrize(("score", "band"), [(2, "detractor"), (3, "passive"), (4, "promoter")])
def test_satisfaction_is_banded_by_its_own_bounds(site: Site, score: int, band: str) -> None:
    post(site, f"/s/{site.invite('retention')}", form(score=str(score), comment="fine"))
    assert site.events()[0]["data"]["band"] == band


# once


def test_sending_twice_records_once(site: Site) -> None:
    token = site.invite()
    for _ in range(2):
        assert "Thank you" in post(site, f"/s/{token}", DETRACTOR).text
    assert len(site.events()) == 1
    assert len(site.consents()) == 2


def test_sending_many_times_at_once_records_once(site: Site) -> None:
    token = site.invite()
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: post(site, f"/s/{token}", whole(9)).status_code, range(16)))
    assert statuses == [200] * 16
    assert len(site.events()) == 1


def test_coming_back_after_answering_says_that_it_is_there(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", whole(9))
    page = get(site, f"/s/{token}").text
    assert "We already have your answer" in page
    assert "<form" not in page


# saving as given


def test_answers_are_kept_as_they_are_given_and_there_when_the_person_comes_back(site: Site) -> None:
    token = site.invite()
    reply = post(site, f"/s/{token}/answer", form(score="4", reason="half a sent"))
    assert reply.status_code == 200
    assert "May we contact you" in reply.text
    assert "<html" not in reply.text
    row = site.invitation(token)
    assert (row.answers, row.status, row.started_at) == ({"score": 4, "reason": "half a sent"}, "started", NOON)
    page = get(site, f"/s/{token}").text
    assert 'value="4" checked' in page
    assert "half a sent</textarea>" in page
    assert (site.events(), site.rings) == ([], 1)
    assert [event["type"] for event in site.all_events()] == ["survey.started", "survey.score_given"]


def test_an_answer_may_be_changed_and_taken_back_until_it_is_sent(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}/answer", form(score="4", reason="hm"))
    post(site, f"/s/{token}/answer", form(score="5", reason=""))
    assert site.invitation(token).answers == {"score": 5}


def test_when_it_was_started_does_not_move(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}/answer", form(score="4"))
    site.now = NOON + timedelta(hours=1)
    post(site, f"/s/{token}/answer", form(score="5"))
    assert site.invitation(token).started_at == NOON


def test_one_answer_saved_twice_is_saved_once(site: Site) -> None:
    token = site.invite()
    with site.database.write() as tx:
        found = find(tx, digest(token), lock=True)
        assert found is not None
        survey = site.surveys["after-support"]
        saved = saving.save(site.settling, tx, found, survey, {"score": 7}, Touch(NOON)).invitation
        again = saving.save(site.settling, tx, saved, survey, {"score": 7}, Touch(NOON + timedelta(days=1)))
        assert again.invitation is saved
    assert site.invitation(token).answers == {"score": 7}


# hostile and unlucky


def test_a_comment_that_is_too_long_is_refused_visibly_and_stays_on_the_page(site: Site) -> None:
    token = site.invite()
    words = "long " * 1001
    page = post(site, f"/s/{token}", form(score="9", reason=words, improvements=None))
    assert page.status_code == 422
    assert "and 5000 fit. Please shorten it." in page.text
    assert words in page.text
    assert site.invitation(token).answers["score"] == 9
    assert site.events() == []


def test_a_comment_of_exactly_the_limit_is_taken_in_any_script(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", form(score="9", reason="😀" * 5000, improvements=None))
    assert site.events()[0]["data"]["comment"] == "😀" * 5000


def test_what_customers_write_is_text_and_never_markup(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}/answer", form(score="9", reason="</textarea><script>alert(1)</script>"))
    page = get(site, f"/s/{token}").text
    assert "<script>alert" not in page
    assert "&lt;/textarea&gt;&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("score", ["11", "-1", "nine", "9.5", "' OR 1=1 --"])
def test_a_score_off_the_scale_is_refused_in_words(site: Site, score: str) -> None:
    page = post(site, f"/s/{site.invite()}", form(score=score))
    assert page.status_code == 422
    assert "Please choose a number from 0 to 10." in page.text


def test_a_phone_number_nobody_can_call_is_refused_while_the_person_is_there(site: Site) -> None:
    page = post(site, f"/s/{site.invite()}", [(n, "12" if n == "q.contact.phone" else v) for n, v in DETRACTOR])
    assert page.status_code == 422
    assert "This is no phone number we can call." in page.text
    assert 'value="12"' in page.text


@pytest.mark.parametrize(("field", "values"), [
    ("q.score", ("9", "2")), ("q.reason", ("Good", "Bad")), ("q.contact.phone", ("0612345678", "0687654321")),
])
def test_a_field_that_says_two_things_is_asked_again_and_the_rest_is_kept(
    site: Site, field: str, values: tuple[str, str]
) -> None:
    token = site.invite()
    rest = [(name, value) for name, value in DETRACTOR if name != field]
    page = post(site, f"/s/{token}?lang=nl", [*rest, *((field, value) for value in values)])
    assert (page.status_code, "Hier is twee keer iets anders ingevuld." in page.text) == (422, True)
    kept = site.invitation(token).answers
    assert field.split(".")[1] not in kept
    assert len(kept) == 4
    assert site.events() == []


def test_a_field_that_says_the_same_twice_says_it_once(site: Site) -> None:
    token = site.invite()
    assert post(site, f"/s/{token}", [*whole(9), ("q.score", "9")]).url.endswith("/thanks")
    assert len(site.events()) == 1


@pytest.mark.parametrize(
    "extra", [("q.is_admin", "yes"), ("q.__proto__", "x"), ("q.old.phone", "0612345678"), ("q.", "")]
)
def test_an_answer_to_a_question_that_is_asked_no_more_is_told_and_the_rest_is_kept(
    site: Site, extra: tuple[str, str]
) -> None:
    token = site.invite()
    page = post(site, f"/s/{token}?lang=nl", [*whole(9), extra])
    assert (page.status_code, "Een vraag van deze pagina wordt niet meer gesteld." in page.text) == (422, True)
    assert (site.invitation(token).answers["score"], site.events()) == (9, [])
    assert post(site, f"/s/{token}", whole(9)).url.endswith("/thanks")  # from the page as it is now
    assert len(site.events()) == 1


@pytest.mark.parametrize("extra", [("utm_source", "x"), ("q.score.more", "1")])
def test_a_field_that_is_none_of_the_surveys_touches_nothing(site: Site, extra: tuple[str, str]) -> None:
    token = site.invite()
    assert post(site, f"/s/{token}", [*whole(9), extra]).url.endswith("/thanks")
    assert site.invitation(token).answers["score"] == 9


def test_a_body_that_is_too_large_is_refused_in_words(site: Site) -> None:
    page = post(site, f"/s/{site.invite()}", form(score="9", reason="x" * 300_000))
    assert page.status_code == 413
    assert "That was more than we can take" in page.text


def test_questions_that_were_not_asked_cannot_be_answered(site: Site) -> None:
    token = site.invite()
    post(site, f"/s/{token}", [*whole(9), *form(contact_consent="yes")])
    assert set(site.events()[0]["data"]["answers"]) == {"score", "improvements"}


@pytest.mark.parametrize("path", ["/s/{}", "/u/{}", "/s/{}/thanks"])
@pytest.mark.parametrize("token", ["unknown", "x" * 500, "..%2f..", "%00", "' OR 1=1"])
def test_an_unknown_token_is_told_nothing(site: Site, path: str, token: str) -> None:
    page = get(site, path.format(token))
    assert page.status_code == 404
    assert "How likely" not in page.text
    assert "Ann" not in page.text


def test_a_withheld_invitation_is_as_unknown_as_any(site: Site) -> None:
    token = site.invite(status="withheld")
    unknown = get(site, "/s/unknown")
    page = get(site, f"/s/{token}")
    assert (page.status_code, page.text.replace(token, "unknown")) == (404, unknown.text)
    assert post(site, f"/s/{token}", whole(9)).status_code == 404


def test_after_its_time_a_survey_says_so_kindly_and_takes_nothing(site: Site) -> None:
    token = site.invite(expires_at=NOON)
    tries = [get(site, f"/s/{token}"), *(post(site, path, whole(9)) for path in (f"/s/{token}", f"/s/{token}/answer"))]
    for page in tries:
        assert page.status_code == 410
        assert "This survey has closed" in page.text
    row = site.invitation(token)
    assert (row.answers, row.opened_at) == ({}, None)


def test_up_to_its_last_second_a_survey_may_be_answered(site: Site) -> None:
    token = site.invite(expires_at=NOON)
    site.now = NOON - timedelta(seconds=1)
    assert "Thank you" in post(site, f"/s/{token}", whole(9)).text
    site.now = NOON + timedelta(days=400)
    assert "We already have your answer" in get(site, f"/s/{token}").text


# what we know already

KNOWN = {"phone": "+31612345678", "email": "ann@example.com"}
ASKED = {"score": 2, "contact_consent": True}


def known(site: Site, **facts: Any) -> None:
    with site.database.write() as tx:
        tx.execute(update(customers).where(customers.c.id == site.customer).values(**{**KNOWN, **facts}))


def contact(token: str, site: Site) -> Any:
    return site.invitation(token).answers.get("contact")


def test_a_known_number_and_address_are_shown_masked_and_never_whole(site: Site) -> None:
    known(site)
    token = site.invite(answers=ASKED)
    for page in (get(site, f"/s/{token}"), post(site, f"/s/{token}/answer", form(score="1", contact_consent="yes"))):
        assert "Call me on \u206606 •• •• 78\u2069" in page.text
        assert "Write to \u2066a•••@example.com\u2069" in page.text
        for whole in ("612345678", "12345678", "345", "ann@", "+31"):
            assert whole not in page.text.replace(token, "")


def test_a_tap_confirms_what_is_known(site: Site) -> None:
    known(site)
    token = site.invite(answers=ASKED)
    post(site, f"/s/{token}/answer", form(contact={"phone.known": "ours", "window": "morning"}))
    assert contact(token, site) == {"phone": "+31612345678", "window": "morning"}
    page = get(site, f"/s/{token}").text
    assert 'name="q.contact.phone.known" value="given" checked' in page
    assert 'name="q.contact.email.known" value="ours">' in page
    assert "12345678" not in page


def test_what_is_typed_replaces_what_is_known(site: Site) -> None:
    known(site)
    token = site.invite(answers=ASKED)
    post(site, f"/s/{token}/answer", form(contact={"phone": "06 87654321", "phone.known": "ours"}))
    assert contact(token, site) == {"phone": "+31687654321"}
    page = get(site, f"/s/{token}").text
    assert "06 •• •• 21" in page
    assert "87654321" not in page
    back = form(contact={"phone": "", "phone.known": "ours"})  # on a page that still shows the first
    post(site, f"/s/{token}/answer", back)
    assert contact(token, site) == {"phone": "+31612345678"}


def test_a_confirmation_can_be_taken_back(site: Site) -> None:
    known(site)
    token = site.invite(answers={**ASKED, "contact": {"phone": "+31612345678"}})
    post(site, f"/s/{token}/answer", form(contact={"phone": "", "email": ""}))
    assert contact(token, site) is None


@pytest.mark.parametrize("which", ["yes", "", "ours ", "__class__", "given"])
def test_what_was_not_offered_cannot_be_confirmed(site: Site, which: str) -> None:
    known(site)
    token = site.invite(answers=ASKED)
    assert post(site, f"/s/{token}/answer", form(contact={"phone.known": which})).status_code == 200
    assert contact(token, site) is None


@pytest.mark.parametrize("unusable", ["ask at the desk", "0000000000", "", None])
def test_what_nobody_could_call_is_not_offered(site: Site, unusable: str | None) -> None:
    known(site, phone=unusable)
    page = get(site, f"/s/{site.invite(answers=ASKED)}").text
    assert "q.contact.phone.known" not in page
    assert "Phone<input" in page


def test_a_number_that_is_refused_is_shown_as_typed_beside_the_known_one(site: Site) -> None:
    known(site)
    token = site.invite(answers=ASKED)
    typed = {"phone": "12", "phone.known": "ours"}
    page = post(site, f"/s/{token}", form(score="2", contact_consent="yes", contact=typed))
    assert page.status_code == 422
    assert 'value="12"' in page.text
    assert 'name="q.contact.phone.known" value="ours" checked' in page.text


# the page itself


def test_the_page_tells_nobody_its_address_and_runs_nothing_foreign(site: Site) -> None:
    token = site.invite()
    for page in (get(site, f"/s/{token}"), get(site, f"/u/{token}"), post(site, f"/s/{token}/answer", form(score="3"))):
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "Set-Cookie" not in page.headers


def test_the_one_style_and_script_are_those_that_the_policy_knows_by_their_digest(site: Site) -> None:
    token = site.invite()
    for path in (f"/s/{token}?score=3", f"/u/{token}", "/s/nobody"):
        page = get(site, path)
        policy = page.headers["Content-Security-Policy"]
        for tag, directive in (("style", "style-src"), ("script", "script-src")):
            found = re.findall(rf"<{tag}>(.*?)</{tag}>", page.text, re.DOTALL)
            allowed = [f"'sha256-{_digest(each)}'" for each in found] or ["'none'"]
            assert f"{directive} {' '.join(allowed)};" in policy, path
            assert page.text.count(f"<{tag}") == len(found), path
        assert "style=" not in page.text
        assert "onclick" not in page.text


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def test_the_brands_colours_stand_in_the_page(site: Site) -> None:
    assert "--accent:#0b6e4f;" in get(site, f"/s/{site.invite()}").text


def test_all_else_that_the_page_asks_for_may_be_kept_for_good_under_its_name(site: Site) -> None:
    page = get(site, f"/s/{site.invite()}").text
    [dictionary] = re.findall(r'(?:href|src)="([^"]*/s/static/[^"]+)"', page)
    found = get(site, dictionary)
    assert found.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert sha256(found.content).hexdigest().startswith(dictionary.split(".")[1])
    for name in ("pages.0000000000000000.dat", "icon.svg", "survey.css", "survey.js", "../survey/icon.svg"):
        assert get(site, f"/s/static/{name}").status_code == 404


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("*", "br"),
        ("identity", None),
        ("", None),
        ("dcz, br", "br"),  # a browser that keeps no dictionary of ours
    ],
)
def test_a_page_comes_in_the_smallest_form_that_the_browser_reads(site: Site, accepted: str, sent: str | None) -> None:
    path = f"/s/{site.invite()}"
    page = get(site, path, headers={"Accept-Encoding": accepted})
    assert page.headers.get("Content-Encoding") == sent
    assert page.headers["Vary"] == "Accept-Encoding, Available-Dictionary"
    assert unmarked(page.text) == unmarked(get(site, path, headers={"Accept-Encoding": "identity"}).text)


def unmarked(page: str) -> str:
    """Without what tells this page from the same one on another device."""
    return re.sub(r'name="page" value="[0-9a-f]+"', "", page)


def test_a_browser_that_was_here_before_gets_only_what_it_has_not(site: Site) -> None:
    path = f"/s/{site.invite()}"
    [name] = re.findall(r'<link rel="compression-dictionary" href="([^"]+)"', get(site, path).text)
    kept = get(site, name)
    assert kept.headers["Use-As-Dictionary"] == 'match="/s/*"'
    digest = sha256(kept.content).digest()
    known = {"Accept-Encoding": "br, dcz", "Available-Dictionary": f":{b64encode(digest).decode()}:"}
    page = get(site, path, headers=known)
    assert page.headers["Content-Encoding"] == "dcz"
    assert page.content[:40] == b"\x5e\x2a\x4d\x18\x20\x00\x00\x00" + digest  # RFC 9842, section 5
    reader = zstandard.ZstdDecompressor(zstandard.ZstdCompressionDict(kept.content, zstandard.DICT_TYPE_RAWCONTENT))
    known_now = reader.decompressobj().decompress(page.content[40:]).decode()
    assert unmarked(known_now) == unmarked(get(site, path).text)
    assert len(page.content) < 3_000
    stale = {**known, "Available-Dictionary": f":{b64encode(sha256(b'an older one').digest()).decode()}:"}
    assert get(site, path, headers=stale).headers["Content-Encoding"] == "br"


def test_a_first_visit_stays_light(site: Site) -> None:
    path = f"/s/{site.invite()}"
    [dictionary] = re.findall(r'<link rel="compression-dictionary" href="([^"]+)"', get(site, path).text)
    wire = [get(site, each, stream=True).raw.read(decode_content=False) for each in (path, dictionary)]
    assert sum(map(len, wire)) < 10_900  # with two heads of some 500 bytes it is 12 kB


def test_the_language_is_the_invitations_and_can_be_switched(site: Site) -> None:
    token = site.invite(language="nl-BE")
    page = get(site, f"/s/{token}").text
    assert '<html lang="nl" dir="ltr">' in page
    assert "Hoe waarschijnlijk is het" in page
    assert '<html lang="en" dir="ltr">' in get(site, f"/s/{token}?lang=en").text
    assert '<html lang="nl" dir="ltr">' in get(site, f"/s/{token}?lang=xx").text
    thanks = post(site, f"/s/{token}?lang=en", whole(9))
    assert "Thank you, that makes our day" in thanks.text


def test_an_unknown_page_speaks_the_browsers_language(site: Site) -> None:
    assert "Deze pagina bestaat niet" in get(site, "/s/x", headers={"Accept-Language": "nl-NL,nl;q=0.9"}).text


# the way out


def test_one_click_from_a_mail_program_opts_out(site: Site) -> None:
    token = site.invite()
    reply = post(site, f"/u/{token}", {"List-Unsubscribe": "One-Click"}, allow_redirects=False)
    assert reply.status_code == 200
    assert site.person().opted_out_at == NOON
    [event] = site.events()
    assert (event["type"], event["data"]["customer"]) == ("customer.opted_out", {"id": site.customer})
    assert event["data"]["source"] == "one-click"
    [consent] = site.consents()
    assert (consent.kind, consent.granted, consent.text_version) == ("surveys", False, OPT_OUT_TEXT)
    assert site.rings == 1


def test_a_person_confirms_on_the_page(site: Site) -> None:
    token = site.invite()
    assert "Stop the surveys" in get(site, f"/u/{token}").text
    assert site.person().opted_out_at is None
    assert "Done" in post(site, f"/u/{token}").text
    assert site.consents()[0].source == "unsubscribe page"
    assert "Stop the surveys" not in get(site, f"/u/{token}").text


def test_opting_out_again_is_harmless(site: Site) -> None:
    first, second = site.invite(), site.invite()
    for token in (first, first, second):
        assert post(site, f"/u/{token}").status_code == 200
        site.now += timedelta(days=1)
    assert site.person().opted_out_at == NOON
    assert (len(site.events()), len(site.consents())) == (1, 1)


def test_the_way_out_stays_open_after_the_survey_has_closed(site: Site) -> None:
    post(site, f"/u/{site.invite(expires_at=NOON - timedelta(days=100))}")
    assert site.person().opted_out_at == NOON


def test_opting_out_of_nobody_changes_nothing(site: Site) -> None:
    with site.database.write() as tx:
        assert opt_out(site.database, tx, "nobody", "one-click", NOON) is False
    assert site.events() == []


# every type of question


def rich_survey(site: Site) -> Survey:
    both: Any = lambda text: {"en": text, "nl": text}  # noqa: E731 - a word, not a function worth a name
    options = [{"value": value, "text": both(value.title())} for value in ("price", "speed")]
    data = {**to_dict(site.surveys["after-support"]), "survey": "rich"}
    data["questions"] = [
        data["questions"][0],
        {"id": "back", "type": "nls", "required": True, "if": 'band != ""', "text": both("Would you come back?")},
        {"id": "effort", "type": "ces", "if": "answers.back != null && answers.back <= 6", "text": both("How easy?")},
        {"id": "main_reason", "type": "choice", "options": options, "if": 'band != ""', "text": both("Why?")},
        {"id": "tags", "type": "choices", "options": options, "if": 'customer.tier == "gold"', "text": both("Which?")},
        {"id": "more", "type": "text", "if": '"speed" in answers.tags', "text": both("What about the speed?")},
    ]
    return from_dict(data)


def test_questions_that_look_at_the_score_itself_are_sent_along_for_each_score(site: Site) -> None:
    data = to_dict(site.surveys["after-support"])
    data["questions"][1]["if"] = "answers.score == 4"
    site.surveys["after-support"] = from_dict(data)
    page = get(site, f"/s/{site.invite()}").text
    [four] = re.findall(r'<template data-scores="4">(.*?)</template>', page, re.DOTALL)
    others = re.findall(r'<template data-scores="(?!4")[^"]*">(.*?)</template>', page, re.DOTALL)
    assert 'name="q.reason"' in four
    assert not any('name="q.reason"' in each for each in others)


def test_every_type_of_question_is_shown_answered_and_reported(site: Site) -> None:
    site.surveys["rich"] = rich_survey(site)
    token = site.invite("rich")
    page = post(site, f"/s/{token}", form(score="9")).text
    assert "Would you come back?" in page
    assert "How easy?" not in page
    missing = post(site, f"/s/{token}", form(score="9", back=None, main_reason="price", tags="speed"))
    assert (missing.status_code, "Please choose an answer." in missing.text) == (422, True)
    page = post(site, f"/s/{token}", form(score="9", back="5", main_reason="price", tags="speed")).text
    assert "How easy?" in page
    assert "What about the speed?" in page
    post(site, f"/s/{token}", form(score="9", back="5", effort="7", main_reason="price", tags="speed", more="Fast"))
    answers = {"score": 9, "back": 5, "effort": 7, "main_reason": "price", "tags": ["speed"], "more": "Fast"}
    assert site.events()[0]["data"]["answers"] == answers

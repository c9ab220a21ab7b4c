"""The frame of the admin pages: who is let in, what forms must bring, and what every answer says to the browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from connector.storage.engine.database import Database
from connector.web.admin import form_token
from tests.support.admin import TOKEN, AdminPages, admin_pages, somebody, words
from tests.support.house import a_home


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[AdminPages]:
    file = shutil.copy(sqlite_template, tmp_path_factory.mktemp("admin") / "ringback.db")
    with a_home(f"sqlite:///{file}") as home:
        yield admin_pages(home)


@pytest.fixture(autouse=True)
def _an_admin(pages: AdminPages) -> None:
    pages.door.who = somebody()
    pages.client = pages.client.application.test_client()


def test_without_a_gate_nothing_is_served(pages: AdminPages) -> None:
    assert pages.home.client.get("/admin/").status_code == 404


def test_every_answer_forbids_scripts_and_styles_of_others_and_is_kept_nowhere(pages: AdminPages) -> None:
    for path in ("/", "/nothing-here"):
        headers = pages.get(path).headers
        assert "script-src 'self'; style-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"


def test_a_page_that_is_gone_and_one_out_of_reach_look_the_same(pages: AdminPages) -> None:
    pages.door.who = somebody("viewer")
    gone, kept = pages.get("/nothing-here"), pages.get("/design")
    assert (gone.status_code, kept.status_code) == (404, 404)
    assert "not within your reach" in words(gone)
    assert words(kept) == words(gone)


def test_a_form_without_the_session_s_token_or_from_elsewhere_changes_nothing(pages: AdminPages) -> None:
    assert pages.client.post("/admin/preferences", data={"theme": "dark"}).status_code == 403
    good = {"form_token": form_token.masked(TOKEN), "theme": "dark"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = pages.client.post("/admin/preferences", data=good, headers=headers)
        assert answer.status_code == 403
        assert "Set-Cookie" not in answer.headers
    assert pages.client.post("/admin/preferences", data=good).status_code == 303


def test_the_token_looks_different_each_time_and_the_page_has_the_same_etag(pages: AdminPages) -> None:
    first, second = pages.get("/"), pages.get("/")
    assert first.get_data() != second.get_data()
    assert first.headers["ETag"] == second.headers["ETag"]
    again = pages.client.get("/admin/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")


def test_language_and_colours_are_kept_and_lead_back_to_where_one_was(pages: AdminPages) -> None:
    answer = pages.post("/preferences", language="nl", theme="dark", back="/admin/design")
    assert answer.headers["Location"] == "/admin/design"
    page = pages.get("/").get_data(as_text=True)
    assert '<html lang="nl" data-theme="dark">' in page


@pytest.mark.parametrize("address", ["https://evil.example", "//evil.example", "/admin\\@evil.example", "/s/x"])
def test_nobody_is_led_out_of_the_house(pages: AdminPages, address: str) -> None:
    assert pages.post("/preferences", back=address).headers["Location"] == "/admin/"


def test_the_browser_s_language_counts_while_none_was_chosen(pages: AdminPages) -> None:
    assert 'lang="nl"' in pages.get("/", **{"Accept-Language": "nl-BE,en;q=0.5"}).get_data(as_text=True)
    assert 'lang="en"' in pages.get("/", **{"Accept-Language": "fi"}).get_data(as_text=True)


def test_the_navigation_shows_what_one_may_see(pages: AdminPages) -> None:
    assert 'href="/admin/runs"' in pages.get("/").get_data(as_text=True)
    pages.door.who = somebody("viewer")
    page = pages.get("/").get_data(as_text=True)
    assert 'href="/admin/"' in page
    assert 'href="/admin/runs"' not in page


def test_a_database_that_is_away_is_said_and_changes_nothing(
    pages: AdminPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_named: object) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(Database, "read", away)
    answer = pages.get("/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "Nothing was changed" in words(answer)


def test_an_error_of_ours_is_a_page_with_a_mark_for_the_log(
    pages: AdminPages, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Database, "read", lambda _self: 1 / 0)
    answer = pages.get("/")
    assert answer.status_code == 500
    assert "This is an error of ours" in words(answer)
    [record] = [each for each in caplog.records if hasattr(each, "mark")]
    assert record.mark in words(answer)


def test_a_form_that_is_too_long_changes_nothing(pages: AdminPages) -> None:
    answer = pages.post("/preferences", theme="dark", more="x" * 2_100_000)
    assert answer.status_code == 413


def test_no_selector_changes_its_meaning_when_the_style_is_made_small() -> None:
    """The space before a colon goes: ``.list :is(th)`` would become ``.list:is(th)``."""
    style = Path("connector/web/static/admin/admin.css").read_text("utf-8")
    assert re.findall(r"[\w)\]*] ::?[a-z-]+[^;{}]*{", re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)) == []


def test_style_and_script_are_small_and_kept_for_good(pages: AdminPages) -> None:
    style = Path("connector/web/static/admin/admin.css").stat().st_size
    assert style <= 40_000
    page = pages.get("/").get_data(as_text=True)
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    file = pages.client.get(address, headers={"Accept-Encoding": "br"})
    assert (file.status_code, file.headers["Content-Encoding"]) == (200, "br")
    assert "immutable" in file.headers["Cache-Control"]

"""The pages of workflows and surveys: seen, written, published, decided, switched, by whoever may."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event
from werkzeug.test import TestResponse

from connector.access.rights import viewer
from connector.storage.schema import tables
from connector.storage.stores import definitions
from connector.storage.stores.definition_import import import_definitions
from connector.storage.stores.definitions import DefinitionKind
from tests.support.admin import AdminPages, admin_pages, somebody, words
from tests.support.house import a_home, answer
from tests.support.house_workflows import OPEN_A_TICKET

TEXT = "workflow: greet\nname: {}\ntrigger: {{event: survey.answered}}\nsteps: [{{id: end, stop: done}}]\n"


def with_condition(condition: str) -> str:
    return TEXT.format("one").replace("answered}", f"answered, if: '{condition}'}}")


@pytest.fixture(scope="module")
def home_pages(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[AdminPages]:
    file = shutil.copy(sqlite_template, tmp_path_factory.mktemp("admin") / "ringback.db")
    with a_home(f"sqlite:///{file}", it=OPEN_A_TICKET) as home:
        home.deliver(answer(3))
        home.settle()
        yield admin_pages(home)


@pytest.fixture
def pages(home_pages: AdminPages) -> Iterator[AdminPages]:
    home_pages.door.who = somebody()
    home_pages.client = home_pages.client.application.test_client()
    yield home_pages
    with home_pages.home.house.database.write() as tx:
        tx.execute(delete(tables.definition_drafts))
        for table in (tables.definition_states, tables.definitions):
            tx.execute(delete(table).where(table.c.slug.startswith("greet")))


def publish(pages: AdminPages, name: str, based_on: int, **more: Any) -> TestResponse:
    path = "/workflows/greet/edit" if based_on else "/new/workflow"
    return pages.post(path, text=TEXT.format(name), based_on=based_on, do="publish", **more)


def file_says(pages: AdminPages, name: str | None) -> None:
    bodies = {} if name is None else {"greet": TEXT.format(name)}
    with pages.home.house.database.write() as tx:
        newest = definitions.newest(tx, DefinitionKind.WORKFLOW)
        known = {each.slug: each.body for each in newest if each.slug != "greet"}
        import_definitions(tx, DefinitionKind.WORKFLOW, {**known, **bodies}, pages.home.clock())


def field(response: TestResponse, name: str = "text") -> str:
    pattern = rf'<textarea [^>]*name="{name}"[^>]*>\n(.*?)</textarea>'
    [held] = re.findall(pattern, response.get_data(as_text=True), re.DOTALL)
    return unescape(held)


def test_the_list_shows_state_runs_success_last_change_and_origin(pages: AdminPages) -> None:
    shown = pages.text("/workflows")
    assert "100 % ended well" in shown or "none has ended" in shown
    assert "1 run" in shown
    assert "a file" in shown


def test_one_workflow_shows_its_text_versions_runs_and_decisions(pages: AdminPages) -> None:
    shown = pages.text("/workflows/it")
    for part in ("version 1", "in force", "survey.answered", "What it decided about the latest events", "begins"):
        assert part in shown
    assert pages.get("/workflows/nobody").status_code == 404
    assert pages.get("/workflows/%00").status_code == 404
    assert pages.get("/workflows/it/versions/9").status_code == 404


def test_histories_and_decisions_are_told_in_the_language_of_the_page(pages: AdminPages) -> None:
    pages.door.who = somebody(language="nl")
    shown = pages.text("/workflows/it")
    assert "hij begint bij elke survey.answered" in shown
    [run, *_] = re.findall(r"/admin/runs/(\w+)", pages.get("/workflows/it").get_data(as_text=True))
    story = pages.text(f"/runs/{run}")
    for line in (
        "Begonnen door survey.answered.",
        "ticket.open gevraagd.",
        "ticket.open bij zendesk: gedaan na 1 poging",
        "Alle stappen zijn gedaan.",
    ):
        assert line in story
    assert "Started by" not in story


def test_who_may_not_see_what_customers_said_sees_none_of_it_in_any_language(pages: AdminPages) -> None:
    pages.door.who = somebody(language="nl", personal=False)
    assert "hij begint" not in pages.text("/workflows/it")


def test_a_new_workflow_is_published_from_a_text_and_says_who_and_why(pages: AdminPages) -> None:
    done = publish(pages, "one", 0, note="a first try")
    assert (done.status_code, done.location) == (303, "/admin/workflows/greet")
    shown = pages.text("/workflows/greet")
    for part in ("Version 1 is in force.", "the browser, Ada Admin", "a first try"):
        assert part in shown


def test_what_is_published_stands_in_the_audit_log_and_drafts_do_not(pages: AdminPages) -> None:
    before = len(pages.home.rows(tables.audit_log))
    pages.post("/new/workflow", text="half a th", do="keep")
    pages.post("/new/workflow", text=TEXT.format("one"), do="check")
    publish(pages, "one", 0)
    publish(pages, "two", 1)
    rows = pages.home.rows(tables.audit_log)[before:]
    assert [(each.action, each.object, each.before, each.after["version"]) for each in rows] == [
        ("workflow.publish", "greet", {"version": 0}, 1),
        ("workflow.publish", "greet", {"version": 1}, 2),
    ]


def test_the_first_page_names_drafts_and_what_differs(pages: AdminPages) -> None:
    differing(pages)
    pages.post("/new/workflow", text="half a th", do="keep")
    shown = pages.text("/")
    assert "greet: file and browser differ" in shown
    assert "Your draft of something new" in shown
    pages.door.who = somebody("viewer")
    assert "greet" not in pages.text("/")


def test_a_list_makes_as_many_statements_for_many_as_for_few(pages: AdminPages) -> None:
    def statements(path: str) -> int:
        seen: list[str] = []

        def count(*given: Any) -> None:
            seen.append(given[2])

        engine = pages.home.house.database.engine
        event.listen(engine, "before_cursor_execute", count)
        pages.text(path)
        event.remove(engine, "before_cursor_execute", count)
        return len(seen)

    few = statements("/workflows")
    now = pages.home.clock()
    many = {f"greet-{number}": TEXT.format(number).replace("greet", f"greet-{number}") for number in range(30)}
    with pages.home.house.database.write() as tx:
        import_definitions(tx, DefinitionKind.WORKFLOW, many, now, retire_others=False)
    assert statements("/workflows") == few


def test_every_mistake_stands_at_its_line_and_the_text_is_kept_as_a_draft(pages: AdminPages) -> None:
    wrong = TEXT.format("one").replace("steps:", "colour: red\nsteps:").replace("id: end", "id: 'the end'")
    refused = pages.post("/new/workflow", text=wrong, do="publish")
    assert refused.status_code == 422
    shown = words(refused)
    assert "2 mistakes. Nothing was published; your text is kept as a draft." in shown
    assert re.search(r'data-line="4".*data-line="5"', refused.get_data(as_text=True), re.DOTALL)
    assert 'role="alert" tabindex="-1" autofocus' in refused.get_data(as_text=True)
    assert field(refused) == wrong
    assert field(pages.get("/new/workflow")) == wrong
    assert "This is your draft of" in pages.text("/new/workflow")
    pages.post("/new/workflow/draft")
    assert field(pages.get("/new/workflow")) != wrong


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (TEXT.format("one") + "#" * 200_000, "Split it."),
        (TEXT.format("&a one"), "anchor or alias"),
        (TEXT.format("one") + "x: " + "[" * 41 + "]" * 41, "nested too deep"),
        (with_condition("[1].all(a, " * 9 + "true" + ")" * 9), "trigger.if"),
        (with_condition("a" * 5000), "trigger.if"),
        ("\0", "a character that YAML does not allow"),
        ("", "It is no workflow"),
    ],
    ids=["200 kB", "alias", "41 levels", "a condition that hangs", "a long condition", "NUL", "nothing"],
)
def test_what_the_loader_refuses_is_told_and_the_draft_is_kept(pages: AdminPages, broken: str, told: str) -> None:
    refused = pages.post("/new/workflow", text=broken, do="publish")
    assert refused.status_code == 422
    assert told in unescape(words(refused))
    assert field(pages.get("/new/workflow")) == broken.replace("\0", "�")


def test_a_text_is_checked_without_being_published_and_its_oddities_are_told(pages: AdminPages) -> None:
    good = pages.post("/new/workflow", text=TEXT.format("one"), do="check")
    assert "No mistakes. It is not published yet." in words(good)
    odd = TEXT.format("one").replace("{id: end, stop: done}", "{id: end, stop: done}, {id: never, stop: more}")
    assert "this is odd" in words(pages.post("/new/workflow", text=odd, do="check"))
    assert pages.get("/workflows/greet").status_code == 404


def test_of_two_people_the_second_is_shown_409_with_the_difference_and_may_then_publish_over_it(
    pages: AdminPages,
) -> None:
    publish(pages, "one", 0)
    publish(pages, "two", 1)
    refused = publish(pages, "three", 1)
    assert refused.status_code == 409
    shown = words(refused)
    assert "version 2 is in force now" in shown
    assert "removed: − name: two" in shown
    assert "added: + name: three" in shown
    assert field(refused) == TEXT.format("three")
    assert publish(pages, "three", 2).status_code == 303


def test_a_draft_is_seen_by_its_writer_alone_and_gone_when_it_is_published(pages: AdminPages) -> None:
    publish(pages, "one", 0)
    pages.post("/workflows/greet/edit", text="half a th", based_on=1, do="keep")
    assert field(pages.get("/workflows/greet/edit")) == "half a th"
    assert "your draft" in pages.text("/workflows")
    pages.door.who = viewer("u2", "Bo Editor", "bo@bank.example", "editor")
    assert field(pages.get("/workflows/greet/edit")) == TEXT.format("one")
    pages.door.who = somebody()
    publish(pages, "two", 1)
    assert field(pages.get("/workflows/greet/edit")) == TEXT.format("two")


@pytest.mark.parametrize(("take", "name"), [("file", "file"), ("browser", "browser")])
def test_where_file_and_browser_differ_either_answer_settles_it(pages: AdminPages, take: str, name: str) -> None:
    differing(pages)
    assert "file and browser differ" in pages.text("/workflows")
    page = pages.get("/workflows/greet/both")
    assert "name: browser → file" in unescape(words(page))
    [seen] = set(re.findall(r'name="seen" value="(\w+)"', page.get_data(as_text=True)))
    assert pages.post("/workflows/greet/both", take=take, seen="another").status_code == 409
    assert pages.post("/workflows/greet/both", take=take, seen=seen).status_code == 303
    assert f"name: {name}" in pages.text("/workflows/greet")
    assert "there is nothing to decide" in pages.text("/workflows/greet/both")


def test_both_are_edited_together_with_the_file_beside_the_text(pages: AdminPages) -> None:
    differing(pages)
    page = pages.get("/workflows/greet/edit?both=true")
    assert "What the file says" in words(page)
    [settles] = re.findall(r'name="settles" value="(\w+)"', page.get_data(as_text=True))
    assert publish(pages, "both", 2, settles=settles).status_code == 303
    file_says(pages, "file")
    assert "name: both" in pages.text("/workflows/greet")
    assert "differ" not in pages.text("/workflows/greet")


def differing(pages: AdminPages) -> None:
    file_says(pages, "one")
    publish(pages, "browser", 1)
    file_says(pages, "file")


def test_a_workflow_is_switched_off_with_a_reason_and_on_again(pages: AdminPages) -> None:
    publish(pages, "one", 0)
    assert pages.post("/workflows/greet/off", reason="").status_code == 422
    pages.post("/workflows/greet/off", reason="mails go out twice")
    shown = pages.text("/workflows/greet")
    assert "Ada Admin switched it off: mails go out twice" in shown
    pages.post("/workflows/greet/on")
    assert "switched it off" not in pages.text("/workflows/greet")


def test_whoever_may_only_read_sees_no_button_and_can_change_nothing(pages: AdminPages) -> None:
    publish(pages, "one", 0)
    pages.door.who = somebody("viewer")
    shown = pages.get("/workflows/greet").get_data(as_text=True)
    assert ">Edit<" not in shown
    assert "Switch off" not in shown
    for path in ("/workflows/greet/edit", "/workflows/greet/both", "/new/workflow"):
        assert pages.get(path).status_code == 404
    for path in ("/workflows/greet/edit", "/workflows/greet/off", "/workflows/greet/both", "/new/workflow"):
        assert pages.post(path, text=TEXT.format("mine"), take="file", reason="x").status_code == 404


def test_surveys_have_a_list_a_page_and_a_preview_in_which_nothing_can_be_sent(pages: AdminPages) -> None:
    assert "How easy it was to get help" in pages.text("/surveys")
    assert "Preview" in pages.text("/surveys/after-support")
    assert "thanks-detractor.html (nl)" in pages.text("/surveys/after-support/preview")
    page = pages.get("/surveys/after-support/preview/nl/page.html")
    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"].startswith("sandbox;")
    assert "familie, vrienden of collega" in page.get_data(as_text=True)
    assert pages.get("/surveys/after-support/preview/xx/page.html").status_code == 404
    assert pages.get("/surveys/after-support/preview/nl/nothing.html").status_code == 404


def test_a_survey_is_published_the_same_way(pages: AdminPages) -> None:
    body = field(pages.get("/surveys/after-support/edit"))
    done = pages.post("/surveys/after-support/edit", text=f"{body}\n# ours\n", based_on=1, do="publish")
    assert done.status_code == 303
    assert "Version 2 is in force." in pages.text("/surveys/after-support")


def test_markup_in_names_and_texts_shows_as_text(pages: AdminPages) -> None:
    publish(pages, "'<script>alert(1)</script>'", 0, note="<b>bold</b>")
    shown = pages.get("/workflows/greet").get_data(as_text=True)
    assert "<script>alert" not in shown
    assert "<b>bold" not in shown

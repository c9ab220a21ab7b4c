"""The pages of what runs: found by its cause, mended with all of its kind, read anew; and what bad input gets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select

from connector.ids import new_id
from connector.observe.backlog import STOPPED
from connector.storage.schema import tables
from tests.support.admin import AdminPages, admin_pages, somebody, words
from tests.support.admin_house import copied, lively_house
from tests.support.house import Harness, answer
from workflows.runs import Status


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Iterator[Harness]:
    with lively_house(copied(sqlite_template, tmp_path)) as home:
        yield home


@pytest.fixture
def pages(home: Harness) -> AdminPages:
    return admin_pages(home)


def of(home: Harness, workflow: str, status: str) -> list[str]:
    return [run.id for run in home.runs(workflow) if run.status == status]


def cause(pages: AdminPages, workflow: str) -> str:
    page = pages.get("/stopped").get_data(as_text=True)
    [article] = [each for each in page.split("<article")[1:] if workflow in each]
    return re.findall(r"/admin/stopped/(\w+)", article)[0]


def cause_of(pages: AdminPages, status: Status) -> str:
    page = pages.get("/stopped").get_data(as_text=True)
    shown = f'class="state {status.value.replace("_", "-")}"'
    [article, *_] = [each for each in page.split("<article")[1:] if shown in each]
    return re.findall(r"/admin/stopped/(\w+)", article)[0]


# --- what stopped


def test_the_first_page_says_what_needs_somebody_and_leads_there(pages: AdminPages) -> None:
    text = pages.text("/")
    for said in ("3 runs stopped", "salesforce makes no calls", "1 delivery was set aside"):
        assert said in text


def test_what_stopped_by_one_cause_is_one_group_with_its_remedy(pages: AdminPages) -> None:
    text = pages.text("/stopped")
    assert "3 call-back, callback failed" in text
    assert "zendesk refused this call. Mend what it complains of" in text
    assert "Nobody knows whether this call happened. Look at mail" in text


def test_all_of_a_cause_are_mended_by_one_action_and_their_tickets_are_opened_once(
    pages: AdminPages, home: Harness
) -> None:
    before = len(home.world.zendesk.tickets)
    reply = pages.post(f"/stopped/{cause(pages, 'call-back')}", action="retry")
    assert reply.headers["Location"] == "/admin/stopped"
    assert "3 runs were taken in hand." in words(pages.get("/stopped"))
    home.settle()
    assert of(home, "call-back", "failed") == []
    assert len(home.world.zendesk.tickets) == before + 3
    assert "Ada Admin" in " ".join(home.story(home.runs("call-back")[0].id))


def test_runs_that_stopped_after_somebody_looked_are_left_alone(pages: AdminPages, home: Harness) -> None:
    group, newest = cause(pages, "call-back"), of(home, "call-back", "failed")
    pages.post(f"/stopped/{group}", action="retry", until=min(newest))
    assert len(of(home, "call-back", "failed")) == 2


def test_a_doubt_is_answered_for_all(pages: AdminPages, home: Harness) -> None:
    pages.post(f"/stopped/{cause(pages, 'thank-you')}", action="happened")
    home.settle()
    assert len(of(home, "thank-you", "succeeded")) == 1


def test_an_action_that_a_cause_does_not_have_is_a_mistake_at_its_field(pages: AdminPages) -> None:
    reply = pages.post(f"/stopped/{cause(pages, 'call-back')}", action="explode")
    assert reply.status_code == 422
    assert "This is none of those there are." in words(reply)


def test_what_nobody_will_mend_is_dismissed_with_a_reason(pages: AdminPages, home: Harness) -> None:
    group = cause(pages, "call-back")
    assert pages.post(f"/stopped/{group}", action="dismiss").status_code == 422
    assert len(of(home, "call-back", "failed")) == 3
    pages.post(f"/stopped/{group}", action="dismiss", reason="the group is gone, we called")
    assert len(of(home, "call-back", "dismissed")) == 3
    assert "call-back" not in pages.text("/stopped")
    run = pages.text(f"/runs/{of(home, 'call-back', 'dismissed')[0]}")
    assert "dismissed" in run
    assert "the group is gone, we called" in run


@pytest.mark.parametrize("status", list(Status))
def test_a_run_in_any_state_can_be_looked_at(pages: AdminPages, home: Harness, status: Status) -> None:
    [run_id, *_] = of(home, "call-back", "failed")
    with home.house.database.write() as tx:
        tx.execute(tables.runs.update().where(tables.runs.c.id == run_id).values(status=status.value))
    for path in ("/", "/stopped", f"/runs?status={status.value}", f"/runs/{run_id}", "/workflows/call-back"):
        assert pages.get(path).status_code == 200, path
    if status in STOPPED:
        assert pages.get(f"/stopped/{cause_of(pages, status)}").status_code == 200


def test_a_cause_that_is_gone_is_a_404_with_the_way_back(pages: AdminPages) -> None:
    for reply in (pages.get("/stopped/0123456789abcdef"), pages.post("/stopped/0123456789abcdef", action="retry")):
        assert reply.status_code == 404
        assert "To the first page" in words(reply)


# --- runs


def test_filters_stand_in_the_address(pages: AdminPages, home: Harness) -> None:
    text = pages.text("/runs?workflow=follow-up&status=dead")
    assert text.count("Choose run") == 1
    assert of(home, "follow-up", "dead")[0] in text
    assert pages.text("/runs?customer=ann@example.com").count("Choose run") == 4
    assert "No run is like that." in pages.text("/runs?customer=nobody@example.com")
    assert "No run is like that." in pages.text("/runs?since=2026-03-03")
    assert pages.text("/runs?until=2026-03-02&status=stopped").count("Choose run") == 5


def test_a_wrong_filter_is_said_and_what_was_typed_stays(pages: AdminPages) -> None:
    reply = pages.get("/runs?since=yesterday&step=callback")
    assert reply.status_code == 422
    page = reply.get_data(as_text=True)
    assert 'value="yesterday"' in page
    assert 'value="callback"' in page
    assert "This is no day. Write it as 2026-11-30." in words(reply)


def test_many_are_asked_about_before_they_are_changed(pages: AdminPages, home: Harness) -> None:
    asked = pages.get("/runs/act?workflow=call-back&status=failed&action=restart&which=all")
    assert "Restart: 3 runs" in words(asked)
    assert "This cannot be taken back." in words(asked)
    assert len(of(home, "call-back", "failed")) == 3
    pages.post("/runs/act", workflow="call-back", status="failed", action="restart", which="all")
    assert len(home.runs("call-back")) == 7


def test_only_the_chosen_are_cancelled_with_a_reason(pages: AdminPages, home: Harness) -> None:
    [waits] = of(home, "follow-up", "waiting")
    refused = pages.post("/runs/act", run=waits, action="cancel")
    assert refused.status_code == 422
    assert "Why they end is missing." in words(refused)
    pages.post("/runs/act", run=waits, action="cancel", reason="The customer moved.")
    assert of(home, "follow-up", "cancelled") == [waits]


def test_a_run_that_cannot_be_is_told_and_the_others_are_done(pages: AdminPages, home: Harness) -> None:
    [done], [fails, *_] = of(home, "call-back", "succeeded"), of(home, "call-back", "failed")
    assert pages.post("/runs/act", run=[done, fails], action="retry").status_code == 303
    text = words(pages.get("/runs"))
    assert "1 run was taken in hand. 1 could not be:" in text


def test_every_run_there_ever_was_is_never_taken_by_accident(pages: AdminPages, home: Harness) -> None:
    assert pages.post("/runs/act", action="cancel", which="all", reason="x").status_code == 422
    assert len(of(home, "follow-up", "waiting")) == 1


def test_a_story_has_the_version_it_ran_with(pages: AdminPages, home: Harness) -> None:
    [run] = of(home, "thank-you", "needs_review")
    text = pages.text(f"/runs/{run}")
    for said in ("version 1, with which it began", "do: message.send", "Say whether it happened", "Started by"):
        assert said in text


def test_one_run_is_retried_skipped_restarted_and_cancelled(pages: AdminPages, home: Harness) -> None:
    first, second, third = of(home, "call-back", "failed")
    [waits] = of(home, "follow-up", "waiting")
    pages.post(f"/runs/{first}/retry")
    pages.post(f"/runs/{second}/skip", at="callback", output='{"ticket": "zendesk:1"}')
    new = pages.post(f"/runs/{third}/restart").headers["Location"]
    pages.post(f"/runs/{waits}/cancel", reason="By phone")
    home.settle()
    states = {run.id: run.status for run in home.runs()}
    assert [states[each] for each in (first, second, waits)] == ["succeeded", "succeeded", "cancelled"]
    assert states[new.rpartition("/")[2]] == "succeeded"


def test_what_the_state_no_longer_allows_is_a_409_with_what_happened_meanwhile(
    pages: AdminPages, home: Harness
) -> None:
    [run, *_] = of(home, "call-back", "failed")
    page = pages.get(f"/runs/{run}").get_data(as_text=True)
    [seen, *_] = re.findall(r'name="seen" value="([^"]+)"', page)
    home.clock.move(minutes=1)
    home.house.controls.retry(run, "Somebody else")
    home.settle()
    late = pages.post(f"/runs/{run}/retry", seen=seen)
    assert late.status_code == 409
    text = words(late)
    assert "This could not be done, and nothing was changed." in text
    assert "Possible instead: restart" in text
    fresh = re.findall(r'<li class="\w+ fresh">.*?</li>', late.get_data(as_text=True), re.DOTALL)
    assert any("Retried by Somebody else" in each for each in fresh)


@pytest.mark.parametrize("typed", ["{", "[1]", "{} {}"])
def test_a_result_that_is_no_json_is_said_at_its_field_and_stays_there(
    pages: AdminPages, home: Harness, typed: str
) -> None:
    [run, *_] = of(home, "call-back", "failed")
    reply = pages.post(f"/runs/{run}/skip", at="callback", output=typed)
    assert reply.status_code == 422
    assert typed in reply.get_data(as_text=True).partition('name="output"')[2].partition("</textarea>")[0]
    assert 'aria-invalid="true"' in reply.get_data(as_text=True)


def test_a_run_that_is_gone_is_a_404(pages: AdminPages) -> None:
    for path in (f"/runs/{new_id()}", "/runs/%00", "/runs/../x", "/runs/" + "z" * 300):
        assert pages.get(path).status_code == 404
    assert pages.post(f"/runs/{new_id()}/retry").status_code == 404


def test_markup_in_words_of_customers_is_shown_as_text(pages: AdminPages, home: Harness) -> None:
    home.deliver(answer(7, customer={"email": "eve@example.com", "name": "<script>alert(1)</script>"}))
    home.settle()
    page = pages.get("/runs").get_data(as_text=True)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


# --- who may


def test_who_may_only_read_sees_no_action_and_can_do_none(pages: AdminPages, home: Harness) -> None:
    [run, *_] = of(home, "call-back", "failed")
    who = somebody("lead")
    pages.door.who = _without(who, "runs:write")
    assert "What you can do" not in pages.text(f"/runs/{run}")
    assert pages.post(f"/runs/{run}/retry").status_code == 404
    assert len(of(home, "call-back", "failed")) == 3


def test_personal_data_is_not_in_the_bytes_for_whoever_may_not_see_it(pages: AdminPages, home: Harness) -> None:
    pages.door.who = somebody("admin", personal=False)
    [run, *_] = of(home, "call-back", "failed")
    for path in ("/runs", f"/runs/{run}", "/deliveries/1", "/events", f"/events/{_an_event(home)}",
                 "/why?q=answer-1", "/", "/stopped"):  # fmt: skip
        page = pages.get(path).get_data(as_text=True)
        for secret in ("Ann Jansen", "unhappy0@example.com", "Nobody called"):
            assert secret not in page, (path, secret)


def _without(who: Any, scope: str) -> Any:
    return replace(who, scopes=who.scopes - {scope})


def _an_event(home: Harness) -> str:
    return str(home.rows(tables.events)[0].id)


# --- deliveries, events, why


def test_a_delivery_shows_what_it_meant_and_is_read_anew(pages: AdminPages, home: Harness) -> None:
    text = pages.text("/deliveries/1")
    assert "begins call-back" in text
    assert 'event.band == &#34;passive&#34; is false' in text.replace('"', "&#34;")
    assert pages.post("/deliveries/1").headers["Location"] == "/admin/deliveries/1"
    assert home.one(tables.deliveries, tables.deliveries.c.id == 1).status == "new"
    runs = len(home.runs())
    home.settle()
    assert len(home.runs()) == runs, "what was known does not happen again"


def test_what_was_set_aside_is_found_and_many_are_read_anew(pages: AdminPages, home: Harness) -> None:
    assert pages.text("/deliveries?status=aside").count("Choose delivery") == 1
    assert pages.post("/deliveries", delivery=["1", "2"]).status_code == 303
    assert "2 deliveries are read anew." in words(pages.get("/deliveries"))
    assert pages.post("/deliveries").status_code == 422
    assert pages.post("/deliveries", delivery=["one"]).status_code == 422


def test_a_delivery_whose_content_is_gone_cannot_be_read_anew(pages: AdminPages, home: Harness) -> None:
    gone = tables.deliveries.update().where(tables.deliveries.c.id == 1).values(emptied_at=home.clock(), body=b"")
    with home.house.database.write() as tx:
        tx.execute(gone)
    reply = pages.post("/deliveries/1")
    assert reply.status_code == 409
    assert "ask its sender to send it again" in words(reply)


@pytest.mark.parametrize("path", ["/deliveries/0", "/deliveries/x", f"/deliveries/{10**30}", "/events/nothing"])
def test_what_is_gone_is_a_404(pages: AdminPages, path: str) -> None:
    assert pages.get(path).status_code == 404


def test_why_nothing_happened_is_told_by_each_workflow(pages: AdminPages) -> None:
    text = pages.text("/why?q=unhappy0@example.com")
    assert "does not begin thank-you version 1" in text
    assert "begins call-back version 1" in text
    assert "failed its run Zendesk answered 422" in text


def test_a_ticket_leads_to_what_is_known_of_its_customer(pages: AdminPages, home: Harness) -> None:
    ticket = str(home.world.zendesk.tickets[0]["id"])
    home.ticket_event("ticket_solved", ticket)
    home.settle()
    for asked in (ticket, f"%23{ticket}", f"zendesk:{ticket}"):
        text = pages.text(f"/why?q={asked}")
        assert "ticket.solved" in text
        assert "No workflow in force at that time begins with ticket.solved" in text


def test_ids_of_every_kind_lead_to_the_event(pages: AdminPages, home: Harness) -> None:
    fact = home.rows(tables.events)[0]
    for asked in (fact.id, fact.external_id, fact.customer_id):
        assert f"/admin/events/{fact.id}" in pages.get(f"/why?q={asked}").get_data(as_text=True)


def test_what_arrived_and_became_nothing_is_found_by_its_words(pages: AdminPages) -> None:
    text = pages.text("/why?q=odd")
    assert "It arrived and became no event: time is missing; send it, or timestamp" in text


def test_what_never_arrived_is_said_with_where_to_look(pages: AdminPages) -> None:
    assert "no workflow ever heard of it" in pages.text("/why?q=nobody@example.com")


# --- connections, system


def test_a_connection_is_paused_with_a_reason_and_let_go_on(pages: AdminPages, home: Harness) -> None:
    assert pages.post("/connections/zendesk/pause").status_code == 422
    pages.post("/connections/zendesk/pause", reason="Migration tonight")
    text = pages.text("/connections/zendesk")
    assert "stopped by a person by Ada Admin: Migration tonight" in text
    pages.post("/connections/zendesk/resume")
    assert home.house.switches.health_of("zendesk").status == "active"


def test_a_connection_is_asked_whether_it_works(pages: AdminPages) -> None:
    assert "reached, and our credentials are taken" in words(pages.post("/connections/zendesk/test"))
    assert "It only sends to us" in words(pages.post("/connections/survey-platform/test"))


def test_a_connection_that_is_not_there_is_a_404(pages: AdminPages) -> None:
    assert pages.get("/connections/nothing").status_code == 404
    assert pages.post("/connections/nothing/pause", reason="x").status_code == 404


def test_the_system_tells_what_the_doctor_finds(pages: AdminPages) -> None:
    text = pages.text("/system")
    for said in ("3 calls ended badly.", "1 deliveries could not be read or processed.", "sweep"):
        assert said in text


# --- its measure


PATHS = ("/", "/stopped", "/runs", "/runs?status=stopped", "/deliveries", "/events", "/why?q=ann@example.com",
         "/connections", "/alerts", "/system")  # fmt: skip


def test_every_page_reads_from_both_databases(database_url: str) -> None:
    with lively_house(database_url) as home:
        pages = admin_pages(home)
        [run, *_] = of(home, "call-back", "failed")
        for path in (*PATHS, f"/runs/{run}", "/runs?customer=ann@example.com&step=callback&since=2026-01-01",
                     f"/stopped/{cause(pages, 'call-back')}", "/deliveries/1", f"/events/{_an_event(home)}",
                     "/events?type=survey.answered&connection=survey-platform", "/connections/zendesk"):  # fmt: skip
            assert pages.text(path)
        pages.post(f"/stopped/{cause(pages, 'call-back')}", action="retry")
        home.settle()
        assert of(home, "call-back", "failed") == []


def test_a_page_asks_as_little_of_many_rows_as_of_few(pages: AdminPages, home: Harness) -> None:
    few = {path: _statements(home, pages, path) for path in PATHS}
    _many(home, 400)
    many = {path: _statements(home, pages, path) for path in PATHS}
    assert {path: count for path, count in many.items() if count > few[path]} == {}


def _statements(home: Harness, pages: AdminPages, path: str) -> int:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    engine = home.house.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        pages.text(path)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def _many(home: Harness, count: int) -> None:
    with home.house.database.write() as tx:
        for table in (tables.events, tables.runs):
            row = tx.execute(select(table).order_by(table.c.id.desc()).limit(1)).one()._mapping
            copies = [{**row, **_another(table, number)} for number in range(count)]
            tx.execute(insert(table), copies)


def _another(table: Any, number: int) -> dict[str, Any]:
    if table is tables.events:
        return {"id": new_id(), "seq": 10_000 + number, "external_id": f"copy-{number}"}
    return {"id": new_id(), "slot": None, "status": "failed", "reason": f"refused {number}"}


def test_the_next_page_of_a_list_goes_on_where_the_first_ended(pages: AdminPages, home: Harness) -> None:
    _many(home, 120)
    seen: list[str] = []
    path: str | None = "/runs?status=stopped"
    while path:
        page = pages.get(path).get_data(as_text=True)
        seen += re.findall(r'name="run" value="(\w+)"', page)
        following = re.search(r'href="/admin(/runs\?[^"]*before=[^"]*)" rel="next"', page)
        path = following[1].replace("&amp;", "&") if following else None
    assert len(seen) == len(set(seen)) == 125

"""The pages of customers: found by what one knows of them, read with what happened, heard, asked, and left in peace."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert

from connector.ids import new_id
from connector.storage.schema import tables
from tests.support.admin import AdminPages, admin_pages, somebody, words
from tests.support.callbacks import library
from tests.support.house import Harness, a_home, answer

BY_HAND = {"send_by_hand": library("send-by-hand")["send-by-hand"]}
ANN = {"email": "ann@example.com", "name": "Ann Jansen", "phone": "+31612345678", "zendesk_user_id": 4711}


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Iterator[Harness]:
    file = shutil.copy(sqlite_template, tmp_path / "ringback.db")
    with a_home(f"sqlite:///{file}", **BY_HAND) as home:
        home.deliver(answer(9, customer=ANN, response_id="first", answered_at="2026-02-02T09:00:00Z"))
        home.deliver(answer(3, customer=ANN, comment="Nobody called."))
        home.deliver(answer(8, customer={"email": "bo@example.com", "name": "Bo"}))
        home.settle()
        yield home


@pytest.fixture
def pages(home: Harness) -> AdminPages:
    return admin_pages(home)


def ann(home: Harness) -> str:
    c = tables.customers.c
    return str(home.one(tables.customers, c.email == "ann@example.com").id)


def key(pages: AdminPages, customer: str) -> str:
    page = pages.get(f"/customers/{customer}").get_data(as_text=True)
    return re.findall(r'name="key" value="(\w+)"', page)[0]


def do(pages: AdminPages, customer: str, what: str, **form: Any) -> Any:
    return pages.post(f"/customers/{customer}/{what}", key=key(pages, customer), **form)


# --- found


@pytest.mark.parametrize(
    "asked", ["jansen", "ANN@exam", " ann@example.com ", "06-12345678", "+31 6 1234 5678", "4711", "zendesk:4711"]
)
def test_somebody_is_found_by_what_one_knows_of_them(pages: AdminPages, asked: str) -> None:
    reply = pages.client.get("/admin/customers", query_string={"q": asked})
    assert "Ann Jansen" in words(reply)
    assert "bo@example.com" not in words(reply)


def test_nobody_and_signs_that_mean_something_to_a_database_find_nobody(pages: AdminPages) -> None:
    for asked in ("zzz", "%", "_n_", "'; drop"):
        assert "Nobody is known by that." in words(pages.client.get("/admin/customers", query_string={"q": asked}))


def test_whoever_may_not_see_names_finds_by_whole_ids_alone(pages: AdminPages) -> None:
    pages.door.who = somebody("marketing", personal=False)
    assert "Nobody is known by that." in pages.text("/customers?q=jansen")
    page = pages.get("/customers?q=4711").get_data(as_text=True)
    assert "•••" in page
    assert "Jansen" not in page


def test_what_was_looked_for_stands_in_the_audit_log_by_its_fingerprint(pages: AdminPages, home: Harness) -> None:
    pages.text("/customers?q=jansen")
    [row] = home.rows(tables.audit_log, tables.audit_log.c.action == "customers.searched")
    assert "jansen" not in str(row.after)


def test_the_list_costs_the_same_for_ten_and_five_hundred_and_leads_to_all(database_url: str) -> None:
    with a_home(database_url) as home:
        pages = admin_pages(home)
        _more(home, 10)
        few = _statements(home, pages, "/customers?q=person")
        _more(home, 490)
        assert _statements(home, pages, "/customers?q=person") == few
        seen, place = set(), "/customers?q=person"
        while place:
            page = pages.get(place).get_data(as_text=True)
            seen |= set(re.findall(r'href="/admin/customers/(\w+)"', page))
            following = re.findall(r'href="/admin(/customers\?[^"]+)" rel="next"', page)
            place = following[0].replace("&amp;", "&") if following else ""
        assert len(seen) == 500


# --- one of them


def test_a_customer_is_told_whole(pages: AdminPages, home: Harness) -> None:
    text = pages.text(f"/customers/{ann(home)}")
    for said in ("NPS 3 detractor , lower than before", "Before, from the oldest on: 9", "NPS 3, detractor:",
                 "Nobody called.", "zendesk 4711 in use", "+31612345678 seen with it"):  # fmt: skip
        assert said.replace(" ,", ",") in text.replace(" ,", ",")


def test_who_read_a_customer_stands_in_the_audit_log(pages: AdminPages, home: Harness) -> None:
    pages.get(f"/customers/{ann(home)}")
    [row] = home.rows(tables.audit_log, tables.audit_log.c.action == "customer.read")
    assert row.object == ann(home)


def test_whoever_may_not_see_people_sees_no_name_and_no_word(pages: AdminPages, home: Harness) -> None:
    pages.door.who = somebody("agent", personal=False)
    page = pages.get(f"/customers/{ann(home)}").get_data(as_text=True)
    for secret in ("Jansen", "ann@example.com", "12345678", "Nobody called", "4711"):
        assert secret not in page
    assert "lower than before" in page


def test_gone_and_out_of_reach_are_the_same(pages: AdminPages, home: Harness) -> None:
    for path in ("nothing", "n%00ul", "é", new_id()):
        assert pages.get(f"/customers/{path}").status_code == 404
    assert pages.post("/customers/nothing/feedback", key="k" * 26, comment="x").status_code == 404
    pages.door.who = somebody("viewer")
    assert pages.get(f"/customers/{ann(home)}").status_code == 404


def test_a_place_that_no_page_gave_is_told(pages: AdminPages, home: Harness) -> None:
    assert pages.get(f"/customers/{ann(home)}?before=yesterday").status_code in (400, 422)


def test_the_page_costs_the_same_for_ten_and_five_hundred_moments(pages: AdminPages, home: Harness) -> None:
    path = f"/customers/{ann(home)}"
    few = _statements(home, pages, path)
    _answers(home, ann(home), 500)
    assert _statements(home, pages, path) == few
    assert 'rel="next"' in pages.get(path).get_data(as_text=True)


# --- heard


def test_feedback_is_logged_once_however_often_it_is_sent(pages: AdminPages, home: Harness) -> None:
    customer = ann(home)
    form = {"key": key(pages, customer), "comment": "All is well again.", "conversation": "visit", "score": "8",
            "at": "2026-03-01 10:00"}  # fmt: skip
    for _ in range(2):
        assert pages.post(f"/customers/{customer}/feedback", **form).status_code == 303
    home.settle()
    [row] = home.rows(tables.responses, tables.responses.c.survey == "conversation")
    assert (row.customer_id, row.score, row.comment) == (customer, 8, "All is well again.")
    assert row.answered_at.isoformat() == "2026-03-01T09:00:00+00:00"
    text = pages.text(f"/customers/{customer}")
    assert "NPS 8, passive: conversation All is well again. written down by Ada Admin" in text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"comment": ""}, "Write down what they said."),
        ({"score": "11"}, "This is no score of NPS. Write a whole number from 0 to 10"),
        ({"score": "ten"}, "This is no score of NPS."),
        ({"at": "2027-01-01T10:00"}, "This is no moment that has been."),
        ({"at": "soon"}, "This is no moment that has been."),
        ({"conversation": "telepathy"}, "This is none of those there are."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    pages: AdminPages, home: Harness, wrong: dict[str, str], said: str
) -> None:
    reply = do(pages, ann(home), "feedback", **{"comment": "Said in the shop.", "score": "7", **wrong})
    assert reply.status_code == 422
    assert said in words(reply)
    assert "comment" in wrong or "Said in the shop." in words(reply)
    home.settle()
    assert home.rows(tables.responses, tables.responses.c.survey == "conversation") == []


# --- asked


def test_the_rules_say_why_a_survey_would_not_go_and_one_that_would_is_sent(pages: AdminPages, home: Harness) -> None:
    customer = ann(home)
    assert do(pages, customer, "survey", survey="after-support").status_code == 303
    assert "It is asked for." in pages.text(f"/customers/{customer}")
    home.settle()
    assert len(home.mails("ann@example.com")) == 1
    text = pages.text(f"/customers/{customer}")
    assert "Survey sent: after-support" in text
    assert "would not go after-support not sent: asked 0 days ago, the rule is 90" in text
    again = do(pages, customer, "survey", survey="after-support")
    assert again.status_code == 409
    assert "asked 0 days ago, the rule is 90" in words(again)


def test_a_survey_that_nobody_may_send_by_hand_is_a_mistake(pages: AdminPages, home: Harness) -> None:
    assert do(pages, ann(home), "survey", survey="retention").status_code == 422
    assert do(pages, ann(home), "survey").status_code == 422


# --- left in peace


def test_an_opt_out_and_its_end_stand_on_the_timeline_with_who_wrote_them_down(
    pages: AdminPages, home: Harness
) -> None:
    customer = ann(home)
    assert do(pages, customer, "opt-out").status_code == 422
    do(pages, customer, "opt-out", reason="She rang.")
    home.settle()
    text = pages.text(f"/customers/{customer}")
    assert "wants no surveys" in text
    assert "Opted out of surveys She rang. written down by Ada Admin" in text
    assert do(pages, customer, "opt-out", reason="Twice.").status_code == 409
    assert do(pages, customer, "survey", survey="after-support").status_code == 409
    do(pages, customer, "opt-in", reason="She wrote.")
    assert "Wants surveys again She wrote." in pages.text(f"/customers/{customer}")
    assert do(pages, customer, "opt-in", reason="Twice.").status_code == 409


def test_whoever_only_reads_does_nothing(pages: AdminPages, home: Harness) -> None:
    pages.door.who = somebody("editor")
    assert pages.post(f"/customers/{ann(home)}/opt-out", reason="x").status_code == 404


def _more(home: Harness, count: int) -> None:
    made = [{"id": new_id(), "name": f"Person {n}", "email": f"p{n}@example.com", "facts": {}, "loyalty": "",
             "created_at": home.clock(), "updated_at": home.clock()} for n in range(count)]  # fmt: skip
    with home.house.database.write() as tx:
        tx.execute(insert(tables.customers), made)


def _answers(home: Harness, customer: str, count: int) -> None:
    row = {"connection": "survey-platform", "survey": "pulse", "metric": "nps", "scale": "", "score": 8,
           "band": "passive", "comment": "", "contact_consent": False, "customer_id": customer,
           "received_at": home.clock(), "answers": {}, "context": {}}  # fmt: skip
    made = [
        {**row, "id": new_id(), "external_id": new_id(), "answered_at": home.clock() - timedelta(days=n)}
        for n in range(count)
    ]
    with home.house.database.write() as tx:
        tx.execute(insert(tables.responses), made)


def _statements(home: Harness, pages: AdminPages, path: str) -> int:
    pages.text(path)  # what is read once, is
    seen: list[str] = []
    engine = home.house.database.engine

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        pages.text(path)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)

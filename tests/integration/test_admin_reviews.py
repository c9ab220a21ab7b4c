"""The page of who is who: candidates side by side, one decision, and what bad input gets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from connector.feedback.customers import review_queue
from connector.feedback.customers.review_queue import ReviewMatch
from connector.ids import new_id
from connector.storage.schema import tables
from tests.support.admin import AdminPages, admin_pages, somebody, words
from tests.support.house import Harness, a_home, answer


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Iterator[Harness]:
    file = tmp_path / "ringback.db"
    file.write_bytes(sqlite_template.read_bytes())
    with a_home(f"sqlite:///{file}") as home:
        yield home


@pytest.fixture
def pages(home: Harness) -> AdminPages:
    return admin_pages(home)


def tell(home: Harness, score: int = 9, **customer: Any) -> None:
    home.deliver(answer(score, customer=customer))
    home.settle()


def contradict(home: Harness) -> str:
    """Ann and Bo, whom one event takes for one person. → the case."""
    tell(home, 3, email="ann@example.com", zendesk_user_id=1, name="Ann", phone="+31612345678")
    tell(home, 3, email="bo@example.com", zendesk_user_id=2, name="Ann")
    tell(home, email="bo@example.com", zendesk_user_id=1)
    return str(home.one(tables.identity_conflicts).id)


def records(home: Harness) -> str:
    """A customer whose address two records of the CRM have. → the case."""
    tell(home, email="ann@example.com", name="Ann")
    ann = home.one(tables.customers).id
    review_queue.several(
        home.house.database, "salesforce", ann, ["003000000000001AAA", "003000000000002AAA"], home.clock()
    )
    return str(home.one(tables.identity_conflicts).id)


def test_home_leads_to_the_cases(pages: AdminPages, home: Harness) -> None:
    contradict(home)
    assert "1 case to review" in pages.text("/")
    assert 'href="/admin/reviews"' in pages.get("/").get_data(as_text=True)
    assert "Are these 2 people one?" in pages.text("/reviews")
    assert "No case is like that." in pages.text("/reviews?status=decided")
    assert pages.get("/reviews?status=lost").status_code == 422


def test_candidates_stand_side_by_side_and_a_word_says_what_differs(pages: AdminPages, home: Harness) -> None:
    text = pages.text(f"/reviews/{contradict(home)}")
    for said in ("Name (the same)", "E-mail address (differs)", "Phone number (known of one alone)"):
        assert said in text
    assert "zendesk (differs)" in text
    assert "They become one customer, the first of them" in text


def test_the_same_person_becomes_one_customer_at_once(pages: AdminPages, home: Harness) -> None:
    case = contradict(home)
    assert pages.post(f"/reviews/{case}/decide", choice="same").headers["Location"] == f"/admin/reviews/{case}"
    assert len(home.rows(tables.customers)) == 1
    text = pages.text(f"/reviews/{case}")
    assert "It is decided, and was applied at once." in text
    assert "The same person Ada Admin" in text


def test_what_was_decided_meanwhile_is_told(pages: AdminPages, home: Harness) -> None:
    case = contradict(home)
    pages.post(f"/reviews/{case}/decide", choice="different")
    late = pages.post(f"/reviews/{case}/decide", choice="same")
    assert late.status_code == 409
    assert "was decided already: different, by Ada Admin" in words(late)
    assert len(home.rows(tables.customers)) == 2


def test_a_record_is_chosen_and_is_the_customer_s_from_then_on(pages: AdminPages, home: Harness) -> None:
    case = records(home)
    assert "Scores are written on this record from now on" in pages.text(f"/reviews/{case}")
    pages.post(f"/reviews/{case}/decide", choice="003000000000002AAA")
    assert "It is 003000000000002AAA" in pages.text(f"/reviews/{case}")
    i = tables.identities.c
    assert [row.value for row in home.rows(tables.identities, i.system == "salesforce")] == ["003000000000002"]


@pytest.mark.parametrize(("choice", "said"), [("", "Choose one of the answers."), ("perhaps", "This is no answer")])
def test_an_answer_that_is_none_changes_nothing(pages: AdminPages, home: Harness, choice: str, said: str) -> None:
    case = contradict(home)
    reply = pages.post(f"/reviews/{case}/decide", choice=choice)
    assert reply.status_code == 422
    assert said in words(reply)
    assert home.one(tables.identity_conflicts).status == "open"


def test_a_case_that_is_gone_is_the_same_as_one_out_of_reach(pages: AdminPages, home: Harness) -> None:
    case = contradict(home)
    for path in ("/reviews/nothing", "/reviews/n%00ul", "/reviews/é"):
        assert pages.get(path).status_code == 404
    assert pages.post("/reviews/nothing/decide", choice="same").status_code == 404
    pages.door.who = somebody("agent")
    assert pages.get(f"/reviews/{case}").status_code == 404


def test_whoever_may_not_see_people_sees_what_differs_and_nobody_s_name(pages: AdminPages, home: Harness) -> None:
    case = contradict(home)
    pages.door.who = somebody("editor", personal=False)
    page = pages.get(f"/reviews/{case}").get_data(as_text=True)
    assert "ann@example.com" not in page
    assert "31612345678" not in page
    assert "(differs)" in page


def test_who_read_a_case_stands_in_the_audit_log(pages: AdminPages, home: Harness) -> None:
    case = contradict(home)
    pages.get(f"/reviews/{case}")
    [row] = home.rows(tables.audit_log, tables.audit_log.c.action == "customer.read")
    assert row.object == case


def test_the_list_goes_on_by_a_cursor_and_costs_the_same_for_ten_and_five_hundred(database_url: str) -> None:
    with a_home(database_url) as home:
        pages = admin_pages(home)
        contradict(home)
        _more(home, 9)
        few = _statements(home, pages)
        _more(home, 490)
        assert _statements(home, pages) == few
        seen, place = set(), "/reviews"
        while place:
            page = pages.get(place).get_data(as_text=True)
            seen |= set(re.findall(r'href="/admin/reviews/(\w+)"', page))
            following = re.findall(r'href="/admin(/reviews\?[^"]+)" rel="next"', page)
            place = following[0].replace("&amp;", "&") if following else ""
        assert len(seen) == 500


def _more(home: Harness, count: int) -> None:
    kept = home.rows(tables.customers)[0].id
    found = [ReviewMatch(new_id(), kept, (new_id(),), home.clock() - timedelta(minutes=n % 7)) for n in range(count)]
    home.house.database.transact(lambda tx: review_queue.keep(tx, found))


def _statements(home: Harness, pages: AdminPages) -> int:
    """How many statements the list makes."""
    seen: list[str] = []
    engine = home.house.database.engine

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        pages.text("/reviews")
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)

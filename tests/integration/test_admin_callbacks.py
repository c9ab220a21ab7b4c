"""The pages of callbacks: the most urgent first, within one's reach, and what came of a call, kept once."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, update

from connector.ids import new_id
from connector.storage.schema import tables
from tests.support.admin import AdminPages, admin_pages, somebody, words
from tests.support.house import Harness, a_home, answer
from tests.support.house_workflows import OPEN_A_TICKET

CALLS = OPEN_A_TICKET.replace("{event: survey.answered}", '{event: survey.answered, if: event.band == "detractor"}')


def unhappy(home: Harness, name: str, team: str = "", **context: Any) -> None:
    customer = {"email": f"{name.lower()}@example.com", "name": name, "phone": "+31612345678"}
    home.deliver(answer(2, customer=customer, context={"team": team, **context}, comment=f"{name} waits."))
    home.settle()


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Iterator[Harness]:
    """Ann (team East) is due tomorrow, Bo (West) is overdue, Cas (East) is of high value and due in two days."""
    file = shutil.copy(sqlite_template, tmp_path / "ringback.db")
    with a_home(f"sqlite:///{file}", call_back=CALLS) as home:
        unhappy(home, "Ann", "East")
        unhappy(home, "Bo", "West")
        unhappy(home, "Cas", "East", tier="gold")
        for row, hours in zip(home.rows(tables.callbacks), (24, -2, 48), strict=True):
            due = update(tables.callbacks).where(tables.callbacks.c.id == row.id)
            with home.house.database.write() as tx:
                tx.execute(due.values(due_at=home.clock() + timedelta(hours=hours)))
        yield home


@pytest.fixture
def pages(home: Harness) -> AdminPages:
    return admin_pages(home)


def order(pages: AdminPages, query: str = "") -> list[str]:
    page = pages.get(f"/callbacks{query}").get_data(as_text=True)
    return re.findall(r'href="/admin/callbacks/\w+">(\w+)<', page)


def of(home: Harness, name: str) -> Any:
    person = home.one(tables.customers, tables.customers.c.name == name)
    return home.one(tables.callbacks, tables.callbacks.c.customer_id == person.id)


def key(pages: AdminPages, callback: str) -> str:
    page = pages.get(f"/callbacks/{callback}").get_data(as_text=True)
    return re.findall(r'name="key" value="(\w+)"', page)[0]


def conclude(pages: AdminPages, callback: str, **form: Any) -> Any:
    return pages.post(f"/callbacks/{callback}/outcome", **{"key": key(pages, callback), **form})


def test_the_overdue_come_first_and_then_those_of_high_value(pages: AdminPages) -> None:
    assert order(pages) == ["Bo", "Cas", "Ann"]
    text = pages.text("/callbacks")
    for said in ("Cas high value", "East 2 0", "West 1 1"):
        assert said in text


def test_filters_stand_in_the_address_and_home_leads_to_the_overdue(pages: AdminPages, home: Harness) -> None:
    assert order(pages, "?overdue=yes") == ["Bo"]
    assert order(pages, "?team=East") == ["Cas", "Ann"]
    assert "No callback is like that." in pages.text("/callbacks?state=taken")
    with home.house.database.write() as tx:
        tx.execute(update(tables.callbacks).where(tables.callbacks.c.id == of(home, "Ann").id).values(status="closed"))
    assert order(pages, "?state=closed") == ["Ann"]
    assert order(pages, "?state=all") == ["Cas", "Bo", "Ann"]
    assert 'href="/admin/callbacks?overdue=yes"' in pages.get("/").get_data(as_text=True)
    assert pages.get("/callbacks?state=lost").status_code == 422


def test_one_sees_the_callbacks_of_ones_teams_alone(pages: AdminPages, home: Harness) -> None:
    pages.door.who = somebody("agent", teams=["East"])
    assert order(pages) == ["Cas", "Ann"]
    assert "West" not in pages.text("/callbacks")
    assert "callback is overdue" not in pages.text("/")
    far = of(home, "Bo").id
    assert pages.get(f"/callbacks/{far}").status_code == 404
    form = {"key": new_id(), "outcome": "not_needed"}
    assert pages.post(f"/callbacks/{far}/outcome", **form).status_code == 404
    assert words(pages.get(f"/callbacks/{far}")) == words(pages.get("/callbacks/nothing"))


def test_a_callback_is_told_with_its_answer_its_ticket_and_its_number(pages: AdminPages, home: Harness) -> None:
    bo = of(home, "Bo")
    page = pages.get(f"/callbacks/{bo.id}")
    assert f'/agent/tickets/{bo.ticket_id}"' in page.get_data(as_text=True)
    for said in ("to be called overdue", "Bo waits.", "+31612345678", "Asked for"):
        assert said in words(page)
    pages.door.who = somebody("agent", personal=False)
    hidden = pages.get(f"/callbacks/{bo.id}").get_data(as_text=True)
    assert not [secret for secret in ("Bo waits", "12345678", ">Bo<") if secret in hidden]


def test_an_outcome_is_kept_once_and_by_whom(pages: AdminPages, home: Harness) -> None:
    bo = of(home, "Bo").id
    form = {"key": key(pages, bo), "outcome": "recovered", "root_cause": "delivery", "note": "A parcel is on its way."}
    assert pages.post(f"/callbacks/{bo}/outcome", **form).status_code == 303
    home.settle()
    assert (of(home, "Bo").outcome, of(home, "Bo").root_cause) == ("recovered", "delivery")
    assert "Won back, Delivery to the customer written down by Ada Admin" in pages.text(f"/callbacks/{bo}")


def test_what_somebody_else_said_meanwhile_is_told(pages: AdminPages, home: Harness) -> None:
    bo = of(home, "Bo").id
    conclude(pages, bo, outcome="not_needed")
    home.settle()
    late = conclude(pages, bo, outcome="recovered", root_cause="staff", seen="")
    assert late.status_code == 409
    assert "Meanwhile Ada Admin said of it: not_needed." in words(late)
    assert of(home, "Bo").outcome == "not_needed"
    assert conclude(pages, bo, outcome="recovered", root_cause="staff", seen="not_needed").status_code == 303


def test_a_ticket_that_is_gone_takes_no_outcome(pages: AdminPages, home: Harness) -> None:
    bo = of(home, "Bo").id
    asked = key(pages, bo)
    with home.house.database.write() as tx:
        tx.execute(update(tables.callbacks).where(tables.callbacks.c.id == bo).values(status="merged"))
    reply = pages.post(f"/callbacks/{bo}/outcome", key=asked, outcome="not_needed")
    assert reply.status_code == 409
    assert "The ticket of this callback is merged." in words(reply)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "Choose what came of it."),
        ({"outcome": "partly"}, "This outcome needs a cause. Choose why it went wrong."),
        ({"outcome": "bliss"}, "This is none of those there are."),
    ],
)
def test_what_is_wrong_is_said_and_the_note_stays(
    pages: AdminPages, home: Harness, form: dict[str, str], said: str
) -> None:
    reply = conclude(pages, of(home, "Bo").id, note="She was kind.", **form)
    assert reply.status_code == 422
    assert said in words(reply)
    assert "She was kind." in words(reply)


def test_the_list_costs_the_same_for_ten_and_five_hundred_and_leads_to_all(database_url: str) -> None:
    with a_home(database_url) as home:
        pages = admin_pages(home)
        _more(home, 10)
        few = _statements(home, pages)
        _more(home, 490)
        assert _statements(home, pages) == few
        seen, place = set[str](), "/callbacks"
        while place:
            page = pages.get(place).get_data(as_text=True)
            found = re.findall(r'href="/admin/callbacks/(\w+)"', page)
            assert seen.isdisjoint(found)
            seen |= set(found)
            following = re.findall(r'href="/admin(/callbacks\?[^"]+)" rel="next"', page)
            place = following[0].replace("&amp;", "&") if following else ""
        assert len(seen) == 500


def _more(home: Harness, count: int) -> None:
    """Some overdue, some of high value, some due at no time."""
    row = {"connection": "zendesk", "run_id": "r", "status": "open", "cycle": 0, "changed_at": home.clock(),
           "created_at": home.clock()}  # fmt: skip
    due = (None, home.clock() - timedelta(hours=1), home.clock() + timedelta(hours=1))
    made = [
        {**row, "id": new_id(), "external_id": new_id(), "ticket_id": new_id(), "due_at": due[n % 3],
         "high_value": n % 5 == 0}
        for n in range(count)
    ]  # fmt: skip
    with home.house.database.write() as tx:
        tx.execute(insert(tables.callbacks), made)


def _statements(home: Harness, pages: AdminPages) -> int:
    pages.text("/callbacks")
    seen: list[str] = []
    engine = home.house.database.engine

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        pages.text("/callbacks")
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)

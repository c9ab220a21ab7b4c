"""Mail that a workflow writes to a customer carries the way out; who wishes to hear more is on a list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from connector.cli.main import main
from connector.feedback.consent.wishes import wishes
from connector.storage.schema import tables
from tests.integration.test_mail_never_left import ASK
from tests.integration.test_thank_you import asked, sent
from tests.support.house import Harness, a_home, answer
from tests.support.house_workflows import WRITE_TO_THE_CUSTOMER

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, it=WRITE_TO_THE_CUSTOMER) as home:
        yield home


def written(home: Harness, **data: Any) -> Any:
    home.deliver(answer(9, **data))
    home.settle()
    return home.mails("ann@example.com")[-1]


def way(mail: Any) -> str:
    """The path of the way out, from the header that mail programs read."""
    found = re.fullmatch(r"<http://127\.0\.0\.1:8000(/u/m/[a-z0-9]{44})>", mail.header("List-Unsubscribe"))
    assert found
    return found[1]


def has_left(home: Harness) -> bool:
    return home.one(tables.customers).opted_out_at is not None


def button(page: str) -> str:
    found = re.search(r'<form[^>]*action="([^"]+)"', page)
    assert found, page
    return found[1].replace("&amp;", "&")


def test_one_click_of_a_mail_program_is_enough_and_is_told(home: Harness) -> None:
    mail = written(home)
    assert mail.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert home.client.post(way(mail), data=ONE_CLICK).status_code == 200
    home.settle()
    assert has_left(home)
    [event] = home.rows(tables.events, tables.events.c.type == "customer.opted_out")
    assert event.data["source"] == "one-click"
    home.deliver(answer(10))
    home.settle()
    assert len(home.mails("ann@example.com")) == 1
    assert home.client.post(way(mail), data=ONE_CLICK).status_code == 200  # once more is no mistake


@ON_SQLITE
def test_it_stands_in_the_words_and_in_the_page_of_the_mail_too(home: Harness) -> None:
    mail = written(home)
    address = f"http://127.0.0.1:8000{way(mail)}"
    assert f"No more mail like this: {address}" in mail.text.replace("\r\n", "\n")
    assert re.search(rf'<a href="{address}"[^>]*>No more mail like this</a>', mail.html)


@ON_SQLITE
def test_looking_stops_nothing_and_a_person_taps_twice(home: Harness) -> None:
    path = way(written(home))
    page = home.client.get(path)
    assert "No more mail like this?" in page.text
    again = home.client.post(button(page.text))
    assert "Please press once more" in again.text
    home.client.post(button(again.text))  # within the second: whoever pressed did not read
    assert not has_left(home)
    home.clock.move(seconds=5)
    assert "Done" in home.client.post(button(again.text)).text
    assert has_left(home)
    assert "Done" in home.client.get(path).text


@ON_SQLITE
def test_it_speaks_the_customers_language(home: Harness) -> None:
    mail = written(home, customer={"email": "ann@example.com", "name": "Ann", "locale": "nl-NL"})
    assert "Geen mail als deze meer:" in mail.text
    assert "Geen mail als deze meer?" in home.client.get(way(mail)).text


@ON_SQLITE
def test_it_leads_to_whoever_the_customer_is_now(home: Harness) -> None:
    path = way(written(home))
    home.deliver(answer(8, email="bea@example.com"))
    home.settle()
    other = home.one(tables.customers, tables.customers.c.email == "bea@example.com").id
    with home.house.database.write() as tx:
        tx.execute(update(tables.runs).values(customer_id=other))  # as a merge does
    home.client.post(path, data=ONE_CLICK)
    assert home.one(tables.customers, tables.customers.c.id == other).opted_out_at is not None


@ON_SQLITE
@pytest.mark.parametrize("mark", ["x", "a" * 44, "0" * 44, "ä" * 44])
def test_a_made_up_address_leads_nowhere(home: Harness, mark: str) -> None:
    written(home)
    assert home.client.get(f"/u/m/{mark}").status_code == 404
    assert home.client.post(f"/u/m/{mark}", data=ONE_CLICK).status_code == 404
    assert not has_left(home)


@ON_SQLITE
def test_who_wishes_to_hear_what_was_done_is_on_a_list_until_they_want_no_mail(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_home(database_url, ask=ASK) as home:
        sent(home, asked(home), 9, reason="Friendly.", improvements="yes")
        sent(home, asked(home), 2, reason="Slow.", improvements="no")
        home.settle()
        with home.house.database.read() as tx:
            [wish] = wishes(tx)
        assert (wish.name, wish.survey, wish.score, wish.comment) == ("Jan", "after-support", 9, "Friendly.")
        [row] = home.rows(tables.events, tables.events.c.type == "survey.answered")[:1]
        assert row.data["improvements"] is True
        monkeypatch.setenv("RINGBACK_DATABASE_URL", str(home.house.database.engine.url))
        told = CliRunner().invoke(main, ["responses", "wishes"])
        assert "Friendly." in told.output
        assert "Slow." not in told.output
        with home.house.database.write() as tx:
            tx.execute(update(tables.customers).values(opted_out_at=home.clock()))
        with home.house.database.read() as tx:
            assert wishes(tx) == []

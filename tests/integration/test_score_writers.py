"""One way for scores: the writer of a connection, what it stored before its settings changed, and few look-ups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from sqlalchemy import select, update

from connector.runtime.doorbell import INTAKE
from connector.storage.schema import tables
from integrations.errors import IntegrationError, Moved, Permanent
from integrations.protocols import VendorUser
from integrations.salesforce import mapping
from integrations.salesforce.search import many
from sandbox.clock import HandClock
from sandbox.world import World
from tests.integration.test_whole_writeback import WHOLE, whole
from tests.support.clients import build
from tests.support.house import Harness, a_house, answer, config_of
from tests.support.house_workflows import WRITE_THE_SCORE

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MANY = 100
Open = Callable[[bool], AbstractContextManager[Harness]]


@pytest.fixture
def world() -> Iterator[World]:
    with World(clock=HandClock()) as world:
        world.salesforce.install_package()
        yield world


@pytest.fixture
def open_house(database_url: str, world: World) -> Open:
    """The same installation under either setting, one after the other."""
    clock = HandClock()

    @contextmanager
    def opened(everything: bool) -> Iterator[Harness]:
        config, score = (whole(world), WHOLE) if everything else (config_of(world), WRITE_THE_SCORE)
        with a_house(database_url, world, {"score": score}, clock=clock, config=config) as home:
            yield home

    return opened


def queries(home: Harness) -> list[str]:
    return [each.path for each in home.world.salesforce.requests if "/query" in each.path]


def bring(home: Harness) -> None:
    home.settle()
    home.wait(minutes=1)


# --- look-ups of many customers --------------------------------------------------------------------------------------


def strangers(home: Harness, **more: str) -> None:
    for n in range(MANY):
        number = {name: text.format(n) for name, text in more.items()}
        home.deliver(answer(9, customer={"email": f"p{n}@example.com", "name": f"Jan de Vries {n}", **number}))
    bring(home)


@on_sqlite
@pytest.mark.parametrize("everything", [False, True])
def test_a_hundred_customers_without_a_record_are_looked_up_in_a_few_calls(open_house: Open, everything: bool) -> None:
    with open_house(everything) as home:
        strangers(home)
        assert len(queries(home)) <= 4
        assert len(home.runs()) == MANY
        assert {run.status for run in home.runs()} == {"succeeded"}
        assert "no record with this e-mail address" in str(home.story())


@on_sqlite
def test_their_phone_numbers_are_looked_up_together_too(open_house: Open) -> None:
    with open_house(False) as home:
        strangers(home, phone="+316123456{:02}")
        assert len(queries(home)) <= 8
        assert "or phone number" in str(home.story())


@on_sqlite
def test_among_many_each_gets_their_own_record_and_who_is_unclear_gets_none(open_house: Open) -> None:
    with open_house(False) as home:
        add = home.world.salesforce.add_contact
        records = [str(add("Jansen", f"P{n}@example.com")["Id"]) for n in range(MANY - 2)]
        add("Peters", "p0@example.com")
        by_number = str(add("de Vries", None, FirstName="Jan", MobilePhone="06 123 456 99")["Id"])
        for n in range(MANY):
            more = {"phone": f"+316123456{n:02}"} if n >= MANY - 2 else {}
            home.deliver(answer(n % 11, customer={"email": f"p{n}@example.com", "name": "Jan de Vries", **more}))
        bring(home)
        seen = [home.world.salesforce.contact(each)["NPS_Score__c"] for each in [*records, by_number]]
        assert seen == [None, *(n % 11 for n in range(1, MANY - 2)), (MANY - 1) % 11]
        [unclear] = [run for run in home.runs() if run.status == "failed"]
        assert "2 records share" in unclear.reason
        assert len(home.rows(tables.identity_conflicts)) == 1


class Chokes:
    """A query that one value spoils, and that brings a page at most."""

    def __init__(self, bad: str = "", rows: Mapping[str, int] | None = None, error: IntegrationError | None = None):
        self.bad, self.rows, self.calls = bad, rows or {}, 0
        self.error = error or Permanent("no", code="MALFORMED_QUERY", status=400)

    def __call__(self, part: Any, most: int) -> list[dict[str, Any]]:
        self.calls += 1
        if self.bad in part:
            raise self.error
        return [{"of": value} for value in part for _ in range(self.rows.get(value, 0))][:most]


def test_a_value_that_spoils_a_query_costs_itself_alone() -> None:
    values, ask = [f"v{n}" for n in range(100)], Chokes("v37")
    answers = list(many.asked(many.fitting(values), ask))
    assert [part for part, found in answers if isinstance(found, Permanent)] == [["v37"]]
    assert sorted(value for part, _ in answers for value in part) == sorted(values)
    assert ask.calls <= 15


def test_what_concerns_every_query_is_not_asked_again() -> None:
    ask = Chokes("v0", error=Permanent("no", code="INVALID_FIELD", status=400))
    with pytest.raises(Permanent):
        list(many.asked(many.fitting(["v0", "v1"]), ask))
    assert ask.calls == 1


def test_the_many_records_of_one_value_hide_nobody_elses() -> None:
    ask = Chokes("-", {"v0": 100_000, "v99": 1})
    answers = {part[-1]: found for part, found in many.asked(many.fitting([f"v{n}" for n in range(100)]), ask)}
    assert {"of": "v99"} in answers["v99"]  # type: ignore[operator]  # rows, no error


def test_the_longest_addresses_are_asked_for_in_parts_that_a_url_can_hold() -> None:
    longest = [f"{n:02}{'ü+' * 33}@example.com" for n in range(100)]
    parts = list(many.fitting(longest))
    assert [each for part in parts for each in part] == longest
    assert all(sum(map(many.width, part)) <= 10_000 for part in parts)
    assert len(parts) > 1


@pytest.mark.parametrize("address", ["x" * 80 + "@example.com", "p0\n@example.com", "", "p\ud800@example.com"])
def test_an_address_that_no_record_can_have_spoils_nothing(world: World, address: str) -> None:
    org = world.salesforce
    auth = {"type": "client_credentials", "client_id": org.client_id, "client_secret": org.client_secret}
    known = org.add_contact("O'Brien", "O'Brien@customer.example")
    crm: Any = build("salesforce", "salesforce", {"base_url": world.salesforce_url, "auth": auth})
    nobody, [found] = crm.contacts_by_email([address, " o'brien@CUSTOMER.example "])
    assert (list(nobody), isinstance(found, VendorUser), found.id) == ([], True, known["Id"])
    crm.session.close()


# --- what was stored before ------------------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("before", [False, True])
def test_what_was_stored_under_other_settings_is_still_performed(
    open_house: Open, before: bool, is_known: bool
) -> None:
    with open_house(before) as home:
        record = str(home.world.salesforce.add_contact("Jansen", "ann@example.com")["Id"])
        customer = {"email": "ann@example.com", **({"salesforce_contact_id": record} if is_known else {})}
        home.deliver(answer(9, customer=customer))
        home.pump(INTAKE)
        [stored] = home.effects()
        assert bool(stored.request.get("whole")) is before
    with open_house(not before) as home:
        for _ in range(3):
            bring(home)
        seen = home.world.salesforce.contact(record)
        assert seen["NPS_Score__c"] == 9
        assert len(home.world.salesforce.answers) == (0 if before else 1)
        assert {run.status for run in home.runs()} == {"succeeded"}
        assert {row.value for row in home.rows(tables.identities) if row.system == "salesforce"} == {record[:15]}


# --- names and errors of one vendor stay at its edge -----------------------------------------------------------------


@pytest.mark.parametrize("code", ["ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"])
def test_a_record_that_moved_is_told_by_its_class(code: str) -> None:
    assert isinstance(mapping.refused(code, ()), Moved)
    assert mapping.refused(code, ()).code == code


def test_any_form_of_an_id_has_one_canonical_form_and_no_other_vendors_are_cut() -> None:
    auth = {"type": "client_credentials", "client_id": "c", "client_secret": "s"}
    crm: Any = build("salesforce", "salesforce", {"base_url": "https://acme.my.salesforce.com", "auth": auth})
    assert {crm.canonical_id(each) for each in ("003ak00000luKU2", "003ak00000luKU2AAM")} == {"003ak00000luKU2"}
    assert crm.canonical_id("9b2f6c1e-0d5a-4a3e-8f61-aaaa") == "9b2f6c1e-0d5a-4a3e-8f61-aaaa"
    crm.session.close()


@on_sqlite
def test_a_change_that_is_told_under_the_long_id_makes_us_ask_again(open_house: Open) -> None:
    with open_house(True) as home:
        record = str(home.world.salesforce.add_contact("Jansen", "ann@example.com")["Id"])
        home.deliver(answer(9))
        bring(home)
        assert home.one(tables.crm_people).record == record[:15]
        database = home.house.database
        database.transact(lambda tx: tx.execute(update(tables.crm_people).values(seen_at=home.clock())))
        home.run_job("poll salesforce for changes")
        home.world.salesforce.change_contact(record, FirstName="Ann")
        home.clock.move(minutes=20)
        home.run_job("poll salesforce for changes")
        home.settle()
        with database.read() as tx:
            assert tx.execute(select(tables.crm_people.c.seen_at)).scalar_one().year < home.clock().year - 50

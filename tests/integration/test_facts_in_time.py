"""Facts about people carry their moment: an older one never takes the place of a newer one, whoever tells it when."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from connector.feedback.customers import fact_moments
from connector.feedback.customers.identity import Customer, union
from connector.storage.schema import tables
from connector.vendors.salesforce.backfill import Sync
from sandbox.clock import HandClock
from sandbox.world import World
from tests.integration.test_whole_writeback import WHOLE, on_sqlite, whole
from tests.oracles import field_path
from tests.support.house import SALESFORCE_TOKEN, Harness, a_house, answer
from tests.unit.test_translate_salesforce import message, record

PATH = f"/webhooks/salesforce/{SALESFORCE_TOKEN}"
CONTACT = "003000000000001AAA"


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    clock = HandClock()
    with World(clock=clock) as world:
        world.salesforce.install_package()
        with a_house(database_url, world, {"score": WHOLE}, clock=clock, config=whole(world)) as home:
            yield home


def at(home: Harness, minutes: float) -> str:
    return (home.clock() + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def state(home: Harness, minutes: float | None, **fields: str) -> str:
    """The contact as it stood so many minutes from now; None: the message does not say when."""
    when = {} if minutes is None else {"LastModifiedDate": at(home, minutes)}
    return record("Contact", 1, **fields, **when)


def send(home: Harness, *records: str) -> None:
    post(home, message(*records))


def renumbered(body: bytes) -> bytes:
    """Each message is another."""
    return body.replace(b"04l0", f"04l{next(_ids)}".encode())


def post(home: Harness, body: bytes) -> None:
    body = re.sub(b"00D000000000001(EAA)?", home.world.salesforce.organization_id.encode(), body)
    assert home.post(PATH, renumbered(body), {"content-type": "text/xml"}).status_code == 200
    home.settle()


_ids = itertools.cycle("123456789")


def person(home: Harness) -> Any:
    return home.one(tables.customers)


NEW = {"Email": "new@example.com", "FirstName": "Jan", "LastName": "Jansen", "MobilePhone": "06 11111111",
       "DoNotCall": "true", "HasOptedOutOfEmail": "false"}  # fmt: skip
OLD = {"Email": "old@example.com", "FirstName": "Johan", "LastName": "Jansen", "MobilePhone": "06 22222222",
       "DoNotCall": "false", "HasOptedOutOfEmail": "true"}  # fmt: skip


def is_new(home: Harness) -> bool:
    found = person(home)
    facts = (found.email, found.name, found.phone, found.facts.get("do_not_call"))
    return facts == ("new@example.com", "Jan Jansen", "06 11111111", True)


def test_the_two_messages_that_people_met_leave_the_newer_state_in_either_order(home: Harness) -> None:
    for name in ("newer-arrives-first", "older-arrives-later"):
        post(home, field_path(f"contact-state-{name}.xml").read_bytes())
    assert (person(home).email, person(home).name) == ("new@example.com", "Jan Jansen")


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("newer_first", [True, False])
def test_the_newer_state_stays_in_any_order_and_also_in_one_message(
    home: Harness, newer_first: bool, together: bool
) -> None:
    both = [state(home, -60, **NEW), state(home, -180, **OLD)]
    both = both if newer_first else both[::-1]
    for part in [both] if together else [[each] for each in both]:
        send(home, *part)
    assert is_new(home)
    assert {row.value for row in home.rows(tables.identities)} >= {"new@example.com", "old@example.com"}


@on_sqlite
def test_an_opt_out_that_was_taken_back_before_is_none(home: Harness) -> None:
    send(home, state(home, -60, **NEW))
    send(home, state(home, -180, **OLD))
    assert person(home).opted_out_at is None
    send(home, state(home, -10, **OLD))
    assert person(home).opted_out_at is not None
    send(home, state(home, -5, **NEW))
    assert person(home).opted_out_at is not None  # a CRM never undoes it


@on_sqlite
def test_an_opt_out_on_another_record_of_the_person_counts_however_old(home: Harness) -> None:
    send(home, state(home, -60, **NEW))
    older = record("Contact", 2, Email="new@example.com", HasOptedOutOfEmail="true", LastModifiedDate=at(home, -9000))
    send(home, older.replace('"sf:Contact"', '"sf:Lead"').replace("003000000000002AAA", "00Q000000000002AAA"))
    assert person(home).opted_out_at is not None


@pytest.mark.parametrize("together", [True, False])
def test_a_deletion_that_was_undone_before_deletes_nothing(home: Harness, together: bool) -> None:
    gone = record("Contact", 1, IsDeleted="true", LastModifiedDate=at(home, -180))
    for part in [[state(home, -60, **NEW), gone]] if together else [[state(home, -60, **NEW)], [gone]]:
        send(home, *part)
    assert [row.gone_at for row in home.rows(tables.identities, tables.identities.c.system == "salesforce")] == [None]
    send(home, gone.replace(at(home, -180), at(home, -10)))
    [left] = home.rows(tables.identities, tables.identities.c.system == "salesforce")
    assert left.gone_at is not None


@on_sqlite
def test_what_an_older_state_tells_besides_fills_what_is_not_known(home: Harness) -> None:
    send(home, state(home, -60, Email="new@example.com", LastName="Jansen"))
    send(home, state(home, -180, **OLD))
    assert (person(home).email, person(home).phone) == ("new@example.com", "06 22222222")
    send(home, state(home, -120, MobilePhone="06 33333333"))
    assert person(home).phone == "06 33333333"


def test_the_same_fact_told_again_is_as_old_as_its_last_telling(home: Harness) -> None:
    send(home, state(home, -180, **NEW))
    send(home, state(home, -60, **NEW))
    send(home, state(home, -120, **OLD))
    assert is_new(home)


@on_sqlite
def test_a_state_without_a_moment_is_as_old_as_its_receipt(home: Harness) -> None:
    send(home, state(home, -60, **OLD))
    home.clock.move(minutes=1)
    send(home, state(home, None, **NEW))
    assert is_new(home)
    send(home, state(home, -5, **OLD))
    assert is_new(home)
    send(home, state(home, 0.5, **OLD))
    assert not is_new(home)


@on_sqlite
def test_a_customer_of_before_moments_were_kept_learns_what_is_told(home: Harness) -> None:
    send(home, state(home, -180, **OLD))
    with home.house.database.write() as tx:
        tx.execute(update(tables.customers).values(known_at=None))
    send(home, state(home, -600, **NEW))
    assert is_new(home)


def inbound(home: Harness, minutes: float, **customer: Any) -> None:
    told = {"salesforce_contact_id": CONTACT, **customer}
    home.deliver({**answer(9, customer=told), "time": at(home, minutes)})
    home.settle()


def test_events_of_other_systems_carry_their_time_and_their_own_facts(home: Harness) -> None:
    inbound(home, -60, email="new@example.com", locale="nl", tier="gold")
    inbound(home, -180, email="old@example.com", locale="de", tier="tin", since=2019)
    found = person(home)
    assert (found.email, found.locale) == ("new@example.com", "nl")
    assert (found.facts["tier"], found.facts["since"]) == ("gold", 2019)


@on_sqlite
def test_a_clock_that_is_ahead_does_not_keep_out_what_comes_later(home: Harness) -> None:
    inbound(home, 60 * 24 * 365, email="ahead@example.com")
    home.clock.move(minutes=1)
    inbound(home, 0, email="new@example.com")
    assert person(home).email == "new@example.com"


def test_sources_are_compared_with_each_other(home: Harness) -> None:
    send(home, state(home, -60, **NEW))
    inbound(home, -90, email="old@example.com", name="Johan")
    assert is_new(home)
    flow = {"organization": home.world.salesforce.organization_id, "object": "Contact", "record": {
        "Id": CONTACT, "Email": "old@example.com", "DoNotCall": False, "LastModifiedDate": at(home, -90)}}  # fmt: skip
    assert home.post(PATH, json.dumps(flow).encode(), {"content-type": "application/json"}).status_code == 200
    home.settle()
    assert is_new(home)


def test_a_state_from_before_a_look_up_is_older_than_what_was_seen_then(home: Harness) -> None:
    contact = home.world.salesforce.add_contact("Jansen", "new@example.com", DoNotCall=True)
    home.deliver(answer(3, customer={"email": "new@example.com", "salesforce_contact_id": contact["Id"]}))
    home.settle()
    home.wait(minutes=1)
    assert person(home).facts["do_not_call"] is True
    post(home, message(state(home, -60, DoNotCall="false")).replace(CONTACT.encode(), contact["Id"].encode()))
    assert person(home).facts["do_not_call"] is True
    post(home, message(state(home, 0, DoNotCall="false")).replace(CONTACT.encode(), contact["Id"].encode()))
    assert person(home).facts["do_not_call"] is False


@on_sqlite
def test_a_page_of_a_sync_is_as_old_as_its_records(home: Harness) -> None:
    contact = home.world.salesforce.add_contact("Jansen", "old@example.com", DoNotCall=False)
    home.clock.move(minutes=30)
    newer = message(state(home, -10, **NEW)).replace(CONTACT.encode(), contact["Id"].encode())
    post(home, newer)
    connections = home.house.connections
    changes = connections.client("salesforce").changes
    work = Sync(home.house.database, "salesforce", changes, connections.ids, home.clock)
    assert list(work.contacts()) == [1]
    assert is_new(home)


def test_of_two_customers_that_become_one_the_newer_facts_stay(home: Harness) -> None:
    inbound(home, -180, name="Johan", tier="tin")
    newer = answer(9, customer={"email": "new@example.com", "name": "Jan", "tier": "gold"})
    home.deliver({**newer, "time": at(home, -60)})
    home.settle()
    assert len(home.rows(tables.customers)) == 2
    inbound(home, -300, email="new@example.com")
    assert (person(home).name, person(home).facts["tier"]) == ("Jan", "gold")


def known(**told: tuple[Any, str]) -> Customer:
    own: Mapping[str, Any] = {name: value for name, (value, _) in told.items()}
    facts = {"tier": own["tier"]} if "tier" in own else {}
    rest = {name: value for name, value in own.items() if name != "tier"}
    return Customer("c", **rest, facts=facts, known_at={name: moment for name, (_, moment) in told.items()})


@pytest.mark.parametrize("turned", [False, True])
def test_a_union_takes_the_newer_of_each_fact(turned: bool) -> None:
    one, other = known(name=("A", "1"), phone=("1", "5"), tier=("tin", "2")), known(name=("B", "3"), tier=("gold", "1"))
    both = union(other, one) if turned else union(one, other)
    assert (both.name, both.phone, both.facts) == ("B", "1", {"tier": "tin"})
    assert both.known_at == {"name": "3", "phone": "5", "tier": "2"}


def test_moments_sort_as_text(home: Harness) -> None:
    now = home.clock()
    steps = [now + timedelta(microseconds=step) for step in (0, 1, 999_999, 1_000_000)]
    assert sorted(map(fact_moments.text, steps)) == [fact_moments.text(each) for each in steps]

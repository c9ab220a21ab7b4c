"""An agent makes one user of two: they are one customer from then on, asked once, by the rules of both.

Told by the helpdesk's event, in whatever order and however often; and found out without it, where there is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest

from connector.feedback.surveys.asking import eligibility
from connector.runtime.doorbell import INTAKE
from connector.storage.schema import tables
from tests.oracles import field_input
from tests.support.callbacks import check_requests
from tests.support.house import Harness, a_home, answer
from workflows.library import library_texts

_, _, AFTER_SUPPORT = library_texts()["after-support.yaml"].partition("workflow: after-support\n")
AT_ONCE = """\
trigger: {event: ticket.solved}
run: {key: event.ticket, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support, verify: true}}
"""
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, ask=AT_ONCE) as home:
        yield home
        check_requests(home)


def two_users(home: Harness) -> tuple[str, str]:
    """One person, who called and wrote. → their ids."""
    zendesk = home.world.zendesk
    return tuple(str(zendesk.add_user("Ann", each)["id"]) for each in ("ann@example.com", "ann@home.example"))


def merged(home: Harness, gone: str, stays: str, email: str = "ann@home.example", id_: str = "") -> None:
    """The event alone: the world is told by ``home.world.zendesk.merge_users``."""
    moment = home.clock().isoformat()
    detail = {"id": stays, "email": email, "role": "end-user", "external_id": "", "organization_id": "0",
              "default_group_id": "0", "created_at": moment, "updated_at": moment}  # fmt: skip
    home.deliver_zendesk(json.dumps({
        "type": "zen:event-type:user.merged", "account_id": 1, "id": id_ or f"merge-{gone}-{stays}", "time": moment,
        "zendesk_event_version": "2022-06-20", "subject": f"zen:user:{stays}", "detail": detail,
        "event": {"user": {"id": gone}},
    }).encode())  # fmt: skip


def active(home: Harness, user: str, current: bool) -> None:
    moment = home.clock().isoformat()
    home.deliver_zendesk(json.dumps({
        "type": "zen:event-type:user.active_changed", "id": f"active-{user}-{current}", "time": moment,
        "detail": {"id": user}, "event": {"current": current, "previous": not current},
    }).encode())  # fmt: skip


def solved(home: Harness, user: str, ticket: str) -> None:
    home.ticket_event("ticket_solved", ticket, requester_id=user)


def known(home: Harness, user: str) -> Any:
    """The customer whom this user leads to."""
    c = tables.identities.c
    identity = home.one(tables.identities, c.system == "zendesk", c.value == user)
    return home.one(tables.customers, tables.customers.c.id == identity.customer_id)


def living(home: Harness) -> set[str]:
    """The users that count as somebody's."""
    c = tables.identities.c
    return {row.value for row in home.rows(tables.identities, c.system == "zendesk", c.gone_at.is_(None))}


def addresses(home: Harness) -> set[str]:
    return {row.value for row in home.rows(tables.identities, tables.identities.c.system == "email")}


def why_not(home: Harness) -> list[str]:
    return [row.reason for row in home.rows(tables.suppressions)]


def test_two_users_that_we_know_become_one_customer_who_is_asked_once(home: Harness) -> None:
    first, second = two_users(home)
    solved(home, first, "1")
    home.settle()
    home.world.zendesk.merge_users(first, second)
    merged(home, first, second)
    home.settle()
    solved(home, second, "2")
    home.settle()
    assert len(home.mails()) == 1
    [reason] = why_not(home)
    assert reason.startswith("not sent: asked 0 days ago")
    assert known(home, first) == known(home, second) == home.one(tables.customers)
    assert living(home) == {second}
    assert addresses(home) == {"ann@example.com", "ann@home.example"}


def test_customers_with_answers_runs_and_consents_keep_them_all(home: Harness) -> None:
    first, second = two_users(home)
    for user, email in ((first, "ann@example.com"), (second, "ann@home.example")):
        home.deliver(answer(9, customer={"email": email, "zendesk_user_id": user}))
        solved(home, user, f"1{user}")
    home.settle()
    assert len(home.rows(tables.customers)) == 2
    merged(home, first, second)
    home.settle()
    one = home.one(tables.customers)
    for table in (tables.responses, tables.runs, tables.invitations, tables.events):
        assert {row.customer_id for row in home.rows(table)} - {None} == {one.id}, table.name
    assert len(home.rows(tables.responses)) == 2


@on_sqlite
@pytest.mark.parametrize("who", ["ann@example.com", "ann@home.example"], ids=["who is gone", "who stays"])
def test_what_either_did_not_want_the_one_person_does_not_want(home: Harness, who: str) -> None:
    first, second = two_users(home)
    for user, email in ((first, "ann@example.com"), (second, "ann@home.example")):
        home.deliver(answer(9, customer={"email": email, "zendesk_user_id": user}))
    home.deliver({"type": "customer.opted_out", "id": "out", "data": {"customer": {"email": who}}})
    home.settle()
    home.world.zendesk.merge_users(first, second)
    merged(home, first, second)
    solved(home, second, "2")
    home.settle()
    assert home.mails() == []
    assert why_not(home) == [eligibility.OPTED_OUT]


@on_sqlite
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_in_whatever_order_it_is_told_it_comes_to_the_same(home: Harness, order: tuple[int, ...]) -> None:
    """Also in one batch, and of users whom we did not know before."""
    first, second = two_users(home)
    home.world.zendesk.merge_users(first, second)
    told = (lambda: solved(home, first, "1"), lambda: merged(home, first, second), lambda: solved(home, second, "2"))
    for number in order:
        told[number]()
    home.settle()
    assert known(home, first) == known(home, second) == home.one(tables.customers)
    assert living(home) == {second}
    assert len(home.mails()) == 1


@on_sqlite
@pytest.mark.parametrize("apart", [True, False], ids=["one by one", "in one batch"])
@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_a_chain_of_merges_leads_to_its_end(home: Harness, order: tuple[int, ...], apart: bool) -> None:
    first, second = two_users(home)
    third = str(home.world.zendesk.add_user("Ann", "ann@work.example")["id"])
    for user in (first, second, third):
        solved(home, user, f"1{user}")
    home.pump(INTAKE)
    told = (lambda: merged(home, first, second), lambda: merged(home, second, third, "ann@work.example"))
    for number in order:
        told[number]()
        if apart:
            home.pump(INTAKE)
    home.pump(INTAKE)
    assert known(home, first) == known(home, second) == known(home, third) == home.one(tables.customers)
    assert living(home) == {third}


@on_sqlite
def test_told_twice_it_is_one_merge(home: Harness) -> None:
    first, second = two_users(home)
    solved(home, first, "1")
    for id_ in ("m1", "m1", "m2"):
        merged(home, first, second, id_=id_)
        home.pump(INTAKE)
    assert home.one(tables.customers).email == "ann@home.example"
    assert len(home.rows(tables.identities)) == 3
    assert living(home) == {second}


@on_sqlite
def test_an_address_that_we_know_already_brings_its_customer_along(home: Harness) -> None:
    first, second = two_users(home)
    solved(home, first, "1")
    home.deliver(answer(9, customer={"email": "ann@home.example"}))
    home.pump(INTAKE)
    merged(home, first, second)
    home.pump(INTAKE)
    assert {row.customer_id for row in home.rows(tables.identities)} == {home.one(tables.customers).id}


@on_sqlite
def test_two_whom_another_system_holds_apart_are_left_for_a_person_to_decide(home: Harness) -> None:
    first, second = two_users(home)
    for number, user in enumerate((first, second)):
        contact = home.world.salesforce.add_contact("Jansen", f"c{number}@example.com")["Id"]
        home.deliver(answer(9, customer={"zendesk_user_id": user, "salesforce_contact_id": contact}))
    home.pump(INTAKE)
    merged(home, first, second)
    home.pump(INTAKE)
    assert len(home.rows(tables.customers)) == 2
    assert home.one(tables.identity_conflicts).status == "open"
    assert living(home) == {second}


def test_the_helpdesks_own_event_is_understood(home: Harness) -> None:
    """From the agent's click, over the network, signed."""
    first, second = two_users(home)
    solved(home, first, "1")
    home.pump(INTAKE)
    with home.on_the_network() as url:
        events = ("user.merged", "user.active_changed", "user.deleted")
        home.world.zendesk.subscribe(f"{url}/webhooks/zendesk", *events, secret="zendesk-signs-with-this")
        home.world.zendesk.merge_users(first, second)
        assert home.world.zendesk.settle()
    home.settle()
    assert known(home, first) == known(home, second)
    assert living(home) == {second}
    assert {each.status for each in home.world.zendesk.deliveries} == {200}


@on_sqlite
@pytest.mark.parametrize("for_good", [False, True])
def test_a_deleted_user_is_not_written_to_though_we_know_their_address(home: Harness, for_good: bool) -> None:
    user, _ = two_users(home)
    home.deliver(answer(9, customer={"email": "ann@example.com", "zendesk_user_id": user}))
    with home.on_the_network() as url:
        events = ("user.active_changed", "user.deleted")
        home.world.zendesk.subscribe(f"{url}/webhooks/zendesk", *events, secret="zendesk-signs-with-this")
        home.world.zendesk.delete_user(user, for_good=for_good)
        assert home.world.zendesk.settle()
    home.settle()
    assert living(home) == set()
    solved(home, user, "1")
    home.settle()
    assert home.mails() == []
    assert why_not(home) == [eligibility.UNKNOWN]


@on_sqlite
def test_a_user_who_was_taken_back_is_the_customers_again(home: Harness) -> None:
    user, _ = two_users(home)
    solved(home, user, "1")
    active(home, user, False)
    home.pump(INTAKE)
    assert living(home) == set()
    home.clock.move(minutes=1)
    active(home, user, True)
    home.pump(INTAKE)
    assert living(home) == {user}


@on_sqlite
def test_nobody_is_made_known_by_being_deleted(home: Harness) -> None:
    active(home, "4711", False)
    home.pump(INTAKE)
    assert home.rows(tables.customers) == []


@on_sqlite
def test_the_score_of_who_is_gone_is_written_onto_who_stays(home: Harness) -> None:
    first, second = two_users(home)
    _, _, keep_scores = library_texts()["score-after-merge.yaml"].partition("workflow: score-after-merge\n")
    home.install(score_after_merge=keep_scores)
    home.deliver(answer(9, customer={"email": "ann@example.com", "zendesk_user_id": first}))
    home.settle()
    home.world.zendesk.merge_users(first, second)
    merged(home, first, second)
    home.settle()
    assert home.world.zendesk.user(second)["user_fields"]["ringback_score"] == 9


# --- without the event


def test_where_nobody_tells_of_the_merge_the_user_is_looked_for_again_by_address(home: Harness) -> None:
    first, second = two_users(home)
    home.deliver(answer(9, customer={"email": "ann@example.com", "zendesk_user_id": first}))
    home.settle()
    home.world.zendesk.merge_users(first, second)
    solved(home, first, "1")
    home.settle()
    assert len(home.mails("ann@home.example")) == len(home.mails()) == 1
    assert known(home, first) == known(home, second) == home.one(tables.customers)
    assert living(home) == {second}


@on_sqlite
def test_and_who_was_asked_as_the_other_user_is_not_asked_again(home: Harness) -> None:
    first, second = two_users(home)
    home.deliver(answer(9, customer={"email": "ann@example.com", "zendesk_user_id": first}))
    solved(home, second, "1")
    home.settle()
    assert len(home.mails()) == 1
    home.world.zendesk.merge_users(first, second)
    solved(home, first, "2")
    home.settle()
    assert len(home.mails()) == 1
    [reason] = why_not(home)
    assert reason.startswith("not sent: asked 0 days ago")
    assert known(home, first) == home.one(tables.customers)


@on_sqlite
def test_were_the_event_to_name_them_the_other_way_round_the_living_user_is_found_all_the_same(home: Harness) -> None:
    first, second = two_users(home)
    solved(home, first, "1")
    home.world.zendesk.merge_users(first, second)
    merged(home, gone=second, stays=first, email="ann@example.com")
    home.settle()
    assert len(home.mails()) == 1
    assert living(home) == {second}


# --- the input from the field


@on_sqlite
@pytest.mark.parametrize("apart", [True, False], ids=["one by one", "in one batch"])
def test_the_input_from_the_field_asks_the_person_once(home: Harness, apart: bool) -> None:
    home.install(ask=AFTER_SUPPORT)
    users = home.world.zendesk.desk.state.users
    for user, email in (("360000001029", "ans@example.com"), ("360000001030", "ans2@example.com")):
        made = home.world.zendesk.add_user("Ans", email)
        users[int(user)] = {**users.pop(made["id"]), "id": int(user)}
    for told in field_input("zendesk-user-merged.json")["inputs"]:
        [(what, body)] = told.items()
        if what.startswith("2"):
            home.world.zendesk.merge_users("360000001029", "360000001030")
            body = {**body, "time": home.clock().isoformat()}
        home.deliver_zendesk(json.dumps(body).encode())
        if apart:
            home.settle()
    home.settle()
    home.wait(hours=1)
    assert len(home.mails()) == 1
    assert known(home, "360000001029") == known(home, "360000001030") == home.one(tables.customers)
    assert living(home) == {"360000001030"}
    assert addresses(home) == {"ans@example.com", "ans2@example.com"}
    assert len(why_not(home)) + len([row for row in home.rows(tables.invitations) if row.status == "withheld"]) == 1

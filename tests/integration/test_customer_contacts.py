"""Tickets without a customer: between colleagues, or never shown to anybody outside. Nobody is asked about those, and
the history says why; whoever tells of the ticket, and however late it turns out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from connector.feedback.surveys.asking import eligibility
from connector.storage.schema import tables
from connector.vendors.zendesk.reconcile.run import reconciler
from tests.fixtures import envelope
from tests.oracles import field_input
from tests.support.house import Harness, a_home
from workflows.library import library_texts

ASK = """\
trigger: {event: ticket.solved}
run: {key: event.ticket, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support}}
"""


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    text = library_texts()["after-support.yaml"]
    with a_home(database_url, after_support=text[text.index("workflow:") :]) as home:
        yield home


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def solved(home: Harness, requester: object, **detail: Any) -> None:
    """As an event tells it."""
    body = envelope("zendesk/ticket_solved.json", time=home.clock().isoformat(),
                    detail={"requester_id": None if requester is None else str(requester), **detail})  # fmt: skip
    home.deliver_zendesk(body)
    home.settle()
    home.wait(hours=1)


def told(home: Harness, **body: Any) -> None:
    """As a trigger tells it."""
    home.deliver_zendesk(json.dumps({"type": "ticket.solved", "ticket_id": "90210", **body}).encode())
    home.settle()
    home.wait(hours=1)


def why_not(home: Harness) -> str:
    """The reason in the history; "" when a mail left."""
    [reason] = [line.partition("reason: ")[2] or line for line in home.story() if "not sent" in line] or [""]
    assert bool(reason) is not bool(home.mails())
    return reason


def a_customer(home: Harness, **more: Any) -> int:
    return int(home.world.zendesk.add_user("Ann Jansen", "ann@example.com", **more)["id"])


def test_a_child_ticket_of_a_side_conversation_is_not_asked_about(home: Harness) -> None:
    agent = home.world.zendesk.agent["id"]
    solved(home, agent, via={"channel": "side_conversation"})
    assert eligibility.SIDE_CONVERSATION in why_not(home)


@pytest.mark.parametrize("who", ["agent", "integration_user"])
def test_a_ticket_that_a_colleague_opened_is_not_asked_about(home: Harness, who: str) -> None:
    solved(home, getattr(home.world.zendesk, who)["id"])
    assert eligibility.STAFF in why_not(home)


@on_sqlite
@pytest.mark.parametrize("role_type", [None, 1, 3], ids=["agent", "light agent", "contributor"])
def test_every_kind_of_agent_is_staff(home: Harness, role_type: int | None) -> None:
    user = a_customer(home, role="agent")
    home.world.zendesk.desk.state.users[user]["role_type"] = role_type
    solved(home, user)
    assert eligibility.STAFF in why_not(home)


@on_sqlite
def test_a_customer_who_became_staff_while_the_survey_waited_is_not_asked(home: Harness) -> None:
    user = a_customer(home)
    home.ticket_event("ticket_solved", "90210", requester_id=str(user))
    home.settle()
    home.world.zendesk.desk.state.users[user]["role"] = "agent"
    home.wait(hours=1)
    assert eligibility.STAFF in why_not(home)


@on_sqlite
@pytest.mark.parametrize(("body", "reason"), [
    ({"channel": "Side conversation"}, eligibility.SIDE_CONVERSATION),
    ({"requester_role": "Agent"}, eligibility.STAFF),
    ({"requester_role": "Administrator"}, eligibility.STAFF),
    ({"requester_role": "Light agent"}, eligibility.STAFF),
    ({"requester_role": "End-user"}, ""),
    ({}, ""),
])
def test_a_trigger_may_tell_that_a_ticket_is_between_colleagues(
    home: Harness, body: dict[str, str], reason: str
) -> None:
    """Also where the address is known by then, and nothing would be looked up."""
    home.install(after_support=ASK)
    told(home, **body, requester_email="ann@example.com", requester_name="Ann", requester_id=str(a_customer(home)))
    assert reason in why_not(home)


@on_sqlite
def test_a_trigger_that_tells_no_role_is_made_up_for_by_the_look_up(home: Harness) -> None:
    agent = home.world.zendesk.agent
    told(home, requester_email=agent["email"], requester_name=agent["name"], requester_id=str(agent["id"]))
    assert eligibility.STAFF in why_not(home)


@on_sqlite
@pytest.mark.parametrize(("detail", "reason"), [
    ({"is_public": False}, eligibility.INTERNAL),
    ({"is_public": False, "via": {"channel": "phone_call_inbound"}}, ""),
    ({"is_public": True}, ""),
    ({"via": {"channel": "closed_ticket"}}, ""),  # a follow-up
    ({"type": "INCIDENT"}, ""),  # of a problem
])
def test_a_ticket_that_only_agents_see_is_no_contact_and_others_are(
    home: Harness, detail: dict[str, Any], reason: str
) -> None:
    solved(home, a_customer(home), **detail)
    assert reason in why_not(home)


@on_sqlite
def test_a_ticket_without_a_requester_or_without_an_address_is_not_asked_about(home: Harness) -> None:
    solved(home, None)
    assert eligibility.NO_ADDRESS in why_not(home)


@on_sqlite
@pytest.mark.parametrize(("change", "reason"), [
    ({"via": {"channel": "side_conversation"}}, eligibility.SIDE_CONVERSATION),
    ({"is_public": False}, eligibility.INTERNAL),
])
def test_a_solve_that_only_the_export_tells_is_held_to_the_same(
    home: Harness, change: dict[str, Any], reason: str
) -> None:
    reconciler(home.house.job_parts("zendesk")).run("zendesk", at_once=True)
    ticket = home.world.zendesk.write_in("Ann Jansen", "ann@example.com", "Stock?", "Can you check?")["id"]
    home.world.zendesk.desk.state.tickets[ticket].update(change)
    home.world.zendesk.solve(ticket)
    home.world.zendesk.desk.state.tickets[ticket].update(change)
    home.clock.move(minutes=30)
    reconciler(home.house.job_parts("zendesk")).run("zendesk", at_once=True)
    home.settle()
    home.wait(hours=1)
    assert reason in why_not(home)


@on_sqlite
def test_staff_as_a_customer_of_something_else_is_asked(home: Harness) -> None:
    """Only a ticket of theirs is between colleagues."""
    agent = home.world.zendesk.agent
    home.install(ask=ASK.replace("ticket.solved", "order.delivered").replace("event.ticket", "event.id")
                 .replace("after-support}", "after-support, verify: true}"))  # fmt: skip
    customer = {"email": agent["email"], "name": agent["name"], "zendesk_user_id": str(agent["id"])}
    home.deliver({"type": "order.delivered", "id": "o1", "data": {"customer": customer}})
    home.settle()
    assert len(home.mails(agent["email"])) == 1


@on_sqlite
def test_the_input_from_the_field_is_not_asked_about(home: Harness) -> None:
    [event] = field_input("zendesk-child-ticket-of-a-side-conversation.json")["inputs"]
    home.deliver_zendesk(json.dumps({**event, "time": home.clock().isoformat()}).encode())
    home.settle()
    home.wait(hours=1)
    assert eligibility.SIDE_CONVERSATION in why_not(home)
    [suppressed] = home.rows(tables.suppressions)
    assert suppressed.reason == eligibility.SIDE_CONVERSATION

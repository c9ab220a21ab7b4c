"""What the product really asked of Zendesk while it closed loops, held against Zendesk's own description."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from connector.demo import visitor
from sandbox.gateway import SeenRequest
from tests.support.installation import Installation, installed
from tests.support.openapi import check_request, support_api
from tests.support.processes import until

EVERY_CHANGE = """\
workflow: every-change
trigger: {event: survey.answered, if: event.band == "passive"}
run: {key: event.response, mode: single}
steps:
  - id: open
    do: ticket.open
    with: {connection: zendesk, subject: "Ask {{ customer.name }}", body: "Why not more?"}
  - id: change
    do: ticket.update
    with: {ticket: "{{ steps.open.ticket }}", status: open, tags: [asked], priority: low}
  - id: say
    do: ticket.comment
    with: {ticket: "{{ steps.open.ticket }}", body: "They said {{ event.comment }}"}
  - id: raise
    do: ticket.escalate
    with: {ticket: "{{ steps.open.ticket }}", reason: Nobody called.}
"""
KINDS = {
    ("GET", "/api/v2/users/me"),
    ("GET", "/api/v2/users/1"),
    ("GET", "/api/v2/users/search"),
    ("PUT", "/api/v2/users/1"),
    ("POST", "/api/v2/tickets"),
    ("PUT", "/api/v2/tickets/1"),
    ("PUT", "/api/v2/tickets/1/tags"),
    ("DELETE", "/api/v2/tickets/1/tags"),
    ("GET", "/api/v2/tickets/1"),
    ("POST", "/api/v2/users"),
}
"""Every request the product has for the loop, with each id as 1."""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[SeenRequest]:
    """The requests of a detractor's, a passive's and a promoter's loop."""
    support_api()  # without the description there is nothing to compare with
    folder = tmp_path_factory.mktemp("installation")
    with installed(
        folder, f"sqlite:///{folder / 'ringback.db'}", **{"every-change": EVERY_CHANGE}
    ) as ringback:
        _solved_ticket(ringback)
        for number, score in enumerate((2, 7, 10)):
            _answered(ringback, number, score)
        _called_back(ringback)
        ringback.settle()
        seen = ringback.world.zendesk.requests
    return [each for each in seen if re.match("/api/v2/(?!webhooks)", each.path)]


def _solved_ticket(ringback: Installation) -> None:
    """An ordinary ticket: its customer is looked up and asked."""
    ticket = ringback.world.zendesk.write_in("Bo de Wit", "bo@example.com", "Invoice", "Where is it?")
    ringback.world.zendesk.solve(ticket["id"])
    assert ringback.world.mailbox.wait("bo@example.com")


def _answered(ringback: Installation, number: int, score: int) -> None:
    email = f"customer{number}@example.com"
    if number != 1:  # one whom nobody there knows yet
        ringback.world.zendesk.add_user(f"Customer {number}", email)
    customer = {"email": email, "name": f"Customer {number}", "phone": "+31201234567"}
    ringback.report(response_id=f"answer-{number}", survey="after-support", metric="nps", score=score,
                    comment="It {{still}} squeaks <b>!", contact_consent=True, customer=customer)  # fmt: skip


def _called_back(ringback: Installation) -> None:
    """The callback is solved, and the customer is still not happy."""
    zendesk = ringback.world.zendesk
    ticket = until(lambda: next((t for t in zendesk.tickets if "callback" in t["tags"]), None), "a callback")
    ringback.settle()
    zendesk.solve(ticket["id"])
    [mail] = ringback.world.mailbox.wait("customer0@example.com")
    visitor.answer(visitor.survey_link(mail.text), {"q.score": "1", "q.comment": "No better"})
    until(lambda: zendesk.ticket(ticket["id"])["status"] == "open", "the ticket to be opened again")


def test_every_kind_of_request_was_made(asked: list[SeenRequest]) -> None:
    """Else the next test would prove less than it says."""
    assert {(each.method, _kind(each.path)) for each in asked} >= KINDS


def test_every_request_is_one_that_zendesk_describes(asked: list[SeenRequest]) -> None:
    for each in asked:
        check_request(each.method, each.path, _body(each))


def test_zendesk_accepted_every_request(asked: list[SeenRequest]) -> None:
    refused = {(each.method, each.path, each.status) for each in asked if each.status not in (200, 201)}
    assert refused <= {("POST", "/api/v2/users", 422)}  # the address is in use: Zendesk knows them


def test_every_ticket_was_opened_under_an_idempotency_key_of_its_own(asked: list[SeenRequest]) -> None:
    opened = [each for each in asked if (each.method, _kind(each.path)) == ("POST", "/api/v2/tickets")]
    assert len({each.headers["idempotency-key"] for each in opened}) == len(opened) == 2


def test_only_internal_comments_were_written(asked: list[SeenRequest]) -> None:
    tickets = [
        _body(each)["ticket"] for each in asked if "/tickets" in each.path and "ticket" in (_body(each) or {})
    ]
    comments = [ticket["comment"] for ticket in tickets if "comment" in ticket]
    # Two first ones, one said, one escalated, one after the second bad answer, one that notes an answer on its ticket.
    assert len(comments) == 6
    assert {comment["public"] for comment in comments} == {False}


def _body(request: SeenRequest) -> Any:
    return request.json() if request.body else None


def _kind(path: str) -> str:
    return re.sub(r"/\d+", "/1", path.removesuffix(".json"))


def test_the_description_is_the_one_we_mean(tmp_path: Path) -> None:
    """A body that Zendesk does not know is refused: the comparison can fail."""
    with pytest.raises(AssertionError, match="colour"):
        check_request("POST", "/api/v2/tickets", {"ticket": {"comment": {"body": "x"}, "colour": "red"}})

"""The vendors' usual Python clients take the stand-ins for the real thing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from simple_salesforce import Salesforce, SalesforceMalformedRequest, SalesforceResourceNotFound, format_soql
from zenpy import Zenpy
from zenpy.lib.api_objects import Comment, Ticket, User
from zenpy.lib.exception import APIException, RecordNotFoundException

from sandbox.world import World


class Rerouted(requests.Session):
    """Sends everything to ``base_url``: both clients insist on HTTPS and on the vendor's host."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base = urlsplit(base_url)

    def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        sent, here = request.copy(), self._base
        sent.url = urlunsplit(urlsplit(str(request.url))._replace(scheme=here.scheme, netloc=here.netloc))
        answer = super().send(sent, **more)
        answer.request = request  # zenpy reads nothing from a host it did not ask
        return answer


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def zenpy(world: World) -> Iterator[Any]:
    with Rerouted(world.zendesk_url) as session:
        email = world.zendesk.integration_email
        yield Zenpy(
            subdomain="acme", email=email, token=world.zendesk.api_token, session=session, disable_cache=True
        )


@pytest.fixture
def salesforce(world: World) -> Iterator[Any]:
    given = {
        "grant_type": "client_credentials",
        "client_id": world.salesforce.client_id,
        "client_secret": world.salesforce.client_secret,
    }
    token = requests.post(f"{world.salesforce_url}/services/oauth2/token", data=given, timeout=30).json()
    with Rerouted(world.salesforce_url) as session:
        yield Salesforce(
            session_id=token["access_token"],
            instance="acme.my.salesforce.com",
            session=session,
            version="60.0",
        )


def test_zenpy_opens_changes_and_reads_a_ticket(world: World, zenpy: Any) -> None:
    requester = User(name="Bo", email="bo@x.example")
    ticket = zenpy.tickets.create(
        Ticket(subject="Call", comment=Comment(body="Please", public=False), requester=requester)
    ).ticket
    ticket.comment = Comment(body="Called", public=False)
    ticket.status = "solved"
    assert zenpy.tickets.update(ticket).ticket.status == "solved"
    assert [each.body for each in zenpy.tickets.comments(ticket.id)] == ["Please", "Called"]
    assert [each.author_id for each in zenpy.tickets.audits(ticket.id)] == [
        world.zendesk.integration_user["id"]
    ] * 2
    assert zenpy.tickets(id=ticket.id).requester.email == "bo@x.example"


def test_zenpy_pages_through_users_and_finds_one(world: World, zenpy: Any) -> None:
    for number in range(120):
        world.zendesk.add_user(f"User {number}", f"u{number}@x.example")
    assert len(list(zenpy.users())) == 122
    assert [each.name for each in zenpy.users.search(query="u7@x.example")] == ["User 7"]
    assert zenpy.users.me().email == world.zendesk.integration_email


def test_zenpy_reads_the_refusals(world: World, zenpy: Any) -> None:
    with pytest.raises(RecordNotFoundException):
        zenpy.tickets(id=99)
    ticket = world.zendesk.write_in("Bo", "bo@x.example", "Help", "It broke")
    world.zendesk.act("close", ticket["id"])
    with pytest.raises(APIException, match="Record validation errors"):
        zenpy.tickets.update(Ticket(id=ticket["id"], subject="x"))


def test_simple_salesforce_finds_writes_and_upserts(world: World, salesforce: Any) -> None:
    known = world.salesforce.add_contact("O'Brien", "bo@x.example")["Id"]
    found = salesforce.query(format_soql("SELECT Id FROM Contact WHERE LastName = {}", "O'Brien"))
    assert [each["Id"] for each in found["records"]] == [known]
    assert salesforce.Contact.update(known, {"NPS_Score__c": 9}) == 204
    assert salesforce.Contact.get(known)["NPS_Score__c"] == 9.0
    assert salesforce.Contact.upsert("External_Id__c/e-1", {"LastName": "New"}) == 201
    results = salesforce.restful(
        "composite/sobjects",
        method="PATCH",
        json={"records": [{"attributes": {"type": "Contact"}, "id": known, "NPS_Score__c": 3}]},
    )
    assert (results[0]["success"], salesforce.api_usage["api-usage"].total) == (True, 15000)


def test_simple_salesforce_reads_the_refusals(world: World, salesforce: Any) -> None:
    known = world.salesforce.add_contact("Berg")["Id"]
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_FIELD"):
        salesforce.Contact.update(known, {"Shoe__c": 1})
    with pytest.raises(SalesforceMalformedRequest, match="MALFORMED_QUERY"):
        salesforce.query("SELECT")
    world.salesforce.delete_contact(known)
    with pytest.raises(SalesforceResourceNotFound, match="ENTITY_IS_DELETED"):
        salesforce.Contact.get(known)

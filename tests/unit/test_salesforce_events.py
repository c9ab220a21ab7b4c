"""What the configuration makes of Salesforce's records, as messages, callouts and cases, whatever they look like."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import xmlschema
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import oracle_path
from tests.unit.test_translate_salesforce import (
    ACCOUNT,
    NOW,
    OPTIONS,
    account,
    message,
    record,
    translate,
    verify,
    wsdl_schema,
)
from webhooks.delivery import Account, Delivery, Request, Translation
from webhooks.errors import Refused, Unreadable, WebhookError
from webhooks.salesforce import rules as salesforce_rules
from webhooks.salesforce.soap import ACK, SOAP
from webhooks.salesforce.source import FOUND, CalloutSource, SalesforceSource
from workflows.events import Event, Person

DELIVERED = {
    "type": "order.delivered",
    "when": {"IO__Status__c": ["Delivered", "Picked up"]},
    "at": "IO__Delivered_At__c",
    "fields": {"order": "Name", "amount": "IO__Total__c"},
    "contact": "IO__Customer__c",
    "email": "IO__Mail__c",
}
ORDERS = account(events={"IO__Order__c": [DELIVERED]})
ORDER = {
    "IO__Status__c": "Delivered", "IO__Delivered_At__c": "2026-11-20T08:00:00.000Z", "Name": "O-7",
    "IO__Total__c": "12.5", "IO__Customer__c": "003000000000042AAA", "LastModifiedDate": "2026-11-22T09:00:00.000Z",
}  # fmt: skip
US = "005000000000009AAA"
MARKED = {"Ringback_Key__c": "ringback-1", "OwnerId": "005000000000007AAA"}


def types(told: Translation) -> list[str]:
    return [event.type for event in told.events]


def ids(told: Translation) -> list[str]:
    return [event.id for event in told.events]


def order(**fields: str) -> bytes:
    return message(record("IO__Order__c", **{**ORDER, **fields}))


def called(body: Any, who: Account = ACCOUNT, **headers: str) -> Translation:
    """What a JSON body means."""
    raw = json.dumps({"organization": OPTIONS["organization_id"], **body}).encode()
    return CalloutSource().translate(Delivery("salesforce", "k", NOW, "application/json", headers, raw), who)


# --- rules


def test_a_record_of_any_kind_becomes_the_event_that_the_connection_names() -> None:
    [event] = translate(order(), ORDERS).events
    assert (event.type, event.time) == ("order.delivered", datetime(2026, 11, 20, 8, tzinfo=UTC))
    assert (event.data["order"], event.data["amount"]) == ("O-7", 12.5)
    assert event.person == Person(ids={"salesforce": "003000000000042AAA"})


@pytest.mark.parametrize("status", ["Packed", "", None])
def test_a_state_that_the_rule_does_not_ask_for_is_named(status: str | None) -> None:
    fields = {name: value for name, value in ORDER.items() if name != "IO__Status__c"}
    given = fields if status is None else {**fields, "IO__Status__c": status}
    told = translate(message(record("IO__Order__c", **given)), ORDERS)
    assert (told.events, told.ignored) == ((), "IO__Status__c: not as order.delivered asks")


def test_a_fact_is_the_same_however_often_and_by_whomever_it_is_told() -> None:
    once = translate(order(), ORDERS)
    again = translate(order(LastModifiedDate="2026-11-25T09:00:00.000Z", Name="O-7, renamed"), ORDERS)
    rest = {"Id": "003000000000001AAA", **ORDER, "IO__Delivered_At__c": "2026-11-20T08:00:00.000+0000"}
    by_us = called({"object": "IO__Order__c", "record": rest}, ORDERS)
    assert ids(once) == ids(again) == ids(by_us) == ["order.delivered:003000000000001:2026-11-20T08:00:00Z"]
    assert ids(translate(order(IO__Delivered_At__c="2026-11-21T08:00:00.000Z"), ORDERS)) != ids(once)


def test_several_rules_may_hold_for_one_record_and_a_rule_without_conditions_is_for_the_rest() -> None:
    who = account(events={"Asset": [
        {"type": "asset.installed", "when": {"Status": "Installed"}},
        {"type": "asset.large", "when": {"Quantity": 10, "IsInternal": False}},
        "asset.changed",
    ]})  # fmt: skip
    both = {"Status": "installed", "Quantity": "10.0", "IsInternal": "false"}
    assert types(translate(message(record("Asset", **both)), who)) == ["asset.installed", "asset.large"]
    assert types(translate(message(record("Asset", Status="Registered")), who)) == ["asset.changed"]


def test_a_contacts_rule_adds_to_the_change_and_a_bare_name_replaces_it() -> None:
    vip = account(events={"Contact": {"type": "contact.vip", "when": {"VIP__c": True}}})
    assert types(translate(message(record(VIP__c="true")), vip)) == ["contact.vip", "contact.changed"]
    assert types(translate(message(record(VIP__c="false")), vip)) == ["contact.changed"]
    assert types(translate(message(record()), account(events={"Contact": "person.changed"}))) == ["person.changed"]


@pytest.mark.parametrize(("events", "why"), [
    ([], "is no mapping"),
    ({"Order 1": "order.sent"}, "'Order 1' is no API name"),
    ({"Order": 7}, "Order is 7"),
    ({"Order": "Sent"}, "Order is 'Sent'"),
    ({"Order": {"when": {"A": 1}}}, "Order.type is None"),
    ({"Order": {"type": "order.sent", "whn": {"A": 1}}}, "Order.whn is not known; did you mean when?"),
    ({"Order": {"type": "order.sent", "when": "A"}}, "Order.when is no mapping"),
    ({"Order": {"type": "order.sent", "when": {"A b": 1}}}, "Order.when.A b needs"),
    ({"Order": {"type": "order.sent", "when": {"A": {"b": 1}}}}, "Order.when.A needs"),
    ({"Order": {"type": "order.sent", "fields": {"Total": "A"}}}, "Order.fields.Total needs"),
    ({"Order": {"type": "order.sent", "at": "no field"}}, "Order.at is 'no field'"),
])
def test_a_mistake_in_the_rules_is_named_with_its_place(events: Any, why: str) -> None:
    assert any(why in said for said in salesforce_rules.mistakes(events))


def test_the_fields_that_rules_read_can_be_asked_for() -> None:
    used = salesforce_rules.fields_used("IO__Order__c", ORDERS.options["events"])
    assert set(used) == {"IO__Status__c", "IO__Delivered_At__c", "Name", "IO__Total__c", "IO__Customer__c",
                         "IO__Mail__c"}  # fmt: skip


def test_a_lead_is_a_person_under_a_system_of_its_own_until_it_becomes_a_contact() -> None:
    [changed] = translate(message(record("Lead", Email="li@example.com"))).events
    assert (changed.type, changed.person) == (
        "lead.changed", Person(email="li@example.com", ids={"salesforce/lead": "003000000000001AAA"})
    )  # fmt: skip
    told = translate(message(record("Lead", IsConverted="true", ConvertedContactId="003000000000042AAA")))
    assert types(told) == ["lead.converted", "lead.changed"]
    assert told.events[0].data["contact"] == "003000000000042AAA"
    assert told.events[0].person is not None
    assert told.events[0].person.ids == {"salesforce": "003000000000042AAA", "salesforce/lead": "003000000000001AAA"}


# --- our own writes


def test_what_happened_before_our_own_write_is_not_ours() -> None:
    """An agent closes a case, we comment on it, and only then its message leaves Salesforce."""
    closed = {"IsClosed": "true", "LastModifiedById": US, "ClosedDate": "2026-11-22T08:00:00.000Z"}
    later = translate(message(record("Case", **closed, LastModifiedDate="2026-11-22T08:05:00.000Z")))
    assert types(later) == ["case.closed"]
    ours = translate(message(record("Case", **closed, LastModifiedDate="2026-11-22T08:00:01.000Z")))
    assert (ours.events, ours.ignored) == ((), "our own write")


# --- cases as tickets


def case(**fields: str) -> bytes:
    return message(record("Case", **{"LastModifiedDate": "2026-11-22T09:00:00.000Z", **fields}))


def test_a_closed_case_of_ours_is_also_a_solved_ticket() -> None:
    closed = {"IsClosed": "true", "ClosedDate": "2026-11-22T08:00:00.000Z"}
    told = translate(case(**closed, Ringback_Tags__c="vip; late", **MARKED))
    assert types(told) == ["case.closed", "ticket.solved"]
    solved = told.events[1]
    assert solved.data["ticket"] == "salesforce:003000000000001"
    assert (solved.data["tags"], solved.data["agent"], solved.data["external_id"]) == (
        ["vip", "late"], "005000000000007AAA", "ringback-1")  # fmt: skip
    assert solved.time == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert solved.data["callback"] is None


def test_other_peoples_cases_are_tickets_only_where_the_connection_says_so() -> None:
    body = case(IsClosed="true", ClosedDate="2026-11-22T08:00:00.000Z")
    assert types(translate(body)) == ["case.closed"]
    assert types(translate(body, account(cases={"are_tickets": True}))) == ["case.closed", "ticket.solved"]


@pytest.mark.parametrize(("origin", "channel"), [
    ("Phone", "voice"), ("Email", "email"), ("Web", "web"), ("Chat", "chat"), ("Messaging", "messaging"),
    ("Branch Office", "branch office"), ("", None),
])
def test_a_case_came_by_the_channel_that_a_ticket_would_have_come_by(origin: str, channel: str | None) -> None:
    told = translate(case(IsClosed="true", ClosedDate="2026-11-22T08:00:00.000Z", Origin=origin, **MARKED))
    assert told.events[1].data["channel"] == channel


def test_an_open_case_of_ours_says_who_has_it_and_that_it_is_open() -> None:
    told = translate(case(IsClosed="false", Status="Working", **MARKED))
    assert types(told) == ["ticket.assigned", "ticket.reopened"]
    in_a_queue = translate(case(IsClosed="false", **{**MARKED, "OwnerId": "00G000000000001EAA"}))
    assert types(in_a_queue) == ["ticket.reopened"]
    assert in_a_queue.events[0].data["group"] == "00G000000000001EAA"


def test_closed_and_opened_and_closed_again_are_different_facts() -> None:
    first = translate(case(IsClosed="true", ClosedDate="2026-11-22T08:00:00.000Z", **MARKED))
    commented = translate(case(IsClosed="true", ClosedDate="2026-11-22T08:00:00.000Z",
                               **{**MARKED, "LastModifiedDate": "2026-11-23T08:00:00.000Z"}))  # fmt: skip
    again = translate(case(IsClosed="true", ClosedDate="2026-11-24T08:00:00.000Z", **MARKED))
    assert ids(first) == ids(commented)
    assert not set(ids(first)) & set(ids(again))


# --- callouts


def test_a_flow_may_send_records_as_json() -> None:
    closed = {"Id": "500000000000001AAA", "IsClosed": True, "ContactId": "003000000000001AAA"}
    told = called({"object": "Case", "record": closed})
    assert types(told) == ["case.closed"]
    many = {"records": [{"attributes": {"type": "Contact"}, "Id": f"00300000000000{n}AAA"} for n in range(3)]}
    assert types(called(many)) == ["contact.changed"] * 3


def test_a_flow_may_send_an_event_in_the_inbound_format() -> None:
    told = called({"type": "order.delivered", "id": "o-1", "time": "2026-11-22T09:00:00Z",
                   "data": {"order": "7", "customer": {"email": "ann@example.com"}}})  # fmt: skip
    assert (types(told), ids(told)) == (["order.delivered"], ["o-1"])
    assert told.events[0].person == Person(email="ann@example.com")


def trouble_of(body: Any) -> str:
    try:
        return called(body).trouble[0]
    except Unreadable as error:
        return error.reason


@pytest.mark.parametrize(("body", "why"), [
    ({}, "holds no record"), ({"record": 7, "object": "Case"}, "not an object"), ({"records": []}, "0 of them"),
    ({"records": "x"}, "records is 'x'"), ({"record": {"Id": "500000000000001AAA"}}, "of which object"),
    ({"object": "Case", "record": {"Id": "//evil"}}, "no Salesforce id"), ({"object": "Case", "record": {}}, "no Id"),
])
def test_a_callout_that_cannot_be_read_says_why(body: Any, why: str) -> None:
    assert why in trouble_of(body)


def test_a_callout_needs_the_token_and_the_organisation() -> None:
    body = json.dumps({"organization": "00D000000000001EAA", "object": "Case", "record": {"Id": "500000000000001"}})
    headers = {"content-type": "application/json"}
    assert CalloutSource().verify(Request(body.encode(), headers, NOW, OPTIONS["webhook_token"]), ACCOUNT).key
    with pytest.raises(Refused, match="token"):
        CalloutSource().verify(Request(body.encode(), headers, NOW, "wrong"), ACCOUNT)
    with pytest.raises(Refused, match="the organisation is ''"):
        CalloutSource().verify(Request(b"{}", headers, NOW, OPTIONS["webhook_token"]), ACCOUNT)


def test_what_a_look_for_gaps_finds_is_news_only_if_it_happened_since() -> None:
    closed = {"Id": "500000000000001AAA", "IsClosed": True, "LastModifiedDate": "2026-11-22T09:00:00.000+0000"}
    after = {FOUND: "2026-11-22T08:30:00Z"}
    old = {"object": "Case", "record": {**closed, "ClosedDate": "2026-11-01T09:00:00.000+0000"}}
    assert called(old, **after).ignored == "it happened before the time that was looked at"
    new = {"object": "Case", "record": {**closed, "ClosedDate": "2026-11-22T09:00:00.000+0000"}}
    assert types(called(new, **after)) == ["case.closed"]


def test_deletions_and_merges_are_told_about_the_person_that_is_gone() -> None:
    gone = {"Id": "003000000000001AAA", "IsDeleted": True, "LastModifiedDate": "2026-11-22T09:00:00.000+0000",
            "Email": "old@example.com"}  # fmt: skip
    [deleted] = called({"object": "Contact", "record": gone}).events
    assert (deleted.type, deleted.person) == ("contact.deleted", Person(ids={"salesforce": "003000000000001AAA"}))
    [merged] = called({"object": "Contact", "record": {**gone, "MasterRecordId": "003000000000002AAA"}}).events
    assert (merged.type, merged.data["into"]) == ("contact.merged", "003000000000002AAA")
    tickets = {"object": "Case", "record": {**gone, "Id": "500000000000001AAA", **MARKED}}
    assert types(called(tickets)) == ["ticket.deleted"]


# --- whatever arrives


NAMES = st.sampled_from([
    "Email", "LastName", "Phone", "Status", "IsClosed", "IsWon", "ContactId", "OwnerId", "ns__X__c", "LastModifiedDate",
    "LastModifiedById", "ClosedDate", "Ringback_Key__c", "IO__Status__c",
])  # fmt: skip
TEXTS = st.sampled_from([
    "", "true", "false", "9.0", "2026-11-22T09:00:00.000Z", "Closed", "Delivered", "a &amp; b", "003000000000001AAA",
    "é<!-- x -->", "<![CDATA[<b>]]>", "\u2603",
]) | st.text("abc é", max_size=8)  # fmt: skip
KINDS = st.sampled_from(["Contact", "Lead", "Case", "Opportunity", "Order", "IO__Order__c", "ns__Other__c", "Account"])
BROKEN = st.sampled_from(["", "<sObject/>", '<sObject xsi:type="sf:Case"/>', "<other>1</other>",
                          '<sObject xsi:type="sf:Case"><sf:Id>5</sf:Id></sObject>'])  # fmt: skip


@st.composite
def notifications(draw: st.DrawFn) -> tuple[str, bool]:
    """One record as XML, and whether it can be read."""
    if draw(st.integers(0, 9)) == 0:
        return draw(BROKEN), False
    fields = draw(st.dictionaries(NAMES, TEXTS | st.none(), max_size=6))
    inner = "".join(f'<sf:{n} xsi:nil="true"/>' if v is None else f"<sf:{n}>{v}</sf:{n}>" for n, v in fields.items())
    prefix = draw(st.sampled_from(["sf:", "", "ns1:"]))
    kind = draw(KINDS)
    number = draw(st.integers(0, 99))
    return f'<sObject xsi:type="{prefix}{kind}"><sf:Id>003{number:012d}AAA</sf:Id>{inner}</sObject>', True


@settings(max_examples=60, deadline=None)
@given(found=st.lists(notifications(), min_size=1, max_size=8) | notifications().map(lambda each: [each] * 100),
       bom=st.booleans(), crlf=st.booleans())
def test_every_notification_ends_in_events_or_in_a_named_reason(
    found: list[tuple[str, bool]], bom: bool, crlf: bool
) -> None:
    body = message(*(text for text, _ in found))
    body = body.replace(b"><", b">\r\n<") if crlf else body
    body = b"\xef\xbb\xbf" + body if bom else body
    delivery = verify(body, who=ORDERS)
    told = SalesforceSource().translate(delivery, ORDERS)
    assert len(told.trouble) == sum(not whole for _, whole in found)
    assert told.events or told.ignored or told.trouble
    for event in told.events:
        assert isinstance(event, Event)
        assert 0 < len(event.id) <= 200
        json.dumps(dict(event.data), allow_nan=False).encode()


@pytest.mark.parametrize("name", [
    "real_contact_94fields_kvansaders.xml", "real_case_php.xml", "aspnetwebhooks_lead_x3_bom.xml",
    "synthetic_account_x2_name_nil_golang_test.xml",
])  # fmt: skip
def test_every_published_message_is_acknowledged_as_the_published_schema_asks(name: str, tmp_path: Any) -> None:
    who = account(organization_id=None)
    body = oracle_path(f"salesforce/outbound/{name}").read_bytes()
    assert verify(body, who=who)
    for stored in (True, False):
        answer = SalesforceSource().answer(stored)
        [response] = fromstring(answer.body).find(f"{SOAP}Body")
        try:
            wsdl_schema(tmp_path).validate(response)
        except xmlschema.XMLSchemaValidationError as error:
            raise AssertionError(str(error)) from error
        assert answer.body == ACK


KEYS = st.sampled_from(["record", "records", "object", "Id", "attributes", "type", "data"])


@settings(max_examples=60, deadline=None)
@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                          lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
                              KEYS, inner), max_leaves=12))  # fmt: skip
def test_no_json_whatsoever_breaks_the_reader(value: Any) -> None:
    raw = json.dumps(value).encode()
    delivery = Delivery("salesforce", "k", NOW, "application/json", {}, raw)
    try:
        told = CalloutSource().translate(delivery, ORDERS)
    except WebhookError:
        return  # refused with a reason: the room's own answer
    assert told.events or told.ignored or told.trouble

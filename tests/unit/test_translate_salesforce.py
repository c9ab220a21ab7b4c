"""What Salesforce's outbound messages mean, and what answers them."""

from __future__ import annotations

import json
import re
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import xmlschema
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures import payload
from tests.oracles import oracle_path
from webhooks.delivery import Account, Delivery, Request, Translation
from webhooks.errors import Refused, StoreDown, Unreadable, WebhookError
from webhooks.salesforce.soap import ACK, OUTBOUND, SOAP
from webhooks.salesforce.source import SalesforceSource
from workflows.events import Event, Person

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SALESFORCE = SalesforceSource()
CONTACT = payload("salesforce/contact_changed.xml")
OPTIONS = {"webhook_token": "path-token", "organization_id": "00D000000000001"}
ACCOUNT = Account("salesforce", "salesforce", options=OPTIONS, own_user="005000000000009AAA")


def account(**options: Any) -> Account:
    return Account("salesforce", "salesforce", options={**OPTIONS, **options}, own_user="005000000000009AAA")


def verify(body: bytes = CONTACT, token: str = OPTIONS["webhook_token"], who: Account = ACCOUNT) -> Delivery:
    return SALESFORCE.verify(Request(body, {"content-type": "text/xml"}, NOW, token), who)


def translate(body: bytes, who: Account = ACCOUNT) -> Translation:
    return SALESFORCE.translate(Delivery("salesforce", "key", NOW, "text/xml", {}, body), who)


def the_event(body: bytes, who: Account = ACCOUNT) -> Event:
    [event] = translate(body, who).events
    return event


def message(*records: str, organization: str = "00D000000000001EAA") -> bytes:
    """An outbound message with one notification per text of ``records``, numbered from 0."""
    notes = "".join(
        f"<Notification><Id>04l{number:012d}AAA</Id>{record}</Notification>" for number, record in enumerate(records))
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound" '
        'xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"<OrganizationId>{organization}</OrganizationId>{notes}</notifications></soapenv:Body></soapenv:Envelope>"
    ).encode()


def record(kind: str = "Contact", number: int = 1, **fields: str) -> str:
    inner = "".join(f"<sf:{name}>{text}</sf:{name}>" for name, text in fields.items())
    return f'<sObject xsi:type="sf:{kind}"><sf:Id>003{number:012d}AAA</sf:Id>{inner}</sObject>'


def test_a_changed_contact_is_an_event_about_that_person() -> None:
    event = the_event(CONTACT)
    assert (event.id, event.type, event.connection) == ("04l000000000001AAA", "contact.changed", "salesforce")
    assert event.time == datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    assert event.data["contact"] == "003000000000001AAA"
    assert event.person == Person(email="ann@example.com", name="Ann Jansen", phone="0612345678",
                                  ids={"salesforce": "003000000000001AAA"})


def test_only_what_salesforce_writes_as_a_number_becomes_one() -> None:
    fields = the_event(CONTACT).data["record"]
    assert fields["NPS_Score__c"] == 9.0
    assert fields["HasOptedOutOfEmail"] is False
    assert (fields["MobilePhone"], fields["Account_Number__c"]) == ("0612345678", "208230")
    assert fields["Version__c"] == "1.10"
    assert fields["Department"] is None
    assert "Title" not in fields


@pytest.mark.parametrize(("text", "value"), [
    ("0.0", 0.0), ("-3.5", -3.5), ("1.2E7", 12_000_000.0), ("1.0E-5", 0.00001), ("1234567.89", 1234567.89),
    ("1.0E999", "1.0E999"), ("01.5", "01.5"), ("1.", "1."), (".5", ".5"), ("1.50", "1.50"), ("1e5", "1e5"),
    ("1234567890123456.123456", "1234567890123456.123456"), ("NaN", "NaN"), ("١.٥", "١.٥"), ("+1.5", "+1.5"),
    ("true", True), ("True", "True"), ("", ""), (" 9.0", " 9.0"),
])
def test_a_text_is_converted_only_when_nothing_is_lost(text: str, value: Any) -> None:
    told = the_event(message(record(Field__c=text))).data["record"]["Field__c"]
    assert told == value
    assert type(told) is type(value)


def test_a_closed_case_belongs_to_its_contact() -> None:
    event = the_event(payload("salesforce/case_closed.xml"))
    assert (event.type, event.data["case"]) == ("case.closed", "500000000000001AAA")
    assert event.person == Person(ids={"salesforce": "003000000000001AAA"})


def test_a_won_opportunity_is_an_event() -> None:
    event = the_event(payload("salesforce/opportunity_won.xml"))
    assert (event.type, event.data["opportunity"]) == ("opportunity.won", "006000000000001AAA")
    assert event.data["record"]["Amount"] == 1200.5
    assert event.time == NOW


@pytest.mark.parametrize(("kind", "fields", "told"), [
    ("Case", {"IsClosed": "true", "Status": "Anything"}, "case.closed"),
    ("Case", {"Status": "Closed"}, "case.closed"),
    ("Case", {"IsClosed": "false", "Status": "Closed"}, None),
    ("Case", {"Status": "Escalated"}, None),
    ("Case", {}, None),
    ("Opportunity", {"IsWon": "true"}, "opportunity.won"),
    ("Opportunity", {"StageName": "Closed Won"}, "opportunity.won"),
    ("Opportunity", {"IsWon": "false", "StageName": "Closed Lost"}, None),
    ("Opportunity", {}, None),
    ("Account", {"Name": "Acme"}, None),
])
def test_a_record_means_something_when_its_state_says_so(kind: str, fields: dict[str, str], told: str | None) -> None:
    found = translate(message(record(kind, **fields)))
    assert [event.type for event in found.events] == ([told] if told else [])
    assert bool(found.ignored) == (told is None)


def test_a_connection_may_name_the_events_of_other_records() -> None:
    who = account(events={"IO__Order__c": "order.delivered", "Case": "case.changed"})
    order = the_event(message(record("IO__Order__c", Total__c="10.5")), who)
    assert (order.type, order.data["object"]) == ("order.delivered", "IO__Order__c")
    assert (order.data["record_id"], order.person) == ("003000000000001AAA", None)
    assert the_event(message(record("Case", Status="New")), who).type == "case.changed"
    assert the_event(message(record("Case", Status="Closed")), who).type == "case.closed"


def test_a_name_that_is_no_event_type_is_trouble() -> None:
    told = translate(message(record("Account")), account(events={"Account": "Account Changed"}))
    assert not told.events
    assert "events.Account is 'Account Changed'" in told.trouble[0]


@pytest.mark.parametrize("ours", ["005000000000009AAA", "005000000000009"])
def test_our_own_write_coming_back_is_ignored(ours: str) -> None:
    who = Account("salesforce", "salesforce", options=OPTIONS, own_user=ours)
    told = translate(message(record(LastModifiedById="005000000000009AAA")), who)
    assert told == Translation(ignored="our own write")


def test_ids_that_differ_only_in_case_are_different_people() -> None:
    who = Account("salesforce", "salesforce", options=OPTIONS, own_user="00500000000000a")
    assert translate(message(record(LastModifiedById="00500000000000A")), who).events


def test_one_broken_notification_of_a_hundred_does_not_break_the_others() -> None:
    records = [record(number=number) for number in range(100)]
    records[41] = "<sObject><nothing/></sObject>"
    told = translate(message(*records))
    assert len({event.id for event in told.events}) == 99
    [trouble] = told.trouble
    assert trouble.startswith("notification 42 ('04l000000000041AAA'): its sObject has no xsi:type")


@pytest.mark.parametrize(("broken", "why"), [
    ("", "no sObject"),
    ('<sObject xsi:type="sf:Contact"/>', "no Id"),
    ('<sObject xsi:type="sf:Contact"><sf:Id>003</sf:Id></sObject>', "no Salesforce id"),
    ('<sObject xsi:type="sf:Contact"><sf:Id>//evil.example/x</sf:Id></sObject>', "no Salesforce id"),
])
def test_a_broken_notification_says_what_is_wrong(broken: str, why: str) -> None:
    told = translate(message(broken, record()))
    assert len(told.events) == 1
    assert why in told.trouble[0]


def test_a_notification_without_an_id_is_trouble() -> None:
    told = translate(message(record()).replace(b"<Id>04l000000000000AAA</Id>", b""))
    assert "its Id is missing" in told.trouble[0]


@pytest.mark.parametrize("count", [0, 101])
def test_a_message_that_salesforce_cannot_have_sent_is_unreadable(count: int) -> None:
    with pytest.raises(Unreadable, match=f"holds {count} notifications"):
        translate(message(*[record(number=number) for number in range(count)]))


BOMB = (b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY b%d "%s">' % (n, b"&a;" * 10) for n in range(9)) + b"]><b>&b8;</b>")
STEAL = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY s SYSTEM "file:///etc/hostname">]><x>&s;</x>'
FETCH = b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><x/>'


@pytest.mark.parametrize("body", [BOMB, STEAL, FETCH])
def test_a_document_type_or_entity_is_never_read(body: bytes) -> None:
    with pytest.raises(Unreadable, match="document type or an entity"):
        verify(body)


FRAME = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'


@pytest.mark.parametrize("body", [b"<x>" * 1_300_000, b"<x>" + b"<y/>" * 990_000, FRAME.replace(b"Body", b"Bdy") * 9])
def test_what_is_no_envelope_is_read_no_further_than_its_first_elements(body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match="the XML is no outbound message"):
            verify(body)
        assert tracemalloc.get_traced_memory()[1] < 2 * len(body) + 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("body", [FRAME + b"<x>" * 50_000, FRAME + b"<y/>" * 200_000], ids=["deep", "wide"])
def test_what_would_cost_a_thousand_times_its_size_is_not_read_to_its_end(body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match="nests deeper than 16, or holds more than 100000 elements"):
            verify(body)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("body", [
    b"", b"{}", CONTACT[:-30], b"<x/>", b"<x>" * 50_000, b'<?xml version="1.0" encoding="klingon"?><x/>',
    b'<?xml version="1.0" encoding="utf-7"?><x/>', b"\0" * 40, CONTACT.replace(b"sforce.com/2005", b"sforce.com/2006"),
])
def test_what_is_no_outbound_message_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable) as error:
        verify(body)
    assert error.value.remedy


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf" + CONTACT, CONTACT.replace(b"\n", b"\r\n"), b"\n " + CONTACT,
                                  CONTACT.decode().replace("UTF-8", "UTF-16").encode("utf-16")])
def test_byte_order_marks_line_ends_and_encodings_are_harmless(body: bytes) -> None:
    assert the_event(body).data["contact"] == "003000000000001AAA"


def test_the_token_decides_and_may_rotate() -> None:
    who = account(webhook_token=["new", "path-token"])
    assert verify(who=who).connection == "salesforce"
    assert verify(token="new", who=who)
    for token in ("", "path-toke", "PATH-TOKEN", "tokén"):
        with pytest.raises(Refused, match="token in the path") as error:
            verify(token=token)
        assert error.value.status == 401
        assert "path-token" not in error.value.reason


@pytest.mark.parametrize("tokens", [None, "", []])
def test_a_connection_without_a_token_believes_nobody(tokens: Any) -> None:
    with pytest.raises(Refused, match="no webhook_token"):
        verify(token="", who=account(webhook_token=tokens))


def test_a_wrong_token_is_refused_before_the_body_is_read() -> None:
    with pytest.raises(Refused):
        verify(BOMB, token="wrong")


@pytest.mark.parametrize(("ours", "good"), [
    ("00D000000000001", True), ("00D000000000001EAA", True), (None, True),
    ("00d000000000001", False), ("00D000000000002", False), ("00D", False),
])
def test_the_organisation_is_compared_by_its_first_fifteen_characters(ours: str | None, good: bool) -> None:
    if good:
        assert verify(who=account(organization_id=ours))
        return
    with pytest.raises(Refused, match="the organisation is '00D000000000001EAA'") as error:
        verify(who=account(organization_id=ours))
    assert error.value.status == 403


def test_a_repeated_batch_is_the_same_delivery_whatever_its_order_and_state() -> None:
    one, two = record(number=1, Score__c="1.0"), record(number=2)
    first, second, third = b"04l000000000000AAA", b"04l000000000001AAA", b"04l000000000002AAA"
    again = message(record(number=1, Score__c="2.0"), two)
    turned = message(two, one).replace(first, third).replace(second, first).replace(third, second)
    assert verify(message(one, two)).key == verify(again).key == verify(turned).key
    assert verify(message(one, two)).key != verify(message(one)).key
    assert len(verify().key) <= 200


PREFIXES = (
    '<schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:tns="http://soap.sforce.com/2005/09/outbound" '
    'xmlns:ent="urn:enterprise.soap.sforce.com" xmlns:ens="urn:sobject.enterprise.soap.sforce.com" '
)


def wsdl_schema(tmp_path: Path) -> xmlschema.XMLSchema:
    """The schemas inside the published WSDL; alone, each needs the prefixes that the WSDL declares around it."""
    wsdl = oracle_path("salesforce/wsdl/kvansaders_contact_outbound_message.wsdl").read_text(encoding="utf-8-sig")
    places = {}
    for schema in re.findall(r"<schema .*?</schema>", wsdl, re.DOTALL):
        namespace = re.search(r'targetNamespace="([^"]+)"', schema)[1]
        places[namespace] = tmp_path / f"{len(places)}.xsd"
        places[namespace].write_text(schema.replace("<schema ", PREFIXES, 1))
    main = places.pop("http://soap.sforce.com/2005/09/outbound")
    others = [(name, str(place)) for name, place in places.items()]
    return xmlschema.XMLSchema(str(main), locations=others, allow="local")


def test_the_ack_is_what_the_published_schema_asks_for(tmp_path: Path) -> None:
    answer = SALESFORCE.answer(stored=True)
    assert (answer.status, answer.content_type.partition(";")[0]) == (200, "text/xml")
    [response] = fromstring(answer.body).find(f"{SOAP}Body")
    wsdl_schema(tmp_path).validate(response)
    assert response.findtext(f"{OUTBOUND}Ack") == "true"
    assert SALESFORCE.answer(stored=False).body == ACK


def test_our_own_fixture_is_what_the_published_schema_allows(tmp_path: Path) -> None:
    custom = ("Account_Number__c", "NPS_Score__c", "Version__c")  # fields the publisher's organisation has not
    lines = [line for line in CONTACT.decode().splitlines() if not any(name in line for name in custom)]
    notifications = re.search(r"<notifications.*</notifications>", "\n".join(lines), re.DOTALL)[0]
    instance = '<notifications xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    wsdl_schema(tmp_path).validate(notifications.replace("<notifications ", instance, 1))


@pytest.mark.parametrize(("error", "status"), [
    (Refused("wrong token", remedy="mend it"), 401),
    (Refused("wrong organisation", status=403), 403),
    (Unreadable("no <XML> & such"), 500),
    (StoreDown("disk full"), 503),
])
def test_a_refusal_is_a_soap_fault(error: Exception, status: int) -> None:
    answer = SALESFORCE.refuse(error)
    assert (answer.status, answer.content_type.partition(";")[0]) == (status, "text/xml")
    fault = fromstring(answer.body).find(f"{SOAP}Body/{SOAP}Fault")
    assert fault.findtext("faultcode").startswith("soapenv:")
    assert (answer.headers.get("Retry-After") == "30") == (status == 503)
    if isinstance(error, WebhookError):
        assert fault.findtext("faultstring") == error.reason


@pytest.mark.parametrize(("name", "kinds"), [
    ("real_contact_94fields_kvansaders.xml", ["contact.changed"]),
    ("real_case_php.xml", []),
    ("aspnetwebhooks_lead_x3_bom.xml", []),
    ("synthetic_account_x2_name_nil_golang_test.xml", []),
])
def test_published_messages_are_understood_or_ignored_by_name(name: str, kinds: list[str]) -> None:
    body = oracle_path(f"salesforce/outbound/{name}").read_bytes()
    who = account(organization_id=None)
    delivery = verify(body, who=who)
    told = SALESFORCE.translate(delivery, who)
    assert [event.type for event in told.events] == kinds
    assert told.trouble == ()
    assert bool(told.ignored) == (kinds == [])


def test_published_messages_of_other_records_are_events_once_named() -> None:
    who = account(organization_id=None, events={"Account": "account.changed", "Lead1": "lead.changed"})
    accounts = oracle_path("salesforce/outbound/synthetic_account_x2_name_nil_golang_test.xml").read_bytes()
    first, second = translate(accounts, who).events
    assert (first.data["record"]["Name"], second.data["record"]["Name"]) == ("Acme", None)
    leads = oracle_path("salesforce/outbound/aspnetwebhooks_lead_x3_bom.xml").read_bytes()
    assert [event.type for event in translate(leads, who).events] == ["lead.changed"]


def test_the_real_contact_keeps_its_fields() -> None:
    event = the_event(oracle_path("salesforce/outbound/real_contact_94fields_kvansaders.xml").read_bytes(),
                      account(organization_id=None))
    assert len(event.data["record"]) >= 90
    assert (event.data["record"]["Age__c"], event.data["record"]["GHIN__c"]) == (39.0, "208230")
    assert event.data["record"]["npo02__Formula_HouseholdMailingAddress__c"] == "<br>"
    assert event.person is not None
    assert event.person.name == "TEST PERSON"


SHARDS = st.sampled_from([b"<Notification>", b"</Notification>", b"xsi:type", b"&lt;", b"&#0;", b"]]>", b"<!--"])


@given(at=st.integers(0, len(CONTACT)), shard=st.binary(max_size=6) | SHARDS, cut=st.integers(0, 30))
def test_no_damage_whatsoever_breaks_the_reader(at: int, shard: bytes, cut: int) -> None:
    damaged = CONTACT[:at] + shard + CONTACT[at + cut:]
    try:
        told = translate(damaged)
    except WebhookError:
        return  # refused with a reason: the room's own answer
    assert told.events or told.ignored or told.trouble
    json.dumps([dict(event.data) for event in told.events], allow_nan=False).encode()

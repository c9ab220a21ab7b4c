"""One bad record among good ones costs only itself, also where it makes the whole unreadable."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from connector.storage.schema import tables
from sandbox.faults import Fault
from tests.oracles import field_path
from tests.support.house import SALESFORCE_TOKEN, Harness, a_home
from tests.unit.test_translate_salesforce import message, record
from webhooks.salesforce.soap import ACK

PATH = f"/webhooks/salesforce/{SALESFORCE_TOKEN}"
GOOD = record("Contact", 1, Email="good@example.com", LastName="Good")


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url) as home:
        yield home


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def ours(home: Harness, body: bytes) -> bytes:
    """The message as if from the organisation of the house."""
    return re.sub(b"00D000000000001(EAA)?", home.world.salesforce.organization_id.encode(), body)


def send(home: Harness, body: bytes) -> None:
    answered = home.post(PATH, ours(home, body), {"content-type": "text/xml"})
    assert (answered.status_code, answered.data) == (200, ACK)
    home.settle()


def flow(home: Harness, body: bytes, status: int = 200) -> None:
    assert home.post(PATH, body, {"content-type": "application/json"}).status_code == status
    home.settle()


def emails(home: Harness) -> set[str | None]:
    return {row.email for row in home.rows(tables.customers)}


def names(home: Harness) -> set[str | None]:
    return {row.name for row in home.rows(tables.customers)}


def with_name(text: bytes) -> bytes:
    """A good notification, and one whose last name is ``text``."""
    return message(GOOD, record("Contact", 2, Email="bad@example.com", LastName="HERE")).replace(b"HERE", text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"Jan&#11;sen", "Jansen"), (b"Jan&#x0B;sen", "Jansen"), (b"Jan&#xb;sen", "Jansen"), (b"Jan&#0;sen", "Jansen"),
        (b"Jan&#xD800;sen", "Jansen"), (b"Jan&#xDC00;sen", "Jansen"), (b"Jan&#xFFFE;sen", "Jansen"),
        (b"Jan&#65535;sen", "Jansen"), (b"Jan&#x110000;sen", "Jansen"), (b"Jan&#99999999999999999999;sen", "Jansen"),
        (b"Jan\x0bsen", "Jansen"), (b"Jan\x00sen", "Jansen"), (b"Jan\x1fsen", "Jansen"),
        (b"Jan\xef\xbf\xbesen", "Jansen"), (b"Jan\xed\xa0\x80sen", None), (b"Ren\xe9 Jansen", "Ren\ufffd Jansen"),
        (b"Jan&nbsp;Jansen", "Jan\xa0Jansen"), (b"Ren&eacute;", "Ren\xe9"), (b"Jan &LT; Piet", "Jan < Piet"),
        (b"R&D", "R&D"), (b"R & D", "R & D"), (b"&unheard;", "&unheard;"), (b"&#x;", "&#x;"), (b"&#12ab;", "&#12ab;"),
        (b"&#11;&amp;#11; &lt;b&gt; &#8217;&#x1F642;", "&#11; <b> \u2019\U0001f642"),
        (b"<![CDATA[R&D &nbsp; <b>]]>\x0b", "R&D &nbsp; <b>"),
    ],
)  # fmt: skip
@on_sqlite
def test_a_character_that_xml_does_not_know_is_left_out_and_nothing_else(
    home: Harness, text: bytes, name: str | None
) -> None:
    send(home, with_name(text))
    assert emails(home) == {"good@example.com", "bad@example.com"}
    assert name is None or names(home) == {"Good", name}
    assert home.one(tables.deliveries).status == "done"


def test_the_message_that_people_met_is_acknowledged_and_both_cases_are_told(home: Harness) -> None:
    send(home, field_path("outbound-message-with-one-bad-character.xml").read_bytes())
    told = {row.subject: row.data["record"]["Subject"] for row in home.rows(tables.events)}
    assert told == {"500000000000001": "Delivered late", "500000000000002": "Pasted from aspreadsheet"}


@pytest.mark.parametrize(
    "bad",
    [
        b"a < b", b"<b>open", b"</sf:LastName></sf:Name>", b"<x:y/>", b"<a b=c/>", b"&#11;<", b"]]>", b"<!-- -- -->",
        b'<a x="1" x="2"/>',
    ],
)  # fmt: skip
@on_sqlite
def test_a_notification_that_is_no_xml_is_set_aside_alone_kept_and_shown(home: Harness, bad: bytes) -> None:
    send(home, with_name(bad))
    assert "good@example.com" in emails(home)
    kept = home.one(tables.deliveries)
    assert kept.status == "done"
    assert "notification 2 (''): it is not XML" in kept.reason or "bad@example.com" in emails(home)
    assert b"bad@example.com" in kept.body


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("", "has no sObject"), ('<sObject xsi:type="sf:Contact"/>', "sObject has no Id"),
        ("<sObject><sf:Id>003000000000001AAA</sf:Id></sObject>", "no xsi:type"),
        ('<sObject xsi:type="sf:Contact"><sf:Id>short</sf:Id></sObject>', "no Salesforce id"),
    ],
)  # fmt: skip
@on_sqlite
def test_a_notification_that_lacks_something_is_set_aside_alone(home: Harness, bad: str, why: str) -> None:
    send(home, message(bad, GOOD))
    assert emails(home) == {"good@example.com"}
    assert why in home.one(tables.deliveries).reason


@on_sqlite
def test_an_unknown_object_and_a_missing_notification_id_cost_the_others_nothing(home: Harness) -> None:
    body = message(record("Unheard__c", 5), GOOD, record("Contact", 3))
    send(home, body.replace(b"<Id>04l000000000002AAA</Id>", b""))
    assert emails(home) == {"good@example.com"}
    assert "its Id is missing" in home.one(tables.deliveries).reason


def test_an_address_that_lost_a_character_or_is_too_long_is_nobodys(home: Harness) -> None:
    """It may have become another person's, or fit no index; the record is told all the same."""
    long = record("Contact", 4, Email=f"{'x' * 400}@example.com", LastName="Long")
    send(home, message(GOOD, record("Contact", 2, Email="HERE@example.com"), long).replace(b"HERE", b"j\xf6an"))
    assert emails(home) == {"good@example.com", None}
    assert len(home.rows(tables.events)) == 3


DOCTYPE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("how", ["before", "with_bad", "inside"])
@on_sqlite
def test_document_types_and_entities_stay_refused(home: Harness, how: str) -> None:
    body = with_name(b"Jan&#11;" if how != "before" else b"&e;")
    body = body.replace(b"LastName>Jan", b"LastName>" + DOCTYPE + b"Jan") if how == "inside" else DOCTYPE + body
    assert home.post(PATH, ours(home, body), {"content-type": "text/xml"}).status_code == 500
    assert home.rows(tables.customers) == []


@pytest.mark.parametrize("body", [with_name(b"&#11;")[:-40], with_name(b"<")[:-120], with_name(b"&#11;") + b"<x/>"])
@on_sqlite
def test_a_message_that_is_cut_off_is_asked_for_again(home: Harness, body: bytes) -> None:
    assert home.post(PATH, ours(home, body), {"content-type": "text/xml"}).status_code == 500


# --- a flow's callout


def records(home: Harness, *texts: str) -> bytes:
    head = f'{{"organization": "{home.world.salesforce.organization_id}", "object": "Contact", "records": ['
    return f"{head}{', '.join(texts)}]}}".encode("utf-8", "surrogateescape")


def a_contact(number: int, **fields: Any) -> str:
    return json.dumps({"Id": f"00300000000000{number}", "Email": f"p{number}@example.com", **fields})


@pytest.mark.parametrize(
    "bad",
    [
        '{"Id": "003000000000002", "LastName": "He said "no" to us", "Email": "x@example.com"}',
        '{"Id": "003000000000002", "LastName": nothing, "Email": "x@example.com"}',
        '{"Id": "003000000000002", "LastName": "\\x41"}', '{"Id": "003000000000002",}', "{!record}", '"text"', "7",
        "[]", "null", '{"Id": null}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", [0, 1, 2])
@on_sqlite
def test_a_record_of_a_callout_that_is_no_json_is_set_aside_alone(home: Harness, bad: str, place: int) -> None:
    texts = [a_contact(1), a_contact(3)]
    flow(home, records(home, *texts[:place], bad, *texts[place:]))
    assert emails(home) == {"p1@example.com", "p3@example.com"}
    assert f"record {place + 1}: " in home.one(tables.deliveries).reason


@pytest.mark.parametrize(
    ("bad", "name"),
    [("line 1\nline 2", "line 1\nline 2"), ("a\x0bb\tc", "a\x0bb\tc"), ("Ren\udce9", "Ren\ufffd"), ("a\x00b", "ab")],
)
def test_a_raw_character_in_a_callouts_text_is_taken_or_mended(home: Harness, bad: str, name: str) -> None:
    hard = f'{{"Id": "003000000000002", "Email": "p2@example.com", "LastName": "{bad}", "Rate": NaN, "Big": 1e999}}'
    flow(home, records(home, a_contact(1), hard))
    assert emails(home) == {"p1@example.com", "p2@example.com"}
    assert name in names(home)


@on_sqlite
def test_a_callout_that_is_cut_off_is_refused(home: Harness) -> None:
    flow(home, records(home, a_contact(1), a_contact(2))[:-1], status=400)
    flow(home, records(home, a_contact(1), '{"Id": "x')[:-2], status=400)
    assert home.rows(tables.customers) == []


# --- what we look for ourselves


@on_sqlite
def test_a_change_that_cannot_be_read_holds_up_no_look(home: Harness) -> None:
    home.run_job("poll salesforce for changes")
    home.clock.move(minutes=1)
    good = home.world.salesforce.add_contact("Good", "good@example.com")
    listed = {"ids": ["short", None, good["Id"]], "latestDateCovered": "2026-03-01T12:30:00.000+0000"}
    home.world.salesforce.faults.add(Fault("/Contact/updated", status=200, body=listed))
    rows = [{"Id": good["Id"], "Email": "good@example.com", "LastModifiedDate": "yesterday"}, {"Email": "x"}, "odd"]
    rows.append({"Id": "003000000000009", "Email": "other@example.com"})
    home.world.salesforce.faults.add(Fault("/query", status=200, body={"totalSize": 4, "done": True, "records": rows}))
    home.clock.move(minutes=20)
    home.run_job("poll salesforce for changes")
    home.settle()
    assert emails(home) == {"good@example.com", "other@example.com"}

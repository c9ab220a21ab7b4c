"""The stand-in for Salesforce, asked over HTTP: sessions, records, collections, queries, outbound messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
import xmlschema
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from defusedxml import ElementTree

from sandbox.clock import HandClock
from sandbox.faults import Effect, Fault
from sandbox.receiver import Receiver, Reply
from sandbox.salesforce.ids import long_id
from sandbox.world import World
from tests.oracles import oracle_path

ACK = Reply(
    200,
    (
        b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
        b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
        b"</notificationsResponse></soapenv:Body></soapenv:Envelope>"
    ),
    "text/xml",
)
OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
SF = "{urn:sobject.enterprise.soap.sforce.com}"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def world(clock: HandClock) -> Iterator[World]:
    with World(clock=clock, pace=0.0001) as world:
        yield world


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(ACK) as receiver:
        yield receiver


class Api:
    """Asks as the integration does."""

    def __init__(self, world: World) -> None:
        self.world, self.session = world, requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token(world).json()['access_token']}"

    def ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(
            method, f"{self.world.salesforce_url}/services/data/v60.0{path}", json=body
        )

    def query(self, text: str, *, deleted: bool = False) -> list[dict[str, Any]]:
        path = "/queryAll" if deleted else "/query"
        url = f"{self.world.salesforce_url}/services/data/v60.0{path}"
        records: list[dict[str, Any]] = self.session.get(url, params={"q": text}).json()["records"]
        return records

    def update(self, *records: Mapping[str, Any], **more: Any) -> Any:
        items = [{"attributes": {"type": "Contact"}, **record} for record in records]
        return self.ask("PATCH", "/composite/sobjects", {"records": items, **more}).json()


@pytest.fixture
def api(world: World) -> Iterator[Api]:
    api = Api(world)
    yield api
    api.session.close()


def token(world: World, **given: Any) -> requests.Response:
    body = {
        "grant_type": "client_credentials",
        "client_id": world.salesforce.client_id,
        "client_secret": world.salesforce.client_secret,
        **given,
    }
    return requests.post(f"{world.salesforce_url}/services/oauth2/token", data=body, timeout=30)


def recorded(name: str) -> Any:
    return json.loads(oracle_path(f"salesforce/rest/{name}.json").read_text())


def shape(value: Any) -> Any:
    """Keys and types, of lists the first item's."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value[:1]]
    return type(value).__name__


def contact(world: World, number: int = 1, **fields: Any) -> str:
    made = world.salesforce.add_contact(f"Berg{number}", f"bo{number}@x.example", FirstName="Bo", **fields)
    return str(made["Id"])


# --- sessions --------------------------------------------------------------------------------------------------


def test_client_credentials_give_a_session_without_saying_when_it_ends(world: World) -> None:
    given = token(world).json()
    assert given["instance_url"] == world.salesforce_url
    assert "expires_in" not in given
    info = requests.get(
        f"{world.salesforce_url}/services/oauth2/userinfo",
        headers={"Authorization": f"Bearer {given['access_token']}"},
        timeout=30,
    ).json()
    assert info["preferred_username"] == world.salesforce.integration_username
    assert info["sub"] == given["id"]
    assert info["user_id"] == long_id(info["user_id"])


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"client_id": "x"}, "invalid_client_id"),
        ({"client_secret": "x"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        (
            {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "x.y.z"},
            "invalid_grant",
        ),
    ],
)
def test_a_wrong_client_gets_no_session(world: World, wrong: dict[str, str], error: str) -> None:
    answer = token(world, **wrong)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


class Signer:
    """Makes JWT bearer assertions."""

    def __init__(self, world: World, clock: HandClock) -> None:
        self.world, self.clock = world, clock
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = self.key.public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        world.salesforce.require_signature(pem.decode())

    def ask(self, key: Any = None, algorithm: str = "RS256", **changed: Any) -> requests.Response:
        claims = {
            "iss": self.world.salesforce.client_id,
            "sub": self.world.salesforce.integration_username,
            "aud": "https://login.salesforce.com",
            "exp": int(self.clock().timestamp()) + 180,
            **changed,
        }
        assertion = jwt.encode(claims, key or self.key, algorithm=algorithm)
        return token(
            self.world, grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=assertion
        )


def test_a_signed_assertion_gives_a_session(world: World, clock: HandClock) -> None:
    assert Signer(world, clock).ask().status_code == 200


def test_an_assertion_with_anything_wrong_gives_none(world: World, clock: HandClock) -> None:
    signer = Signer(world, clock)
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    answers = [
        signer.ask(key=stranger),
        signer.ask(key="a shared secret of thirty-two bytes", algorithm="HS256"),
        signer.ask(aud="https://evil.example"),
        signer.ask(exp=int(clock().timestamp())),
        signer.ask(sub="nobody@acme.example"),
        signer.ask(iss="another-app"),
    ]
    assert {answer.status_code for answer in answers} == {400}


def test_an_ended_session_is_refused_as_recorded(api: Api) -> None:
    api.world.salesforce.expire_sessions()
    answer = api.ask("GET", "/limits")
    assert (answer.status_code, answer.json()) == (401, recorded("restforce_expired_session_response"))


# --- limits ----------------------------------------------------------------------------------------------------


def test_every_answer_says_how_many_calls_are_left_and_then_there_are_none(api: Api) -> None:
    api.world.salesforce.usage.most = 2
    assert api.ask("GET", "/").headers["Sforce-Limit-Info"] == "api-usage=1/2"
    limits = api.ask("GET", "/limits").json()
    real = recorded("camel_limits")
    assert limits["DailyApiRequests"] == {"Max": 2, "Remaining": 0}
    assert set(limits) <= set(real)
    refused = api.ask("GET", "/limits")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert "Retry-After" not in refused.headers


# --- one record ------------------------------------------------------------------------------------------------


def test_a_record_is_created_read_changed_and_deleted(api: Api) -> None:
    made = api.ask("POST", "/sobjects/Contact", {"LastName": "Berg", "FirstName": "Bo"})
    assert (made.status_code, shape(made.json())) == (
        201,
        shape(recorded("restforce_upsert_created_success_response")),
    )
    path = f"/sobjects/Contact/{made.json()['id']}"
    assert api.ask("PATCH", path, {"NPS_Score__c": 9}).status_code == 204
    read = api.ask("GET", path).json()
    assert (read["Name"], read["NPS_Score__c"], read["attributes"]["type"]) == ("Bo Berg", 9.0, "Contact")
    assert api.ask("DELETE", path).status_code == 204
    gone = api.ask("PATCH", path, {"NPS_Score__c": 1})
    assert (gone.status_code, gone.json()) == (404, recorded("crm__delete__not-found"))


def test_fifteen_and_eighteen_characters_name_the_same_record_and_case_matters(api: Api) -> None:
    known = contact(api.world)
    assert api.ask("GET", f"/sobjects/Contact/{known[:15]}").json()["Id"] == known
    assert api.ask("GET", f"/sobjects/Contact/{known[:15].swapcase()}").status_code == 404


def test_an_unknown_field_is_refused_as_recorded(api: Api) -> None:
    answer = api.ask(
        "PATCH", f"/sobjects/Account/{api.world.salesforce.add_account('Acme')['Id']}", {"AccountNumer": 1}
    )
    real = recorded("unknown-field")[0]
    assert (answer.status_code, answer.json()[0] | real) == (400, answer.json()[0])


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"LastName": ""}, "REQUIRED_FIELD_MISSING"),
        ({"LastName": "x" * 81}, "STRING_TOO_LONG"),
        ({"Email": "no address"}, "INVALID_EMAIL_ADDRESS"),
        ({"NPS_Score__c": "nine"}, "JSON_PARSER_ERROR"),
        ({"NPS_Date__c": "2026-03-02"}, "JSON_PARSER_ERROR"),
        ({"Name": "x"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"AccountId": "acme"}, "MALFORMED_ID"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_code(api: Api, fields: dict[str, Any], code: str) -> None:
    answer = api.ask("PATCH", f"/sobjects/Contact/{contact(api.world)}", fields)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_an_upsert_creates_changes_or_refuses_to_choose(api: Api) -> None:
    path = "/sobjects/Contact/External_Id__c/e-1"
    made, changed = api.ask("PATCH", path, {"LastName": "Berg"}), api.ask("PATCH", path, {"FirstName": "Bo"})
    assert [(each.status_code, each.json()["created"]) for each in (made, changed)] == [
        (201, True),
        (200, False),
    ]
    assert made.json()["id"] == changed.json()["id"]
    for _ in range(2):
        api.world.salesforce.add_contact("Twin", "twin@x.example")
    several = api.ask("PATCH", "/sobjects/Contact/Email/twin@x.example", {"FirstName": "T"})
    assert several.status_code == 300
    assert shape(several.json()) == shape(recorded("restforce_upsert_multiple_error_response"))
    unknown = api.ask("PATCH", "/sobjects/Contact/Namez/x", {"LastName": "x"})
    assert (unknown.status_code, unknown.json()) == (404, recorded("restforce_upsert_error_response"))


def test_an_external_id_belongs_to_one_record(api: Api) -> None:
    contact(api.world, External_Id__c="e-1")
    answer = api.ask("PATCH", f"/sobjects/Contact/{contact(api.world, 2)}", {"External_Id__c": "E-1"})
    assert answer.json()[0]["errorCode"] == "DUPLICATE_VALUE"


# --- collections -----------------------------------------------------------------------------------------------


def test_good_records_give_results_as_recorded(api: Api) -> None:
    ids = [contact(api.world, n) for n in range(2)]
    updated = api.update(*({"id": each, "NPS_Score__c": 9} for each in ids))
    assert shape(updated) == shape(recorded("batch__update__contacts__success"))
    assert [each["id"] for each in updated] == ids
    created = api.ask("POST", "/composite/sobjects", recorded("batch__create__contacts__payload")).json()
    assert shape(created) == shape(recorded("batch__create__contacts__success"))


def test_one_bad_record_leaves_the_others_written(api: Api) -> None:
    known = contact(api.world)
    results = api.update(
        {"id": known, "NPS_Score__c": 9}, {"id": known, "unknownField_LastName": "x"}, {"NPS_Score__c": 1}
    )
    assert [each["success"] for each in results] == [True, False, False]
    assert results[1] == recorded("batch__update__contacts__partial-but-allOrNone")[1]
    assert results[2] == recorded("batch__update__contacts__err-each-no-ids")[0]
    assert api.world.salesforce.contact(known)["NPS_Score__c"] == 9.0


def test_all_or_none_writes_none(api: Api) -> None:
    known = contact(api.world)
    before = len(api.world.salesforce.writes)
    results = api.update(
        {"id": known, "NPS_Score__c": 9}, {"id": known, "unknownField_LastName": "x"}, allOrNone=True
    )
    assert results == recorded("batch__update__contacts__partial-but-allOrNone")
    assert api.world.salesforce.contact(known)["NPS_Score__c"] is None
    assert len(api.world.salesforce.writes) == before


def test_an_all_or_none_creation_without_a_last_name_fails_as_recorded(api: Api) -> None:
    records = [
        {"attributes": {"type": "Contact"}, "FirstName": "Bo"},
        {"attributes": {"type": "Contact"}, "LastName": "Berg"},
    ]
    results = api.ask("POST", "/composite/sobjects", {"allOrNone": True, "records": records}).json()
    assert results == recorded("batch__create__contacts__partial-but-allOrNone")
    assert api.world.salesforce.contacts == []


def test_no_record_and_201_records_are_refused_as_a_whole(api: Api) -> None:
    none = api.ask("PATCH", "/composite/sobjects", {"records": []})
    assert (none.status_code, none.json()) == (400, recorded("batch__create__contacts__err-bad-request"))
    known = contact(api.world)
    item = {"attributes": {"type": "Contact"}, "id": known, "NPS_Score__c": 1}
    assert api.ask("PATCH", "/composite/sobjects", {"records": [item] * 200}).status_code == 200
    many = api.ask("PATCH", "/composite/sobjects", {"records": [item] * 201})
    assert (many.status_code, many.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")


def test_an_upsert_of_many_says_which_are_new(api: Api) -> None:
    known = contact(api.world)
    items = [
        {"attributes": {"type": "Contact"}, "Email": mail, "LastName": "Z"}
        for mail in ("BO1@x.example", "n@x.example")
    ]
    results = api.ask("PATCH", "/composite/sobjects/Contact/Email", {"records": items}).json()
    assert [(each["success"], each["created"]) for each in results] == [(True, False), (True, True)]
    assert results[0]["id"] == known


def test_a_programmed_refusal_hits_its_record_only_and_then_is_over(api: Api) -> None:
    ids = [contact(api.world, n) for n in range(2)]
    api.world.salesforce.refuse(ids[0][:15], "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Not on Sundays")
    changes = [{"id": each, "NPS_Score__c": 5} for each in ids]
    first, second = api.update(*changes), api.update(*changes)
    assert first[0]["errors"] == [
        {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Not on Sundays", "fields": []}
    ]
    assert [each["success"] for each in (*first, *second)] == [False, True, True, True]


def test_two_writes_of_one_account_at_once_collide_and_of_two_accounts_do_not(api: Api) -> None:
    one, two = (api.world.salesforce.add_account(name)["Id"] for name in ("One", "Two"))
    mine, colleague, other = (
        contact(api.world, 1, AccountId=one),
        contact(api.world, 2, AccountId=one),
        contact(api.world, 3, AccountId=two),
    )
    records = api.world.salesforce.org.records
    held, _ = records.hold([records.parents("Contact", mine, {})])
    results = api.update({"id": colleague, "NPS_Score__c": 1}, {"id": other, "NPS_Score__c": 1})
    assert [each["success"] for each in results] == [False, True]
    assert results[0]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    records.release(held)
    assert api.update({"id": colleague, "NPS_Score__c": 1})[0]["success"]


def test_locks_that_are_held_long_make_parallel_writes_collide(api: Api) -> None:
    account = api.world.salesforce.add_account("One")["Id"]
    ids = [contact(api.world, n, AccountId=account) for n in range(4)]
    api.world.salesforce.hold_locks(0.2)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda each: api.update({"id": each, "NPS_Score__c": 1})[0]["success"], ids))
    assert (True in results, False in results) == (True, True)


# --- queries and changes ---------------------------------------------------------------------------------------


def test_a_query_answers_as_recorded_and_never_shows_more_than_asked(api: Api) -> None:
    contact(api.world)
    url = f"{api.world.salesforce_url}/services/data/v60.0/query/"
    answer = api.session.get(
        url, params={"q": "SELECT Id, Email FROM Contact WHERE Email = 'bo1@x.example'"}
    ).json()
    real = recorded("restforce_query_success_response")
    assert set(answer) == set(real)
    assert set(answer["records"][0]) == {"attributes", "Id", "Email"}
    assert set(answer["records"][0]["attributes"]) == set(real["records"][0]["attributes"])


def test_a_long_result_comes_in_pages(api: Api) -> None:
    for number in range(2001):
        api.world.salesforce.add_contact("Berg", f"b{number}@x.example")
    url = f"{api.world.salesforce_url}/services/data/v60.0/query"
    first = api.session.get(url, params={"q": "SELECT Id FROM Contact"}).json()
    rest = api.session.get(api.world.salesforce_url + first["nextRecordsUrl"]).json()
    assert set(first) == set(recorded("restforce_query_paginated_first_page_response"))
    assert set(rest) == set(recorded("restforce_query_paginated_last_page_response"))
    assert (len(first["records"]), len(rest["records"]), rest["done"]) == (2000, 1, True)


def test_a_merged_contact_is_found_with_its_master(api: Api) -> None:
    winner, loser = contact(api.world, 1), contact(api.world, 2)
    api.world.salesforce.delete_contact(loser, master=winner)
    assert [each["Id"] for each in api.query("SELECT Id FROM Contact")] == [winner]
    text = "SELECT Id, MasterRecordId FROM Contact WHERE IsDeleted = true AND MasterRecordId != null"
    assert [(each["Id"], each["MasterRecordId"]) for each in api.query(text, deleted=True)] == [
        (loser, winner)
    ]


def test_what_changed_and_what_went_is_listed_as_recorded(api: Api, clock: HandClock) -> None:
    known, gone = contact(api.world, 1), contact(api.world, 2)
    clock.move(hours=1)
    api.world.salesforce.delete_contact(gone)
    clock.move(hours=1)
    span = "?start=2026-03-02T00:00:00%2B00:00&end=2026-03-03T00:00:00%2B00:00"
    updated = api.ask("GET", f"/sobjects/Contact/updated/{span}").json()
    deleted = api.ask("GET", f"/sobjects/Contact/deleted/{span}").json()
    assert shape(updated) == shape(recorded("restforce_get_updated_success_response"))
    assert shape(deleted) == shape(recorded("restforce_get_deleted_success_response"))
    assert (updated["ids"], deleted["deletedRecords"][0]["id"]) == ([known], gone)
    assert updated["latestDateCovered"] == "2026-03-02T11:00:00.000+0000"
    too_old = api.ask("GET", "/sobjects/Contact/updated/?start=2026-01-01T00:00:00Z&end=2026-03-03T00:00:00Z")
    assert too_old.json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"


def test_every_write_is_remembered_with_its_author(api: Api) -> None:
    known = contact(api.world)
    api.update({"id": known, "NPS_Score__c": 3})
    api.update({"id": known, "NPS_Score__c": 9})
    writes = api.world.salesforce.writes_of(known[:15])
    assert [write.fields.get("NPS_Score__c") for write in writes] == [None, 3.0, 9.0]
    assert writes[-1].by != writes[0].by


def test_a_field_that_an_admin_adds_can_be_written_and_is_described(api: Api) -> None:
    known = contact(api.world)
    api.world.salesforce.add_field("Contact", "Shoe_Size__c", "double")
    assert api.update({"id": known, "Shoe_Size__c": 44})[0]["success"]
    fields = api.ask("GET", "/sobjects/Contact/describe").json()["fields"]
    assert {"NPS_Score__c", "Shoe_Size__c"} <= {field["name"] for field in fields}


# --- programmed faults -----------------------------------------------------------------------------------------


def test_a_write_can_happen_while_its_answer_is_lost(api: Api) -> None:
    known = contact(api.world)
    api.world.salesforce.faults.add(Fault(path="/composite", method="PATCH", effect=Effect.COMMIT_THEN_DROP))
    with pytest.raises(requests.ConnectionError):
        api.update({"id": known, "NPS_Score__c": 9})
    assert api.world.salesforce.contact(known)["NPS_Score__c"] == 9.0
    assert api.world.salesforce.requests[-1].status == 0


# --- outbound messages -----------------------------------------------------------------------------------------


def embedded_schema(folder: Path, custom: tuple[str, ...]) -> xmlschema.XMLSchema:
    """The schemas inside the real WSDL, with custom fields added where an organisation's own WSDL has them."""
    wsdl = oracle_path("salesforce/wsdl/kvansaders_contact_outbound_message.wsdl").read_text(
        encoding="utf-8-sig"
    )
    more = "".join(
        f'<element name="{each}" nillable="true" minOccurs="0" type="xsd:string"/>\n' for each in custom
    )
    wsdl = wsdl.replace('<element name="OtherCity"', more + '<element name="OtherCity"')
    prefixes = " ".join(re.findall(r'xmlns:(?:xsd|tns|ent|ens)="[^"]+"', wsdl[: wsdl.index("<types>")]))
    files = {}
    for text in re.findall(r"<schema .*?</schema>", wsdl, re.DOTALL):
        space = re.search(r'targetNamespace="([^"]+)"', text)
        assert space
        files[space[1]] = folder / f"{len(files)}.xsd"
        files[space[1]].write_text(text.replace("<schema ", f"<schema {prefixes} ", 1))
    outbound = files[OUTBOUND.strip("{}")]
    return xmlschema.XMLSchema(str(outbound), locations={space: str(path) for space, path in files.items()})


def inner(body: str) -> str:
    """The notifications element as text: a parsed one has forgotten the prefix that its xsi:type uses."""
    found = re.search(r"<notifications .*</notifications>", body, re.DOTALL)
    assert found
    return found[0].replace("<notifications ", f'<notifications xmlns:xsi="{XSI}" ', 1)


def notifications(body: str) -> Any:
    return ElementTree.fromstring(body.encode()).find(f".//{OUTBOUND}notifications")


def values(body: str, field: str) -> list[str | None]:
    return [node.text for node in notifications(body).iter(f"{SF}{field}")]


def test_a_message_fits_the_schema_of_a_real_wsdl(world: World, receiver: Receiver, tmp_path: Path) -> None:
    world.salesforce.outbound.endpoint = receiver.url
    contact(
        world,
        NPS_Score__c=9,
        NPS_Band__c="promoter & <friend>",
        AccountId=world.salesforce.add_account("A")["Id"],
        HasOptedOutOfEmail=True,
        NPS_Date__c="2026-03-01T10:00:00Z",
    )
    assert world.salesforce.settle()
    body = world.salesforce.deliveries[0].body
    custom = ("NPS_Band__c", "NPS_Date__c", "NPS_Score__c")
    embedded_schema(tmp_path, custom).validate(inner(body))
    assert (values(body, "NPS_Score__c"), values(body, "NPS_Band__c")) == (["9.0"], ["promoter & <friend>"])
    assert values(body, "NPS_Date__c") == ["2026-03-01T10:00:00.000Z"]
    assert values(body, "Phone") == []


def test_a_message_has_the_skeleton_of_a_real_one(world: World, receiver: Receiver) -> None:
    real = ElementTree.fromstring(oracle_path("salesforce/outbound/real_case_php.xml").read_bytes())
    world.salesforce.outbound.endpoint = receiver.url
    contact(world)
    assert world.salesforce.settle()
    seen = receiver.requests[0]
    expected = [node.tag for node in real.find(f".//{OUTBOUND}notifications")]
    assert [node.tag for node in notifications(seen.body)] == expected
    kind = notifications(seen.body).find(f".//{OUTBOUND}sObject")
    assert kind.get(f"{{{XSI}}}type") == "sf:Contact"
    assert (seen.headers["content-type"], seen.headers["soapaction"]) == ("text/xml; charset=utf-8", '""')


def test_a_hundred_contacts_go_in_one_message_and_the_101st_in_another(
    world: World, receiver: Receiver
) -> None:
    ids = [contact(world, n) for n in range(101)]
    world.salesforce.outbound.endpoint = receiver.url
    world.salesforce.change_contacts([(each, {"Title": "Boss"}) for each in ids])
    assert world.salesforce.settle()
    assert [len(each.notifications) for each in world.salesforce.deliveries] == [100, 1]


def test_the_integrations_own_write_sends_nothing_unless_its_permissions_are_wrong(
    api: Api, receiver: Receiver
) -> None:
    known = contact(api.world)
    api.world.salesforce.outbound.endpoint = receiver.url
    api.update({"id": known, "NPS_Score__c": 9})
    assert api.world.salesforce.settle()
    assert receiver.requests == ()
    api.world.salesforce.org.echo = True
    api.update({"id": known, "NPS_Score__c": 8})
    assert api.world.salesforce.settle()
    assert values(receiver.requests[0].body, "LastModifiedById") == [long_id("005ak0000000001")]


@pytest.mark.parametrize(
    "reply", [Reply(200, b"OK"), Reply(500, ACK.body), Reply(200, ACK.body.replace(b"true", b"false"))]
)
def test_without_an_acknowledgement_the_message_comes_again_until_a_day_is_over(
    world: World, clock: HandClock, receiver: Receiver, reply: Reply
) -> None:
    receiver.reply = reply
    world.salesforce.outbound.endpoint = receiver.url
    contact(world)
    receiver.wait(3)
    clock.move(hours=24)
    assert world.salesforce.settle()
    log = world.salesforce.deliveries
    assert len(log) >= 3
    assert len({each.notifications for each in log}) == 1
    assert not any(each.acknowledged for each in log)


def test_a_late_message_tells_the_latest_state_under_its_first_id(world: World, receiver: Receiver) -> None:
    known = contact(world)
    changed: list[str] = []

    def meanwhile(_attempt: int) -> float:
        if not changed:
            changed.append(known)
            world.salesforce.org.records.update(
                "Contact", known, {"Title": "New"}, long_id("005ak0000000001")
            )
        return 1.0

    receiver.faults.add(Fault(path="/", status=503))
    world.salesforce.outbound.fields = ("Title",)
    world.salesforce.outbound.schedule = meanwhile
    world.salesforce.outbound.endpoint = receiver.url
    world.salesforce.change_contact(known, Title="Old")
    assert world.salesforce.settle()
    first, second = world.salesforce.deliveries
    assert (values(first.body, "Title"), values(second.body, "Title")) == (["Old"], ["New"])
    assert first.notifications == second.notifications


def test_a_delivered_message_can_come_again_byte_for_byte(world: World, receiver: Receiver) -> None:
    world.salesforce.outbound.endpoint = receiver.url
    contact(world)
    assert world.salesforce.settle()
    world.salesforce.redeliver(world.salesforce.deliveries[0])
    assert world.salesforce.settle()
    assert receiver.requests[0].body == receiver.requests[1].body


def test_moments_are_kept_in_utc(world: World) -> None:
    known = contact(world, NPS_Date__c="2026-03-01T12:00:00.000+0200")
    assert world.salesforce.contact(known)["NPS_Date__c"] == datetime(2026, 3, 1, 10, tzinfo=UTC)

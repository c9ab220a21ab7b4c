"""The Salesforce client over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from integrations.errors import Ambiguous, AuthFailed, IntegrationError, OptionsError, Permanent, RateLimited, Transient
from integrations.protocols import Crm, Score
from sandbox.world import World
from tests.oracles import oracle_path
from tests.support.clients import build
from tests.support.http import Reply, Seen, Server, answer, serving

JAN, PIET = "003abcde0000001", "003ak00000luKU2AAM"
API = "/services/data/v60.0"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(respond) as running:
        yield running


@pytest.fixture
def crm(server: Server) -> Iterator[Any]:
    client = connected(server)
    yield client
    client.session.close()


def connected(server: Server, **settings: Any) -> Any:
    auth = {"type": "client_credentials", "client_id": "client", "client_secret": "hush"}
    return build("salesforce", "salesforce", {"base_url": server.url, "auth": auth} | settings)


def respond(seen: Seen) -> Reply:
    """An org where everything works; its token names another instance, which must change nothing."""
    if seen.path == "/services/oauth2/token":
        return answer(200, {"access_token": "token", "instance_url": "https://elsewhere.invalid"})
    if seen.path.endswith("/composite/sobjects"):
        written = [{"id": record["id"], "success": True, "errors": []} for record in seen.json["records"]]
        return answer(200, written, sforce_limit_info="api-usage=18/5000")
    if seen.path.endswith("/query/"):
        return answer(200, {"totalSize": 0, "done": True, "records": []})
    if seen.path == "/services/oauth2/userinfo":
        return answer(200, {"user_id": "005ak000005hvjJ", "name": "Ringback", "email": "bot@acme.example"})
    return answer(200, {"attributes": {"type": "Contact"}, "Id": JAN, "Name": "Jan", "Email": "jan@acme.example"})


def calls(server: Server) -> list[Seen]:
    return [seen for seen in server.requests if "/oauth2/token" not in seen.path]


def score(record: str = JAN, **changes: Any) -> Score:
    answered = datetime(2026, 3, 1, 12, tzinfo=UTC)
    values: dict[str, Any] = {"metric": "nps", "score": 9, "band": "promoter", "answered_at": answered}
    return Score(record=record, **(values | changes))


def test_the_client_is_a_crm(crm: Any) -> None:
    methods = [name for name in vars(Crm) if not name.startswith("_")]
    assert len(methods) == 8
    assert all(hasattr(crm, name) for name in methods)


# Writing


def test_scores_are_written_in_one_call_and_each_has_its_result(crm: Any, server: Server) -> None:
    results = crm.write_scores([score(), score(PIET, score=2, band="detractor")])
    assert [(result.record, result.error) for result in results] == [(JAN, None), (PIET, None)]
    [call] = calls(server)
    assert (call.method, call.path) == ("PATCH", f"{API}/composite/sobjects")
    assert call.headers["authorization"] == "Bearer token"
    assert call.json["allOrNone"] is False
    assert crm.session.limits["api-usage"].remaining == 4982


def test_four_hundred_and_one_scores_take_three_calls(crm: Any, server: Server) -> None:
    many = [score(f"003{number:012}") for number in range(401)]
    results = crm.write_scores(many)
    assert [result.record for result in results] == [each.record for each in many]
    assert [len(call.json["records"]) for call in calls(server)] == [200, 200, 1]


def test_no_scores_take_no_call(crm: Any, server: Server) -> None:
    assert crm.write_scores([]) == ()
    assert server.requests == []


def test_only_hostile_ids_take_no_call(crm: Any, server: Server) -> None:
    results = crm.write_scores([score("//evil.example/x"), score("../../../x")])
    assert [result.error.code for result in results] == ["bad_id", "bad_id"]
    assert server.requests == []


def test_refused_records_do_not_hold_up_the_others_and_results_stay_in_order(crm: Any, server: Server) -> None:
    def partly(seen: Seen) -> Reply:
        if "oauth2" in seen.path:
            return respond(seen)
        refused = {"UNABLE": "UNABLE_TO_LOCK_ROW", "GONE": "ENTITY_IS_DELETED"}
        results: list[Any] = []
        for record in seen.json["records"]:
            code = next((code for mark, code in refused.items() if mark in record["id"]), None)
            errors = [{"statusCode": code, "message": "m", "fields": []}] if code else []
            results.append({"id": record["id"], "success": not code, "errors": errors})
        return answer(200, results)

    server.responder = partly
    records = ["003GONE00000001", JAN, "bad", "003UNABLE000001", "003GONE00000002"]
    groups = ["B", "B", "", "A", "A"]
    results = crm.write_scores([score(record, group=group) for record, group in zip(records, groups, strict=True)])
    assert [result.record for result in results] == records
    assert [getattr(result.error, "code", None) for result in results] == [
        "ENTITY_IS_DELETED",
        None,
        "bad_id",
        "UNABLE_TO_LOCK_ROW",
        "ENTITY_IS_DELETED",
    ]
    assert isinstance(results[3].error, Transient)


def test_two_scores_for_one_record_share_one_row_and_its_result(crm: Any, server: Server) -> None:
    results = crm.write_scores([score("003ak00000luKU2"), score("003ak00000luKU2AAM")])
    assert [result.error for result in results] == [None, None]
    assert len(calls(server)[0].json["records"]) == 1


@pytest.mark.parametrize(
    "name", ["batch__update__contacts__partial-but-allOrNone", "batch__update__contacts__err-each-no-ids"]
)
def test_results_recorded_from_a_real_org_are_told_record_by_record(crm: Any, server: Server, name: str) -> None:
    crm.me()
    server.replies = [Reply(200, oracle_path(f"salesforce/rest/{name}.json").read_bytes())]
    assert all(isinstance(result.error, Permanent) for result in crm.write_scores([score(), score(PIET)]))


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "x"}]), RateLimited),
        (answer(403, [{"errorCode": "API_DISABLED_FOR_ORG", "message": "x"}]), Permanent),
        (answer(400, [{"errorCode": "JSON_PARSER_ERROR", "message": "x"}]), Permanent),
        (answer(300, ["/services/data/v60.0/sobjects/Contact/1"]), Permanent),
        (answer(404, [{"errorCode": "NOT_FOUND", "message": "x"}]), Permanent),
        (answer(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "x"}]), Transient),
        (answer(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "x"}]), Transient),
        (Reply(502, b"<html>Bad Gateway</html>"), Ambiguous),
        (Reply(drop=True), Ambiguous),
        (Reply(200, b"<html>Maintenance</html>"), Ambiguous),
        (answer(200, [{"id": JAN, "success": True, "errors": []}]), Ambiguous),  # one result for two records
        (answer(200, {"hasErrors": False}), Ambiguous),
        (answer(200, []), Ambiguous),
    ],
)
def test_trouble_with_the_whole_call_is_raised(
    crm: Any, server: Server, reply: Reply, kind: type[IntegrationError]
) -> None:
    crm.me()  # the token is there
    server.replies = [reply]
    with pytest.raises(IntegrationError) as refused:
        crm.write_scores([score(), score(PIET)])
    assert type(refused.value) is kind
    if isinstance(refused.value, RateLimited):
        assert refused.value.retry_after is None


# Tokens


def test_an_expired_session_is_renewed_and_the_write_repeated(crm: Any, server: Server) -> None:
    crm.me()
    expired = oracle_path("salesforce/rest/restforce_expired_session_response.json").read_bytes()
    server.replies = [Reply(401, expired)]
    assert crm.write_scores([score()])[0].error is None
    assert sum("/oauth2/token" in seen.path for seen in server.requests) == 2


def test_a_permanent_401_ends_after_two_tokens_and_two_requests(crm: Any, server: Server) -> None:
    def never(seen: Seen) -> Reply:
        return respond(seen) if "oauth2/token" in seen.path else answer(401, [{"errorCode": "INVALID_SESSION_ID"}])

    server.responder = never
    with pytest.raises(AuthFailed):
        crm.write_scores([score()])
    assert len(server.requests) == 4


def test_the_oauth_endpoints_own_way_to_refuse_a_token_renews_it_too(crm: Any, server: Server) -> None:
    server.replies = [answer(200, {"access_token": "stale"}), Reply(403, b"Bad_OAuth_Token")]
    assert crm.me().id == "005ak000005hvjJ"


def test_credentials_go_in_the_body_of_the_token_request_and_nowhere_else(crm: Any, server: Server) -> None:
    crm.me()
    token_request = server.requests[0]
    assert b"client_secret=hush" in token_request.body
    assert "hush" not in token_request.target
    assert "authorization" not in token_request.headers


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_a_jwt_login_signs_who_we_are_for_salesforces_login(
    server: Server, key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    (tmp_path / "key.pem").write_bytes(pem(key))
    auth = {"type": "jwt", "client_id": "client", "username": "bot@acme.example"}
    settings = {"base_url": server.url, "auth": auth | {"private_key_file": str(tmp_path / "key.pem")}}
    crm: Any = build("salesforce", "salesforce", settings, now=lambda: 1_000_000.0)
    crm.me()
    crm.session.close()
    form = dict(part.split("=", 1) for part in server.requests[0].body.decode().split("&"))
    assert form["grant_type"] == "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"
    login = "https://login.salesforce.com"
    claims = jwt.decode(
        form["assertion"], key.public_key(), ["RS256"], audience=login, options={"verify_exp": False}
    )
    assert (claims["iss"], claims["sub"], claims["exp"]) == ("client", "bot@acme.example", 1_000_180)


@pytest.mark.parametrize("content", [b"no key", b"", b"\xff\xfe"])
def test_a_broken_private_key_is_found_before_the_first_request(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(content)
    auth = {"type": "jwt", "client_id": "c", "username": "u", "private_key_file": str(tmp_path / "key.pem")}
    with pytest.raises(OptionsError, match=r"auth\.private_key_file: holds no readable private key"):
        build("salesforce", "salesforce", {"base_url": "https://acme.my.salesforce.com", "auth": auth})


# Reading


def test_contacts_are_found_by_an_address_that_cannot_break_out_of_the_query(crm: Any, server: Server) -> None:
    found = {"Id": JAN, "Name": "Jan", "Email": "o'b@acme.example", "Phone": None, "attributes": {"type": "Contact"}}
    crm.me()
    server.replies = [answer(200, {"totalSize": 1, "done": True, "records": [found]})]
    [contact] = crm.find_contacts(" o'b\\@acme.example ")
    assert (contact.id, contact.name, contact.phone) == (JAN, "Jan", None)
    assert "WHERE Email = 'o\\'b\\\\@acme.example' " in calls(server)[-1].query["q"][0]


def test_nobody_with_the_address_is_no_contacts(crm: Any) -> None:
    assert crm.find_contacts("nobody@acme.example") == ()


def test_a_contact_is_read_with_no_more_fields_than_are_needed(crm: Any, server: Server) -> None:
    assert crm.get_contact(JAN).email == "jan@acme.example"
    assert calls(server)[0].path == f"{API}/sobjects/Contact/{JAN}"
    assert calls(server)[0].query == {"fields": ["Id,Name,Email,MobilePhone,Phone,HomePhone,OtherPhone"]}


@pytest.mark.parametrize("code", ["NOT_FOUND", "ENTITY_IS_DELETED"])
def test_a_contact_that_is_gone_is_none(crm: Any, server: Server, code: str) -> None:
    crm.me()
    server.replies = [answer(404, [{"errorCode": code, "message": "x"}])]
    assert crm.get_contact(JAN) is None


@pytest.mark.parametrize("hostile", ["//evil.example/x", "../User/005", "003abcde000000?", "", "a" * 16])
def test_a_hostile_id_never_becomes_a_request(crm: Any, server: Server, hostile: str) -> None:
    with pytest.raises(Permanent):
        crm.get_contact(hostile)
    assert server.requests == []


@pytest.mark.parametrize("body", [{}, [], "x", {"records": [{}]}, {"records": 1}])
def test_an_answer_that_cannot_be_read_is_asked_for_again_later(crm: Any, server: Server, body: Any) -> None:
    crm.me()
    server.replies = [answer(200, body)]
    with pytest.raises(Transient):
        crm.find_contacts("jan@acme.example")


def test_we_are_the_user_of_our_token(crm: Any) -> None:
    assert crm.me().id == "005ak000005hvjJ"


def test_another_api_version_may_be_chosen(server: Server) -> None:
    for version in ("v59.0", 59.0, "59.0"):
        client = connected(server, api_version=version)
        client.get_contact(JAN)
        client.session.close()
    assert {call.path for call in calls(server)} == {f"/services/data/v59.0/sobjects/Contact/{JAN}"}


def test_the_instance_that_a_token_names_is_not_trusted(crm: Any, server: Server) -> None:
    crm.write_scores([score()])
    assert len(calls(server)) == 1, "the write went to base_url, not to the token's instance_url"


# With the stand-in


@pytest.fixture
def world() -> Iterator[World]:
    with World() as running:
        yield running


@pytest.fixture
def org(world: World) -> Iterator[Any]:
    salesforce = world.salesforce
    auth = {"type": "client_credentials", "client_id": salesforce.client_id, "client_secret": salesforce.client_secret}
    client: Any = build("salesforce", "salesforce", {"base_url": world.salesforce_url, "auth": auth})
    yield client
    client.session.close()


def test_scores_land_on_contacts_and_refused_ones_are_told(world: World, org: Any) -> None:
    ids = [world.salesforce.add_contact(name, f"{name}@customer.example")["Id"] for name in ("jan", "piet", "kees")]
    world.salesforce.refuse(ids[1], "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    world.salesforce.delete_contact(ids[2])
    results = org.write_scores([score(ids[0][:15]), score(ids[1]), score(ids[2])])
    assert [getattr(result.error, "code", None) for result in results] == [
        None,
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "ENTITY_IS_DELETED",
    ]
    assert world.salesforce.contact(ids[0])["NPS_Score__c"] == 9
    assert world.salesforce.contact(ids[0])["NPS_Band__c"] == "promoter"


def test_a_contact_is_found_by_its_address_and_read_by_its_id(world: World, org: Any) -> None:
    contact = world.salesforce.add_contact("O'Brien", "o'brien@customer.example")
    [found] = org.find_contacts("O'Brien@customer.example")
    assert found.id == contact["Id"]
    assert org.get_contact(contact["Id"]) == found
    world.salesforce.delete_contact(contact["Id"])
    assert org.get_contact(contact["Id"]) is None


def test_an_org_without_calls_left_says_so(world: World, org: Any) -> None:
    org.me()
    world.salesforce.usage.most = 0
    with pytest.raises(RateLimited):
        org.write_scores([score()])


def test_expired_sessions_are_replaced_without_anyone_noticing(world: World, org: Any) -> None:
    assert org.find_contacts("x@customer.example") == ()
    world.salesforce.expire_sessions()
    assert org.find_contacts("x@customer.example") == ()

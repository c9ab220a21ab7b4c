"""Who may be believed: Zendesk's signature, Standard Webhooks, and tokens in a path."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import oracle_path
from webhooks.errors import Refused
from webhooks.signatures import (
    standard_key,
    standard_signature,
    token_matches,
    verify_standard,
)
from webhooks.zendesk.signature import verify_zendesk, zendesk_signature

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SECRET = "zendesk-signing-secret"
WHSEC = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0"
OLD_WHSEC = "whsec_b2xkIG9sZCBvbGQgb2xk"
BODY = b'{"type": "ticket.solved"}'

Verify = Callable[[dict[str, str], bytes, list[str], datetime], None]
Headers = Callable[..., dict[str, str]]


def zendesk_headers(body: bytes = BODY, secret: str = SECRET, at: datetime = NOW) -> dict[str, str]:
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "x-zendesk-webhook-signature": zendesk_signature(secret, stamp, body),
        "x-zendesk-webhook-signature-timestamp": stamp,
    }


def standard_headers(body: bytes = BODY, secret: str = WHSEC, at: datetime = NOW) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + standard_signature(secret, "msg_1", stamp, body),
    }


BOTH = pytest.mark.parametrize(
    ("verify", "headers"), [(verify_zendesk, zendesk_headers), (verify_standard, standard_headers)])


def test_published_zendesk_signatures_are_ours_too() -> None:
    folder = oracle_path("zendesk/webhooks/signature_vectors.json").parent
    for vector in json.loads((folder / "signature_vectors.json").read_text()):
        body = (folder / vector["body_file"]).read_bytes() if "body_file" in vector else vector["body"].encode()
        assert zendesk_signature(vector["secret"], vector["timestamp"], body) == vector["signature"]


def test_a_published_delivery_is_believed_at_its_own_time() -> None:
    vectors = json.loads(oracle_path("zendesk/webhooks/signature_vectors.json").read_text())
    [vector] = [each for each in vectors if each["timestamp"] == "2021-03-25T05:09:27Z"]
    headers = {"x-zendesk-webhook-signature": vector["signature"],
               "x-zendesk-webhook-signature-timestamp": vector["timestamp"]}
    at = datetime(2021, 3, 25, 5, 9, 27, tzinfo=UTC)
    verify_zendesk(headers, vector["body"].encode(), [vector["secret"]], at)
    with pytest.raises(Refused, match="hours old"):
        verify_zendesk(headers, vector["body"].encode(), [vector["secret"]], NOW)


def test_a_recorded_delivery_has_the_headers_we_look_for() -> None:
    """Its secret is unknown, so the furthest it can come is that the signature does not match."""
    recorded = json.loads(oracle_path("zendesk/webhooks/zenpy.real_invocation_attempts.json").read_text())
    [request] = [each["request"] for each in recorded["attempts"] if "request" in each]
    headers = {header["key"].lower(): header["value"] for header in request["headers"]}
    with pytest.raises(Refused, match="x-zendesk-webhook-signature does not match"):
        verify_zendesk(headers, request["payload"].encode(), [SECRET], NOW)


def test_the_example_of_the_standard_webhooks_specification_verifies() -> None:
    """Source: Standard Webhooks 1.0, the example of its reference libraries."""
    body = b'{"test": 2432232314}'
    signature = standard_signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                   "1614265330", body)
    assert signature == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_without_padding_or_prefix_is_the_same_key() -> None:
    assert standard_key("whsec_YWI=") == standard_key("whsec_YWI") == standard_key("YWI=") == b"ab"


@BOTH
@pytest.mark.parametrize("offset", [timedelta(0), timedelta(minutes=5), timedelta(minutes=-5)])
def test_a_signature_within_five_minutes_is_believed(verify: Verify, headers: Headers, offset: timedelta) -> None:
    verify(headers(at=NOW + offset), BODY, [SECRET if verify is verify_zendesk else WHSEC], NOW)


@BOTH
@pytest.mark.parametrize(("seconds", "word"), [
    (-301, "5 minutes old"), (301, "5 minutes ahead"), (-870, "14 minutes old"), (-90_000, "25 hours old"),
])
def test_a_signature_outside_five_minutes_is_refused_with_its_age(
        verify: Verify, headers: Headers, seconds: int, word: str) -> None:
    secret = SECRET if verify is verify_zendesk else WHSEC
    with pytest.raises(Refused, match=f"timestamp is {word}; check the sender's clock"):
        verify(headers(at=NOW + timedelta(seconds=seconds)), BODY, [secret], NOW)


def test_both_secrets_are_good_while_one_replaces_the_other() -> None:
    verify_zendesk(zendesk_headers(secret="old"), BODY, ["new", "old"], NOW)
    verify_standard(standard_headers(secret=OLD_WHSEC), BODY, [WHSEC, OLD_WHSEC], NOW)


def test_one_good_signature_of_several_is_enough() -> None:
    headers = standard_headers()
    headers["webhook-signature"] = f"v1,AAAA v1a,other {headers['webhook-signature']} v2,zzz"
    verify_standard(headers, BODY, [WHSEC], NOW)


def test_a_good_signature_under_another_version_is_refused() -> None:
    headers = standard_headers()
    headers["webhook-signature"] = headers["webhook-signature"].replace("v1,", "v2,")
    with pytest.raises(Refused, match="webhook-signature does not match"):
        verify_standard(headers, BODY, [WHSEC], NOW)


@pytest.mark.parametrize("changed", [BODY + b" ", BODY[:-1], b""])
def test_a_changed_body_is_refused(changed: bytes) -> None:
    with pytest.raises(Refused, match="x-zendesk-webhook-signature does not match"):
        verify_zendesk(zendesk_headers(), changed, [SECRET], NOW)
    with pytest.raises(Refused, match="webhook-signature does not match"):
        verify_standard(standard_headers(), changed, [WHSEC], NOW)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_what_is_signed_beside_the_body_cannot_be_changed(name: str) -> None:
    headers = standard_headers()
    headers[name] += "1"
    with pytest.raises(Refused, match="does not match"):
        verify_standard(headers, BODY, [WHSEC], NOW)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(name: str) -> None:
    headers = standard_headers()
    del headers[name]
    with pytest.raises(Refused, match=f"the header {name} is missing"):
        verify_standard(headers, BODY, [WHSEC], NOW)


@pytest.mark.parametrize("stamp", ["soon", "1.5", "-1", "١٢٣", "9" * 40, "1_0"])
def test_a_signed_timestamp_that_is_none_is_refused(stamp: str) -> None:
    signature = standard_signature(WHSEC, "msg_1", stamp, BODY)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}
    with pytest.raises(Refused, match="webhook-timestamp is not a moment"):
        verify_standard(headers, BODY, [WHSEC], NOW)


@pytest.mark.parametrize("secrets", [[], [""]])
def test_a_connection_without_a_secret_believes_nobody(secrets: list[str]) -> None:
    for verify, headers in ((verify_zendesk, zendesk_headers()), (verify_standard, standard_headers())):
        with pytest.raises(Refused, match="no webhook_secret"):
            verify(headers, BODY, secrets, NOW)


def test_an_empty_secret_beside_a_good_one_opens_nothing() -> None:
    with pytest.raises(Refused, match="does not match"):
        verify_zendesk(zendesk_headers(secret=""), BODY, [SECRET, ""], NOW)
    verify_standard(standard_headers(), BODY, ["", WHSEC], NOW)


@pytest.mark.parametrize("secret", ["whsec_not base64!", "whsec_é", "whsec_"])
def test_a_secret_that_cannot_be_decoded_is_said_without_showing_it(secret: str) -> None:
    with pytest.raises(Refused, match="webhook_secret is not base64") as error:
        verify_standard(standard_headers(), BODY, [secret], NOW)
    assert secret.removeprefix("whsec_") not in error.value.reason or secret == "whsec_"


def test_no_refusal_tells_a_secret_or_the_right_signature() -> None:
    right = standard_headers()["webhook-signature"]
    with pytest.raises(Refused) as error:
        verify_standard({**standard_headers(), "webhook-signature": "v1,AAAA"}, BODY, [WHSEC], NOW)
    assert WHSEC not in error.value.reason
    assert right.removeprefix("v1,") not in error.value.reason


@given(signature=st.text(max_size=80), stamp=st.text(max_size=40), message_id=st.text(max_size=40),
       body=st.binary(max_size=80))
def test_nothing_but_refusals_comes_of_forged_headers(signature: str, stamp: str, message_id: str, body: bytes) -> None:
    headers = {"webhook-signature": signature, "webhook-timestamp": stamp, "webhook-id": message_id,
               "x-zendesk-webhook-signature": signature, "x-zendesk-webhook-signature-timestamp": stamp}
    with pytest.raises(Refused):
        verify_standard(headers, body, [WHSEC], NOW)
    with pytest.raises(Refused):
        verify_zendesk(headers, body, [SECRET], NOW)


def test_a_token_matches_only_itself() -> None:
    assert token_matches("new", ["old", "new"])
    assert not token_matches("ne", ["new"])
    assert not token_matches("néw", ["new"])
    assert not token_matches("", [""])

"""What other systems tell us, and what our own pages do."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures import envelope, payload
from tests.unit.test_signatures import NOW, WHSEC, standard_headers
from webhooks.delivery import Account, Delivery, Request
from webhooks.errors import Refused, Unreadable, WebhookError
from webhooks.inbound.own_events import OwnEventsSource
from webhooks.inbound.source import InboundSource
from webhooks.parsing import json_object
from workflows.events import EVENT_TYPES, Event, Person

KINDS = {"zendesk_user_id": "zendesk", "salesforce_contact_id": "salesforce"}
"""Where no such connection is configured."""

OWNERS = {"zendesk_user_id": "zendesk-nl", "salesforce_contact_id": "crm"}
ACCOUNT = Account("survey-platform", "inbound", (WHSEC,), source=InboundSource(), owners=OWNERS, helpdesk="zendesk-nl")
OWN = Account(
    "ringback", "internal", source=OwnEventsSource(), owners=KINDS | {"zendesk_user_id": "zendesk-nl"},
    helpdesk="zendesk-nl",
)  # fmt: skip
ANSWERED = payload("inbound/survey_answered.json")


def the_event(body: bytes, account: Account = ACCOUNT) -> Event:
    delivery = Delivery(account.connection, "msg_1", NOW, "application/json", {}, body)
    assert account.source is not None
    [event] = account.source.translate(delivery, account).events
    return event


def answered(account: Account = ACCOUNT, **data: Any) -> Event:
    """The answer of the fixture with fields of its data replaced; ... removes."""
    body = json.loads(ANSWERED)
    body["data"] = {name: value for name, value in {**body["data"], **data}.items() if value is not ...}
    return the_event(json.dumps(body).encode(), account)


def test_an_answer_has_every_neutral_field_and_everything_else_it_came_with() -> None:
    event = the_event(ANSWERED)
    assert (event.id, event.type, event.connection) == ("answer-1", "survey.answered", "survey-platform")
    assert event.time == datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    assert set(EVENT_TYPES["survey.answered"].fields) <= set(event.data)
    expected = {"response": "answer-1", "response_id": "answer-1", "survey": "after-support", "metric": "nps",
                "score": 3, "band": "detractor", "scale": "nps", "comment": "Waited a week for the lamp.",
                "contact_consent": True, "contact_refused": False, "improvements": False,
                "answered_at": "2026-11-22T09:59:30Z",
                "about": None, "device": "phone", "previous": None, "revision": 1,
                "ticket": "zendesk-nl:90210", "context": {"ticket_id": "90210", "product": "Desk lamp"}}
    assert dict(event.data) == expected


@pytest.mark.parametrize(("said", "refused"), [(..., False), (None, False), (True, False), (False, True), ("no", True)])
def test_only_who_said_no_has_refused_to_be_contacted(said: object, refused: bool) -> None:
    assert answered(contact_consent=said).data["contact_refused"] is refused


def test_the_customer_becomes_the_person_and_leaves_the_data() -> None:
    assert the_event(ANSWERED).person == Person(
        "ann@example.com", "Ann Jansen", "+31201234567", "nl",
        ids={"crm": "003000000000001AAA", "zendesk-nl": "8055"}, facts={"loyalty_tier": "gold"})


def test_ids_go_under_the_kind_when_no_connection_of_it_is_known() -> None:
    event = the_event(ANSWERED, Account("survey-platform", "inbound", source=InboundSource(), owners=KINDS))
    assert event.person is not None
    assert event.person.ids == {"salesforce": "003000000000001AAA", "zendesk": "8055"}
    assert "ticket" not in event.data


def test_what_the_sender_leaves_out_is_filled_in() -> None:
    event = answered(comment=..., contact_consent=..., answered_at=..., context=..., customer=...)
    data = event.data
    assert (data["comment"], data["contact_consent"], data["context"]) == ("", False, {})
    assert data["answered_at"] == "2026-11-22T10:00:00Z"
    assert event.person is None
    assert answered(comment=None, contact_consent=None, answered_at=None, context=None).data["contact_consent"] is False


@pytest.mark.parametrize(("metric", "scale", "score", "band"), [
    ("nps", None, 0, "detractor"), ("nps", None, 6, "detractor"), ("nps", None, 7, "passive"),
    ("nps", None, 8, "passive"), ("nps", None, 9, "promoter"), ("nps", None, 10, "promoter"),
    ("nps", "european-nps", 5, "detractor"), ("nps", "european-nps", 6, "passive"),
    ("nps", "european-nps", 8, "promoter"), ("nls", None, 6, "detractor"),
    ("csat", None, 3, "passive"), ("csat", None, 5, "promoter"), ("csat", "csat-10", 10, "promoter"),
    ("ces", "ces-7-effort", 1, "promoter"), ("ces", "ces-7-effort", 7, "detractor"),
])
def test_the_band_is_worked_out_on_the_scale_that_is_named(metric: str, scale: str, score: int, band: str) -> None:
    for name in ("scale", "variant"):
        data = answered(metric=metric, score=score, **{name: scale}).data
        assert data["band"] == band
        assert data["scale"] == scale or scale is None


def test_a_band_that_others_claim_is_not_believed() -> None:
    assert answered(band="promoter").data["band"] == "detractor"


def test_our_own_page_knows_the_band_and_the_customer() -> None:
    event = answered(OWN, band="passive", scale="nps(2,9)", customer={"id": "01CUSTOMER"}, about="01FIRST")
    assert (event.data["band"], event.data["scale"], event.data["about"]) == ("passive", "nps(2,9)", "01FIRST")
    assert event.person == Person(ids={"ringback": "01CUSTOMER"})


def test_others_cannot_name_our_customers() -> None:
    person = answered(customer={"id": "01CUSTOMER"}).person
    assert person == Person(facts={"id": "01CUSTOMER"})


@pytest.mark.parametrize(("data", "message"), [
    ({"score": 11}, "data.score '11' does not fit nps. Send a whole number from 0 to 10."),
    ({"score": -1}, "data.score '-1' does not fit nps"),
    ({"metric": "csat", "score": 0}, "data.score '0' does not fit csat-5. Send a whole number from 1 to 5."),
    ({"score": 3.5}, "data.score is no whole number; send one"),
    ({"score": True}, "data.score is no whole number"),
    ({"score": "many"}, "data.score is no whole number"),
    ({"score": None}, "data.score is null"),
    ({"score": ...}, "data.score is missing; send it"),
    ({"metric": "joy"}, 'data.metric "joy" is not known. Use one of nps, nls, csat, ces.'),
    ({"metric": ...}, "data.metric is missing"),
    ({"scale": "csat-10"}, 'data.variant "csat-10" is no scale of nps'),
    ({"scale": 5}, "data.scale is 5; send one of nps"),
    ({"response_id": ...}, "data.response_id is missing"),
    ({"response_id": {}}, "data.response_id is no id"),
    ({"survey": 4}, "data.survey is not text"),
    ({"survey": "s" * 101}, "data.survey is longer than 100 characters"),
    ({"contact_consent": "maybe"}, "data.contact_consent is neither true nor false"),
    ({"answered_at": "yesterday"}, "data.answered_at is 'yesterday'; send RFC 3339 with a time zone"),
    ({"context": []}, "data.context is not an object"),
    ({"about": "x" * 27}, "data.about is longer than 26 characters"),
    ({"customer": "ann@example.com"}, "data.customer is not an object"),
    ({"customer": {"email": ["ann@example.com"]}}, "data.customer.email is not text"),
    ({"customer": {"locale": "x" * 36}}, "data.customer.locale is longer than 35 characters"),
    ({"customer": {"zendesk_user_id": 1.5}}, "data.customer.zendesk_user_id is no id"),
])
def test_a_mistake_in_the_data_is_told_with_path_value_and_remedy(data: dict[str, Any], message: str) -> None:
    with pytest.raises(Unreadable) as error:
        answered(**data)
    assert message in error.value.reason
    assert "ann@example.com" not in error.value.reason


@pytest.mark.parametrize(("change", "message"), [
    ({"type": ...}, "type is missing"),
    ({"type": "Survey.Answered"}, "type is 'Survey.Answered'; send words with dots between"),
    ({"type": "answered"}, "type is 'answered'"),
    ({"type": "a." * 60 + "b"}, "type is 'a.a."),
    ({"type": "survey.answered\n"}, "type is 'survey.answered\\n'"),
    ({"time": ...}, "time is missing"),
    ({"time": "2026-11-22T10:00:00"}, "time is '2026-11-22T10:00:00'; send RFC 3339"),
    ({"time": 1700000000}, "time is 1700000000"),
    ({"id": "x" * 201}, "id is longer than 200 characters"),
    ({"id": 7}, "id is not text"),
    ({"data": ...}, "data is missing; send an object"),
    ({"data": []}, "data is not an object"),
])
def test_a_mistake_in_the_envelope_is_told(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Unreadable) as error:
        the_event(envelope("inbound/survey_answered.json", **change))
    assert message in error.value.reason


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(Unreadable) as error:
        answered(survey=..., contact_consent="perhaps")
    assert "data.survey" in error.value.reason
    assert "data.contact_consent" in error.value.reason


def test_an_event_without_an_id_has_that_of_its_delivery() -> None:
    assert the_event(envelope("inbound/survey_answered.json", id=...)).id == "msg_1"


def test_a_type_of_their_own_is_kept_as_told() -> None:
    event = the_event(envelope("inbound/order_delivered.json", type="parcel.delivered"))
    assert (event.type, event.time) == ("parcel.delivered", datetime(2026, 11, 22, 7, 0, tzinfo=UTC))
    assert event.data == {"order": "77", "amount": 49.5}
    assert event.person == Person(email="bo@example.com")


def test_a_neutral_type_has_its_neutral_fields_whoever_tells_it() -> None:
    event = the_event(envelope("inbound/order_delivered.json", type="customer.opted_out"))
    assert (event.data["channel"], event.data["source"]) == (None, None)


def test_feedback_without_a_score_is_words_alone() -> None:
    body = envelope("inbound/order_delivered.json", type="feedback.logged", data={"comment": "Kind", "score": None})
    data = the_event(body).data
    assert (data["comment"], data["contact_consent"], data["context"]) == ("Kind", False, {})
    assert "score" not in data


def test_feedback_with_a_score_is_an_answer() -> None:
    assert the_event(envelope("inbound/survey_answered.json", type="feedback.logged")).data["band"] == "detractor"


def test_a_subject_that_fits_no_index_is_refused() -> None:
    with pytest.raises(Unreadable, match=r"data\.ticket is longer than 200 characters"):
        the_event(envelope("inbound/order_delivered.json", type="ticket.solved", data={"ticket": "x" * 201}))


def test_the_delivery_is_kept_under_its_webhook_id() -> None:
    request = Request(ANSWERED, standard_headers(ANSWERED), NOW)
    delivery = InboundSource().verify(request, ACCOUNT)
    assert (delivery.key, delivery.body) == ("msg_1", ANSWERED)
    assert "webhook-signature" not in delivery.headers


def test_a_body_declared_as_something_else_is_refused() -> None:
    headers = {**standard_headers(ANSWERED), "content-type": "text/plain"}
    with pytest.raises(Refused, match="something else than JSON") as error:
        InboundSource().verify(Request(ANSWERED, headers, NOW), ACCOUNT)
    assert error.value.status == 415


def test_nobody_outside_is_genuine_for_our_own_connection() -> None:
    with pytest.raises(Refused) as error:
        OwnEventsSource().verify(Request(ANSWERED, standard_headers(ANSWERED), NOW), OWN)
    assert error.value.status == 404


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=8)
NAMES = st.sampled_from(["response_id", "survey", "metric", "score", "scale", "variant", "comment", "contact_consent",
                         "answered_at", "context", "customer", "about", "ticket", "band"])
TYPES = st.sampled_from([*EVENT_TYPES, "order.delivered"])


@given(kind=TYPES | JSON, id_=JSON, time=JSON | st.just("2026-11-22T10:00:00Z"), changed=st.dictionaries(NAMES, JSON),
       account=st.sampled_from([ACCOUNT, OWN]))
def test_no_envelope_whatsoever_breaks_the_reader(
        kind: Any, id_: Any, time: Any, changed: dict[str, Any], account: Account) -> None:
    body = json.loads(ANSWERED)
    body |= {"type": kind, "time": time, "data": {**body["data"], **changed}} | ({"id": id_} if id_ else {})
    try:
        event = the_event(json.dumps(body).encode(), account)
    except WebhookError:
        return  # refused with a reason: the room's own answer
    json.dumps(dict(event.data), allow_nan=False).encode()
    assert event.time.tzinfo is UTC


def test_a_number_that_no_computer_can_hold_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="a byte or number that JSON does not allow"):
        json_object(b'{"type": "order.delivered", "data": {"weight": 1e999}}')

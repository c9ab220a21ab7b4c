"""What Zendesk's webhooks mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures import envelope, payload
from tests.oracles import oracle_path
from webhooks.delivery import Account, Delivery, Translation
from webhooks.errors import Unreadable, WebhookError
from webhooks.zendesk.source import ZendeskSource
from webhooks.zendesk.triggers import TYPES
from workflows.events import EVENT_TYPES, Event, Person

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
ACCOUNT = Account("zendesk-nl", "zendesk", ("secret",), own_user="9999")
ZENDESK = ZendeskSource()


def translate(body: bytes, account: Account = ACCOUNT, key: str = "01INVOCATION") -> Translation:
    return ZENDESK.translate(Delivery(account.connection, key, NOW, "application/json", {}, body), account)


def the_event(body: bytes, account: Account = ACCOUNT) -> Event:
    [event] = translate(body, account).events
    return event


@pytest.mark.parametrize(("fixture", "neutral"), [
    ("ticket_created", "ticket.created"),
    ("ticket_solved", "ticket.solved"),
    ("ticket_reopened", "ticket.reopened"),
    ("ticket_assigned", "ticket.assigned"),
    ("ticket_group_assigned", "ticket.assigned"),
    ("ticket_commented", "ticket.commented"),
    ("ticket_merged", "ticket.merged"),
    ("ticket_deleted", "ticket.deleted"),
    ("csat_rated", "csat.rated"),
    ("trigger_solved", "ticket.solved"),
])
def test_an_event_becomes_its_neutral_type_with_every_neutral_field(fixture: str, neutral: str) -> None:
    event = the_event(payload(f"zendesk/{fixture}.json"))
    assert event.type == neutral
    assert set(EVENT_TYPES[neutral].fields) <= set(event.data)
    assert event.data["ticket"] == "zendesk-nl:90210"
    assert event.connection == "zendesk-nl"


def test_a_solved_ticket_carries_all_that_conditions_may_ask() -> None:
    event = the_event(payload("zendesk/ticket_solved.json"))
    assert event.id == "0e1f2a3b-0000-4000-8000-000000000002"
    assert event.time == datetime(2026, 11, 21, 9, 30, 0, 123456, tzinfo=UTC)
    assert event.person == Person(ids={"zendesk-nl": "8055"})
    expected = {"ticket_id": "90210", "status": "solved", "priority": "high", "tags": ["lamp", "vip"], "group": "400",
                "agent": "7001", "subject": "Broken lamp", "external_id": None, "channel": "email", "brand": "310",
                "form": "601", "requester_id": "8055", "organization_id": None, "callback": None}
    assert {name: event.data[name] for name in expected} == expected
    assert event.data["detail"]["custom_status"] == "501"
    assert event.data["change"]["previous"] == "OPEN"


@pytest.mark.parametrize(("previous", "current", "neutral"), [
    ("NEW", "SOLVED", "ticket.solved"),
    ("HOLD", "SOLVED", "ticket.solved"),
    ("OPEN", "CLOSED", "ticket.solved"),
    ("SOLVED", "NEW", "ticket.reopened"),
    ("SOLVED", "OPEN", "ticket.reopened"),
    ("SOLVED", "PENDING", "ticket.reopened"),
    ("SOLVED", "HOLD", "ticket.reopened"),
    ("SOLVED", "DELETED", "ticket.deleted"),
    ("SOLVED", "CLOSED", "ticket.closed"),
    ("DELETED", "OPEN", "ticket.restored"),
    ("DELETED", "SOLVED", "ticket.restored"),
    ("OPEN", "DELETED", "ticket.deleted"),
    ("CLOSED", "DELETED", "ticket.deleted"),
    ("CLOSED", "SCRUBBED", "ticket.deleted"),
    ("solved", "open", "ticket.reopened"),
])
def test_a_status_change_that_matters_is_named(previous: str, current: str, neutral: str) -> None:
    event = the_event(envelope("zendesk/ticket_solved.json", event={"previous": previous, "current": current}))
    assert event.type == neutral
    assert event.data["status"] == current.lower()


@pytest.mark.parametrize(("previous", "current"), [
    ("CLOSED", "CLOSED"), ("SOLVED", "SOLVED"), ("NEW", "OPEN"), ("OPEN", "PENDING"),
    ("CLOSED", "ARCHIVED"), ("DELETED", "SCRUBBED"), ("SOLVED", "INVENTED"), ("OPEN", "INVENTED"),
    ("INVENTED", "SOLVED"), ("ARCHIVED", "CLOSED"), ("CLOSED", "SOLVED"),
])
def test_a_status_change_that_means_nothing_is_ignored_with_both_statuses(previous: str, current: str) -> None:
    told = translate(envelope("zendesk/ticket_solved.json", event={"previous": previous, "current": current}))
    assert not told.events
    assert previous in told.ignored
    assert current in told.ignored


ACTIVE, LAID_BY = {"NEW", "OPEN", "PENDING", "HOLD"}, {"SOLVED", "CLOSED", "ARCHIVED", "DELETED", "SCRUBBED"}
EVERY_PAIR = sorted(product(ACTIVE | LAID_BY, repeat=2))


def the_type(previous: str, current: str) -> str | None:
    told = translate(envelope("zendesk/ticket_solved.json", event={"previous": previous, "current": current}))
    return told.events[0].type if told.events else None


@pytest.mark.parametrize(("previous", "current"), EVERY_PAIR)
def test_of_all_pairs_of_statuses_only_what_was_active_is_solved(previous: str, current: str) -> None:
    is_solve = previous in ACTIVE and current in ("SOLVED", "CLOSED")
    assert (the_type(previous, current) == "ticket.solved") is is_solve


@pytest.mark.parametrize(("previous", "current"), EVERY_PAIR)
def test_of_all_pairs_of_statuses_each_means_one_thing(previous: str, current: str) -> None:
    """Told anew by the rules, and not by the table: which statuses a ticket can be worked on in, and which not."""
    expected = None
    if previous == "DELETED":
        expected = "ticket.restored" if current not in ("DELETED", "ARCHIVED", "SCRUBBED") else None
    elif current in ("DELETED", "SCRUBBED"):
        expected = "ticket.deleted" if previous != "SCRUBBED" else None
    elif previous == "SOLVED" and current != "SOLVED":
        expected = {"CLOSED": "ticket.closed", "ARCHIVED": None}.get(current, "ticket.reopened")
    elif previous in ACTIVE and current in ("SOLVED", "CLOSED"):
        expected = "ticket.solved"
    assert the_type(previous, current) == expected


def test_a_ticket_that_is_born_with_our_mark_is_our_own_write_also_while_nobody_knows_whom_we_act_as() -> None:
    nobody = Account("zendesk-nl", "zendesk", ("secret",))
    born = envelope("zendesk/ticket_created.json", detail={"external_id": "ringback-01kx-callback-1"})
    assert translate(born, nobody).ignored == "our own write"
    solved = envelope("zendesk/ticket_solved.json", detail={"external_id": "ringback-01kx-callback-1"})
    assert translate(solved, nobody).events, "what an agent does to it later is not"


@pytest.mark.parametrize("fixture", ["ticket_solved", "ticket_created", "ticket_merged"])
def test_our_own_write_coming_back_is_ignored(fixture: str) -> None:
    told = translate(envelope(f"zendesk/{fixture}.json", detail={"actor_id": "9999"}))
    assert told == Translation(ignored="our own write")
    told = translate(envelope(f"zendesk/{fixture}.json", detail={"actor_id": 9999}))
    assert told == Translation(ignored="our own write")


def test_our_own_comment_is_known_by_its_author() -> None:
    body = json.loads(payload("zendesk/ticket_commented.json"))
    body["detail"]["actor_id"], body["event"]["comment"]["author"]["id"] = None, 9999
    assert translate(json.dumps(body).encode()).ignored == "our own write"


def test_our_own_trigger_is_ignored_too() -> None:
    assert translate(envelope("zendesk/trigger_solved.json", actor_id="9999")).ignored == "our own write"


def test_without_knowing_ourselves_nothing_counts_as_our_own() -> None:
    account = Account("zendesk-nl", "zendesk", ("secret",))
    assert the_event(envelope("zendesk/ticket_solved.json", detail={"actor_id": None}), account)


def test_an_unknown_event_is_ignored_by_name() -> None:
    told = translate(envelope("zendesk/ticket_solved.json", type="zen:event-type:ticket.tags_changed"))
    assert not told.events
    assert "'ticket.tags_changed'" in told.ignored


@pytest.mark.parametrize("fixture", ["ticket_created", "ticket_commented", "ticket_merged", "csat_rated"])
def test_a_type_with_a_slash_is_the_same_as_with_a_colon(fixture: str) -> None:
    colon = payload(f"zendesk/{fixture}.json")
    slash = colon.replace(b"zen:event-type:", b"zen:event-type/")
    assert slash != colon
    assert the_event(slash) == the_event(colon)


@pytest.mark.parametrize(("told", "named"), [
    ("zen:event-type/ticket.tags_changed", "'ticket.tags_changed'"),
    ("zen:event-type/user.notes_changed", "'user.notes_changed'"),
    ("zen:event-type:messaging_ticket.message_added", "'messaging_ticket.message_added'"),
    ("zen:event-type:", "'zen:event-type:'"), ("zen:event.ticket.created", "'zen:event.ticket.created'"),
    ("TicketCreated", "'TicketCreated'"), (None, "'None'"),
])
def test_an_event_of_a_type_that_we_do_not_know_is_told_as_what_it_is(told: str | None, named: str) -> None:
    ignored = translate(envelope("zendesk/ticket_solved.json", type=told)).ignored
    assert named in ignored
    assert "trigger" not in ignored


def test_nulls_and_numbers_of_other_versions_are_read() -> None:
    detail = {"id": 90210, "tags": None, "priority": None, "requester_id": 8055, "group_id": 0, "assignee_id": ""}
    event = the_event(envelope("zendesk/ticket_solved.json", detail=detail))
    assert event.data["ticket_id"] == "90210"
    assert (event.data["tags"], event.data["priority"]) == ([], None)
    assert (event.data["group"], event.data["agent"]) == (None, None)
    assert event.person == Person(ids={"zendesk-nl": "8055"})


def test_a_comment_says_whether_the_customer_saw_it() -> None:
    public = the_event(payload("zendesk/ticket_commented.json"))
    assert (public.data["public"], public.data["comment"]) == (True, "A new lamp is on its way.")
    private = the_event(envelope("zendesk/ticket_commented.json", event={"comment": {"is_public": False, "body": "x"}}))
    assert private.data["public"] is False


def test_a_merged_ticket_says_into_which_if_zendesk_does() -> None:
    assert the_event(payload("zendesk/ticket_merged.json")).data["into"] == "zendesk-nl:90300"
    assert the_event(envelope("zendesk/ticket_merged.json", event={"target_ticket_id": None})).data["into"] is None


@pytest.mark.parametrize(("event", "rating", "comment"), [
    ({"satisfaction_score": {"score": "BAD", "comment": "Slow"}}, "bad", "Slow"),
    ({"satisfaction_score": "GOOD"}, "good", ""),
    ({"satisfaction_score": {"rating_category": "NEUTRAL"}}, "neutral", ""),
])
def test_a_rating_is_read_in_each_of_its_shapes(event: dict[str, Any], rating: str, comment: str) -> None:
    data = the_event(envelope("zendesk/csat_rated.json", event=event)).data
    assert (data["rating"], data["comment"]) == (rating, comment)


@pytest.mark.parametrize(("kind", "neutral"), [
    ("marked_as_spam", "ticket.spam"), ("undeleted", "ticket.restored"),
    ("requester_changed", "ticket.requester_changed"),
])
def test_what_else_can_happen_to_a_ticket_has_its_own_name(kind: str, neutral: str) -> None:
    event = the_event(envelope("zendesk/ticket_created.json", type=f"zen:event-type:ticket.{kind}", event={}))
    assert event.type == neutral


def test_a_ticket_that_closes_with_zendesks_own_tag_was_merged_also_when_the_merge_was_never_told() -> None:
    event = {"previous": "OPEN", "current": "CLOSED"}
    told = the_event(envelope("zendesk/ticket_solved.json", event=event, detail={"tags": ["vip", "closed_by_merge"]}))
    assert (told.type, told.data["into"]) == ("ticket.merged", None)


@pytest.mark.parametrize(("actor", "by_person"), [("7001", True), ("-1", False), (None, False)])
def test_routing_by_zendesk_itself_is_told_from_people(actor: str | None, by_person: bool) -> None:
    told = the_event(envelope("zendesk/ticket_assigned.json", detail={"actor_id": actor}))
    assert told.data["by_person"] is by_person


@pytest.mark.parametrize("is_staff", [True, False])
def test_a_comment_says_whether_staff_wrote_it(is_staff: bool) -> None:
    comment = {"id": "1", "body": "x", "is_public": False, "author": {"id": "9", "is_staff": is_staff, "name": "N"}}
    told = the_event(envelope("zendesk/ticket_commented.json", event={"comment": comment}))
    assert told.data["by_staff"] is is_staff


@pytest.mark.parametrize("kind", ["soft_deleted", "permanently_deleted"])
def test_every_way_to_lose_a_ticket_is_a_deletion(kind: str) -> None:
    event = the_event(envelope("zendesk/ticket_deleted.json", type=f"zen:event-type:ticket.{kind}"))
    assert (event.type, event.data["status"]) == ("ticket.deleted", "deleted")


@pytest.mark.parametrize(("change", "message"), [
    ({"id": ...}, "id is missing"),
    ({"id": "x" * 300}, "id is missing"),
    ({"time": ...}, "time is None; send ISO 8601 with a time zone"),
    ({"time": "yesterday"}, "time is 'yesterday'"),
    ({"time": "2026-11-21T09:30:00"}, "time is '2026-11-21T09:30:00'"),
    ({"time": "0001-01-01T00:00:00+10:00"}, "time is '0001-01-01"),
    ({"detail": {"id": None}}, "the ticket's id is None"),
    ({"detail": {"id": True}}, "the ticket's id is True"),
    ({"detail": []}, "the ticket's id is None"),
    ({"event": {"current": None}}, "event.current is None"),
    ({"event": {"previous": 4}}, "event.previous is 4"),
])
def test_a_broken_envelope_names_the_field_and_the_remedy(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Unreadable, match=message) as error:
        translate(envelope("zendesk/ticket_solved.json", **change))
    assert error.value.remedy


@pytest.mark.parametrize("body", [
    b"", b"null", b"[]", b'"text"', b"{", b'{"a": NaN}', b"\xff\xfe{}", b"[" * 100_000, b'{"a": ' * 50_000,
    b'{"n": ' + b"9" * 10_000 + b"}", b"\xed\xa0\x80",
])
def test_a_body_that_is_no_json_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable, match="the body is"):
        translate(body)


def test_a_byte_order_mark_is_harmless() -> None:
    assert the_event(b"\xef\xbb\xbf" + payload("zendesk/ticket_solved.json")).type == "ticket.solved"


def test_characters_that_no_database_takes_are_taken_out() -> None:
    body = payload("zendesk/ticket_solved.json").replace(b"Broken lamp", rb"Bro\u0000ken \ud800lamp")
    assert the_event(body).data["subject"] == "Broken ?lamp"


def test_a_trigger_names_its_event_and_adds_what_it_likes() -> None:
    event = the_event(payload("zendesk/trigger_solved.json"))
    assert event.id == "01INVOCATION"
    assert event.time == datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    assert event.person == Person(email="ann@example.com", name="Ann Jansen", ids={"zendesk-nl": "8055"})
    assert event.data["tags"] == ["lamp", "vip"]
    assert event.data["product"] == "Desk lamp"
    assert "requester_email" not in event.data


def test_a_trigger_without_a_time_happened_when_it_came() -> None:
    assert the_event(envelope("zendesk/trigger_solved.json", time="")).time == NOW


@pytest.mark.parametrize("kind", ["End User Comment", "survey.answered", "", None, {"a": 1}, "ticket.exploded"])
def test_a_trigger_of_another_type_is_ignored_with_the_types_there_are(kind: Any) -> None:
    told = translate(envelope("zendesk/trigger_solved.json", type=kind))
    assert not told.events
    assert "ticket.solved" in told.ignored


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_a_trigger_may_tell_each_ticket_event_with_its_fields(kind: str) -> None:
    event = the_event(envelope("zendesk/trigger_solved.json", type=kind, rating="Bad", comment="Hm", public="true",
                               into_ticket_id="5"))
    assert event.type == kind
    assert set(EVENT_TYPES[kind].fields) <= set(event.data)


@pytest.mark.parametrize(("told", "channel"), [
    ("Mail", "email"), ("Web form", "web"), ("Web service (API)", "api"), ("Phone call (inbound)", "voice"),
    ("Chat", "chat"), ("Webformulier", "webformulier"), ("email", "email"), ("", None), (None, None),
])
def test_a_channel_as_people_read_it_is_the_one_that_events_name(told: str | None, channel: str | None) -> None:
    event = the_event(envelope("zendesk/trigger_solved.json", channel=told))
    assert event.data["channel"] == channel


@pytest.mark.parametrize(("by_event", "by_trigger", "by_export", "neutral"), [
    ("mail", "Mail", "email", "email"),
    ("web_form", "Web form", "web", "web"),
    ("web_widget", "Web Widget", "web", "web"),
    ("closed_ticket", "Closed ticket", "web", "web"),
    ("web_service", "Web service (API)", "api", "api"),
    ("ticket_sharing", "Ticket sharing", "api", "api"),
    ("phone_call_inbound", "Phone call (incoming)", "voice", "voice"),
    ("phone_call_outbound", "Phone call (outgoing)", "voice", "voice"),
    ("api_phone_call_inbound", "CTI phone call (inbound)", "voice", "voice"),
    ("voicemail", "Voicemail", "voice", "voice"),
    ("chat", "Chat", "chat", "chat"),
    ("native_messaging", "Messaging", "native_messaging", "messaging"),
    ("facebook_message", "Facebook private message", "facebook", "facebook"),
    ("twitter_dm", "X DM", "twitter", "twitter"),
    ("sms", "Text", "sms", "sms"),
    ("whatsapp", "WhatsApp", "whatsapp", "whatsapp"),
    ("mobile_sdk", "Mobile SDK", "mobile_sdk", "mobile_sdk"),
    ("topic", "Topic", "forum", "forum"),
    ("side_conversation", "Side conversation", "side_conversation", "side_conversation"),
    ("PAGER", "Pager", "pager", "pager"),
])
def test_a_channel_has_one_name_whoever_tells_it(
    by_event: str, by_trigger: str, by_export: str, neutral: str
) -> None:
    event = envelope("zendesk/ticket_solved.json", detail={"via": {"channel": by_event}})
    trigger = envelope("zendesk/trigger_solved.json", channel=by_trigger)
    export = envelope("zendesk/trigger_solved.json", channel=by_export, reconciled=True)
    assert [the_event(body).data["channel"] for body in (event, trigger, export)] == [neutral] * 3


@pytest.mark.parametrize(("number", "neutral"), [(0, "web"), (4, "email"), (34, "voice"), (69, "side_conversation"),
                                                 (4711, "4711"), (True, None), ([], None)])
def test_a_channel_may_be_told_by_its_number(number: Any, neutral: str | None) -> None:
    event = the_event(envelope("zendesk/ticket_solved.json", detail={"via": {"channel": number}}))
    assert event.data["channel"] == neutral


def test_a_ticket_that_a_trigger_says_is_born_with_our_mark_is_our_own_write() -> None:
    born = envelope("zendesk/trigger_solved.json", type="ticket.created", external_id="ringback-01j-callback-1")
    assert translate(born).ignored == "our own write"
    solved = envelope("zendesk/trigger_solved.json", external_id="ringback-01j-callback-1")
    assert the_event(solved).type == "ticket.solved"


def test_names_come_as_they_are_written_in_zendesk() -> None:
    event = the_event(envelope("zendesk/trigger_solved.json", brand_name="R&amp;D &quot;North&quot;", form_name=""))
    assert (event.data["brand_name"], event.data["form_name"], event.data["group_name"]) == ('R&D "North"', None, None)


@pytest.mark.parametrize(("change", "message"), [
    ({"ticket_id": "{{ticket.id}}" * 9}, "the ticket's id"),
    ({"ticket_id": ...}, "the ticket's id is None"),
    ({"time": "noon"}, "time is 'noon'"),
    ({"type": "csat.rated"}, "rating is None"),
])
def test_a_broken_trigger_names_the_field(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        translate(envelope("zendesk/trigger_solved.json", **change))


@pytest.mark.parametrize(("name", "told"), [
    ("docs.ticket.created.json", ""),
    ("docs.user.active_changed.json", ""),
    ("zendesk-go.user.group_membership_created.json", "'user.group_membership_created'"),
    ("zendesk-go.trigger.ticket_update.json", "'End User Comment'"),
])
def test_published_samples_are_understood_or_ignored_by_name(name: str, told: str) -> None:
    found = translate(oracle_path(f"zendesk/webhooks/{name}").read_bytes())
    assert bool(found.events) == (told == "")
    assert told in found.ignored


def test_the_published_created_ticket_is_read_field_by_field() -> None:
    event = the_event(oracle_path("zendesk/webhooks/docs.ticket.created.json").read_bytes())
    assert (event.type, event.data["ticket"], event.data["status"]) == ("ticket.created", "zendesk-nl:5158", "open")
    assert event.data["channel"] == "api"


def test_a_recorded_real_delivery_tells_of_a_user_who_is_gone() -> None:
    recorded = json.loads(oracle_path("zendesk/webhooks/zenpy.real_invocation_attempts.json").read_text())
    [request] = [each["request"] for each in recorded["attempts"] if "request" in each]
    event = the_event(request["payload"].encode())
    assert (event.type, event.person) == ("contact.deleted", None)
    assert event.data["contact"] == json.loads(request["payload"])["detail"]["id"]


def a_user(kind: str, event: Any, **detail: Any) -> bytes:
    told = {"id": "8056", "email": "ann@example.com", "role": "end-user", **detail}
    return json.dumps({"type": f"zen:event-type:user.{kind}", "id": "u1", "time": "2026-11-21T09:30:00Z",
                       "subject": f"zen:user:{told['id']}", "detail": told, "event": event}).encode()  # fmt: skip


def test_a_merge_of_users_tells_who_is_gone_and_who_stays_with_their_address() -> None:
    event = the_event(a_user("merged", {"user": {"id": "8055"}}))
    assert (event.type, event.data["contact"], event.data["into"]) == ("contact.merged", "8055", "8056")
    assert event.person == Person(email="ann@example.com", ids={"zendesk-nl": "8056"})
    assert "ann@example.com" not in json.dumps(event.data)
    assert set(EVENT_TYPES["contact.merged"].fields) <= set(event.data)


@pytest.mark.parametrize(("kind", "event", "neutral"), [
    ("deleted", {}, "contact.deleted"), ("active_changed", {"current": False, "previous": True}, "contact.deleted"),
    ("active_changed", {"current": True, "previous": False}, "contact.changed"),
])
def test_a_user_who_is_gone_or_back_is_told_by_number_alone(kind: str, event: Any, neutral: str) -> None:
    told = the_event(a_user(kind, event))
    assert (told.type, told.data["contact"], told.person) == (neutral, "8056", None)


def test_a_user_merged_into_themselves_is_nothing() -> None:
    assert "into themselves" in translate(a_user("merged", {"user": {"id": "8056"}})).ignored


@pytest.mark.parametrize(("body", "message"), [
    (a_user("merged", {}), "event.user.id is None"), (a_user("merged", {"user": "8055"}), "event.user.id is None"),
    (a_user("merged", {"user": {"id": "8055"}}, id=None), "the user's id is None"),
    (a_user("deleted", {}, id=""), "the user's id is ''"), (a_user("active_changed", {}), "event.current is None"),
])
def test_a_broken_event_of_a_user_names_the_field_and_the_remedy(body: bytes, message: str) -> None:
    with pytest.raises(Unreadable, match=message) as error:
        translate(body)
    assert error.value.remedy


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=8)
KINDS = st.sampled_from(["ticket.status_changed", "ticket.comment_added", "ticket.merged", "ticket.csat_received",
                         "user.merged", "user.active_changed", "user.deleted"])


@given(kind=KINDS, detail=JSON, event=JSON, inner=JSON)
def test_no_envelope_whatsoever_breaks_the_reader(kind: str, detail: Any, event: Any, inner: Any) -> None:
    made = {"type": f"zen:event-type:{kind}", "id": "1", "time": "2026-11-21T09:30:00Z", "detail": detail,
            "event": event if not isinstance(event, dict) else {**event, "comment": inner, "satisfaction_score": inner,
                                                                "current": inner, "previous": inner}}
    if isinstance(detail, dict):
        made["detail"] = {"id": 1, "tags": inner, "via": inner, "priority": inner, **detail}
    expect_a_translation(json.dumps(made).encode())


@given(body=st.dictionaries(st.sampled_from(["type", "ticket_id", "time", "tags", "rating", "requester_id", "via"]),
                            JSON | st.sampled_from(sorted(TYPES))))
def test_no_trigger_body_whatsoever_breaks_the_reader(body: dict[str, Any]) -> None:
    expect_a_translation(json.dumps(body).encode())


@given(body=st.binary())
def test_no_bytes_whatsoever_break_the_reader(body: bytes) -> None:
    expect_a_translation(body)


def expect_a_translation(body: bytes) -> None:
    """Either a translation whose data can be stored as JSON, or an error of the room."""
    try:
        told = translate(body)
    except WebhookError:
        return  # refused with a reason: the room's own answer
    assert told.events or told.ignored
    json.dumps([dict(event.data) for event in told.events], allow_nan=False).encode()

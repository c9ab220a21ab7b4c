"""What a callback ticket holds: the words, the person, the number, the value; and what the helpdesk refuses."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

from connector.storage.schema import tables
from integrations.zendesk.texts import TEXT_LIMIT
from sandbox.clock import HandClock
from sandbox.faults import Effect, Fault
from sandbox.world import World
from tests.support.callbacks import callback, check_requests, detractor, field, provision
from tests.support.house import Harness, a_home, a_house, answer, config_of

OPEN = """\
trigger: {event: survey.answered}
run: {key: event.response, mode: parallel}
steps:
  - id: callback
    do: ticket.open
    with:
      connection: zendesk
      subject: "Call {{ customer.name }}"
      priority: high
      high_value_priority: urgent
      due: 4 business hours
      tags: [call]
"""

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, open=OPEN) as home:
        yield home
        check_requests(home)


def ticket_of(home: Harness) -> Any:
    [ticket] = home.world.zendesk.tickets
    return ticket


def words(home: Harness) -> str:
    """All comments, as agents read them."""
    return "\n".join(each["body"] for each in home.world.zendesk.comments(ticket_of(home)["id"]))


def test_a_customer_who_is_new_to_the_helpdesk_is_made_without_a_mail_and_known_from_then_on(home: Harness) -> None:
    detractor(home)
    user = home.world.zendesk.user(ticket_of(home)["requester_id"])
    assert (user["email"], user["name"]) == ("c1@example.com", "Customer 1")
    assert home.world.zendesk.notices == []
    identity = home.rows(tables.identities, tables.identities.c.system == "zendesk")
    assert [row.value for row in identity] == [str(user["id"])]
    asked = len(home.world.zendesk.requests)
    detractor(home, response_id="again")
    assert [(each.method, each.path) for each in home.world.zendesk.requests[asked:]] == [("POST", "/api/v2/tickets")]


def made(home: Harness, path: str) -> int:
    return sum((each.method, each.path) == ("POST", path) for each in home.world.zendesk.requests)


def test_a_stranger_is_made_once_however_often_the_ticket_must_be_asked_for(home: Harness) -> None:
    home.world.zendesk.faults.add(Fault(path="/api/v2/tickets", method="POST", status=503, times=2))
    detractor(home)
    for _ in range(3):
        home.wait(minutes=2)
    assert (made(home, "/api/v2/users"), made(home, "/api/v2/tickets")) == (1, 3)
    assert ticket_of(home)["requester_id"]


def test_a_lost_answer_about_a_new_user_leaves_no_doubt_about_the_ticket(home: Harness) -> None:
    home.world.zendesk.faults.add(Fault(path="/api/v2/users", method="POST", effect=Effect.COMMIT_THEN_DROP))
    detractor(home)
    [effect] = home.effects()
    assert (effect.status, effect.error_kind, effect.unsure) == ("due", "transient", False)
    home.wait(minutes=2)
    assert (made(home, "/api/v2/users"), len(home.world.zendesk.tickets)) == (2, 1)


def test_a_customer_whom_the_helpdesk_knows_keeps_the_name_they_have_there(home: Harness) -> None:
    user = home.world.zendesk.add_user("Mrs C. Known", "c1@example.com")
    detractor(home)
    assert ticket_of(home)["requester_id"] == user["id"]
    assert home.world.zendesk.user(user["id"])["name"] == "Mrs C. Known"


def test_every_comment_of_ours_is_internal(home: Harness) -> None:
    detractor(home, comment="x" * 200_000)
    comments = home.world.zendesk.comments(ticket_of(home)["id"])
    assert {each["public"] for each in comments} == {False}


def test_a_text_longer_than_the_helpdesk_takes_is_told_whole_over_several_comments(home: Harness) -> None:
    comment = " ".join(f"word{number}" for number in range(20_000)) + " end"
    detractor(home, comment=comment)
    comments = home.world.zendesk.comments(ticket_of(home)["id"])
    assert len(comments) > 1
    assert all(len(each["html_body"].encode()) < TEXT_LIMIT + 100 for each in comments)
    assert re.findall(r"word\d+", words(home)) == re.findall(r"word\d+", comment)
    assert comments[0]["body"].startswith(f"(page 1 of {len(comments)})")
    assert home.run().status == "succeeded"


def test_a_page_that_was_lost_on_the_way_is_not_written_twice(home: Harness) -> None:
    home.world.zendesk.faults.add(Fault(path=r"/tickets/\d+", method="PUT", effect=Effect.COMMIT_THEN_DROP))
    detractor(home, comment="x" * 100_000)
    home.wait(minutes=2)
    home.wait(minutes=2)
    bodies = [each["body"] for each in home.world.zendesk.comments(ticket_of(home)["id"])]
    assert len(bodies) == 2
    assert sum(body.count("x") for body in bodies) >= 100_000


def test_emoji_and_text_from_right_to_left_come_through_as_they_are(home: Harness) -> None:
    said = "תודה רבה 👩‍👩‍👧‍👦 شكرا <b>& {{ticket.requester.email}} {% comment %}"
    detractor(home, comment=said)
    first = home.world.zendesk.comments(ticket_of(home)["id"])[0]
    shown = html.unescape(re.sub("<[^>]+>", "", first["html_body"])).replace("\u200b", "")
    assert said in shown
    assert "c1@example.com" not in shown.replace("E-mail: c1@example.com", "")  # the placeholder was not filled in


@pytest.mark.parametrize(
    ("given", "told"),
    [("06 12345678", "Phone: +31612345678"), ("+32 2 555 12 34", "Phone: +3225551234"),
     ("ask my wife", "Phone as given, which we cannot read as a number: ask my wife")],
)  # fmt: skip
def test_a_number_is_told_as_it_can_be_dialled_and_one_that_is_none_as_it_was_given(
    home: Harness, given: str, told: str
) -> None:
    detractor(home, customer={"phone": given})
    assert told in words(home).splitlines()


def test_a_local_number_is_from_the_customers_country(home: Harness) -> None:
    detractor(home, customer={"phone": "02 555 12 34", "locale": "nl-BE"})
    assert "Phone: +3225551234" in words(home)


def test_our_fields_are_filled_in_where_the_account_has_them(home: Harness) -> None:
    ids = provision(home)
    known = {"phone": "06 12345678", "value": 25_000}
    number = detractor(home, comment="Waited\nfor " + "days " * 40, customer=known).ticket_id
    kept = {key: field(home, number, id_) for key, id_ in ids.items()}
    assert kept == {
        "ringback_score": 2, "ringback_metric": "ringback_metric_nps", "ringback_band": "ringback_band_detractor",
        "ringback_comment": kept["ringback_comment"], "ringback_consent": True, "ringback_phone": "+31612345678",
        "ringback_value": "25000", "ringback_words": "Waited for " + "days " * 21 + "day…", "ringback_outcome": None,
        "ringback_root_cause": None, "ringback_loop_status": "ringback_loop_status_to_call",
    }  # fmt: skip


def test_a_field_that_the_account_does_not_have_is_told_and_one_that_is_no_field_is_refused(home: Harness) -> None:
    home.install(open=OPEN.replace("tags: [call]", 'custom_fields: {"4711": x, "ringback_outcome": recovered}'))
    detractor(home)
    assert home.output("callback")["ignored_fields"] == ["4711"]  # not provisioned: ringback_outcome is left out
    home.install(open=OPEN.replace("tags: [call]", "custom_fields: {ringback_outcom: x}"))
    detractor(home, 2)
    run = home.runs()[-1]
    assert (run.status, "Did you mean ringback_outcome?" in run.state["reason"]) == ("failed", True)


@pytest.mark.parametrize(
    ("facts", "priority"),
    [({}, "high"), ({"tier": "Gold"}, "urgent"), ({"tier": "bronze"}, "high"), ({"value": 25_000}, "high")],
)
def test_high_value_customers_have_a_priority_of_their_own(home: Harness, facts: dict[str, Any], priority: str) -> None:
    detractor(home, customer=facts)
    assert ticket_of(home)["priority"] == priority


def test_from_what_figure_on_a_customer_is_of_high_value_the_house_decides(database_url: str) -> None:
    clock = HandClock()
    with World(clock=clock) as world:
        config = config_of(world) + "customer_value: {high_from: 10000, high: [a]}\n"
        with a_house(database_url, world, {"open": OPEN}, clock=clock, config=config) as home:
            for number, value in enumerate((9_999, "10000", "a", "gold")):
                detractor(home, number, customer={"value": value})
            assert [ticket["priority"] for ticket in world.zendesk.tickets] == ["high", "urgent", "urgent", "high"]


def test_when_much_waits_high_value_customers_come_first(home: Harness) -> None:
    for number, tier in enumerate(("bronze", "bronze", "gold", "bronze")):
        email, name = f"c{number}@example.com", f"Customer {number}"
        user = home.world.zendesk.add_user(name, email)["id"]
        customer = {"email": email, "name": name, "tier": tier, "zendesk_user_id": user}
        home.deliver(answer(2, response_id=f"answer-{number}", customer=customer))
    home.pump("intake")
    due = sorted((row.due_at, row.request["body"]["ticket"]["subject"]) for row in home.effects("ticket.open"))
    assert due[0][1] == "Call Customer 2"


def test_a_closed_original_is_followed_up_and_an_open_one_is_not(home: Harness) -> None:
    home.install(open=OPEN.replace("tags: [call]", "follow_up: \"{{ event.context.ticket_id | default: '' }}\""))
    closed = home.world.zendesk.write_in("Customer 1", "c1@example.com", "Lamp", "Broken")["id"]
    home.world.zendesk.act("close", closed)
    number = detractor(home, context={"ticket_id": closed}).ticket_id
    assert home.world.zendesk.ticket(number)["via"]["source"]["rel"] == "follow_up"
    solved = home.world.zendesk.write_in("Customer 1", "c1@example.com", "Chair", "Broken")["id"]
    second = detractor(home, 2, context={"ticket_id": solved}).ticket_id
    assert home.world.zendesk.ticket(second)["via"]["source"]["rel"] is None
    assert f"About ticket: {solved} {home.world.zendesk_url}/agent/tickets/{solved}" in "\n".join(
        each["body"] for each in home.world.zendesk.comments(second)
    )


def test_a_deactivated_group_is_named_with_its_remedy_and_the_step_can_be_tried_again(home: Harness) -> None:
    group = home.world.zendesk.desk.add_group("Old team")
    home.world.zendesk.desk.state.groups[group["id"]]["deleted"] = True
    home.install(open=OPEN.replace("tags: [call]", f"group: {group['id']}"))
    detractor(home)
    reason = home.run().state["reason"]
    assert f"group {group['id']} was refused: the group was deleted" in reason
    home.world.zendesk.desk.state.groups[group["id"]]["deleted"] = False
    home.house.controls.retry(home.run().id, "a test")
    home.settle()
    assert ticket_of(home)["group_id"] == group["id"]


def test_a_suspended_customer_is_named_with_the_remedy(home: Harness) -> None:
    home.world.zendesk.add_user("Customer 1", "c1@example.com", suspended=True)
    detractor(home)
    assert home.world.zendesk.tickets == []
    assert "suspended or deleted in Zendesk; unsuspend them there" in home.run().state["reason"]
    assert "Customer 1" not in home.run().state["reason"]


CALL = """\
trigger: {event: survey.answered}
steps:
  - {id: call, do: call.request, with: {connection: zendesk, line: LINE}}
"""


def test_a_customer_is_put_into_the_queue_of_calls_with_a_number_that_can_be_dialled(home: Harness) -> None:
    line = home.world.zendesk.desk.add_line("+31201234567")
    home.install(open=CALL.replace("LINE", f'"{line}"'))
    detractor(home, customer={"phone": "06 12345678"})
    [call] = home.world.zendesk.desk.state.calls
    assert (call["phone_number_id"], call["requester_phone_number"]) == (line, "+31612345678")
    detractor(home, 2, customer={"phone": "none"})
    assert len(home.world.zendesk.desk.state.calls) == 1
    assert "no phone number that can be dialled" in home.runs()[-1].state["outputs"]["call"]["reason"]


def test_a_number_that_the_crm_forbids_to_call_stays_away_from_the_ticket(home: Harness) -> None:
    home.know()
    forbidden = {"phone": "+31201234567", "facts": {"do_not_call": True}}
    with home.house.database.write() as tx:
        tx.execute(update(tables.customers).values(forbidden))
    customer = {"email": "ann@example.com"}
    detractor(home, customer=customer)
    assert "+31201234567" not in words(home)
    assert "Do not call" in words(home)
    detractor(home, 2, customer=customer, contact={"phone": "+31612345678"})
    told = "".join(each["body"] for each in home.world.zendesk.comments(home.world.zendesk.tickets[1]["id"]))
    assert "+31612345678" in told, "given with the answer, it is a wish to be called"
    assert "Do not call" not in told


def test_the_callback_is_known_before_its_ticket_has_a_number(home: Harness) -> None:
    row = detractor(home)
    assert callback(home, row.ticket_id).status == "open"


TEAM = OPEN.replace('subject: "Call {{ customer.name }}"', "team: care-team")


def a_team(database_url: str, **told: Any) -> Any:
    """A house whose care team is described further."""
    clock = HandClock()
    world = World(clock=clock)
    described = ", ".join(f"{name}: {value}" for name, value in told.items())
    config = config_of(world).replace("care-team: {email:", f"care-team: {{{described}, email:")
    return world, a_house(database_url, world, {"open": TEAM}, clock=clock, config=config)


def test_a_ticket_is_in_its_teams_language_and_goes_to_its_group(database_url: str) -> None:
    world, house = a_team(database_url, language="nl", group=12)
    with world, house as home:
        state = home.world.zendesk.desk.state
        state.groups[12] = {**next(iter(state.groups.values())), "id": 12}
        detractor(home, comment="Traag", customer={"phone": "06 12345678"}, contact={"window": "morning"})
        [ticket] = home.world.zendesk.tickets
        assert (ticket["subject"], ticket["group_id"]) == ("Terugbellen: Customer 1", 12)
        told = home.world.zendesk.comments(ticket["id"])[0]["plain_body"].replace("\u200b", "")
        for line in ("Cijfer: 2 (nps, criticaster)", "In de woorden van de klant: Traag", "Telefoon: +31612345678",
                     "Liefst: ochtend", "Zo belt u", "De klant vond het goed om gebeld te worden."):  # fmt: skip
            assert line in told, told
        assert not re.search(r"\b(Score|Phone|Prefers|Customer|How to call)\b: ", told.replace("Customer 1", ""))


def test_who_prefers_no_time_is_said_to_prefer_none(home: Harness) -> None:
    number = detractor(home, contact={"window": "any"}).ticket_id
    assert "Prefers" not in home.world.zendesk.comments(number)[0]["plain_body"]


def test_a_team_that_nobody_knows_is_named_with_the_remedy(home: Harness) -> None:
    home.install(open=TEAM.replace("care-team", "core-team"))
    detractor(home)
    told = "team: 'core-team' is not known. Add it under teams: in ringback.yaml (known: care-team)."
    assert told in home.run().reason


def reached_at(phone: str) -> dict[str, Any]:
    """An answer that says so, as our page tells it."""
    return {"contact": {"phone": phone}, "answers": {"contact": {"phone": phone}}}


def test_what_is_no_number_is_as_given_wherever_it_stands(home: Harness) -> None:
    """In the ticket's field it is in quotation marks, and the sidebar makes no link of it."""
    ids = provision(home)
    number = detractor(home, **reached_at("06 1234")).ticket_id
    assert field(home, number, ids["ringback_phone"]) == "“06 1234”"
    seen = home.house.agents.callback("zendesk", number)
    assert (seen.phone, seen.dial) == ("06 1234", "")
    other = detractor(home, 2, **reached_at("06-12 34 56 78")).ticket_id
    assert home.house.agents.callback("zendesk", other).dial == "+31612345678"

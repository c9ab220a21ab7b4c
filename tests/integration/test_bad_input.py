"""Bad input and bad days: each gets a clear answer or a clear line, and nothing that was accepted is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from werkzeug.test import TestResponse

from connector.cli.main import main
from connector.storage.schema import tables
from sandbox.faults import Effect, Fault
from tests.fixtures import payload
from tests.support.house import SALESFORCE_TOKEN, Harness, a_home, answer, signed_inbound, signed_zendesk
from tests.support.house_workflows import OPEN_A_TICKET, WRITE_THE_SCORE

INBOUND, ZENDESK = "/webhooks/survey-platform", "/webhooks/zendesk"
BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;&x;&x;">
<!ENTITY z "&y;&y;&y;&y;&y;&y;&y;&y;&y;&y;">]><a>&z;</a>"""
FIVE_MISTAKES = """\
workflow: broken
trigger: {event: survey.answered, if: event.score <}
steps:
  - {id: one, do: ticket.opne, with: {connection: zendesk, subject: Hello}}
  - {id: two, do: alert.send, with: {text: Hello}}
  - {id: two, wait: {event: ticket.solved, timeout: 3 fortnights}}
  - {id: four, if: steps.nonesuch.done, stop: over}
"""


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, tickets=OPEN_A_TICKET) as home:
        yield home


def body_of(home: Harness, score: int = 3) -> bytes:
    return json.dumps({"time": home.clock().isoformat(), **answer(score)}).encode()


def expect(home: Harness, response: TestResponse, status: int, words: str) -> None:
    """Refused with words that help, and not kept."""
    assert response.status_code == status
    assert words in response.get_data(as_text=True)
    home.settle()
    assert home.rows(tables.deliveries) == home.runs() == []


# --- what others send ---------------------------------------------------------------------------------------


def test_a_forged_delivery_is_refused(home: Harness, caplog: pytest.LogCaptureFixture) -> None:
    body = body_of(home)
    forged = signed_inbound(body, "1", home.clock(), secret="whsec_Zm9yZ2VkZm9yZ2Vk")
    expect(home, home.post(INBOUND, body, forged), 401, "webhook-signature does not match the body")
    assert "refused a delivery: connection=survey-platform" in caplog.text
    assert "ann@example.com" not in caplog.text


def test_a_body_changed_on_its_way_is_refused(home: Harness) -> None:
    body = body_of(home)
    headers = signed_zendesk(body, "1", home.clock())
    expect(home, home.post(ZENDESK, body.replace(b"3", b"9"), headers), 401, "does not match the body")


@pytest.mark.parametrize("minutes", [-6, 6], ids=["stale", "from the future"])
def test_a_delivery_signed_at_another_time_is_refused(home: Harness, minutes: int) -> None:
    body, then = body_of(home), home.clock() + timedelta(minutes=minutes)
    word = "old" if minutes < 0 else "ahead"
    expect(home, home.post(INBOUND, body, signed_inbound(body, "1", then)), 401, f"6 minutes {word}")


def test_a_recorded_delivery_that_is_played_again_at_once_is_a_duplicate_and_later_refused(
    home: Harness,
) -> None:
    body = body_of(home)
    headers = signed_inbound(body, "1", home.clock())
    assert home.post(INBOUND, body, headers).json == {"status": "stored"}
    assert home.post(INBOUND, body, headers).json == {"status": "duplicate"}
    home.clock.move(minutes=10)
    assert home.post(INBOUND, body, headers).status_code == 401
    home.settle()
    assert len(home.world.zendesk.tickets) == 1


def test_a_truncated_body_is_refused(home: Harness) -> None:
    body = body_of(home)
    headers = signed_inbound(body, "1", home.clock())
    expect(home, home.post(INBOUND, body[:-20], headers), 401, "does not match the body")


def test_an_oversized_body_is_refused(home: Harness) -> None:
    body = b'{"x": "' + b"x" * 1_000_000 + b'"}'
    expect(
        home,
        home.post(INBOUND, body, signed_inbound(body, "1", home.clock())),
        413,
        "larger than 1000000 bytes",
    )


def test_another_content_type_is_refused(home: Harness) -> None:
    body = body_of(home)
    headers = signed_inbound(body, "1", home.clock()) | {"content-type": "application/xml"}
    expect(home, home.post(INBOUND, body, headers), 415, "send Content-Type: application/json")


def test_an_xml_bomb_does_not_go_off(home: Harness) -> None:
    response = home.post(f"/webhooks/salesforce/{SALESFORCE_TOKEN}", BOMB, {"content-type": "text/xml"})
    assert response.status_code >= 400
    assert len(response.data) < 2000
    assert b"haha" not in response.data
    home.settle()
    assert home.runs() == []
    home.deliver(answer(3))
    home.settle()
    assert len(home.world.zendesk.tickets) == 1


def test_a_wrong_token_in_the_path_is_refused_without_a_word_about_the_right_one(home: Harness) -> None:
    message = payload("salesforce/contact_changed.xml")
    response = home.post("/webhooks/salesforce/guess", message, {"content-type": "text/xml"})
    assert response.status_code in (401, 403)
    assert SALESFORCE_TOKEN not in response.get_data(as_text=True)
    assert home.rows(tables.deliveries) == []


def test_a_connection_nobody_configured_is_unknown(home: Harness) -> None:
    expect(home, home.post("/webhooks/nonesuch", b"{}", {}), 404, "there is no such connection")


def test_an_unknown_event_of_zendesks_is_ignored_with_the_reason(home: Harness) -> None:
    body = payload("zendesk/ticket_solved.json").replace(b"ticket.status_changed", b"article.published")
    assert home.deliver_zendesk(body) == 200
    home.settle()
    delivery = home.one(tables.deliveries)
    assert delivery.status == "ignored"
    assert "nobody listens to Zendesk's" in delivery.reason


def test_an_unknown_event_of_another_platforms_is_kept_for_workflows_to_come(home: Harness) -> None:
    home.deliver({"type": "lamp.broken", "id": "1", "data": {"lamp": 7}})
    home.settle()
    assert home.one(tables.events).type == "lamp.broken"
    assert home.one(tables.events).decisions == []
    assert home.one(tables.deliveries).status == "done"


# --- what admins write --------------------------------------------------------------------------------------


def ringback(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(main, list(words), env=environment)


def test_a_workflow_with_five_mistakes_is_told_all_five_with_their_places(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(FIVE_MISTAKES)
    result = ringback(
        "workflow", "validate", str(file), RINGBACK_DATABASE_URL=f"sqlite:///{tmp_path / 'x.db'}"
    )
    assert result.exit_code != 0
    assert "Traceback" not in result.output
    for place in ("trigger.if", "ticket.opne", "to", "two", "3 fortnights"):
        assert place in result.output, result.output
    assert "ticket.open" in result.output  # the remedy for the misspelt action


def test_a_secret_that_is_missing_from_the_environment_is_named(tmp_path: Path) -> None:
    config = tmp_path / "ringback.yaml"
    config.write_text("connections:\n  shop: {kind: inbound, webhook_secret: '${SHOP_SECRET}'}\n")
    result = ringback(
        "config", "check", RINGBACK_CONFIG=str(config), RINGBACK_DATABASE_URL=f"sqlite:///{tmp_path}/x.db"
    )
    assert result.exit_code != 0
    assert "SHOP_SECRET" in result.output
    assert "connections.shop.webhook_secret" in result.output
    assert "Traceback" not in result.output


# --- vendors on a bad day -----------------------------------------------------------------------------------


def test_zendesk_being_down_loses_no_callback(home: Harness, caplog: pytest.LogCaptureFixture) -> None:
    home.world.zendesk.faults.add(Fault(path="/", effect=Effect.DROP_BEFORE, times=6))
    for _ in range(3):
        home.deliver(answer(3))
    home.settle()
    assert "Zendesk" in caplog.text
    assert not any(word in caplog.text for word in ("ann@example.com", "Waited a week", "Ann Jansen"))
    for _ in range(30):
        home.wait(minutes=1)
    assert len(home.world.zendesk.tickets) == 3
    assert {run.status for run in home.runs()} == {"succeeded"}


def test_salesforce_refusing_one_record_of_a_batch_is_said_of_that_record_only(
    home: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    home.install(tickets=WRITE_THE_SCORE)
    records = [str(home.world.salesforce.add_contact("Jansen", f"p{n}@example.com")["Id"]) for n in range(3)]
    home.world.salesforce.refuse(
        records[1], "STRING_TOO_LONG", "Ann: data value too large", fields=["NPS_Comment__c"]
    )
    for record in records:
        home.deliver(answer(9, customer={"salesforce_contact_id": record}))
    home.settle()
    scores = [home.world.salesforce.contact(record)["NPS_Score__c"] for record in records]
    assert scores == [9, None, 9]
    assert "STRING_TOO_LONG" in caplog.text
    assert "NPS_Comment__c" in caplog.text
    assert "data value too large" not in caplog.text

"""Who is asked by the channel of their ticket: the shipped example, whoever tells of the ticket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures import envelope
from tests.support.house import Harness, a_home

EXAMPLE = Path(__file__).parents[2] / "examples" / "workflows" / "ask-after-support.yaml"
BRAND = "360002145678"  # the one that the example asks for


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    text = EXAMPLE.read_text()
    with a_home(database_url, ask_after_support=text[text.index("workflow:") :]) as home:
        yield home


def a_customer(home: Harness) -> str:
    return str(home.world.zendesk.add_user("Ann Jansen", "ann@example.com", locale="nl")["id"])


def is_asked(home: Harness) -> bool:
    home.settle()
    home.wait(hours=1)
    return bool(home.mails("ann@example.com"))


@pytest.mark.parametrize(("channel", "asked"), [
    ("mail", True), ("web_form", True), ("chat", True), ("native_messaging", True), ("phone_call_inbound", False),
])
def test_the_example_asks_by_the_channel_that_an_event_tells(home: Harness, channel: str, asked: bool) -> None:
    body = envelope("zendesk/ticket_solved.json", time=home.clock().isoformat(), detail={
        "brand_id": BRAND, "group_id": "1", "tags": [], "requester_id": a_customer(home), "via": {"channel": channel},
    })  # fmt: skip
    home.deliver_zendesk(body)
    assert is_asked(home) is asked


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("channel", "asked"), [
    ("Mail", True), ("email", True), ("Messaging", True), ("Phone call (incoming)", False), ("voice", False),
])
def test_the_example_asks_by_the_channel_that_a_trigger_or_the_export_tells(
    home: Harness, channel: str, asked: bool
) -> None:
    told = {"type": "ticket.solved", "ticket_id": "9", "brand_id": BRAND, "group_id": "1", "channel": channel,
            "requester_id": a_customer(home)}  # fmt: skip
    home.deliver_zendesk(json.dumps(told).encode())
    assert is_asked(home) is asked

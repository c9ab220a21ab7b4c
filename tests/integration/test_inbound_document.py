"""docs/inbound.md holds: its examples are run as they stand, and what it says of a malformed event is so."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from connector.clock import system_clock
from connector.storage.schema import tables
from sandbox.clock import HandClock
from sandbox.world import World
from tests.integration.test_door import served
from tests.support.house import INBOUND_SECRET, Harness, a_house, signed_inbound
from tests.support.processes import PATIENCE
from webhooks.inbound.source import LOOKED_INTO

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "inbound.md").read_text("utf-8")
HOOK = "/webhooks/survey-platform"
RUN = {"sh": ("bash", "-eu", "-c"), "python": (sys.executable, "-c")}


@pytest.fixture
def home(sqlite_template: Path, tmp_path: Path) -> Iterator[Harness]:
    """By the machine's own clock: the examples sign with it."""
    shutil.copy(sqlite_template, tmp_path / "ringback.db")
    url = f"sqlite:///{tmp_path}/ringback.db"
    with World() as world, a_house(url, world, {}, clock=HandClock(system_clock())) as home:
        yield home


@pytest.mark.parametrize(("language", "order"), [("sh", "4711"), ("python", "4712")])
def test_an_example_of_the_document_is_taken_and_understood(home: Harness, language: str, order: str) -> None:
    [example] = re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    with served(home) as port:
        environment = {"SHOP_WEBHOOK_SECRET": INBOUND_SECRET, "RINGBACK_BASE_URL": f"http://127.0.0.1:{port}"}
        text = example.replace("/webhooks/shop", HOOK)
        done = subprocess.run(
            [*RUN[language], text], env=os.environ | environment, capture_output=True, text=True, timeout=PATIENCE,
            check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert ("stored" if language == "sh" else "200") in done.stdout
    home.settle()
    event = home.one(tables.events)
    assert (event.type, event.data["order"]) == ("order.late", order)


def post(home: Harness, body: bytes, id_: str = "order-1") -> TestResponse:
    return home.post(HOOK, body, signed_inbound(body, id_, home.clock()))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"nonsense", "the body is not JSON"),
        (b"[]", "the body is a JSON list"),
        (b"{}", "type is missing; send it; time is missing; send it, or timestamp; data is missing; send an object"),
        (b'{"type": "order", "time": "2026-03-02T09:00:00Z", "data": {}}', "type is 'order'; send words with dots"),
        (b'{"type": "order.late", "time": "yesterday", "data": {}}', "time is 'yesterday'; send RFC 3339"),
        (b'{"type": "order.late", "time": "2026-03-02T09:00:00Z", "data": []}', "data is not an object; send one"),
    ],
)
def test_what_is_no_event_is_answered_with_422_and_the_reason_and_shown(home: Harness, body: bytes, why: str) -> None:
    said = post(home, body)
    assert (said.status_code, said.json["error"]) == (422, "unreadable")
    assert why in f"{said.json['message']}; {said.json['remedy']}"
    [kept] = home.rows(tables.deliveries)
    assert (kept.status, why in kept.reason) == ("unreadable", True)


def test_mended_it_may_be_sent_under_the_same_id(home: Harness) -> None:
    event = {"type": "order.late", "time": home.clock().isoformat(), "data": {"order": "1"}}
    assert post(home, json.dumps({**event, "data": None}).encode()).status_code == 422
    assert post(home, json.dumps(event).encode()).json == {"status": "stored"}


def test_what_only_reading_finds_and_what_is_large_is_kept_and_shown_as_ever(home: Harness) -> None:
    wrong = {"type": "survey.answered", "time": home.clock().isoformat(), "data": {"score": "many"}}
    assert post(home, json.dumps(wrong).encode()).json == {"status": "stored"}
    assert post(home, b"x" * (LOOKED_INTO + 1), "large").json == {"status": "stored"}
    home.settle()
    assert [row.status for row in home.rows(tables.deliveries)] == ["unreadable", "unreadable"]

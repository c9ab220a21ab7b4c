"""The log of a whole loop: every line can be followed by its ids, and none says who the customer is."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from connector import logs
from connector.storage.schema import tables
from sandbox.faults import Effect, Fault
from tests.support.house import ZENDESK_SECRET, Harness, a_home, answer
from tests.support.house_workflows import OPEN_A_TICKET, SUPPORT_RECOVERY

WORDS = "Mrs. Vandersloot never rang back about my chequered bicycle."
PERSON = {"email": "ann@example.com", "name": "Ann Jansen", "phone": "+31201234567"}
PERSONAL = ("ann@", "example.com", r"Ann\b", "Jansen", "31201234567", "Vandersloot", "bicycle", "care@")


@contextmanager
def written(*, as_json: bool) -> Iterator[Callable[[], str]]:
    """Log as a process does, into a text."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    logs.set_up(as_json=as_json, stream=stream)
    try:
        yield stream.getvalue
    finally:
        logging.captureWarnings(False)
        root.handlers[:] = handlers
        root.setLevel(level)


def go_round(home: Harness) -> None:
    """Answer, callback (at the second try), solve, retention survey, score, and some trouble on the way."""
    home.world.salesforce.add_contact("Jansen", PERSON["email"], FirstName="Ann")
    home.world.zendesk.faults.add(Fault(path="/api/v2/tickets", method="POST", effect=Effect.DROP_BEFORE))
    home.world.salesforce.faults.add(Fault(path="/composite", status=503))
    home.world.mailbox.refuse(PERSON["email"], code=450, text=f"no {PERSON['email']} here")
    with home.on_the_network() as url:
        home.world.zendesk.subscribe(
            f"{url}/webhooks/zendesk", "ticket.status_changed", secret=ZENDESK_SECRET
        )
        home.deliver(answer(3, comment=WORDS, customer=PERSON))
        home.deliver(
            {"type": "survey.answered", "id": "broken", "data": {"score": PERSON["name"], "comment": WORDS}}
        )
        home.post("/webhooks/survey-platform", WORDS.encode(), {"webhook-id": PERSON["email"]})
        home.settle()
        home.wait(minutes=10)
        [ticket] = home.world.zendesk.tickets
        home.world.zendesk.solve(ticket["id"], "Called; all well")
        assert home.world.zendesk.settle()
        home.settle()
    for _ in range(4):  # the retention survey's hour, and each retry's pause
        home.wait(hours=1)
    assert home.run().status == "succeeded"


@pytest.mark.parametrize("as_json", [False, True])
def test_the_log_of_a_loop_says_nothing_of_the_customer(database_url: str, as_json: bool) -> None:
    with written(as_json=as_json) as log, a_home(database_url, support_recovery=SUPPORT_RECOVERY) as home:
        go_round(home)
    assert log().count("effect done") >= 4
    for expected in ("effect not done", "delivery set aside", "refused a delivery"):
        assert expected in log()
    assert [word for word in PERSONAL if re.search(rf"\b{word}", log(), re.IGNORECASE)] == []


def test_every_line_of_the_runtime_carries_its_ids(database_url: str) -> None:
    with written(as_json=True) as log, a_home(database_url, support_recovery=SUPPORT_RECOVERY) as home:
        go_round(home)
        effects = {row.id: row for row in home.effects()}
        deliveries = {row.id: row for row in home.rows(tables.deliveries)}
        runs = {row.id for row in home.runs()}
    lines = [json.loads(line) for line in log().splitlines()]
    about_effects = [line for line in lines if line["message"].startswith("effect ")]
    assert {line["effect"] for line in about_effects} == set(effects)
    for line in about_effects:
        effect = effects[line["effect"]]
        assert (line["run"], line["connection"], line["action"]) == (
            effect.run_id,
            effect.connection,
            effect.action,
        )
    about_deliveries = [line for line in lines if line["message"].startswith("delivery ")]
    assert {line["delivery"]: line["status"] for line in about_deliveries} == {
        id_: row.status for id_, row in deliveries.items()
    }
    assert {id_ for line in about_deliveries for id_ in line.get("runs", "").split(",") if id_} == runs


def test_an_attempt_that_failed_and_one_that_succeeded_are_two_lines(database_url: str) -> None:
    with written(as_json=True) as log, a_home(database_url, callback=OPEN_A_TICKET) as home:
        home.know()
        home.world.zendesk.faults.add(Fault(path="/api/v2/tickets", method="POST", status=503))
        home.deliver(answer(3))
        home.settle()
        home.wait(minutes=10)
    told: list[Any] = [json.loads(line) for line in log().splitlines()]
    tries = [(line["level"], line["attempt"], line.get("kind")) for line in told if "effect" in line]
    assert tries == [("warning", 1, "transient"), ("info", 2, None)]

"""A new vendor is a client, a reader of its webhooks, and one row: here are two that nobody has heard of, and nothing
else of the house knows them. They go through all that a vendor goes through."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.cli.doctor.command import examine
from connector.feedback.customers import review_queue
from connector.storage.schema import tables as t
from connector.vendors.registry import VENDORS, table
from integrations.roles import Role
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.house import SECRET_KEY, Harness, a_house, answer
from tests.support.http import Reply, Seen, Server, serving
from tests.unit.toy_vendors import CRM, DESK

OURS = table(*VENDORS.values(), DESK, CRM)

KNOCK = "knock-knock-who-is-there"
CONFIG = """\
connections:
  desk: {{kind: toydesk, base_url: "{url}", webhook_secret: knock-knock-who-is-there}}
  crm: {{kind: toycrm, base_url: "{url}"}}
  survey-platform: {{kind: inbound, webhook_secret: whsec_c2VjcmV0c2VjcmV0c2VjcmV0}}
  mail: {{kind: smtp, url: "{mail}", sender: "Acme <feedback@acme.example>"}}
"""

RECOVERY = """\
trigger: {event: survey.answered, if: event.band == "detractor"}
steps:
  - id: callback
    do: ticket.open
    with: {connection: desk, subject: "Call back {{ customer.name }}", body: "{{ event.comment }}"}
  - id: score
    do: score.write
    with: {connection: crm}
"""
ASKING = """\
trigger: {event: ticket.solved}
steps: [{id: ask, do: survey.send, with: {survey: after-support, verify: true}}]
"""


class Toys:
    """What both vendors' servers hold: who we are, tickets, scores, and contacts by address."""

    def __init__(self) -> None:
        self.tickets: list[dict[str, Any]] = []
        self.scores: list[dict[str, Any]] = []
        self.contacts: dict[str, list[str]] = {}

    def __call__(self, seen: Seen) -> Reply:
        return Reply(body=json.dumps(self._answer(seen)).encode(), headers={"Content-Type": "application/json"})

    def _answer(self, seen: Seen) -> Any:
        if seen.path == "/me":
            return {"id": "U-99"}
        if seen.path == "/contacts":
            return {email: self.contacts[email] for email in seen.json if email in self.contacts}
        if seen.path == "/scores":
            self.scores += seen.json
            return {}
        self.tickets.append(seen.json)
        return {"id": f"T-{len(self.tickets)}"}


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
def server(toys: Toys) -> Iterator[Server]:
    with serving(toys) as server:
        yield server


@pytest.fixture
def home(toys: Toys, server: Server, sqlite_template: Path, tmp_path: Path) -> Iterator[Harness]:
    file = tmp_path / "ringback.db"
    shutil.copy(sqlite_template, file)
    clock = HandClock()
    with World(clock=clock) as world:
        config = CONFIG.format(url=server.url, mail=world.smtp_url)
        workflows = {"recovery": RECOVERY, "asking": ASKING}
        with a_house(f"sqlite:///{file}", world, workflows, clock=clock, config=config, vendors=OURS) as home:
            yield home


def solved(home: Harness, knock: str = KNOCK, user: str = "U-7") -> int:
    told = {"id": "e-1", "ticket": "T-5", "user": user, "email": "ann@example.com", "name": "Ann Jansen"}
    body = json.dumps(told).encode()
    return home.client.post(f"/webhooks/desk/{knock}", data=body, content_type="application/json").status_code


def test_a_row_says_what_its_client_is_to_us() -> None:
    assert (DESK.roles, CRM.roles) == ({Role.HELPDESK, Role.TICKETS}, {Role.CRM})


def test_their_settings_are_checked(home: Harness) -> None:
    assert home.house.connections.check() == ()
    assert home.house.connections.having(Role.HELPDESK) == ["desk"]


def test_the_doctor_asks_both_who_we_are_and_tells_what_is_missing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with World(clock=HandClock()) as world:
        config = CONFIG.format(url=server.url, mail=world.smtp_url).replace(f", webhook_secret: {KNOCK}", "")
        (tmp_path / "ringback.yaml").write_text(config)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("RINGBACK_SECRET_KEY", SECRET_KEY)
        said = {(each.check, each.says) for each in examine(vendors=OURS)}
    taken = "reached, and our credentials are taken"
    assert ("connection crm", f"toycrm: {taken}, but our user cannot write Score.") in said
    assert ("connection desk", f"toydesk: {taken}") in said
    assert ("connection desk", "webhook_secret is missing, so every webhook from there is refused.") in said


def test_its_webhook_is_let_in_and_a_strangers_is_not(home: Harness) -> None:
    assert solved(home, knock="guessed") == 401
    assert solved(home) == 200
    home.settle()
    assert home.one(t.events, t.events.c.type == "ticket.solved").subject == "desk:T-5"


def test_a_solved_ticket_asks_its_customer_whom_the_helpdesk_knows(home: Harness) -> None:
    solved(home)
    home.settle()
    assert len(home.mails("ann@example.com")) == 1


def test_one_record_has_one_name_however_it_is_written(home: Harness) -> None:
    solved(home, user="U-0007")
    home.settle()
    given = answer(9, customer={"email": None, "toydesk_user_id": "u-7", "toycrm_contact_id": "C-012"})
    home.deliver(given)
    home.settle()
    assert {(row.system, row.value) for row in home.rows(t.identities)} >= {("desk", "U-7"), ("crm", "C-12")}
    assert len(home.rows(t.customers)) == 1


def test_a_detractor_gets_a_ticket_and_the_score_stands_on_the_record(home: Harness, toys: Toys) -> None:
    toys.contacts["ann@example.com"] = ["C-12"]
    home.deliver(answer(2))
    home.settle()
    assert [ticket["about"] for ticket in toys.tickets] == ["Call back Ann Jansen"]
    assert toys.scores == [{"record": "C-12", "score": 2}]
    assert home.run("recovery").status == "succeeded"


def test_two_records_with_one_address_wait_for_somebody_who_chooses(home: Harness, toys: Toys) -> None:
    toys.contacts["ann@example.com"] = ["C-12", "C-0013"]
    home.deliver(answer(2))
    home.settle()
    database, ids = home.house.database, home.house.connections.ids
    with database.read() as tx:
        [case] = review_queue.listed(tx)
    database.transact(
        lambda tx: review_queue.decide(database, tx, case.id, "C-0013", "Ada", home.clock(), ids=ids)
    )  # fmt: skip
    home.deliver(answer(3))
    home.settle()
    assert toys.scores == [{"record": "C-13", "score": 3}]


def test_the_metrics_name_both(home: Harness) -> None:
    page = home.client.get("/metrics").text
    assert 'connection="desk"' in page
    assert 'connection="crm"' in page

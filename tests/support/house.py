"""A whole house on a real database, between stand-ins of the vendors, driven by hand.

Nothing runs by itself here: a test says when deliveries are understood, timers looked at and vendors called,
and it says what time it is. So every interleaving that matters can be written down as a sequence of lines.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Table, func, insert, select
from werkzeug.test import TestResponse

from connector import wiring
from connector.config.file import read_config
from connector.config.settings import Settings
from connector.definitions import read_surveys
from connector.ids import new_id
from connector.runtime.doorbell import INTAKE, TIMERS, effects_queue
from connector.runtime.effects import claims
from connector.secret_keys import SecretKeys
from connector.services import Services
from connector.storage.schema import tables
from connector.storage.stores.definition_import import import_definitions
from connector.storage.stores.definitions import DefinitionKind
from connector.vendors.base import Vendors
from connector.vendors.registry import VENDORS
from connector.web.app import web_app
from sandbox.clock import HandClock
from sandbox.serving import Server
from sandbox.world import World
from tests.fixtures import envelope
from tests.support.people import CHEAP
from workflows import schema

INBOUND_SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0"
ZENDESK_SECRET = "zendesk-signs-with-this"
SALESFORCE_TOKEN = "salesforce-knocks-with-this"
SECRET_KEY = "the tests' own secret key, long enough"
SECRET_KEYS = SecretKeys(SECRET_KEY)
_ROUNDS = 200


def _moved(table: Table) -> tuple[Any, Any]:
    return func.coalesce(func.sum(table.c.epoch), 0), func.count(table.c.id)


_EPOCHS = select(
    select(func.count()).where(tables.deliveries.c.status == "new").scalar_subquery(),
    select(func.coalesce(func.max(tables.deliveries.c.id), 0)).scalar_subquery(),  # ours may take another's place
    *(select(each).scalar_subquery() for table in (tables.runs, tables.effects) for each in _moved(table)),
)

CONFIG = """\
connections:
  zendesk:
    kind: zendesk
    plan: unlimited
    base_url: {world.zendesk_url}
    auth:
      type: oauth
      client_id: "{world.zendesk.client_id}"
      client_secret: "{world.zendesk.client_secret}"
    webhook_secret: {zendesk_secret}
  salesforce:
    kind: salesforce
    base_url: {world.salesforce_url}
    auth:
      type: client_credentials
      client_id: "{world.salesforce.client_id}"
      client_secret: "{world.salesforce.client_secret}"
    organization_id: {world.salesforce.organization_id}
    webhook_token: {salesforce_token}
  survey-platform:
    kind: inbound
    webhook_secret: {inbound_secret}
  mail:
    kind: smtp
    url: {world.smtp_url}
    sender: "Acme <feedback@acme.example>"
teams:
  care-team: {{email: [care@acme.example]}}
calendar: {{timezone: Europe/Amsterdam, hours: mon-fri 09:00-17:30}}
fatigue_days: 60
answers: {{settle_after_send: 0}}
quiet_hours: none                  # the hand's clock goes through nights; the tests of quiet hours have their own
"""


def config_of(world: World) -> str:
    """The ringback.yaml of a house between these stand-ins."""
    return CONFIG.format(
        world=world,
        zendesk_secret=ZENDESK_SECRET,
        salesforce_token=SALESFORCE_TOKEN,
        inbound_secret=INBOUND_SECRET,
    )


def answer(score: int, *, email: str | None = "ann@example.com", **data: Any) -> dict[str, Any]:
    """A survey answer as another platform sends it; ``data`` replaces its fields, ``customer`` whole."""
    id_ = data.get("response_id") or f"answer-{next(_numbers)}"
    body = {"response_id": id_, "survey": "after-support", "metric": "nps", "score": score,
            "comment": "Waited a week.", "contact_consent": True,
            "customer": {"email": email, "name": "Ann Jansen"}}  # fmt: skip
    return {"type": "survey.answered", "id": id_, "data": {**body, **data}}


_numbers = count(1)


def signed_inbound(body: bytes, id_: str, at: datetime, secret: str = INBOUND_SECRET) -> dict[str, str]:
    """The headers of Standard Webhooks, by its own text: base64(HMAC(key, "id.timestamp.body"))."""
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.digest(key, f"{id_}.{stamp}.".encode() + body, hashlib.sha256)
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": id_, "webhook-timestamp": stamp, "webhook-signature": signature,
            "content-type": "application/json"}  # fmt: skip


def signed_zendesk(
    body: bytes, invocation: str, at: datetime, secret: str = ZENDESK_SECRET
) -> dict[str, str]:
    """The headers of a Zendesk webhook: base64(HMAC(secret as text, timestamp + body))."""
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    mac = hmac.digest(secret.encode(), stamp.encode() + body, hashlib.sha256)
    return {
        "x-zendesk-webhook-signature": base64.b64encode(mac).decode(),
        "x-zendesk-webhook-signature-timestamp": stamp,
        "x-zendesk-webhook-invocation-id": invocation,
        "content-type": "application/json; charset=utf-8",
    }


@dataclass
class Harness:
    """The house under test, its surroundings, and the hands that work its pumps."""

    house: Services
    world: World
    clock: HandClock
    url: str = field(default="")  # set while ``on_the_network``

    @cached_property
    def pages(self) -> Flask:
        """The web side; many a test never asks it."""
        return web_app(self.house)

    @cached_property
    def client(self) -> FlaskClient:
        return self.pages.test_client()

    def run_job(self, job: str) -> None:
        """What the scheduler does when this job's time has come."""
        [named] = [each for each in self.house.jobs if each.name == job]
        named.run()

    def know(self, email: str = "ann@example.com", name: str = "Ann Jansen") -> str:
        """A customer whom we and the helpdesk know already, as each other's. → their user id at the helpdesk."""
        user, customer, now = str(self.world.zendesk.add_user(name, email)["id"]), new_id(), self.clock()
        moments = {"created_at": now, "updated_at": now}
        row = {"id": customer, "name": name, "email": email, "facts": {}, **moments}
        known = [("email", email), ("zendesk", user)]
        with self.house.database.write() as tx:
            tx.execute(insert(tables.customers).values(row))
            for system, value in known:
                identity = {"system": system, "value": value, "customer_id": customer}
                tx.execute(insert(tables.identities).values(identity))
        return user

    # --- what others send us

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> TestResponse:
        return self.client.post(path, data=body, headers=dict(headers))

    def deliver(
        self, event: Mapping[str, Any], *, id_: str | None = None, sender: str = "survey-platform"
    ) -> int:
        """Sign and send an inbound event. → the status it was answered with."""
        body = json.dumps({"time": self.clock().isoformat(), **event}).encode()
        key = id_ or str(event["id"])
        return self.post(f"/webhooks/{sender}", body, signed_inbound(body, key, self.clock())).status_code

    def deliver_zendesk(self, body: bytes) -> int:
        """Sign and send a Zendesk envelope. → the status it was answered with."""
        headers = signed_zendesk(body, f"invocation-{next(_numbers)}", self.clock())
        return self.post("/webhooks/zendesk", body, headers).status_code

    def ticket_event(self, name: str, ticket_id: str, *, at: datetime | None = None, **detail: Any) -> int:
        """One of ``tests/fixtures/zendesk`` about this ticket. → the status it was answered with."""
        moment = (at or self.clock()).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = envelope(f"zendesk/{name}.json", id=f"event-{next(_numbers)}", time=moment,
                        detail={"id": str(ticket_id), **detail})  # fmt: skip
        return self.deliver_zendesk(body)

    # --- the hands

    def pump(self, *queues: str) -> None:
        for queue in queues:
            self.house.pumps.pump(queue)

    def settle(self) -> None:
        """Work every queue until a round changes nothing: what is left waits for time or for people."""
        before = self._epochs()
        for _ in range(_ROUNDS):
            self.pump(INTAKE, TIMERS, *map(effects_queue, sorted(self._due())))
            if (after := self._epochs()) == before:
                return
            before = after
        raise AssertionError(f"the house did not come to rest in {_ROUNDS} rounds")

    def tick(self) -> None:
        """What the scheduler does once a second, then all that follows."""
        self.house.sweep.tick()
        self.settle()

    def wait(self, **span: float) -> None:
        """Let time pass, then do what became due."""
        self.clock.move(**span)
        self.tick()

    def _due(self) -> set[str]:
        with self.house.database.read() as tx:
            return claims.due_connections(tx, self.clock())

    def _epochs(self) -> Any:
        """A number for everything that work moves."""
        with self.house.database.read() as tx:
            return tx.execute(_EPOCHS).one()

    # --- what came of it

    def rows(self, table: Table, *where: Any) -> list[Any]:
        key = next(iter(table.primary_key.columns))
        with self.house.database.read() as tx:
            return list(tx.execute(select(table).where(*where).order_by(key)).all())

    def one(self, table: Table, *where: Any) -> Any:
        [row] = self.rows(table, *where)
        return row

    def runs(self, workflow: str | None = None) -> list[Any]:
        """The runs, in the order of their events."""
        found = self.rows(tables.runs, *([tables.runs.c.workflow == workflow] if workflow else []))
        return sorted(found, key=lambda run: run.event_seq)

    def run(self, workflow: str | None = None) -> Any:
        [run] = self.runs(workflow)
        return run

    def effects(self, action: str | None = None) -> list[Any]:
        return self.rows(tables.effects, *([tables.effects.c.action == action] if action else []))

    def story(self, run_id: str | None = None) -> list[str]:
        """Every sentence of the history, in order."""
        which = [tables.history.c.run_id == run_id] if run_id else []
        return [note["text"] for row in self.rows(tables.history, *which) for note in row.notes]

    def output(self, step: str, workflow: str | None = None) -> Any:
        """``steps.<step>`` of the only run."""
        return self.run(workflow).state["outputs"].get(step)

    def mails(self, to: str = "") -> list[Any]:
        return self.world.mailbox.to(to)

    # --- surroundings

    @contextmanager
    def on_the_network(self) -> Iterator[str]:
        """Serve the web side on a port, so that the stand-ins can send webhooks to it."""
        server = Server(self.pages)
        self.url = server.url
        try:
            yield server.url
        finally:
            server.close()

    def install(self, **workflows: str) -> None:
        """More workflows, by slug; those there stay."""
        _import(self.house, DefinitionKind.WORKFLOW, _by_slug(workflows), retire_others=False)


@contextmanager
def a_house(
    database_url: str, world: World, workflows: Mapping[str, str] | None = None, *, clock: HandClock,
    config: str | None = None, surveys: Mapping[str, str] | None = None, vendors: Vendors = VENDORS,
    base_url: str = "http://127.0.0.1:8000", secret_keys: SecretKeys = SECRET_KEYS,
) -> Iterator[Harness]:  # fmt: skip
    """A house on a migrated database. ``workflows`` and ``surveys`` are YAML by slug (``_`` reads as ``-``);
    without ``workflows`` those in the database stay in force, as for a second worker."""
    settings = Settings(
        database_url, "memory://", base_url, Path("ringback.yaml"), False, "text", None
    )
    settled = read_config(config or config_of(world), Path("ringback.yaml"), {})
    house = wiring.build(
        settings, settled, secret_keys=secret_keys, clock=clock, vendors=vendors, hash_cost=CHEAP
    )
    try:
        assert house.connections.check() == ()
        if workflows is not None:
            _import(house, DefinitionKind.SURVEY, {**read_surveys(settled), **(surveys or {})})
            _import(house, DefinitionKind.WORKFLOW, _by_slug(workflows))
            house.pumps.pump(INTAKE)  # what comes after its start is taken in batches
        yield Harness(house, world, clock)
    finally:
        house.close()


def _by_slug(workflows: Mapping[str, str]) -> dict[str, str]:
    """A workflow's text may leave out its first line; it is the slug."""
    named = {name.replace("_", "-"): text for name, text in workflows.items()}
    whole = {
        slug: text if text.startswith("workflow:") else f"workflow: {slug}\n{text}"
        for slug, text in named.items()
    }
    for slug, text in whole.items():
        schema.load(text, slug)  # a test's own mistake is found here, not in the intake
    return whole


def _import(house: Services, kind: DefinitionKind, bodies: Mapping[str, str], *, retire_others: bool = True) -> None:
    now = house.clock()
    house.database.transact(lambda tx: import_definitions(tx, kind, bodies, now, retire_others=retire_others))


@contextmanager
def a_home(database_url: str, **workflows: str) -> Iterator[Harness]:
    """A house with a world and a clock of its own."""
    clock = HandClock()
    with World(clock=clock) as world, a_house(database_url, world, workflows, clock=clock) as home:
        yield home


@contextmanager
def a_second_house(home: Harness, database_url: str) -> Iterator[Harness]:
    """Another worker on the same database, with everything of its own but the world and the time."""
    with a_house(database_url, home.world, clock=home.clock) as other:
        yield other

"""A whole installation for tests: the product's own processes, and the stand-ins' world around them.

What an admin does before the first survey is done here, over the vendors' APIs: the fields for scores, the
webhook and its signing secret, the outbound message.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
import yaml
from sqlalchemy import ColumnElement, func, or_, select

from connector.storage.engine.database import Database
from connector.storage.flow_control import backlog as queues
from connector.storage.schema.tables import deliveries, effects, events, runs
from connector.storage.stores import run_queries
from connector.storage.stores.run_queries import RunLine
from sandbox.world import World
from sandbox.zendesk import ZendeskStandIn
from tests.support.processes import PATIENCE, Process, free_port, run, running, until
from workflows.library import load_library
from workflows.schema import dump, from_dict, to_dict

EVENTS = ("created", "status_changed", "comment_added", "agent_assignment_changed", "merged", "soft_deleted")
SALESFORCE_TOKEN = "a-long-token-in-the-path"
INBOUND_SECRET = "whsec_YSBzZWNyZXQgb2YgdGhlIHRlc3Rz"
SECRET_KEY = "a secret key of the tests, long enough"
_SHORTER = {"1 hour": "1 second"}
"""Waiting times as an admin shortens them."""

_SHORT = timedelta(seconds=1)
"""A run that waits no longer than these is under way; others wait for a person, or for another day."""

_WORKER = ("worker", "the worker is ready")
_SCALED = (_WORKER, _WORKER, ("scheduler", "the scheduler is ready"))


@dataclass(frozen=True)
class Installation:
    """The running product. ``database`` is for looking, never for writing."""

    world: World
    url: str
    folder: Path
    environment: Mapping[str, str]
    database: Database
    processes: Sequence[Process]

    def command(self, *arguments: str) -> Any:
        """What a command says, with --json."""
        return json.loads(run([*arguments, "--json"], self.environment, self.folder))

    def runs(self, workflow: str) -> list[RunLine]:
        """Runs of a workflow, oldest first."""
        with self.database.read() as tx:
            return list(reversed(run_queries.list_runs(tx, workflow=workflow, status=None, limit=100)))

    def story(self, run_id: str) -> list[dict[str, Any]]:
        """Everything a run did and decided, as ``ringback runs show`` tells it."""
        lines: list[dict[str, Any]] = self.command("runs", "show", run_id)["lines"]
        return lines

    def events(self, kind: str) -> list[Any]:
        """The events of a type, oldest first."""
        with self.database.read() as tx:
            return list(tx.execute(select(events).where(events.c.type == kind).order_by(events.c.seq)))

    def told(self) -> list[tuple[str, str]]:
        """What every event is and is about, oldest first."""
        with self.database.read() as tx:
            found = tx.execute(select(events.c.type, events.c.subject).order_by(events.c.seq))
            return [(row.type, row.subject) for row in found]

    def count(self, table: Any) -> int:
        with self.database.read() as tx:
            return int(tx.execute(select(func.count()).select_from(table)).scalar_one())

    def settle(self) -> None:
        """Until nothing is under way: no message of a vendor, no delivery, no call, no run that soon goes on."""
        until(self._is_settled, "every message understood, every call made, every short wait over")

    def _is_settled(self) -> bool:
        """What we do at a vendor's makes it send messages, and these make us do more: idle is who is so between two
        looks at the vendors, when no message was sent meanwhile."""
        before = self._messages()
        return self._is_idle() and self._messages() == before

    def _messages(self) -> tuple[int, int]:
        """How many attempts the vendors made to tell us something; none is due or on its way."""
        assert self.world.zendesk.settle()
        assert self.world.salesforce.settle()
        return len(self.world.zendesk.deliveries), len(self.world.salesforce.deliveries)

    def report(self, **data: Any) -> None:
        """Another survey platform reports an answer, signed (Standard Webhooks)."""
        event = {
            "type": "survey.answered",
            "id": data["response_id"],
            "time": "2026-11-22T10:00:00Z",
            "data": data,
        }
        body, stamp = json.dumps(event).encode(), str(int(time.time()))
        key = base64.b64decode(INBOUND_SECRET.removeprefix("whsec_"))
        mac = hmac.new(key, f"{event['id']}.{stamp}.".encode() + body, hashlib.sha256).digest()
        headers = {"Content-Type": "application/json", "webhook-id": str(event["id"]),
                   "webhook-timestamp": stamp,
                   "webhook-signature": "v1," + base64.b64encode(mac).decode()}  # fmt: skip
        answer = requests.post(f"{self.url}/webhooks/survey-platform", data=body, headers=headers, timeout=30)
        assert answer.status_code in (200, 202), answer.text

    def _is_idle(self) -> bool:
        with self.database.read() as tx:
            return not tx.execute(select(_under_way(datetime.now(UTC) + _SHORT))).scalar_one()


def _under_way(soon: datetime) -> ColumnElement[bool]:
    """Deliveries that are not understood, calls that are not made, runs that go on by themselves: asked in one
    statement, as work moves from one to the other between two."""
    calls = select(effects.c.id).where(effects.c.status.in_(("due", "performing")))
    woken = [select(runs.c.id).where(*kind, runs.c.due_at <= soon) for kind in (queues.IS_TIMER, queues.IS_READY)]
    return or_(*(each.exists() for each in (select(deliveries.c.id).where(queues.IS_NEW), calls, *woken)))


@contextmanager
def installed(
    folder: Path, database_url: str, broker_url: str = "memory://", **workflows: str
) -> Iterator[Installation]:
    """The product on this database and broker: one process when the broker is in memory, else four.

    ``workflows`` are YAML texts beside the built-in ones, by file name.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with World() as world:
        world.zendesk.desk.webhooks.timeout = PATIENCE  # its twelve seconds would tell how busy the machine is
        secret = furnish(world, url)
        write_workflows(folder / "workflows")
        for name, text in workflows.items():
            (folder / "workflows" / f"{name}.yaml").write_text(text, "utf-8")
        (folder / "ringback.yaml").write_text(yaml.safe_dump(configuration(world, secret)), "utf-8")
        environment = {
            "RINGBACK_DATABASE_URL": database_url, "RINGBACK_BROKER_URL": broker_url,
            "RINGBACK_BASE_URL": url,
            "RINGBACK_SECRET_KEY": SECRET_KEY, "RINGBACK_CONFIG": str(folder / "ringback.yaml"),
        }  # fmt: skip
        commands = _commands(port, embedded=broker_url.startswith("memory:"))
        with (
            running(commands, environment, folder) as processes,
            closing(Database(database_url, pool_size=2)) as known,
        ):
            yield Installation(world, url, folder, environment, known, processes)


def _commands(port: int, *, embedded: bool) -> list[tuple[Sequence[str], str]]:
    front = ("serve" if embedded else "web", "--port", str(port))
    return [(front, "listening on"), *([] if embedded else [((name,), ready) for name, ready in _SCALED])]


def furnish(world: World, url: str) -> str:
    """Prepare both vendors. → the webhook's signing secret."""
    world.salesforce.add_field("Contact", "CSAT_Score__c", "double")
    world.salesforce.outbound.endpoint = f"{url}/webhooks/salesforce/{SALESFORCE_TOKEN}"
    field = {"key": "csat_score", "title": "Satisfaction with the solution", "type": "integer"}
    subscription = {
        "name": "Ringback", "endpoint": f"{url}/webhooks/zendesk", "http_method": "POST",
        "request_format": "json", "status": "active",
        "subscriptions": [f"zen:event-type:ticket.{each}" for each in EVENTS],
    }  # fmt: skip
    with _Admin(world.zendesk) as admin:
        admin.ask("POST", "user_fields", {"user_field": field})
        webhook = admin.ask("POST", "webhooks", {"webhook": subscription})["webhook"]
        return str(admin.ask("GET", f"webhooks/{webhook['id']}/signing_secret")["signing_secret"]["secret"])


class _Admin:
    """An admin's session at the stand-in Zendesk's API."""

    def __init__(self, zendesk: ZendeskStandIn) -> None:
        self._session, self._url = requests.Session(), zendesk.base_url
        self._session.trust_env = False
        login = {"grant_type": "client_credentials", "client_id": zendesk.client_id, "scope": "read write",
                 "client_secret": zendesk.client_secret}  # fmt: skip
        token = self._session.post(f"{self._url}/oauth/tokens", json=login, timeout=30).json()["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, what: str, body: Any = None) -> Any:
        answer = self._session.request(method, f"{self._url}/api/v2/{what}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def __enter__(self) -> _Admin:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()


def write_workflows(folder: Path) -> None:
    """The built-in workflows as this admin wants them: an hour made a second, every metric written."""
    folder.mkdir()
    for slug, workflow in load_library().items():
        values = _shortened(to_dict(workflow))
        if slug == "score-writeback":
            del values["trigger"]["if"]  # satisfaction has fields of its own here, see ``furnish``
        (folder / f"{slug}.yaml").write_text(dump(from_dict(values, slug)), "utf-8")


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_shortened(each) for each in value]
    return _SHORTER.get(value, value) if isinstance(value, str) else value


def configuration(world: World, webhook_secret: str) -> dict[str, Any]:
    """The configuration file, as an admin of Acme writes it."""
    login = {"client_id": world.zendesk.client_id, "client_secret": world.zendesk.client_secret}
    crm_login = {"client_id": world.salesforce.client_id, "client_secret": world.salesforce.client_secret}
    return {
        "connections": {
            "zendesk": {"kind": "zendesk", "plan": "unlimited",
                        "base_url": world.zendesk_url, "auth": {"type": "oauth", **login},
                        "webhook_secret": webhook_secret, "fields": {"csat": {"score": "csat_score"}}},
            "salesforce": {"kind": "salesforce", "base_url": world.salesforce_url,
                           "auth": {"type": "client_credentials", **crm_login},
                           "organization_id": world.salesforce.organization_id,
                           "webhook_token": SALESFORCE_TOKEN,
                           "fields": {"csat": {"score": "CSAT_Score__c"}}},
            "survey-platform": {"kind": "inbound", "webhook_secret": INBOUND_SECRET},
            "mail": {"kind": "smtp", "url": world.smtp_url, "sender": "Acme <feedback@acme.example>"},
        },
        "teams": {"care-team": {"email": ["care@acme.example"]},
                  "care-lead": {"email": ["lead@acme.example"]}},
        "answers": {"settle_after_send": 0},
        "calendar": {"timezone": "Europe/Amsterdam", "hours": "mon-fri 09:00-17:30", "holidays": "NL"},
        "quiet_hours": "none",  # it runs by the machine's clock, which may say that it is night
        "workflows": "workflows",
    }  # fmt: skip

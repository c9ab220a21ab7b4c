"""The product under measurement: one workflow, started as people start it, its CPU time read."""

from __future__ import annotations

import base64
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.load import CONNECTION, SECRET

RINGBACK = str(Path(sys.executable).with_name("ringback"))
ROOT = Path(__file__).resolve().parents[1]
WORKFLOW = """\
workflow: bench
trigger: {event: survey.answered}
run: {key: event.response_id, mode: single}
steps:
  - id: callback
    if: event.band == "detractor" && event.contact_consent
    do: ticket.open
    with:
      connection: zendesk
      subject: "Call back {{ customer.name }}"
      body: "{{ event.score }}: {{ event.comment }} ({{ event.response_id }})"
  - id: score
    do: score.write
    with: {connection: salesforce}
"""
_START_SECONDS = 90
_SIDE_BY_SIDE = 192
"""Calls under way at Zendesk. The usual 64 are enough for any account that Zendesk sells; with a vendor that takes 50
ms for each of two requests they would be what is measured."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Where to measure. ``secret`` signs the answers; another sender may bring its own."""

    database: str  # sqlite or postgresql
    broker: str  # memory or redis
    vendor_url: str
    port: int
    workers: int = 2
    secret: str = "whsec_" + base64.b64encode(SECRET).decode()
    processes: int = 3  # of ``serve``
    instead: Mapping[str, Any] = field(default_factory=dict)  # of what ``configure`` writes otherwise, by key


@dataclass(frozen=True, slots=True)
class Running:
    """One process of the product."""

    name: str
    pid: int
    log: Path

    def pids(self) -> list[int]:
        """It, and the processes it has started."""
        return [self.pid, *map(int, Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split())]

    def cpu_seconds(self) -> float:
        """User and system time so far, of all threads of all its processes."""
        stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.pids()]
        return sum(int(each[11]) + int(each[12]) for each in stats) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(setup: Setup, folder: Path) -> Iterator[list[Running]]:
    """The product on a fresh database, until the block ends."""
    with ExitStack() as stack:
        environment = stack.enter_context(furnished(setup, folder))
        found = [stack.enter_context(_process(each, environment, folder, place)) for place, each in
                 enumerate(commands(setup))]  # fmt: skip
        for each in found:
            _wait(each)
        yield found


@contextmanager
def furnished(setup: Setup, folder: Path) -> Iterator[dict[str, str]]:
    """What the product's processes need to start: a configuration and an empty database. → their environment."""
    configure(setup, folder)
    with database(setup.database, folder) as url:
        yield {
            **os.environ, "PYTHONPATH": str(ROOT), "RINGBACK_CONFIG": str(folder / "ringback.yaml"),
            "RINGBACK_DATABASE_URL": url,
            "RINGBACK_BROKER_URL": os.environ.get("RINGBACK_TEST_REDIS", "redis://127.0.0.1:6379") + "/9"
            if setup.broker == "redis" else "memory://",
            "RINGBACK_SECRET_KEY": "only for the benchmark, and long enough",
        }  # fmt: skip


def configure(setup: Setup, folder: Path) -> None:
    """Write the configuration and the one workflow."""
    (folder / "workflows").mkdir()
    (folder / "workflows" / "bench.yaml").write_text(WORKFLOW)
    vendor = {"base_url": setup.vendor_url, "auth": {"type": "token", "token": "benchmark"}}
    connections = {
        "zendesk": {"kind": "zendesk", "plan": "unlimited", "concurrency": _SIDE_BY_SIDE, **vendor},
        "salesforce": {"kind": "salesforce", **vendor},
        CONNECTION: {"kind": "inbound", "webhook_secret": setup.secret},
    }
    configuration = {"connections": connections, "workflows": "workflows", **setup.instead}
    (folder / "ringback.yaml").write_text(json.dumps(configuration))  # JSON is YAML


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database; one on PostgreSQL is dropped afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'bench.db'}"
        return
    server = os.environ.get("RINGBACK_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
    name = f"ringback_bench_{os.getpid()}_{folder.name}".lower()  # several may be open at once
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def commands(setup: Setup) -> list[Sequence[str]]:
    """How the product is started: one command, or several with a broker between them."""
    if setup.broker == "memory":
        return [("serve", "--port", str(setup.port), "--processes", str(setup.processes))]
    shares = itertools.islice(itertools.cycle(("advancing", "calling")), setup.workers)
    workers = [("worker", "--share", share) for share in shares] if setup.workers > 1 else [("worker",)]
    return [("web", "--port", str(setup.port)), *workers, ("scheduler",)]


@contextmanager
def _process(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, place: int
) -> Iterator[Running]:
    log = folder / f"{place}-{command[0]}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  # our own program
            [RINGBACK, *command], env=dict(environment), cwd=folder, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield Running(command[0], process.pid, log)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: Running) -> None:
    ready = {"serve": "listening on", "web": "listening on"}.get(process.name, " is ready")
    deadline = time.monotonic() + _START_SECONDS
    while ready not in process.log.read_text():
        if time.monotonic() > deadline or "Error: " in process.log.read_text():
            raise SystemExit(f"{process.name} did not start:\n{process.log.read_text()}")
        time.sleep(0.1)

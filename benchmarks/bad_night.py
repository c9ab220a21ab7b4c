"""Bad nights under load: is an answer lost, is a ticket or an alert doubled, and do we tell the truth meanwhile?

    python -m benchmarks.bad_night --database sqlite --faults all --rate 100
    python -m benchmarks.bad_night --database postgresql --faults database-cut,bomb --rate 100 --fault 30

Each fault has a product of its own on an empty database. Answers come at a rate from polite senders (what is not
accepted is sent again under its id), first in peace, then during the fault, then until all is good again; then all
has time to finish. Every second ``/readyz`` is asked; the doctor once during the fault, and once after it. ``lost`` and
``doubled`` must be 0.

The clock is that of the house: all of it takes its time from one place, and that is what is set. Filling a disk needs
the right to mount one (root).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.kills import Attack, Product, Verdict, sending
from benchmarks.load import wants_call
from benchmarks.outside import ask, counterpart, free_port
from benchmarks.product import RINGBACK, Setup, furnished
from tests.support.line import Line

_BOMB = gzip.compress(b" " * 200_000_000, 9)
_IDLE = 2_000
_NUMBER = re.compile(r"answer-(\d{7})")
_CLOCK = """\
import os, pathlib
from datetime import UTC, datetime, timedelta
class Wall(datetime):
    @classmethod
    def now(cls, tz=None):
        try:
            off = float(pathlib.Path(os.environ["RINGBENCH_CLOCK"]).read_text())
        except (OSError, ValueError):
            off = 0.0
        return datetime.now(tz) + timedelta(seconds=off)
import connector.clock
connector.clock.system_clock.__code__ = (lambda: __import__("sitecustomize").Wall.now(UTC)).__code__
connector.clock.UTC = UTC
import apscheduler.schedulers.base, apscheduler.triggers.interval, connector.runtime.jobs.scheduler as scheduler
apscheduler.schedulers.base.datetime = apscheduler.triggers.interval.datetime = scheduler.datetime = Wall
"""
"""Python runs it before anything of ours: the house's clock, and the scheduler's, are off by what a file says."""
_TELL = """\
workflow: tell
trigger: {event: survey.answered}
run: {key: event.response_id, mode: single}
steps:
  - {id: tell, do: alert.send, delivery: at-most-once, with: {to: team, text: "{{ event.response_id }}"}}
"""


@dataclass
class Night:
    """What came of one fault. Moments are in seconds since it began."""

    fault: str
    database: str
    rate: float
    accepted: int = 0
    refused: int = 0  # and sent again
    lost: int = 0
    doubled: int = 0
    unfinished_calls: int = 0
    most_mb: int = 0
    not_ready_after: float | None = None  # until /readyz said so; None: it never did
    ready_again_after: float | None = None  # counted from the fault's end
    caught_up_after: float | None = None  # the same, until every accepted answer had its effects
    slowest_readyz: float = 0.0
    why: list[str] = field(default_factory=list)  # of /readyz
    doctor: list[str] = field(default_factory=list)  # what it found during the fault
    doctor_after: list[str] = field(default_factory=list)


@dataclass
class Ground:
    """Where a fault works: ``lines`` lead to the database and to the vendors, as far as there are any."""

    folder: Path
    url: str
    port: int
    vendor_port: int
    lines: dict[str, Line] = field(default_factory=dict)
    alerts: AlertServer | None = None


Fault = Callable[[Ground], Any]
"""A context manager: the fault lasts as long as its block."""


@contextmanager
def clock_ahead(ground: Ground) -> Iterator[None]:
    (ground.folder / "clock").write_text("3600")
    yield
    (ground.folder / "clock").write_text("0")


@contextmanager
def clock_behind(ground: Ground) -> Iterator[None]:
    (ground.folder / "clock").write_text("-3600")
    yield
    (ground.folder / "clock").write_text("0")


@contextmanager
def disk_full(ground: Ground) -> Iterator[None]:
    ballast = ground.folder / "ballast"
    with ballast.open("wb") as file, suppress(OSError):
        while True:
            file.write(b"x" * 65_536)
            file.flush()
    yield
    ballast.unlink()


@contextmanager
def locked(ground: Ground) -> Iterator[None]:
    with closing(sqlite3.connect(ground.url.removeprefix("sqlite:///"), isolation_level=None, timeout=60)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def database_cut(ground: Ground) -> Iterator[None]:
    ground.lines["database"].cut()
    yield
    ground.lines["database"].mend()


class _Bomb(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_any(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        for name, value in (("Content-Type", "application/json"), ("Content-Encoding", "gzip"),
                            ("Content-Length", str(len(_BOMB)))):  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(_BOMB)

    do_GET = do_POST = do_PATCH = do_PUT = do_any  # noqa: N815  # the library's names

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def bomb(ground: Ground) -> Iterator[None]:
    """The vendors answer with 200 MB of nothing."""
    with _served(_Bomb) as port:
        line = ground.lines["vendor"]
        line.target = ("127.0.0.1", port)
        line.cut()
        line.mend()
        yield
        line.target = ("127.0.0.1", ground.vendor_port)
        line.cut()
        line.mend()


@contextmanager
def slow_alert(ground: Ground) -> Iterator[None]:
    assert ground.alerts is not None  # noqa: S101  # the fault has them
    ground.alerts.pause = 60.0
    yield
    ground.alerts.pause = 0.0


@contextmanager
def idle_sockets(ground: Ground) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(_IDLE):
            with suppress(OSError):
                stack.enter_context(socket.create_connection(("127.0.0.1", ground.port), timeout=2))
        yield


FAULTS: Mapping[str, Fault] = {
    "clock-ahead": clock_ahead, "clock-behind": clock_behind, "disk-full": disk_full, "locked": locked,
    "database-cut": database_cut, "bomb": bomb, "slow-alert": slow_alert, "idle-sockets": idle_sockets,
}  # fmt: skip
_ONLY = {"disk-full": "sqlite", "locked": "sqlite", "database-cut": "postgresql"}


class AlertServer:
    """A chat tool. ``pause``: seconds before it answers; ``heard`` counts what came, by answer."""

    def __init__(self) -> None:
        self.pause, self.heard = 0.0, Counter[int]()
        outer = self

        class Hear(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                outer.heard.update(map(int, _NUMBER.findall(told)[:1]))
                time.sleep(outer.pause)
                with suppress(OSError):
                    self.send_response(204)
                    self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.handler = Hear


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


class Watch:
    """Asks ``/readyz`` every second, and how much memory the product has."""

    def __init__(self, ground: Ground, product: Product, night: Night) -> None:
        self._ground, self._product, self._night = ground, product, night
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.began = self.ended = 0.0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(1.0):
            now = time.monotonic()
            status, why = _ready(self._ground.port)
            self._night.slowest_readyz = round(max(self._night.slowest_readyz, time.monotonic() - now), 1)
            self._night.most_mb = max(self._night.most_mb, self._product.megabytes())
            self._note(time.monotonic(), status, why)

    def _note(self, now: float, status: int, why: str) -> None:
        night = self._night
        if self.began and status != 200 and night.not_ready_after is None:
            night.not_ready_after = round(now - self.began, 1)
        if self.began and status != 200 and why not in night.why:
            night.why.append(why)
        if self.ended and status == 200 and night.ready_again_after is None:
            night.ready_again_after = round(now - self.ended, 1)
        if self.ended and status != 200:
            night.ready_again_after = None


def _ready(port: int) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as reply:
            return reply.status, ""
    except urllib.error.HTTPError as error:
        with suppress(ValueError):
            return error.code, re.sub(r"\d+ s", "some s", str(json.load(error).get("why")))
        return error.code, "no reason"
    except OSError as error:
        return 0, type(error).__name__


def _doctor(environment: Mapping[str, str], folder: Path) -> list[str]:
    """What is not in order, in its words."""
    command = [RINGBACK, "doctor", "--offline", "--json"]
    done = subprocess.run(command, env=dict(environment), cwd=folder, capture_output=True, timeout=60)  # noqa: S603
    found = json.loads(done.stdout or b"{}").get("findings", [])
    return [f"{each['check']}: {each['says']}"[:160] for each in found if each["verdict"] != "ok"]


class Played:
    """One fault from the first answer to the last effect."""

    def __init__(self, fault: str, options: argparse.Namespace) -> None:
        self.fault, self.options = fault, options
        self.night = Night(fault, options.database, options.rate)

    def play(self) -> Night:
        with ExitStack() as stack:
            ground, environment, vendor_url = self._ground(stack)
            product = Product(self._setup, environment, ground.folder, random.Random(1))  # noqa: S311
            stack.callback(product.kill)
            product.start()
            product.wait()
            self._under_load(ground, environment, product, vendor_url)
        return self.night

    def _ground(self, stack: ExitStack) -> tuple[Ground, dict[str, str], str]:
        options, name = self.options, stack.enter_context(tempfile.TemporaryDirectory())
        folder = stack.enter_context(_small_disk(Path(name))) if self.fault == "disk-full" else Path(name)
        vendor = free_port()
        stack.enter_context(
            counterpart([sys.executable, "-m", "benchmarks.counterpart", "--port", str(vendor), "--latency-ms", "20"])
        )
        lines = {"vendor": Line("127.0.0.1", vendor)}
        instead: dict[str, Any] = {}
        alerts = AlertServer() if self.fault == "slow-alert" else None
        if alerts is not None:
            port = stack.enter_context(_served(alerts.handler))
            instead["teams"] = {"team": {"notify": [f"json://127.0.0.1:{port}/"]}}
        self._setup = Setup(
            options.database, "memory", f"http://127.0.0.1:{lines['vendor'].port}", free_port(), instead=instead
        )
        environment = stack.enter_context(furnished(self._setup, folder))
        if alerts is not None:
            (folder / "workflows" / "tell.yaml").write_text(_TELL)
        ground = Ground(folder, environment["RINGBACK_DATABASE_URL"], self._setup.port, vendor, lines, alerts)
        self._by_lines(ground, environment)
        return ground, environment, f"http://127.0.0.1:{vendor}"

    def _by_lines(self, ground: Ground, environment: dict[str, str]) -> None:
        if self.options.database == "postgresql":
            parts = urlsplit(ground.url)
            line = ground.lines["database"] = Line(parts.hostname or "127.0.0.1", parts.port or 5432)
            who = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
            environment["RINGBACK_DATABASE_URL"] = parts._replace(netloc=f"{who}127.0.0.1:{line.port}").geturl()
        if self.fault.startswith("clock"):
            (ground.folder / "sitecustomize.py").write_text(_CLOCK)
            environment["RINGBENCH_CLOCK"] = str(ground.folder / "clock")
            environment["PYTHONPATH"] = f"{ground.folder}{os.pathsep}{environment['PYTHONPATH']}"

    def _under_load(self, ground: Ground, environment: dict[str, str], product: Product, vendor_url: str) -> None:
        options, night = self.options, self.night
        verdict = Verdict(20)
        attack = Attack(product, ground.url, random.Random(1), verdict)  # noqa: S311
        always = _doctor(environment, ground.folder)  # what a benchmark's installation lacks
        with Watch(ground, product, night) as watch:
            with sending(ground.port, options.c, options.rate) as sent:
                time.sleep(options.before)
                watch.began = time.monotonic()
                with FAULTS[self.fault](ground):
                    time.sleep(options.fault / 2)
                    night.doctor = [each for each in _doctor(environment, ground.folder) if each not in always]
                    time.sleep(max(0.0, watch.began + options.fault - time.monotonic()))
                watch.ended = time.monotonic()
                time.sleep(options.after)
            self._catch_up(vendor_url, sent[0].accepted, watch)
            attack.judge(vendor_url, sent[0])
            night.doctor_after = [each for each in _doctor(environment, ground.folder) if each not in always]
        night.accepted, night.refused, night.lost = verdict.accepted, len(sent[0].refused), verdict.lost
        heard = ground.alerts.heard.values() if ground.alerts else ()
        night.doubled = verdict.doubled_tickets + verdict.wrong_tickets + sum(count > 1 for count in heard)
        night.unfinished_calls = verdict.unfinished_calls

    def _catch_up(self, vendor_url: str, accepted: Mapping[int, float], watch: Watch) -> None:
        """From the fault's end until all that was accepted has its effects; the senders are quiet by now."""
        due = (sum(map(wants_call, accepted)), len(accepted))
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            seen = ask(f"{vendor_url}/counts")
            if (seen["tickets"], seen["scores"]) >= due:
                self.night.caught_up_after = round(time.monotonic() - watch.ended, 1)
                return
            time.sleep(0.2)


@contextmanager
def _small_disk(place: Path) -> Iterator[Path]:
    """A disk of its own with 160 MB."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(place)], check=True)  # noqa: S603, S607
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)  # noqa: S603, S607


def main() -> None:
    """The command: a line of JSON for each fault."""
    options = _options()
    names = list(FAULTS) if options.faults == "all" else options.faults.split(",")
    bad = 0
    for name in names:
        if _ONLY.get(name, options.database) != options.database:
            print(json.dumps({"fault": name, "skipped": f"only on {_ONLY[name]}"}), flush=True)
            continue
        night = Played(name, options).play()
        bad += night.lost + night.doubled
        print(json.dumps(asdict(night)), flush=True)
    raise SystemExit(1 if bad else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Bad nights under load.")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--faults", default="all", help=f"all, or some of: {', '.join(FAULTS)}")
    parser.add_argument("--rate", type=float, default=100, help="answers a second")
    parser.add_argument("-c", type=int, default=16, help="connections of the sender")
    parser.add_argument("--before", type=float, default=20, help="seconds of peace before the fault")
    parser.add_argument("--fault", type=float, default=30, help="seconds that it lasts")
    parser.add_argument("--after", type=float, default=60, help="seconds after it, under load")
    return parser.parse_args()


if __name__ == "__main__":
    main()

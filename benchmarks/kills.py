"""kill -9 at random moments under load: is an answer lost, is a ticket opened twice?

    python -m benchmarks.kills --kills 200 --latency-ms 0,50,2000 --database sqlite

The product is killed (on SQLite the whole of it, on PostgreSQL all of its processes or a random one), while it
starts, recovers or works, and started again at once. Its senders are polite: what was not accepted is sent again,
under the same id. Then it has time to finish. The kills are shared out among the latencies; every latency begins
with an empty database.

A ticket counts as doubled unless the second request repeats the first one's idempotency key. A score that is
written again is the same write again: nothing to tell the first from the second, and nothing doubled by it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, func, select
from sqlalchemy.exc import DBAPIError

from benchmarks import load
from benchmarks.load import Sent, wants_call
from benchmarks.outside import ask, counterpart, effects, free_port, wait_for_effects
from benchmarks.product import RINGBACK, Setup, commands, furnished
from connector.storage.schema.tables import effects as calls

_READY = {"serve": "listening on", "web": "listening on"}
_LONGEST_START = 60.0
_UP = 3.0  # seconds that a product lives at most, once it is ready
_EARLY = 0.2  # the share of kills that do not wait until it is ready
_DRAIN = 100.0  # seconds: longer than a lease, and the call after it
_MOST_PER_SECOND = 12  # answers, per second of a vendor's latency: what 32 hands can do, with time for the outages


@dataclass
class Verdict:
    """What came of it. ``lost`` and ``doubled_tickets`` must be 0."""

    latency_ms: float
    kills: int = 0
    kills_with_calls_in_hand: int = 0
    kills_before_ready: int = 0
    requests_whose_caller_died: int = 0
    accepted: int = 0
    lost: int = 0
    doubled_tickets: int = 0
    wrong_tickets: int = 0
    scores_written_again: int = 0
    unfinished_calls: int = 0


@dataclass
class Killed:
    """One process of the product, in a process group of its own."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    _process: subprocess.Popen[bytes] | None = None
    _starts: int = 0
    _log: Path = field(default_factory=Path)

    def start(self) -> None:
        self._starts += 1
        self._log = self.folder / f"{self.command[0]}-{id(self)}-{self._starts}.log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                [RINGBACK, *self.command], env=dict(self.environment), cwd=self.folder,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    @property
    def words(self) -> str:
        """What it has said since it was started."""
        return self._log.read_text("utf-8", "replace")

    @property
    def is_ready(self) -> bool:
        return _READY.get(self.command[0], " is ready") in self.words

    def pids(self) -> list[int]:
        """It, and the processes it has started; none while it does not run."""
        if self._process is None:
            return []
        pid = self._process.pid
        with suppress(OSError):
            return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
        return []

    def kill(self) -> None:
        """As a power cut would; the children go with it."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Product:
    """All processes of an installation."""

    def __init__(self, setup: Setup, environment: Mapping[str, str], folder: Path, chance: random.Random) -> None:
        self._all = [Killed(each, environment, folder) for each in commands(setup)]
        self._chance = chance

    def start(self) -> None:
        for each in self._all:
            each.start()

    def wait(self) -> None:
        """Until every process is ready."""
        deadline = time.monotonic() + _LONGEST_START
        while not all(each.is_ready for each in self._all):
            if time.monotonic() > deadline:
                raise SystemExit("the product did not start:\n" + "\n".join(each.words for each in self._all))
            time.sleep(0.02)

    def kill_some(self) -> list[Killed]:
        """All of it, or one process. → what was killed."""
        some = [self._chance.choice(self._all)] if self._chance.random() < 0.5 else self._all
        for each in some:
            each.kill()
        return some

    def megabytes(self) -> int:
        """Memory of all processes, what they share counted once."""
        return sum(_kilobytes(pid) for each in self._all for pid in each.pids()) // 1024

    def kill(self) -> None:
        for each in self._all:
            each.kill()


def _kilobytes(pid: int) -> int:
    """Its proportional share (PSS)."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def main() -> None:
    """The command."""
    options = _options()
    chance = random.Random(options.seed)  # noqa: S311  # it has to be the same again
    latencies = [float(each) for each in options.latency_ms.split(",")]
    print(f"seed {options.seed}", file=sys.stderr)
    verdicts = [_verdict(options, latency, options.kills // len(latencies), chance) for latency in latencies]
    bad = sum(each.lost + each.doubled_tickets + each.wrong_tickets + each.unfinished_calls for each in verdicts)
    raise SystemExit(1 if bad else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="kill -9 at random moments under load.")
    parser.add_argument("--kills", type=int, default=200, help="shared out among the latencies")
    parser.add_argument("--latency-ms", default="0,50,2000", help="how long a vendor takes to answer")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rate", type=float, default=40, help="answers a second; fewer where a vendor is slow")
    parser.add_argument("-c", type=int, default=8, help="connections of the sender")
    parser.add_argument("--workers", type=int, default=2, help="worker processes beside web and scheduler")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    return parser.parse_args()


def _verdict(options: argparse.Namespace, latency_ms: float, kills: int, chance: random.Random) -> Verdict:
    port, vendor = free_port(), free_port()
    command = [sys.executable, "-m", "benchmarks.counterpart", "--port", str(vendor), "--latency-ms", str(latency_ms)]
    broker = "memory" if options.database == "sqlite" else "redis"
    setup = Setup(options.database, broker, f"http://127.0.0.1:{vendor}", port, options.workers)
    rate = min(options.rate, _MOST_PER_SECOND * 1000 / latency_ms) if latency_ms else options.rate
    with (
        tempfile.TemporaryDirectory() as name,
        counterpart(command),
        furnished(setup, Path(name)) as environment,
    ):
        product = Product(setup, environment, Path(name), chance)
        try:
            attack = Attack(product, environment["RINGBACK_DATABASE_URL"], chance, Verdict(latency_ms))
            with sending(port, options.c, rate) as sent:
                attack.run(kills)
            attack.judge(setup.vendor_url, sent[0])
        finally:
            product.kill()
    print(json.dumps(asdict(attack.verdict)), flush=True)
    return attack.verdict


@dataclass
class Attack:
    """Kills a product that is under load, and looks at what came of it."""

    product: Product
    database_url: str
    chance: random.Random
    verdict: Verdict

    def run(self, kills: int) -> None:
        """Kill and start again; at the end all live."""
        self.product.start()
        for _ in range(kills):
            self._wait_for_the_moment()
            killed = self.product.kill_some()
            self.verdict.kills += 1
            self.verdict.kills_with_calls_in_hand += self._calls("performing") > 0
            for each in killed:
                each.start()
        self.product.wait()

    def _wait_for_the_moment(self) -> None:
        if self.chance.random() < _EARLY:
            self.verdict.kills_before_ready += 1
        else:
            self.product.wait()
        time.sleep(self.chance.uniform(0, _UP))

    def judge(self, vendor_url: str, sent: Sent) -> None:
        """Once all is done, or nothing moves any more."""
        wait_for_effects(vendor_url, sent, _DRAIN)
        self._wait_for_outcomes()
        (tickets, scores), verdict = effects(vendor_url), self.verdict
        verdict.accepted = len(sent.accepted)
        verdict.lost = sum(n not in scores or (wants_call(n) and n not in tickets) for n in sent.accepted)
        verdict.doubled_tickets = sum(len(times) > 1 for times in tickets.values())
        verdict.wrong_tickets = sum(not wants_call(number) for number in tickets)
        verdict.scores_written_again = sum(len(times) > 1 for times in scores.values())
        verdict.requests_whose_caller_died = ask(f"{vendor_url}/counts")["orphaned"]
        verdict.unfinished_calls = self._calls("performing", "due", "review", "failed")

    def _wait_for_outcomes(self) -> None:
        """An effect counts when its request arrives; its outcome is written later."""
        deadline = time.monotonic() + _DRAIN
        while self._calls("performing", "due") and time.monotonic() < deadline:
            time.sleep(0.2)

    def _calls(self, *statuses: str) -> int:
        """How many outward calls stand so in the database; none before it has its tables."""
        engine = create_engine(self.database_url.replace("postgresql://", "postgresql+psycopg://"))
        statement = select(func.count()).select_from(calls).where(calls.c.status.in_(statuses))
        try:
            with engine.connect() as connection:
                return int(connection.execute(statement).scalar_one())
        except DBAPIError:
            return 0
        finally:
            engine.dispose()


@contextmanager
def sending(port: int, connections: int, rate: float) -> Iterator[list[Sent]]:
    """A sender in a thread of its own. At the end of the block it sends nothing new, and waits until all it sent
    is accepted; what it sent is in the list then."""
    over, sent = threading.Event(), list[Sent]()
    thread = threading.Thread(
        target=lambda: sent.append(asyncio.run(load.insist(port, connections, rate, over.is_set)))
    )
    thread.start()
    try:
        yield sent
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    main()

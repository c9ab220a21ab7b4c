"""How fast invitations are planned, signed and sent, and what kill -9 costs.

    python -m benchmarks.survey_send -n 100000 --kills 3

Events come by signed webhook; for each a workflow asks its customer: planned, rendered, signed with RSA and Ed25519,
and handed to a mail server on this machine. While they leave, `ringback serve` is killed with -9 at random moments and
started again.

Nobody can know whether the mail server took what it was being given when we died. What becomes of such mails the
workflow says: `needs-review` (here) holds them for a person, `at-least-once` sends the same bytes again, `at-most-once`
does not. A mail is doubled when its Message-ID arrives twice, lost when neither it arrived nor its call is held.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import dkim
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import create_engine, func, select

from benchmarks import load
from benchmarks.kills import Killed
from benchmarks.mail_sink import MailSink, mail_sink
from benchmarks.outside import free_port
from benchmarks.product import ROOT, database
from connector.feedback.surveys.files import built_in, parse
from connector.feedback.surveys.invitation_email import Mailer
from connector.storage.schema.tables import effects
from integrations.smtp.client import parse_sender
from integrations.smtp.dkim import DkimKey
from integrations.smtp.message import build

WORKFLOW = """\
workflow: bench
trigger: {event: survey.answered}
run: {key: event.response_id, mode: single}
steps:
  - id: ask
    do: survey.send
    with: {survey: retention, once: "{{ event.response_id }}"}
    delivery: DELIVERY
"""
_ROUNDS = 500
_STILL = 150.0  # seconds in which nothing more comes: longer than a lease
_CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it. ``doubled`` and ``lost`` must be 0."""

    invitations: int
    kills: int
    mails_per_second: float
    build_and_sign_ms: float
    product_cpu_ms: float
    peak_mb: int
    arrived: int
    doubled: int
    lost: int
    held_for_a_person: int
    bad_signatures: int
    envelopes: int


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Plan, sign and send invitations, under kill -9.")
    parser.add_argument("-n", type=int, default=100_000, help="invitations")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--delivery", choices=("needs-review", "at-least-once", "at-most-once"), default="needs-review")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", file=sys.stderr)
    figures = measure(options)
    for name, value in asdict(figures).items():
        print(f"{name.replace('_', ' '):<22}{value}")
    raise SystemExit(1 if figures.doubled or figures.lost or figures.bad_signatures else 0)


def measure(options: argparse.Namespace) -> Figures:
    with tempfile.TemporaryDirectory() as name, mail_sink() as sink, database(options.database, Path(name)) as url:
        folder, port = Path(name), free_port()
        keys = furnish(folder, sink.port, options.delivery)
        product = Killed(("serve", "--port", str(port)), _environment(folder, url), folder)
        with watching(product) as seen, sending(port, options.n), killed_at_last(product):
            attack(product, sink, options)
            wait_until_still(sink, options.n)
        held = _held(url)
        missing = options.n - len(sink.ids)
        per_mail = sum(seen.cpu.values()) * 1000 / max(1, sink.count)
        return Figures(
            options.n, options.kills, round(len(sink.ids) / (sink.last - sink.first), 1), round(cost_of_one(keys), 2),
            round(per_mail, 2), seen.memory_kb // 1024, len(sink.ids), sink.count - len(sink.ids),
            max(0, missing - held), held, sum(not _is_signed(each, keys) for each in sink.kept), len(sink.envelopes),
        )  # fmt: skip


def furnish(folder: Path, mail_port: int, delivery: str) -> tuple[DkimKey, ...]:
    """The configuration, its workflow and its keys."""
    private = {"one": rsa.generate_private_key(65537, 2048), "two": ed25519.Ed25519PrivateKey.generate()}
    for name, key in private.items():
        file = folder / f"{name}.pem"
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.chmod(0o600)
    named = [{"domain": "acme.example", "selector": each, "private_key_file": f"{each}.pem"} for each in private]
    mail = {"kind": "smtp", "url": f"smtp://127.0.0.1:{mail_port}", "sender": "Acme <feedback@acme.example>",
            "bounce_address": "bounces@acme.example", "dkim": named}  # fmt: skip
    secret = "whsec_" + base64.b64encode(load.SECRET).decode()
    connections = {"mail": mail, load.CONNECTION: {"kind": "inbound", "webhook_secret": secret}}
    settings = {"connections": connections, "workflows": "workflows", "quiet_hours": "none"}
    (folder / "ringback.yaml").write_text(json.dumps(settings))  # JSON is YAML
    (folder / "workflows").mkdir()
    (folder / "workflows" / "bench.yaml").write_text(WORKFLOW.replace("DELIVERY", delivery))
    return tuple(DkimKey("acme.example", name, key) for name, key in private.items())


def _environment(folder: Path, url: str) -> Mapping[str, str]:
    return {
        **os.environ, "PYTHONPATH": str(ROOT), "RINGBACK_CONFIG": str(folder / "ringback.yaml"),
        "RINGBACK_DATABASE_URL": url, "RINGBACK_BROKER_URL": "memory://",
        "RINGBACK_SECRET_KEY": "only for the benchmark, and long enough",
    }  # fmt: skip


def attack(product: Killed, sink: MailSink, options: argparse.Namespace) -> None:
    """Start it, and kill it where a random part of each share of the mails has left; at the end it lives."""
    chance = random.Random(options.seed)  # noqa: S311  # it has to be the same again
    product.start()
    share = options.n // (options.kills + 1)
    for number in range(options.kills):
        moment = int(share * (number + chance.uniform(0.2, 1)))
        while sink.count < moment:
            time.sleep(0.01)
        product.kill()
        product.start()


def wait_until_still(sink: MailSink, expected: int) -> None:
    """Until all mails came, or none more comes; then a moment for doubled ones."""
    seen, since = 0, time.monotonic()
    while len(sink.ids) < expected and time.monotonic() - since < _STILL:
        if sink.count != seen:
            seen, since = sink.count, time.monotonic()
        time.sleep(0.1)
    time.sleep(3)


@contextmanager
def killed_at_last(product: Killed) -> Iterator[None]:
    try:
        yield
    finally:
        product.kill()


@contextmanager
def sending(port: int, count: int) -> Iterator[None]:
    """All events, from a thread of its own; it has ended when the block has."""
    thread = threading.Thread(target=lambda: asyncio.run(load.send_all(port, count, _CONNECTIONS)))
    thread.start()
    yield
    thread.join()


@dataclass
class Seen:
    """What the product's processes used: the most memory together (what they share counted once), and each one's CPU
    seconds."""

    memory_kb: int = 0
    cpu: dict[int, float] = field(default_factory=dict)

    def look(self, pids: Iterable[int]) -> None:
        memory = 0
        for pid in pids:
            with suppress(OSError, StopIteration, IndexError):  # it may just have ended
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                memory += int(next(line for line in lines if line.startswith("Pss:")).split()[1])
                times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                self.cpu[pid] = (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
        self.memory_kb = max(self.memory_kb, memory)


@contextmanager
def watching(product: Killed) -> Iterator[Seen]:
    """Twice a second."""
    seen, over = Seen(), threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            seen.look(product.pids())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _held(url: str) -> int:
    """Calls in doubt: a person decides about them."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        statement = select(func.count()).select_from(effects).where(effects.c.status == "review")
        found = int(connection.execute(statement).scalar_one())
    engine.dispose()
    return found


def _is_signed(raw: bytes, keys: tuple[DkimKey, ...]) -> bool:
    records = {f"{key.record_name}.".encode(): key.record.encode() for key in keys}

    def in_dns(name: bytes, timeout: float = 0) -> bytes | None:
        return records.get(name)

    with suppress(dkim.DKIMException):
        return all(dkim.DKIM(raw).verify(index, dnsfunc=in_dns) for index in range(len(keys)))
    return False


def cost_of_one(keys: tuple[DkimKey, ...]) -> float:
    """Milliseconds of this process's time to render, build and sign one invitation."""
    survey, mailer = parse(built_in()["after-support"], "after-support"), Mailer("https://feedback.acme.example", {})
    sender, now = parse_sender("Acme <feedback@acme.example>"), datetime(2026, 11, 30, tzinfo=UTC)
    began = 0.0
    for number in range(_ROUNDS + 1):
        began = began or (time.process_time() if number else 0.0)
        person = {"name": f"Customer {number}", "email": f"customer{number}@example.com"}
        mail = mailer.invitation(survey, "en", person, {"agent": "Jan"}, f"token-of-customer-{number:04}")
        build(replace(mail, key=str(number)), sender, now).signed(keys)
    return (time.process_time() - began) * 1000 / _ROUNDS


if __name__ == "__main__":
    main()

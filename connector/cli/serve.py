"""``serve`` (all in one process), ``web``, ``worker`` and ``scheduler`` (one each, as many as you like)."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click
from waitress.server import create_server

from connector import logs, wiring
from connector.cli.context import BadInputError, read_config, read_settings
from connector.cli.exposition import exposed, shows_metrics
from connector.config import Config
from connector.definitions import import_all
from connector.runtime import claims
from connector.runtime.tasks import Worker, in_memory
from connector.runtime.ticking import Ticker
from connector.settings import Settings, masked
from connector.storage import migrate
from connector.storage.definitions import Kind
from connector.wiring import House
from workflows.errors import DefinitionError

log = logging.getLogger("ringback")

logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns of every request that waits for a thread

WEB_THREADS = 32
WORKER_THREADS = 16

_address = [
    click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on."),
    click.option("--port", default=8000, show_default=True, type=int, help="The port; 0 picks a free one."),
]


def _listening(command: Any) -> Any:
    for option in reversed(_address):
        command = option(command)
    return command


@click.command()
@_listening
@shows_metrics
def serve(host: str, port: int, metrics_host: str, metrics_port: int | None) -> None:
    """Run everything in one process: web pages, webhooks, workflows, timers.

    Brings the database to this version's shape first, and takes the workflows and surveys from their folders.
    """
    with opened() as house:
        prepare(house)
        release_orphans(house)
        with exposed(house.counters.registry, metrics_host, metrics_port), working(house), ticking(house):
            listen(house, host, port)


@click.command()
@_listening
@shows_metrics
def web(host: str, port: int, metrics_host: str, metrics_port: int | None) -> None:
    """Run the web side only: webhooks in and survey pages. Needs a broker and workers beside it."""
    with opened() as house:
        _needs_broker(house.settings)
        prepare(house)
        with exposed(house.counters.registry, metrics_host, metrics_port):
            listen(house, host, port)


@click.command()
@click.option("--threads", default=WORKER_THREADS, show_default=True, type=int, help="Rings answered side by side.")
@shows_metrics
def worker(threads: int, metrics_host: str, metrics_port: int | None) -> None:
    """Run a worker: it understands deliveries, advances workflows and calls the vendors."""
    with opened() as house:
        _needs_broker(house.settings)
        prepare(house)
        with exposed(house.counters.registry, metrics_host, metrics_port), working(house, threads):
            log.info("the worker is ready")
            wait_for_signal()


@click.command()
@shows_metrics
def scheduler(metrics_host: str, metrics_port: int | None) -> None:
    """Run the ticks: timers that are due, leases that ended, work nobody was told of."""
    with opened() as house:
        _needs_broker(house.settings)
        prepare(house)
        with exposed(house.counters.registry, metrics_host, metrics_port), ticking(house):
            log.info("the scheduler is ready")
            wait_for_signal()


@contextmanager
def opened() -> Iterator[House]:
    """This process's parts, from the environment and the configuration file."""
    settings = read_settings()
    logs.set_up(as_json=settings.log_format == "json")
    config = read_config(settings)
    house = assemble(settings, config)
    try:
        yield house
    finally:
        house.close()


def assemble(settings: Settings, config: Config) -> House:
    """Build the house, or say everything that is wrong with its connections at once."""
    house = wiring.build(settings, config, secret_key=settings.secret_key(log.info))
    mistakes = house.connections.check()
    if mistakes:
        house.close()
        raise DefinitionError(str(config.path), mistakes)
    return house


def prepare(house: House) -> None:
    """Migrate the database and import the folders' definitions. Any number of processes may do it at once."""
    upgrade = migrate.upgrade(house.database)
    if upgrade.changed:
        log.info("database %s is now at version %s", masked(house.settings.database_url), upgrade.after)
    for kind, changes in import_all(house.database, house.config, house.clock()).items():
        for change in changes:
            log.info("%s %s: %s (version %s)", kind.value, change.slug, change.what.value, change.version)
        if kind is Kind.WORKFLOW and not changes:
            log.info("no workflows: put some into the folder that ringback.yaml names, or see `ringback workflow`")


def release_orphans(house: House) -> None:
    """This is the only process on its SQLite file: what the one before it had in its hands is free again."""
    if house.database.is_sqlite:
        now = house.clock()
        returned = house.database.transact(lambda tx: claims.release_orphans(tx, now))
        if returned:
            log.info("took back calls of a process that ended before they did, at: %s", ", ".join(sorted(returned)))


@contextmanager
def working(house: House, threads: int = WORKER_THREADS) -> Iterator[None]:
    """A Celery worker while the block runs."""
    worker = Worker(house.celery, concurrency=threads)
    worker.start()
    try:
        yield
    finally:
        worker.stop()


@contextmanager
def ticking(house: House) -> Iterator[None]:
    """The ticks while the block runs."""
    ticker = Ticker(house.sweep.tick, lambda: house.own_users.learn(house.connections.with_a_user()))
    ticker.start()
    try:
        yield
    finally:
        ticker.stop()


def listen(house: House, host: str, port: int, ready: Callable[[str], None] | None = None) -> None:
    """Serve the web side until a signal comes."""
    server = create_server(
        wiring.web_app(house), host=host, port=port, threads=WEB_THREADS, connection_limit=2000, ident=None,
        max_request_body_size=2_000_000, clear_untrusted_proxy_headers=True, channel_timeout=60,
    )  # fmt: skip
    address = f"http://{host}:{server.effective_port}"
    log.info("listening on %s", address)
    if ready:
        ready(address)
    _stop_on_signal(_leave)
    try:
        server.run()  # until SystemExit; requests under way are answered first
    finally:
        server.close()


def _leave() -> None:
    raise SystemExit(0)


def wait_for_signal() -> None:
    """Until SIGTERM or SIGINT."""
    stopped = threading.Event()
    _stop_on_signal(stopped.set)
    stopped.wait()


def _stop_on_signal(stop: Callable[[], object]) -> None:
    def handle(number: int, _frame: FrameType | None) -> None:
        log.info("stopping (%s)", signal.Signals(number).name)
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)


def _needs_broker(settings: Settings) -> None:
    if in_memory(settings.broker_url):
        raise BadInputError(
            "RINGBACK_BROKER_URL is in memory, so this process would hear no other. "
            "Set it to redis://… or amqp://…, or run everything in one process with `ringback serve`."
        )

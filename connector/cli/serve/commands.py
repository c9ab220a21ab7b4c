"""``serve`` (all of it with one command), ``web``, ``worker`` and ``scheduler`` (one each, as many as you like)."""

from __future__ import annotations

import errno
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

import click

from connector.cli.common.context import BadInputError, read_settings
from connector.cli.common.ports import PORT, cannot_be_used
from connector.cli.serve import sealing
from connector.cli.serve.alone import alone_on
from connector.cli.serve.loading import load_definitions
from connector.cli.serve.metrics_server import exposed, shows_metrics
from connector.cli.serve.processes import CALLS, ENGINE, WEB, ProcessGroup
from connector.cli.serve.signals import wait_for_signal
from connector.cli.serve.sockets import address_of, bind, serve_on, why
from connector.cli.serve.startup import opened, settle_down
from connector.cli.serve.welcome import welcome
from connector.config.settings import Settings, masked
from connector.runtime.doorbell import Share
from connector.runtime.effects import claims
from connector.runtime.jobs.scheduler import Ticker
from connector.runtime.queues.celery_app import Worker, in_memory
from connector.services import Services
from connector.storage.schema import migrate
from connector.storage.stores.definition_import import What
from connector.storage.stores.definitions import DefinitionKind
from connector.web.app import front_door, web_app

log = logging.getLogger("ringback")

WORKER_THREADS = 16
_PATIENCE = 2.0
"""Seconds that a taken port is waited for."""

_MOST_PROCESSES = 1 if os.name == "nt" else 3  # open sockets cannot be handed on as easily there

_address = [
    click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on."),
    click.option("--port", default=8000, show_default=True, type=PORT, help="The port; 0 picks a free one."),
]


def _listening(command: Any) -> Any:
    for option in reversed(_address):
        command = option(command)
    return command


@click.command()
@_listening
@click.option(
    "--processes",
    default=_MOST_PROCESSES,
    show_default=True,
    type=click.IntRange(1, _MOST_PROCESSES),
    help="2: the web side has a process of its own, so that work never keeps a sender waiting; 3: so have the calls to "
    "vendors. Fewer need less memory.",
)
@shows_metrics
def serve(host: str, port: int, processes: int, metrics_host: str, metrics_port: int | None) -> None:
    """Run everything with one command: web pages, webhooks, workflows, timers.

    Brings the database to this version's shape first, and takes the workflows and surveys from their folders.
    """
    share, ring = Share.ALL, None
    alone = alone_on(read_settings().database_file)
    with alone, closing(_bound(host, port)) as listening, closing(ProcessGroup()) as sides:
        if processes > 1:
            sides.start(WEB, listening)
        if processes > 2:
            sides.start(CALLS)
            share, ring = Share.ADVANCING, partial(sides.ring, CALLS)
        with opened(share, ring) as house:
            prepare(house)
            welcome(house, address_of(listening, host))
            release_orphans(house)
            with exposed(house.counters.registry, metrics_host, metrics_port), working(house), ticking(house):
                _serve(house, listening, sides if processes > 1 else None, address_of(listening, host))


def _serve(house: Services, listening: socket.socket, sides: ProcessGroup | None, address: str) -> None:
    """Until a signal."""
    if sides is None:
        serve_on(listening, front_door(house, web_app(house)), address)
        return
    shown = house.counters.shown
    shown.beside(ENGINE, sides.figures)

    def lost(name: str) -> None:
        if name == CALLS:  # nobody else makes calls, so what it had in its hands is free
            release_orphans(house)

    sides.run(house.bell.ring, shown.mine, lost, address)


@click.command()
@_listening
@shows_metrics
def web(host: str, port: int, metrics_host: str, metrics_port: int | None) -> None:
    """Run the web side only: webhooks in and survey pages. Needs a broker and workers beside it."""
    with closing(_bound(host, port)) as listening, opened() as house:
        _needs_broker(house.settings)
        prepare(house)
        welcome(house, address_of(listening, host))
        with exposed(house.counters.registry, metrics_host, metrics_port):
            serve_on(listening, front_door(house, web_app(house)), address_of(listening, host))


@click.command()
@click.option("--threads", default=WORKER_THREADS, show_default=True, type=int, help="Rings answered side by side.")
@click.option(
    "--share",
    default=Share.ALL.value,
    show_default=True,
    type=click.Choice([each.value for each in (Share.ALL, Share.ADVANCING, Share.CALLING)]),
    help="What it works on. One worker that only advances workflows and one that only calls vendors do more together "
    "than two that do both; there must be one of each, then.",
)
@shows_metrics
def worker(threads: int, share: str, metrics_host: str, metrics_port: int | None) -> None:
    """Run a worker: it understands deliveries, advances workflows and calls the vendors."""
    with opened(Share(share)) as house:
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


def prepare(house: Services) -> None:
    """Migrate the database and import the folders' definitions. Any number of processes may do it at once."""
    upgrade = migrate.upgrade(house.database)
    if upgrade.changed:
        log.info("database %s is now at version %s", masked(house.settings.database_url), upgrade.after)
    sealing.begin(house)
    for kind, changes in load_definitions(house.database, house.config, house.clock()).items():
        for change in changes:
            level = logging.WARNING if change.what is What.DIFFERS else logging.INFO
            log.log(level, "%s %s: %s (version %s)", kind.value, change.slug, change.what.value, change.version)
        if kind is DefinitionKind.WORKFLOW and not changes:
            log.info("no workflows: put some into the folder that ringback.yaml names, or see `ringback workflow`")
    settle_down()


def release_orphans(house: Services) -> None:
    """Nobody but us works on our SQLite file: what a process before had in its hands is free again."""
    if house.database.is_sqlite:
        now = house.clock()
        returned = house.database.transact(lambda tx: claims.release_orphans(tx, now))
        if returned:
            log.info("took back calls of a process that ended before they did, at: %s", ", ".join(sorted(returned)))


def _bound(host: str, port: int) -> socket.socket:
    try:
        return _once_it_is_free(host, port)
    except OSError as error:
        raise BadInputError(cannot_be_used("--host, --port", f"{host}:{port}", why(error))) from error


def _once_it_is_free(host: str, port: int) -> socket.socket:
    """Of a process that was killed a moment ago the system may not have taken everything back."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return bind(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                raise
        time.sleep(0.05)


@contextmanager
def working(house: Services, threads: int = WORKER_THREADS) -> Iterator[None]:
    """A Celery worker while the block runs."""
    assert house.celery is not None  # noqa: S101 - only a web side has none
    worker = Worker(house.celery, house.share, concurrency=threads)
    worker.start()
    try:
        yield
    finally:
        worker.stop()


@contextmanager
def ticking(house: Services) -> Iterator[None]:
    """The ticks while the block runs."""
    ticker = Ticker(house.jobs)
    ticker.start()
    try:
        yield
    finally:
        ticker.stop()


def _needs_broker(settings: Settings) -> None:
    if in_memory(settings.broker_url):
        raise BadInputError(
            "RINGBACK_BROKER_URL is in memory, so this process would hear no other. "
            "Set it to redis://… or amqp://…, or run everything with `ringback serve`."
        )

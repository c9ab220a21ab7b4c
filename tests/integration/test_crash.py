"""Power cuts: whatever moment the processes are killed at, every accepted answer gets one ticket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import update

from connector.storage.database import Database
from connector.storage.tables import effects
from sandbox.world import World
from tests.support.house import SECRET_KEY, config_of
from tests.support.house_sender import Sender
from tests.support.processes import Process, free_port, until

WORKFLOW = """\
workflow: tickets
trigger: {event: survey.answered}
run: {key: event.response_id, mode: parallel}
steps:
  - {id: callback, do: ticket.open, with: {connection: zendesk, subject: "Call {{ event.response_id }}"}}
"""
LONGEST = 50  # seconds


class Machine:
    """The processes of an installation, which can be cut off and started again."""

    def __init__(self, folder: Path, environment: Mapping[str, str], port: int) -> None:
        self._folder, self._environment, self._port = folder, environment, port
        self._living: dict[str, Process] = {}
        self._started = 0

    def start(self, *commands: str) -> None:
        for command in commands:
            self._started += 1
            listens = command in ("serve", "web")
            words = [command, "--port", str(self._port)] if listens else [command]
            process = Process(words, self._environment, self._folder / f"{self._started}-{command}.log")
            self._living[command] = process
            process.wait_for("listening on" if listens else f"the {command} is ready", LONGEST)

    def cut_off(self, *commands: str) -> None:
        """kill -9: no handler runs, nothing is tidied."""
        for command in commands:
            self._living.pop(command).kill()

    def stop(self) -> None:
        for process in self._living.values():
            process.kill()


@contextmanager
def a_machine(folder: Path, world: World, **environment: str) -> Iterator[tuple[Machine, str]]:
    """An installation between the stand-ins that opens a ticket for every answer. → it, and its address."""
    port = free_port()
    (folder / "workflows").mkdir()
    (folder / "workflows" / "tickets.yaml").write_text(WORKFLOW)
    (folder / "ringback.yaml").write_text(config_of(world) + "workflows: workflows/\n")
    told = {
        "RINGBACK_SECRET_KEY": SECRET_KEY,
        "RINGBACK_CONFIG": str(folder / "ringback.yaml"),
        **environment,
    }
    machine = Machine(folder, told, port)
    try:
        yield machine, f"http://127.0.0.1:{port}"
    finally:
        machine.stop()


@contextmanager
def sending(url: str, count: int) -> Iterator[Sender]:
    sender = Sender(url, count)
    try:
        yield sender
    finally:
        sender.stop()


def wait_for_tickets(world: World, count: int) -> None:
    until(lambda: len(world.zendesk.tickets) >= count, f"{count} tickets", LONGEST)


def expect_one_ticket_each(world: World, count: int) -> None:
    tickets = Counter(ticket["subject"] for ticket in world.zendesk.tickets)
    assert tickets == Counter(f"Call a{number}" for number in range(count))


def test_five_hundred_answers_survive_three_power_cuts_on_sqlite(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'ringback.db'}"
    with World() as world, a_machine(tmp_path, world, RINGBACK_DATABASE_URL=database) as (machine, url):
        machine.start("serve")
        with sending(url, 500) as sender:
            for moment in (40, 170, 330):
                wait_for_tickets(world, moment)
                machine.cut_off("serve")
                machine.start("serve")
            sender.finish()
            wait_for_tickets(world, 500)
        until(lambda: _unfinished(database) == 0, "every outcome written down", LONGEST)
        expect_one_ticket_each(world, 500)


@pytest.mark.services
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_answers_survive_a_cut_of_the_web_side_and_of_the_worker_on_postgresql_and_redis(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    environment = {"RINGBACK_DATABASE_URL": database_url, "RINGBACK_BROKER_URL": redis_url}
    with World() as world, a_machine(tmp_path, world, **environment) as (machine, url):
        machine.start("web", "worker", "scheduler")
        with sending(url, 300) as sender:
            wait_for_tickets(world, 60)
            machine.cut_off("worker", "web")
            _let_the_leases_end(database_url)
            machine.start("web", "worker")
            sender.finish()
            wait_for_tickets(world, 300)
        until(lambda: _unfinished(database_url) == 0, "every outcome written down", LONGEST)
        expect_one_ticket_each(world, 300)


def _let_the_leases_end(database_url: str) -> None:
    """A minute passes for what the killed worker had in its hands."""
    database = Database(database_url, pool_size=1)
    with database.write() as tx:
        performing = update(effects).where(effects.c.status == "performing")
        tx.execute(performing.values(lease_until=effects.c.created_at))
    database.close()


def _unfinished(database_url: str) -> int:
    database = Database(database_url, pool_size=1)
    with database.read() as tx:
        left = tx.execute(effects.select().where(effects.c.status != "done")).all()
    database.close()
    return len(left)

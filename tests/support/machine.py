"""An installation that opens a ticket for every answer, and whose processes can be cut off and started again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import update

from connector.storage.engine.database import Database
from connector.storage.schema.tables import deliveries, effects
from sandbox.world import World
from tests.support.house import SECRET_KEY, config_of
from tests.support.house_sender import Sender
from tests.support.processes import Process, free_port, is_free, until

WORKFLOW = """\
workflow: tickets
trigger: {event: survey.answered}
run: {key: event.response_id, mode: parallel}
steps:
  - {id: callback, do: ticket.open, with: {connection: zendesk, subject: "Call {{ event.response_id }}"}}
"""
LONGEST = 120  # seconds


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
            if listens:  # the processes of one that was cut off end by themselves, each when it has its turn
                until(lambda: is_free(self._port), "the port is free")
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


def let_the_leases_end(database_url: str) -> None:
    """A minute passes for what a killed worker had in its hands."""
    database = Database(database_url, pool_size=1)
    with database.write() as tx:
        performing = update(effects).where(effects.c.status == "performing")
        tx.execute(performing.values(lease_until=effects.c.created_at))
    database.close()


def unfinished(database_url: str, *besides: str) -> int:
    """How many deliveries are not understood and how many calls not done yet, ``besides`` those of these statuses."""
    database = Database(database_url, pool_size=1)
    with database.read() as tx:
        new = tx.execute(deliveries.select().where(deliveries.c.status == "new")).all()
        left = tx.execute(effects.select().where(effects.c.status.not_in(("done", *besides)))).all()
    database.close()
    return len(new) + len(left)

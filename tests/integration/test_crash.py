"""Power cuts: whatever moment the processes are killed at, every accepted answer gets one ticket."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.world import World
from tests.support.machine import (
    LONGEST,
    a_machine,
    expect_one_ticket_each,
    let_the_leases_end,
    sending,
    unfinished,
    wait_for_tickets,
)
from tests.support.own_services import own_postgres, own_redis
from tests.support.processes import until


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
        until(lambda: unfinished(database) == 0, "every outcome written down", LONGEST)
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
            let_the_leases_end(database_url)
            machine.start("web", "worker")
            sender.finish()
            wait_for_tickets(world, 300)
        until(lambda: unfinished(database_url) == 0, "every outcome written down", LONGEST)
        expect_one_ticket_each(world, 300)


@pytest.mark.services
def test_answers_survive_a_crash_of_the_database_and_of_the_broker(tmp_path: Path) -> None:
    with own_postgres() as postgres, own_redis() as broker, World() as world:
        environment = {"RINGBACK_DATABASE_URL": postgres.url, "RINGBACK_BROKER_URL": broker.url}
        with a_machine(tmp_path, world, **environment) as (machine, url):
            machine.start("web", "worker", "scheduler")
            with sending(url, 150) as sender:
                wait_for_tickets(world, 20)
                postgres.restart()
                wait_for_tickets(world, 60)
                broker.restart()
                sender.finish()
            until(lambda: unfinished(postgres.url, "performing") == 0, "every call made", LONGEST)
            let_the_leases_end(postgres.url)
            until(lambda: unfinished(postgres.url) == 0, "every outcome written down", LONGEST)
            expect_one_ticket_each(world, 150)

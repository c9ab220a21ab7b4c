"""A crowd of waiting runs costs nothing to one that is due. No clock is looked at: the databases themselves say how
they do it, and SQLite how many steps it took.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from benchmarks import crowd
from benchmarks.scale import Site, Task, a_house
from connector.feedback.registry import RETENTION_KINDS
from connector.runtime.operations import connections as controls_connections
from connector.storage.stores import old_rows as retention
from connector.storage.stores.old_rows import RetentionKind

SMALL, LARGE, BATCH = 300, 3000, 5
BIG = {"deliveries", "events", "runs", "waits", "history", "effects", "customers", "identities"}
_STEP = 10  # instructions of SQLite's machine that are counted as one step
_YEARS = timedelta(days=4000)


@pytest.fixture(autouse=True)
def _short_look_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is bounded by ten thousand is not flat below that."""
    monkeypatch.setattr(controls_connections, "LOOK_BACK", 50)
    monkeypatch.setattr(retention, "MOST_COUNTED", 50)


def everything(site: Site) -> list[Task]:
    """What the product does all the time, and what people look at."""
    return [*site.tasks(), *(Task(f"keeping {kind.name}", _looking(site, kind)) for kind in RETENTION_KINDS)]


def _looking(site: Site, kind: RetentionKind) -> Callable[[], None]:
    """For what is due, when nothing is."""

    def work() -> None:
        with site.house.database.read() as tx:
            kind.due(tx, site.house.clock() - _YEARS, None, 50)
            kind.count(tx, site.house.clock() - _YEARS)

    return work


@pytest.mark.parametrize("analysed", [False, True])
def test_ten_times_the_crowd_takes_sqlite_as_many_steps(tmp_path: Path, analysed: bool) -> None:
    small, large = (_steps(f"sqlite:///{tmp_path / str(size)}.db", size, analysed) for size in (SMALL, LARGE))
    slower = {name: (small[name], steps) for name, steps in large.items() if steps > 1.25 * small[name] + 20}
    assert slower == {}


def _steps(url: str, waiting: int, analysed: bool) -> dict[str, int]:
    """Task → how many steps SQLite's machine takes for it. SQLite never analyses its tables by itself."""
    with a_house(url) as house:
        site = Site(house, waiting, BATCH, rounds=0)
        if analysed:
            crowd.analyse(house.database)
        return dict(_counted(site))


def _counted(site: Site) -> Iterator[tuple[str, int]]:
    taken = [0]

    def count() -> None:
        taken[0] += 1

    def listen(raw: Any, *_: Any) -> None:
        raw.set_progress_handler(count, _STEP)

    engine = site.house.database.engine
    event.listen(engine, "checkout", listen)
    for task in everything(site):
        task.prepare()
        taken[0] = 0
        task.work()
        yield task.name, taken[0]


@pytest.mark.services
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_reads_no_big_table_through(database_url: str) -> None:
    with a_house(database_url) as house:
        plans = dict(_plans(Site(house, LARGE, BATCH, rounds=0)))
    assert len(plans) > 40
    assert {statement: plan for statement, plan in plans.items() if _reads_through(statement, plan)} == {}


def _plans(site: Site) -> Iterator[tuple[str, Any]]:
    """Every statement of everything, with PostgreSQL's plan for it."""
    seen: dict[str, Any] = {}

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        seen.setdefault(statement, parameters)

    engine = site.house.database.engine
    event.listen(engine, "before_cursor_execute", note)
    for task in everything(site):
        task.cost()
    event.remove(engine, "before_cursor_execute", note)
    with site.house.database.read() as tx:
        for other in ("seqscan", "hashjoin", "mergejoin"):  # our crowd is small enough to read some tables through
            tx.execute(text(f"SET LOCAL enable_{other} = off"))
        for statement, parameters in seen.items():
            if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
                yield statement, _plan(tx, statement, parameters)


def _plan(tx: Connection, statement: str, parameters: Any) -> Any:
    given = parameters[0] if isinstance(parameters, list) else parameters
    told = tx.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", given).scalar_one()
    return (told if isinstance(told, list) else json.loads(told))[0]["Plan"]


def _reads_through(statement: str, plan: Any) -> bool:
    """Whether a big table, or all of a whole index of one, is read. A page (LIMIT) ends the reading; an index with a
    condition of its own holds few rows."""
    if plan.get("Relation Name") in BIG and plan["Node Type"] == "Seq Scan":
        return True
    whole = "Index Name" in plan and "Index Cond" not in plan and plan["Index Name"] not in _PARTIAL
    if whole and "LIMIT" not in statement and plan.get("Relation Name", "") in BIG:
        return True
    return any(_reads_through(statement, each) for each in plan.get("Plans", ()))


_PARTIAL = {
    "ix_deliveries_new", "ix_deliveries_ignored", "ix_deliveries_trouble", "ix_effects_due", "ix_effects_leases",
    "ix_effects_serial", "ix_effects_trouble", "ix_runs_ready", "ix_runs_queue", "ix_runs_stopped",
}  # fmt: skip
"""Those that hold only what is under way or in trouble."""

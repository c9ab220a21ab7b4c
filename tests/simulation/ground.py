"""The ground a seed stands on: a migrated database with the workflows in it, ids and time out of the seed."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, Protocol

from sqlalchemy import Connection, event

from connector import ids
from connector.config.file import Config, read_config
from connector.feedback.surveys import files as surveys
from connector.feedback.surveys.catalog import SurveyCatalog
from connector.runtime.runs.workflow_cache import WorkflowCache
from connector.storage.engine.database import Database
from connector.storage.flow_control import connection_state
from connector.storage.schema.migrate import upgrade
from connector.storage.stores.definition_import import import_definitions
from connector.storage.stores.definitions import DefinitionKind
from sandbox.clock import HandClock
from tests.simulation.scripts import scripts

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OUR_USER = "9000"
"""Whom we act as at the helpdesk: what this user does comes back as webhooks and must be dropped."""

_CONFIG = """\
connections:
  zendesk: {kind: zendesk, base_url: "https://desk.example", webhook_secret: nobody-ever-uses-this}
  salesforce: {kind: salesforce, base_url: "https://crm.example", organization_id: 00D000000000001}
  survey-platform: {kind: inbound, webhook_secret: whsec_c2VjcmV0c2VjcmV0c2VjcmV0}
  mail: {kind: smtp, url: "smtp://mail.example", sender: "Acme <feedback@acme.example>"}
teams:
  care-team: {email: [care@acme.example], notify: ["chat://care"]}
  care-lead: {email: [lead@acme.example]}
calendar: {timezone: Europe/Amsterdam, hours: mon-fri 09:00-17:30}
fatigue_days: 30
quiet_hours: none
"""

# What each epoch of a run or an effect was used for: written by the database itself, whoever writes the row.
_WITNESSES = """\
CREATE TABLE seen_advances (run_id TEXT, epoch INTEGER);
CREATE TRIGGER see_advance AFTER UPDATE OF state ON runs
  BEGIN INSERT INTO seen_advances VALUES (NEW.id, OLD.epoch); END;
CREATE TABLE seen_settlements (effect_id TEXT, epoch INTEGER);
CREATE TRIGGER see_settlement AFTER UPDATE OF status ON effects
  WHEN OLD.status = 'performing' AND NEW.status <> 'performing'
  BEGIN INSERT INTO seen_settlements VALUES (NEW.id, NEW.epoch); END;
"""


class Ground(Protocol):
    """A database, and what never changes between seeds: compiled statements, parsed workflows and surveys."""

    config: Config
    database: Database
    book: WorkflowCache
    surveys: SurveyCatalog

    def fresh(self, active: frozenset[str]) -> None:
        """A new database, in which these workflows are switched on. The engine stays, with what it has compiled."""

    def rows(self, query: str, *values: Any) -> list[Any]:
        """What an onlooker sees of it: the same SQL, with ``?`` for values, on every database."""

    def close(self) -> None: ...


class SqliteGround:
    """A file that is copied from a template."""

    def __init__(self, folder: Path) -> None:
        self._template, self._file = folder / "template.db", folder / "seed.db"
        self.config = the_config()
        upgrade(f"sqlite:///{self._template}")
        self._furnish()
        self.database = Database(f"sqlite:///{self._file}", pool_size=3)
        event.listen(self.database.engine, "connect", _without_fsync)
        self.book = WorkflowCache()
        self._surveys_from = Database(f"sqlite:///{self._template}", pool_size=1)
        self.surveys = SurveyCatalog(self._surveys_from)
        self.surveys.find("retention")
        self._onlooker: sqlite3.Connection | None = None

    def _furnish(self) -> None:
        with closing(Database(f"sqlite:///{self._template}", pool_size=1)) as database:
            furnish(database, self.config)
        raw = sqlite3.connect(self._template)
        raw.executescript(_WITNESSES)
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        raw.close()

    def fresh(self, active: frozenset[str]) -> None:
        self._look_away()
        self.database.engine.dispose()
        for end in ("-wal", "-shm"):
            Path(f"{self._file}{end}").unlink(missing_ok=True)
        shutil.copyfile(self._template, self._file)
        raw = sqlite3.connect(self._file, isolation_level=None)
        raw.execute(
            "UPDATE definitions SET active = 0 "
            "WHERE kind = 'workflow' AND slug NOT IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(active)),),
        )
        raw.close()

    def rows(self, query: str, *values: Any) -> list[Any]:
        if self._onlooker is None:
            self._onlooker = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, isolation_level=None)
        return self._onlooker.execute(query, values).fetchall()

    def _look_away(self) -> None:
        if self._onlooker:
            self._onlooker.close()
        self._onlooker = None

    def close(self) -> None:
        self._look_away()
        self.database.close()
        self._surveys_from.close()


def the_config() -> Config:
    """Of the organisation that every seed is about."""
    return read_config(_CONFIG, Path("ringback.yaml"), {})


def furnish(database: Database, config: Config) -> None:
    """Put in what an installation has when it starts."""
    with database.write() as tx:
        import_definitions(tx, DefinitionKind.SURVEY, surveys.built_in(), START)
        import_definitions(tx, DefinitionKind.WORKFLOW, scripts(), START)
        seat(database, tx, config)


def seat(database: Database, tx: Connection, config: Config) -> None:
    """The connections, all well, and whom we act as."""
    connection_state.know_own_user(database, tx, "zendesk", OUR_USER, START)
    connection_state.ensure(database, tx, list(config.connections), START)


def _without_fsync(raw: Any, _record: Any) -> None:
    raw.execute("PRAGMA synchronous = OFF").close()


class SimulatedClock(HandClock):
    """The time that all share. It never stands still for long: no two steps happen at one moment."""

    def __init__(self) -> None:
        super().__init__(START)

    def tick(self) -> None:
        self.now += timedelta(milliseconds=1)


@contextmanager
def seeded_ids(chance: Random, clock: SimulatedClock) -> Iterator[None]:
    """Ids come from the seed and its clock, so that a seed is the same story every time."""
    real = ids.os, ids.time
    ids.os = SimpleNamespace(urandom=chance.randbytes)  # type: ignore[assignment]  # all that ids asks of it
    ids.time = SimpleNamespace(time=lambda: clock().timestamp())  # type: ignore[assignment]  # likewise
    try:
        yield
    finally:
        ids.os, ids.time = real

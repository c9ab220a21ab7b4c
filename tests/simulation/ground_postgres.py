"""The same ground on PostgreSQL."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import delete, event, update

from connector.feedback.surveys.catalog import SurveyCatalog
from connector.runtime.runs.workflow_cache import WorkflowCache
from connector.storage.engine.database import Database
from connector.storage.schema.tables import definitions, metadata
from tests.simulation.ground import furnish, seat, the_config

_KEPT = {"definitions"}
"""A definition never changes under its id, and is dear to read."""

_WITNESSES = """\
CREATE TABLE seen_advances (run_id TEXT, epoch INTEGER);
CREATE FUNCTION see_advance() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN INSERT INTO seen_advances VALUES (NEW.id, OLD.epoch); RETURN NULL; END';
CREATE TRIGGER see_advance AFTER UPDATE OF state ON runs FOR EACH ROW EXECUTE FUNCTION see_advance();
CREATE TABLE seen_settlements (effect_id TEXT, epoch INTEGER);
CREATE FUNCTION see_settlement() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN INSERT INTO seen_settlements VALUES (NEW.id, NEW.epoch); RETURN NULL; END';
CREATE TRIGGER see_settlement AFTER UPDATE OF status ON effects FOR EACH ROW
  WHEN (OLD.status = 'performing' AND NEW.status <> 'performing') EXECUTE FUNCTION see_settlement();
"""
_NO_WITNESSES = """\
DROP TABLE IF EXISTS seen_advances, seen_settlements;
DROP FUNCTION IF EXISTS see_advance, see_settlement CASCADE;
"""


class PostgresGround:
    """A migrated database that is emptied between seeds; ``close`` leaves it as it was found."""

    def __init__(self, url: str) -> None:
        self.config = the_config()
        self.database = Database(url, pool_size=3)
        event.listen(self.database.engine, "connect", _without_fsync)
        self._onlooker = psycopg.connect(url, autocommit=True, options="-c timezone=UTC")
        self._onlooker.execute(_NO_WITNESSES)
        self._onlooker.execute(_WITNESSES)
        furnish(self.database, self.config)
        self.book, self.surveys = WorkflowCache(), SurveyCatalog(self.database)
        self.surveys.find("retention")

    def fresh(self, active: frozenset[str]) -> None:
        c = definitions.c
        with self.database.write() as tx:
            tx.exec_driver_sql("DELETE FROM seen_advances")
            tx.exec_driver_sql("DELETE FROM seen_settlements")
            for table in reversed(metadata.sorted_tables):
                if table.name not in _KEPT:
                    tx.execute(delete(table))
            tx.execute(update(definitions).where(c.kind == "workflow").values(active=c.slug.in_(active)))
            seat(self.database, tx, self.config)

    def rows(self, query: str, *values: Any) -> list[Any]:
        words = query.replace("json_each(", "jsonb_array_elements(")
        if not values:
            return self._onlooker.execute(words.encode()).fetchall()
        return self._onlooker.execute(words.replace("?", "%s").encode(), values).fetchall()

    def close(self) -> None:
        self._onlooker.execute(_NO_WITNESSES)
        self._onlooker.close()
        self.database.close()


def _without_fsync(raw: Any, _record: Any) -> None:
    raw.execute("SET synchronous_commit = off")
    raw.commit()

"""The way out of what workflows write to customers: one address per run, the same in every mail of it.

The address holds a mark of the run, which nobody can guess or make (``integrations.mail.verp``), so it needs no row of
its own. It leads to whoever the run is about, also after two customers became one.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from connector.secret_keys import SecretKeys
from connector.storage.schema.tables import customers, runs
from integrations.mail.verp import Marks, Origin

PATH = "/u/m/"


@dataclass(frozen=True, slots=True)
class Leaver:
    """Who would leave, and the language they read (as a locale; "" when it is not known)."""

    customer_id: str
    locale: str
    has_left: bool


class WayOut:
    """Makes the marks of runs and finds back whose they are."""

    def __init__(self, secret_keys: SecretKeys) -> None:
        self._marks = Marks(*secret_keys.every)

    def mark(self, run_id: str) -> str:
        return self._marks.make(Origin.RUN, run_id)

    def leaver(self, tx: Connection, mark: str) -> Leaver | None:
        """Whose mail the mark was in; None: it is none of ours, or nobody is known any more."""
        found = self._marks.read(mark)
        if found is None or found.origin is not Origin.RUN:
            return None
        joined = select(customers.c.id, customers.c.locale, customers.c.opted_out_at)
        row = tx.execute(joined.join(runs, runs.c.customer_id == customers.c.id).where(runs.c.id == found.id)).first()
        return None if row is None else Leaver(row.id, row.locale or "", row.opted_out_at is not None)


def headers(address: str) -> dict[str, str]:
    """What lets mail programs offer the way out by one click (RFC 8058, 3.1 and 8)."""
    return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}

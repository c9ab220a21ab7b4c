"""What an action is to the runtime: prepared in a transaction, performed outside it, finished in another.

``prepare`` renders the whole request, so that a retry sends what was stored; ``perform`` calls the vendor;
``finish`` turns the result into the step's output, or into the intent of a next call of the same action.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, Executable

from connector.feedback.customers.record_ids import RecordIds
from connector.storage.engine.bulk import Bulk
from connector.storage.engine.database import Database
from integrations.errors import IntegrationError
from integrations.messaging import Messenger
from integrations.protocols import Crm, Helpdesk, Sales
from integrations.roles import Role
from workflows.runs import EffectWanted, Facts

Json = Mapping[str, Any]


class NotPossibleError(Exception):
    """An action that cannot even be asked of a vendor; the reason names the field and the remedy."""


@dataclass(frozen=True, slots=True)
class Write:
    """A statement and its parameters; the runtime executes equal statements of a batch together."""

    statement: Executable | Bulk
    params: Json


def effect_key(run_id: str, visit: str, stage: int = 0) -> str:
    """The idempotency key: run and visit, never the attempt; later calls of one action carry their stage."""
    base = f"{run_id}-{visit.replace('#', '-')}"
    return f"{base}-{stage}" if stage else base


@dataclass(slots=True)
class Batch:
    """The customers of one transaction, and what was read of them together: one query for all, at first need."""

    customers: frozenset[str] = frozenset()
    earlier_answers: Mapping[str, Sequence[Any]] | None = None


@dataclass(frozen=True, slots=True)
class ActionContext:
    """A step's wish, inside a transaction. ``tx`` is for what must be read or locked now."""

    run_id: str
    workflow: str
    facts: Facts
    wanted: EffectWanted
    now: datetime
    database: Database
    tx: Connection
    batch: Batch

    @property
    def params(self) -> Json:
        return self.wanted.params

    @property
    def key(self) -> str:
        """The idempotency key of the first call: the same for every attempt of this visit."""
        return effect_key(self.run_id, self.wanted.visit)


@dataclass(frozen=True, slots=True)
class Intent:
    """An outward call to make: stored, then performed."""

    connection: str
    request: Json
    serial: str | None = None
    due_at: datetime | None = None  # None: at once
    writes: tuple[Write, ...] = ()
    stage: int = 0
    reads_only: bool = False  # repeating it harms nobody, whatever the action's effect class
    bucket: str | None = None  # the vendor's limit that its requests count towards (``integrations.limits``)
    cost: int = 1  # requests it makes
    beside: int = 0  # requests it may make beside these, which count towards the limit on all requests only


@dataclass(frozen=True, slots=True)
class Output:
    """The action's end: what ``steps.<id>`` becomes. ``done`` is true unless it says otherwise; ``reason`` explains."""

    output: Json
    writes: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """A stored call, claimed by this worker until its lease ends."""

    id: str
    run_id: str
    visit: str
    stage: int
    action: str
    connection: str
    effect_class: str
    delivery: str | None
    key: str
    request: Json
    serial: str | None
    attempts: int
    epoch: int
    unsure: bool
    first_tried_at: datetime
    lease_until: datetime
    retry: Json | None = None
    bucket: str | None = None
    cost: int = 1
    beside: int = 0


Result = Json | IntegrationError
"""What became of one effect: the vendor's answer, or the error."""


@dataclass(frozen=True, slots=True)
class CompletionContext:
    """An effect that succeeded, inside the transaction that records it."""

    effect: Effect
    result: Json
    facts: Facts
    workflow: str
    now: datetime
    database: Database
    tx: Connection


class Handler(Protocol):
    """One action. ``batch`` is how many effects one call of ``perform`` takes at a connection."""

    def batch(self, connection: str) -> int: ...

    def prepare(self, ask: ActionContext) -> Intent | Output: ...

    def perform(self, effects: Sequence[Effect], now: datetime) -> Sequence[Result]: ...

    def finish(self, done: CompletionContext) -> Intent | Output: ...


class Clients(Protocol):
    """The integrations by connection name; an unknown or unfitting one raises ``NotPossibleError``."""

    @property
    def ids(self) -> RecordIds:
        """How the connections name their records."""
        ...

    def having(self, *roles: Role) -> list[str]:
        """Connections that have one of these roles, in the configuration's order."""
        ...

    def has(self, connection: str, role: Role) -> bool:
        """Whether the connection is this to us. False for one that is not configured."""
        ...

    def helpdesk(self, connection: str) -> Helpdesk: ...

    def crm(self, connection: str) -> Crm: ...

    def sales(self, connection: str) -> Sales: ...

    def messenger(self, connection: str | None) -> tuple[str, Messenger]: ...

"""What an operation of the API is: one row, from which its route and its description in OpenAPI are made.

The rows stand at the end of ``runs``, ``deliveries``, ``connections``, ``agent``, ``customers``, ``doubtful``,
``surveys`` and ``definitions``, each as ``OPERATIONS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import Schema

from connector.access.audit import Audit
from connector.feedback.agent.sidebar import SidebarService
from connector.feedback.customers.record_ids import RecordIds
from connector.feedback.surveys.overview.plan import SurveyPlanner
from connector.runtime.operations.connections import ConnectionCommands
from connector.runtime.operations.definition_overview import DefinitionReader
from connector.runtime.operations.definitions import DefinitionCommands
from connector.runtime.operations.doubtful import DoubtCommands
from connector.runtime.operations.runs import RunCommands
from connector.storage.engine.database import Database

LARGEST_BODY = 128_000
"""Bytes of a request's body, where an operation does not say otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the views work with; ``ring`` announces work in a queue, ``helpdesks`` names those connections,
    ``ids`` knows how connections name their records."""

    database: Database
    controls: RunCommands
    switches: ConnectionCommands
    definitions: DefinitionCommands
    definition_reader: DefinitionReader
    doubts: DoubtCommands
    agents: SidebarService
    planner: SurveyPlanner
    helpdesks: Sequence[str]
    ids: RecordIds
    audit: Audit
    clock: Callable[[], datetime]
    ring: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in: who calls, the names in the path, and the checked query or body."""

    parts: Parts
    by: str
    path: Mapping[str, str]
    given: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. ``takes`` checks the query of a GET and the body of a POST; ``gives`` writes
    the answer. ``can`` lists the problems beyond those of every operation (not found, refused)."""

    method: str
    path: str  # "/runs/<run_id>"
    name: str
    summary: str
    scope: str
    view: Callable[[Call], Any]
    gives: Schema
    takes: Schema | None = None
    can: tuple[int, ...] = ()
    description: str = ""
    largest: int = LARGEST_BODY  # bytes of a body

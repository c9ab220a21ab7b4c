"""What a table has to say on a customer's timeline; who merges the sources into one line is ``agent.timeline``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Row, Select


@dataclass(frozen=True, slots=True)
class TimelineSource:
    """A table's part: its rows of one customer, newest first by (``at``, ``id``), and what each has to say."""

    kind: str
    rows: Select[Any]  # without the customer, the place and the order
    customer: Column[Any]
    at: Column[Any]
    id: Column[Any]
    tell: Callable[[Row[Any]], Mapping[str, Any]]


def logged_in(context: Mapping[str, Any]) -> dict[str, Any]:
    """Who of the staff logged it, and from what kind of conversation."""
    return {name: context[name] for name in ("logged_by", "conversation") if context.get(name)}


def ticket_in(context: Mapping[str, Any] | None) -> dict[str, Any]:
    """The ticket that something was about, if it was about one."""
    ticket_id = (context or {}).get("ticket_id")
    return {"ticket_id": str(ticket_id)} if ticket_id else {}

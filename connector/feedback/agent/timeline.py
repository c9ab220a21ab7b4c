"""One customer's moments on one line, newest first: surveys, answers, callbacks, tickets, messages, opt-outs.

What happened stands in several tables; each is a ``TimelineSource`` that reads a page of it by the customer's index,
and the pages are merged. So a page costs one query a source, however long the line is, and a cursor finds the place
again when new moments have arrived meanwhile.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, and_, or_, select

from connector.feedback.responses.store import ANSWERED
from connector.storage.schema.tables import (
    callbacks,
    consents,
    effects,
    events,
    invitations,
    responses,
    runs,
    suppressions,
)
from connector.storage.stores.inbox import OWN
from workflows import scoring
from workflows.errors import ScoreError


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One moment. ``kind`` says which ``details`` it has; see the source of that kind."""

    at: datetime
    kind: str
    id: str
    details: Mapping[str, Any]
    place: int = field(default=0, compare=False)  # which source, for the order of what happened at once


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """A part of the line. ``next`` finds what follows; None: there is nothing older."""

    items: tuple[TimelineItem, ...]
    next: str | None


class CursorError(ValueError):
    """A cursor that none of our pages gave."""


@dataclass(frozen=True, slots=True)
class TimelineSource:
    """A table's part: its rows of one customer, newest first by (``at``, ``id``), and what each has to say."""

    kind: str
    rows: Select[Any]  # without the customer, the place and the order
    customer: Column[Any]
    at: Column[Any]
    id: Column[Any]
    tell: Callable[[Row[Any]], Mapping[str, Any]]


_Cursor = tuple[datetime, int, str]


def page(tx: Connection, customer_id: str, limit: int, before: str | None = None) -> TimelinePage:
    """``limit`` moments of the customer, from ``before`` (the page before's ``next``) on. Raises CursorError."""
    cursor = _read_cursor(before) if before else None
    parts = [list(_part(tx, place, source, customer_id, limit + 1, cursor)) for place, source in enumerate(SOURCES)]
    found = list(islice(heapq.merge(*parts, key=_order, reverse=True), limit + 1))
    more = len(found) > limit
    return TimelinePage(tuple(found[:limit]), _write_cursor(found[limit - 1]) if more else None)


def _part(
    tx: Connection, place: int, source: TimelineSource, customer_id: str, limit: int, cursor: _Cursor | None
) -> Iterator[TimelineItem]:
    mine = source.rows.where(source.customer == customer_id)
    if cursor:
        mine = mine.where(_older(source, place, cursor))
    for row in tx.execute(mine.order_by(source.at.desc(), source.id.desc()).limit(limit)):
        yield TimelineItem(row._mapping[source.at], source.kind, row._mapping[source.id], source.tell(row), place)


def _older(source: TimelineSource, place: int, cursor: _Cursor) -> ColumnElement[bool]:
    """What comes after the cursor. Of one moment's items those of later sources come later."""
    at, its_place, id_ = cursor
    if place > its_place:
        return source.at <= at
    if place < its_place:
        return source.at < at
    return and_(source.at <= at, or_(source.at < at, source.id < id_))


def _order(item: TimelineItem) -> tuple[datetime, int, str]:
    return (item.at, -item.place, item.id)


def _write_cursor(item: TimelineItem) -> str:
    return f"{item.at.astimezone(UTC):%Y%m%dT%H%M%S.%f}-{item.place}-{item.id}"


def _read_cursor(text: str) -> _Cursor:
    try:
        at, place, id_ = text.split("-", 2)
        moment = datetime.strptime(at, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
        if not (place.isascii() and place.isdigit() and int(place) < len(SOURCES) and id_.isascii() and id_.isalnum()):
            raise ValueError(text)
    except (ValueError, OverflowError) as error:
        raise CursorError(text) from error
    return moment, int(place), id_


# --- what each table has to say -----------------------------------------------------------------------------------


def _survey(row: Row[Any]) -> dict[str, Any]:
    """An invitation. ``status``: prepared, sent, opened, started, answered, or withheld with its ``reason``."""
    moments = {"opened_at": row.opened_at, "answered_at": row.answered_at}
    told = {name: value.isoformat() for name, value in moments.items() if value}
    return {"survey": row.survey, "channel": row.channel, "status": row.status, "reason": row.reason, **told,
            **_ticket(row.context)}  # fmt: skip


def _answer(row: Row[Any]) -> dict[str, Any]:
    """A score with its words. ``label`` is the metric's own word for the band; ``by``: staff logged it."""
    context = row.context or {}
    names = ("survey", "metric", "scale", "score", "band", "comment", "contact_consent", "about")
    told = {name: getattr(row, name) for name in names}
    return {**told, "label": label_of(row.metric, row.band), **_logged(context), **_ticket(context)}


def _callback(row: Row[Any]) -> dict[str, Any]:
    """A callback ticket and where its loop stands."""
    names = ("connection", "ticket_id", "status", "cycle", "outcome", "root_cause")
    return {name: getattr(row, name) for name in names if getattr(row, name) is not None}


def _withheld(row: Row[Any]) -> dict[str, Any]:
    """A survey that was not sent, and why."""
    return {"survey": row.survey, "reason": row.reason}


def _event(row: Row[Any]) -> dict[str, Any]:
    """What happened elsewhere: ``type`` is the event's, the rest what a person wants to know of it."""
    data = row.data  # of senders who may put anything under these names
    known = {name: data[name] for name in _TOLD if isinstance(data.get(name), str | int) and data[name] != ""}
    by, context = (data.get(name) if isinstance(data.get(name), dict) else {} for name in ("by", "context"))
    said = {"logged_by": by["name"]} if by.get("name") else {}
    return {"type": row.type, "connection": row.connection, **known, **said, **_logged(context)}


def _message(row: Row[Any]) -> dict[str, Any]:
    """A mail that a workflow wrote to the customer."""
    return {"subject": (row.request.get("mail") or {}).get("subject", ""), "workflow": row.workflow}


def _consent(row: Row[Any]) -> dict[str, Any]:
    """What the person decided: ``purpose`` surveys with ``granted`` false is an opt-out."""
    return {"purpose": row.kind, "granted": row.granted, "source": row.source}


_TOLD = (
    "ticket_id", "subject", "status", "into", "rating", "comment", "case", "opportunity", "campaign", "source",
    "outcome", "root_cause", "note",
)  # fmt: skip


def _logged(context: Mapping[str, Any]) -> dict[str, Any]:
    """Who of the staff logged it, and from what kind of conversation."""
    return {name: context[name] for name in ("logged_by", "conversation") if context.get(name)}


def _ticket(context: Mapping[str, Any] | None) -> dict[str, Any]:
    ticket_id = (context or {}).get("ticket_id")
    return {"ticket_id": str(ticket_id)} if ticket_id else {}


def label_of(metric: str, band: str) -> str:
    """The metric's own word for a band ("dissatisfied"); of what we do not know, the band."""
    try:
        return scoring.label(metric, band)
    except (ScoreError, ValueError):
        return band


_SILENT = (
    "survey.sent", "survey.opened", "survey.started", "survey.answered", "survey.expired", "survey.bounced",
    "survey.requested", "ticket.assigned", "ticket.commented", "ticket.requester_changed", "callback.changed",
    "contact.changed", "contact.merged", "contact.deleted", "customer.anniversary",
)  # fmt: skip
"""Events that are no moments of their own: a table tells them better, or nobody wants to read them."""


def _moments() -> ColumnElement[bool]:
    """Events that are moments. Answers with a score and our own opt-outs stand in tables that tell them whole."""
    c = events.c
    scored = and_(c.type.in_(ANSWERED), c.data["score"].as_string().is_not(None))
    own_opt_out = and_(c.type == "customer.opted_out", c.connection == OWN)
    return and_(c.type.not_in(_SILENT), ~scored, ~own_opt_out)


SOURCES: tuple[TimelineSource, ...] = (
    TimelineSource(
        "answer", select(responses),
        responses.c.customer_id, responses.c.answered_at, responses.c.id, _answer,
    ),
    TimelineSource(
        "callback", select(callbacks),
        callbacks.c.customer_id, callbacks.c.created_at, callbacks.c.id, _callback,
    ),
    TimelineSource(
        "survey", select(invitations).where(invitations.c.asked_at.is_not(None)),
        invitations.c.customer_id, invitations.c.asked_at, invitations.c.id, _survey,
    ),
    TimelineSource(
        "survey", select(invitations).where(invitations.c.asked_at.is_(None)),
        invitations.c.customer_id, invitations.c.created_at, invitations.c.id, _survey,
    ),
    TimelineSource(
        "withheld", select(suppressions),
        suppressions.c.customer_id, suppressions.c.at, suppressions.c.id, _withheld,
    ),
    TimelineSource("event", select(events).where(_moments()), events.c.customer_id, events.c.time, events.c.id, _event),
    TimelineSource(
        "message", select(effects).join(runs, runs.c.id == effects.c.run_id)
        .where(effects.c.action == "message.send", effects.c.status == "done"),
        runs.c.customer_id, effects.c.ended_at, effects.c.id, _message,
    ),
    TimelineSource(
        "consent", select(consents).where(consents.c.kind != "contact"),
        consents.c.customer_id, consents.c.at, consents.c.id, _consent,
    ),
)  # fmt: skip

"""Why did nothing happen? From a ticket, an address or an id to what arrived, and to what each workflow decided."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask.typing import ResponseReturnValue
from marshmallow import Schema
from sqlalchemy import Connection

from connector.storage.stores import event_queries, page_queries
from connector.storage.stores.event_queries import EventRow, HoldingDelivery
from connector.web.admin import rendering
from connector.web.admin.forms import line
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.rendering import labels
from connector.web.admin.running import statuses
from connector.web.admin.words import later
from integrations import mailboxes
from integrations.roles import Role
from workflows.events import EVENT_TYPES

_MOST = 20
_SHORTEST = 3  # signs of a word that contents are looked through for
_NUMBER = re.compile(r"\d{1,20}", re.ASCII)


class WhySchema(Schema):
    """What somebody asks about."""

    q = line(320)


@dataclass(frozen=True, slots=True)
class WhyAnswer:
    """What is known about it: events, newest first, and deliveries that became none."""

    events: Sequence[EventRow]
    unused: Sequence[HoldingDelivery]


def _ask(visit: AdminVisit) -> ResponseReturnValue:
    asked = visit.given.get("q", "").strip()
    with visit.services.database.read() as tx:
        found = _answered(visit, tx, asked) if asked else WhyAnswer((), ())
        started = event_queries.started(tx, [each.seq for each in found.events])
        names = page_queries.names(tx, (each.customer_id for each in found.events))
    return rendering.page(
        visit, "admin/why.html", asked=asked, found=found, started=started,
        names={id_: visit.shown(name) for id_, name in names.items()}, workflows=_in_force(visit),
        statuses=labels(visit.say, statuses.DELIVERY), run_statuses=labels(visit.say, statuses.RUN),
    )  # fmt: skip


def _answered(visit: AdminVisit, tx: Connection, asked: str) -> WhyAnswer:
    holding = event_queries.holding(tx, asked, limit=_MOST) if len(asked) >= _SHORTEST else []
    told = event_queries.of_deliveries(tx, [each.id for each in holding])
    found = {each.seq: each for each in (*_events(visit, tx, asked), *told)}
    events = sorted(found.values(), key=lambda each: each.seq, reverse=True)[:_MOST]
    used = {each.delivery_id for each in told}
    return WhyAnswer(events, [each for each in holding if each.id not in used and each.status != "new"])


def _events(visit: AdminVisit, tx: Connection, asked: str) -> Iterator[EventRow]:
    """By every meaning that the words may have: an id, a ticket, somebody; and what else is known of whoever the ticket
    is about, as an answer to a survey names no ticket."""
    yield from event_queries.named(tx, asked, [*visit.services.config.connections, "ringback"], limit=_MOST)
    about = event_queries.about(tx, _subjects(visit, asked), _TYPES, limit=_MOST)
    yield from about
    known = event_queries.owner(tx, _known_as(asked)) or asked
    whose = next((each.customer_id for each in about if each.customer_id), known)
    yield from event_queries.of_customer(tx, whose, limit=_MOST)


_TYPES = [name for name, known in EVENT_TYPES.items() if known.subject]


def _subjects(visit: AdminVisit, asked: str) -> list[str]:
    """The ticket as events name it; a number alone may be of any helpdesk, and "#4711" is 4711."""
    bare = asked.removeprefix("#")
    helpdesks = visit.services.connections.having(Role.HELPDESK)
    return [bare, *(f"{name}:{bare}" for name in helpdesks)] if _NUMBER.fullmatch(bare) else [asked]


def _known_as(asked: str) -> list[tuple[str, str]]:
    system, colon, value = asked.partition(":")
    return [(system, value)] if colon else [("email", mailboxes.normal(asked))]


def _in_force(visit: AdminVisit) -> int:
    with visit.services.database.read() as tx:
        return page_queries.workflows_in_force(tx)


PAGES = (
    Page("GET", "/why", "why", "deliveries:read", _ask, title=later("Why did nothing happen?"), group="running",
         icon="why", takes=WhySchema()),
)  # fmt: skip

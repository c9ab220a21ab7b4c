"""Events: past facts, and what every workflow decided about each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask.typing import ResponseReturnValue

from connector.runtime.operations.errors import UnknownError
from connector.storage.stores import event_queries, page_queries
from connector.web.admin import rendering
from connector.web.admin.forms import line
from connector.web.admin.lists import ROWS, CursorSchema, listing
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.rendering import labels
from connector.web.admin.running import statuses
from connector.web.admin.words import later


class EventListSchema(CursorSchema):
    """Which events."""

    type = line(100)
    connection = line(100)


def _list(visit: AdminVisit) -> ResponseReturnValue:
    given = visit.given
    with visit.services.database.read() as tx:
        rows = event_queries.list_events(tx, type_=given.get("type"), connection=given.get("connection"),
                                         limit=ROWS + 1, before=_before(given))  # fmt: skip
        names = page_queries.names(tx, (row.customer_id for row in rows))
    return rendering.page(visit, "admin/events.html", list=listing(rows, lambda row: row.seq),
                          names={id_: visit.shown(name) for id_, name in names.items()})  # fmt: skip


def _show(visit: AdminVisit) -> ResponseReturnValue:
    with visit.services.database.read() as tx:
        event = event_queries.event(tx, visit.path["event_id"][:26])
        if event is None:
            raise UnknownError("event", visit.path["event_id"][:60], "")
        started = event_queries.started(tx, [event.seq])
        names = page_queries.names(tx, [event.customer_id])
    return rendering.page(
        visit, "admin/event.html", event=event, runs=started.get(event.seq, ()), section="events",
        name=visit.shown(names.get(event.customer_id or "", "")), data=visit.shown(dict(event.data)),
        run_statuses=labels(visit.say, statuses.RUN),
    )  # fmt: skip


def _before(given: Mapping[str, Any]) -> int | None:
    text = given.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


PAGES = (
    Page("GET", "/events", "events", "deliveries:read", _list, title=later("Events"), group="running", icon="events",
         takes=EventListSchema()),
    Page("GET", "/events/<event_id>", "event", "deliveries:read", _show),
)  # fmt: skip

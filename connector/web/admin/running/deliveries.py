"""Deliveries: what arrived, what it meant, and letting it be understood anew."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from flask.typing import ResponseReturnValue
from marshmallow import fields
from sqlalchemy import Connection

from connector.runtime.doorbell import INTAKE
from connector.runtime.operations.errors import InputError, RefusedError, UnknownError
from connector.storage.stores import event_queries, run_queries
from connector.storage.stores.run_queries import DeliveryStory
from connector.web.admin import rendering
from connector.web.admin.forms import line, one_of
from connector.web.admin.lists import ROWS, CursorSchema, listing
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.rendering import labels
from connector.web.admin.running import statuses
from connector.web.admin.words import later

log = logging.getLogger(__name__)

_ASIDE = "aside"
_LARGEST_ID = 2**63 - 1
_AT_ONCE = 200
_SHOWN = 100_000  # characters of a content


class DeliveryListSchema(CursorSchema):
    """Which deliveries."""

    status = one_of((*statuses.DELIVERY, _ASIDE))
    connection = line(100)


class ReplayChosenSchema(DeliveryListSchema):
    """Those that are understood anew."""

    delivery = fields.List(fields.Integer(strict=False), load_default=list)


def _list(visit: AdminVisit) -> ResponseReturnValue:
    given = visit.given
    with visit.services.database.read() as tx:
        rows = run_queries.list_deliveries(tx, status=given.get("status"), connection=given.get("connection"),
                                           limit=ROWS + 1, before=_before(given))  # fmt: skip
        senders = [each.name for each in run_queries.list_connections(tx) if each.last_delivery_at]
    every = labels(visit.say, statuses.DELIVERY)
    return rendering.page(
        visit, "admin/deliveries.html", list=listing(rows, lambda row: row.id), statuses=every,
        states=[(_ASIDE, visit.say("set aside: unreadable or failed")), *every.items()],
        senders=[(name, name) for name in senders],
    )  # fmt: skip


def _show(visit: AdminVisit) -> ResponseReturnValue:
    with visit.services.database.read() as tx:
        story = run_queries.delivery_story(tx, _id(visit))
        if story is None:
            raise UnknownError("delivery", visit.path["delivery_id"][:60], "")
        started = event_queries.started(tx, [each.seq for each in story.events])
    return rendering.page(
        visit, "admin/delivery.html", story=story, line=story.line, started=started, section="deliveries",
        content=visit.shown(_content(story)), headers=visit.shown(dict(story.headers)),
        statuses=labels(visit.say, statuses.DELIVERY), run_statuses=labels(visit.say, statuses.RUN),
    )  # fmt: skip


def _replay(visit: AdminVisit) -> ResponseReturnValue:
    id_ = _id(visit)
    replayed = visit.services.database.transact(lambda tx: run_queries.replay_deliveries(tx, [id_]))
    if not replayed:
        raise _why_not(visit, id_)
    log.info("by hand: delivery %s is replayed", id_)
    visit.services.bell.ring(INTAKE)
    return rendering.back(visit, visit.say("It is read anew. What was known of it does not happen again."), "delivery",
                          delivery_id=id_)  # fmt: skip


def _replay_many(visit: AdminVisit) -> ResponseReturnValue:
    ids = visit.given["delivery"][:_AT_ONCE]
    if not ids:
        raise InputError("delivery", visit.say("No delivery is chosen."), visit.say("Choose some in the list."))
    replayed = visit.services.database.transact(lambda tx: run_queries.replay_deliveries(tx, ids))
    log.info("by hand: %s deliveries are replayed", len(replayed))
    visit.services.bell.ring(INTAKE)
    kept: Any = {name: visit.given[name] for name in ("status", "connection") if visit.given.get(name)}
    told = visit.say.plural("{number} delivery is read anew.", "{number} deliveries are read anew.", len(replayed))
    return rendering.back(visit, told, "deliveries", warning=len(replayed) < len(ids), **kept)


def _why_not(visit: AdminVisit, id_: int) -> Exception:
    def emptied(tx: Connection) -> Any:
        return run_queries.delivery_story(tx, id_)

    with visit.services.database.read() as tx:
        story = emptied(tx)
    if story is None or story.line.emptied_at is None:
        return UnknownError("delivery", id_, "")
    return RefusedError(f"The content of delivery {id_} went at {story.line.emptied_at:%Y-%m-%d %H:%M} UTC, when its "
                        "period was over.", "ask its sender to send it again")  # fmt: skip


def _id(visit: AdminVisit) -> int:
    """A number that both databases have room for."""
    text = visit.path["delivery_id"]
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST_ID):
        raise UnknownError("delivery", text[:60], "")
    return int(text)


def _before(given: Mapping[str, Any]) -> int | None:
    text = given.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _content(story: DeliveryStory) -> str:
    """The body as people read it: JSON on lines of its own, bytes that are no text as they are written."""
    try:
        text = story.body.decode()
    except UnicodeDecodeError:
        return repr(story.body)[:_SHOWN]
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)[:_SHOWN]
    except (ValueError, RecursionError):
        return text[:_SHOWN]


_ONE = "/deliveries/<delivery_id>"

PAGES = (
    Page("GET", "/deliveries", "deliveries", "deliveries:read", _list, title=later("Deliveries"), group="running",
         icon="inbox", takes=DeliveryListSchema()),
    Page("POST", "/deliveries", "deliveries_replay", "deliveries:write", _replay_many, takes=ReplayChosenSchema(),
         back=_list),
    Page("GET", _ONE, "delivery", "deliveries:read", _show),
    Page("POST", _ONE, "delivery_replay", "deliveries:write", _replay, back=_show),
)  # fmt: skip

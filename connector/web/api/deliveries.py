"""Deliveries: list, show, replay."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import Connection

from connector.runtime.doorbell import INTAKE
from connector.runtime.operations.errors import RefusedError, UnknownError
from connector.storage.stores import run_queries
from connector.web.api import schemas
from connector.web.api.operation import Call, Operation

log = logging.getLogger(__name__)


def _list(call: Call) -> dict[str, Any]:
    given = call.given
    with call.parts.database.read() as tx:
        lines = run_queries.list_deliveries(
            tx, status=given.get("status"), connection=given.get("connection"),
            limit=given["limit"], before=given.get("before"),
        )  # fmt: skip
    return {"items": lines, "next": lines[-1].id if len(lines) == given["limit"] else None}


def _show(call: Call) -> Any:
    delivery_id = _id(call)
    with call.parts.database.read() as tx:
        story = run_queries.delivery_story(tx, delivery_id)
    if story is None:
        raise _unknown(call)
    return story


def _replay(call: Call) -> dict[str, Any]:
    delivery_id = _id(call)
    if not call.parts.database.transact(lambda tx: run_queries.replay_deliveries(tx, [delivery_id])):
        at = _show(call).line.emptied_at
        raise RefusedError(f"The content of delivery {delivery_id} went at {at:%Y-%m-%d %H:%M} UTC, when its period "
                           "was over.", "ask its sender to send it again")  # fmt: skip
    log.info("delivery %s is replayed by %s", delivery_id, call.by)
    call.parts.ring(INTAKE)
    return {"id": delivery_id, "status": "new"}


def _replay_many(call: Call) -> dict[str, Any]:
    """A page of them; those that are taken leave the state, so the same request again takes the next."""
    given = call.given
    chosen = {"status": given["status"], "connection": given.get("connection")}

    def work(tx: Connection) -> dict[str, Any]:
        lines = run_queries.list_deliveries(tx, limit=given["limit"], **chosen)
        matched = run_queries.count_deliveries(tx, **chosen)
        ids = [] if given["dry_run"] else run_queries.replay_deliveries(tx, [line.id for line in lines])
        return {"matched": matched, "dry_run": given["dry_run"], "ids": ids}

    done = call.parts.database.transact(work)
    log.info("%s deliveries are replayed by %s", len(done["ids"]), call.by)
    call.parts.ring(INTAKE)
    return done


def _id(call: Call) -> int:
    """A number that both databases have room for."""
    text = call.path["delivery_id"]
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= schemas.LARGEST_ID):
        raise _unknown(call)
    return int(text)


def _unknown(call: Call) -> UnknownError:
    return UnknownError(
        "delivery", call.path["delivery_id"][:60], "GET /api/v1/deliveries shows those there are."
    )


_READ, _WRITE, _ONE = "deliveries:read", "deliveries:write", "/deliveries/<delivery_id>"

OPERATIONS = (
    Operation("GET", "/deliveries", "listDeliveries", "Webhooks that arrived, newest first", _READ, _list,
              schemas.DeliveriesSchema(), schemas.DeliveryQuerySchema()),
    Operation("GET", _ONE, "getDelivery", "One delivery, its content and what came of it", _READ, _show,
              schemas.DeliveryStorySchema(), can=(404,)),
    Operation("POST", f"{_ONE}/replay", "replayDelivery", "Let it be understood anew; known events stay single",
              _WRITE, _replay, schemas.ReplayedSchema(), can=(404, 409)),
    Operation("POST", "/deliveries/replay", "replayDeliveries", "Let many be understood anew; counts only, "
              "unless told otherwise", _WRITE, _replay_many, schemas.ReplayedManySchema(), schemas.ReplayManySchema()),
)  # fmt: skip

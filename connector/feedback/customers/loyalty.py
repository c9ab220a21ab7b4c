"""Where customers stand in the loyalty matrix: their newest NPS by their newest NLS (requirement A4).

It stands on the customer, so that conditions read ``customer.loyalty`` without a look at the answers: "pure loyalty",
"trapped loyalty", "false loyalty", "disloyalty", and "" while one of the two is missing. It is always drawn from the
answers that are there, never from the one that came last, so no order of answers, changes and merges matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from connector.storage.engine import bulk
from connector.storage.schema.tables import customers, responses
from workflows.scoring import Metric, quadrant_of

METRICS = frozenset({Metric.NPS.value, Metric.NLS.value})

_PLACE = func.row_number().over(
    partition_by=(responses.c.customer_id, responses.c.metric),
    order_by=(responses.c.answered_at.desc(), responses.c.id.desc()),
)
_GIVEN = (
    select(responses.c.customer_id, responses.c.metric, responses.c.band, _PLACE.label("place"))
    .where(responses.c.customer_id.in_(bindparam("ids", expanding=True)), responses.c.metric.in_(sorted(METRICS)))
    .subquery()
)
_NEWEST = select(_GIVEN).where(_GIVEN.c.place == 1)
_UPDATE = bulk.Update(customers, where=("id",), new=("loyalty",))


def draw(tx: Connection, ids: Iterable[str]) -> dict[str, str]:
    """By customer: the quadrant that their answers make, or "". One query, however many they are."""
    bands: dict[str, dict[str, str]] = {id_: {} for id_ in ids}
    for row in tx.execute(_NEWEST, {"ids": list(bands)}) if bands else ():
        bands[row.customer_id][row.metric] = row.band
    return {id_: _quadrant(each) for id_, each in bands.items()}


def keep(tx: Connection, standing: Mapping[str, str]) -> None:
    """Write the quadrants onto their customers."""
    rows: list[dict[str, Any]] = [{"id": id_, "loyalty": quadrant} for id_, quadrant in standing.items()]
    bulk.execute(tx, _UPDATE, rows)


def _quadrant(bands: Mapping[str, str]) -> str:
    nps, nls = bands.get(Metric.NPS.value), bands.get(Metric.NLS.value)
    return quadrant_of(nps, nls).value if nps and nls else ""

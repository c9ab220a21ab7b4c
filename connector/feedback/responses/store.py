"""Responses: every answer to a survey, from our own pages or from another platform, in one table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from connector.feedback.base.event_hooks import IncomingEvent
from connector.feedback.responses import revisions
from connector.ids import digest
from connector.storage.engine.database import Database
from connector.storage.schema.tables import responses
from connector.storage.stores.inbox import OWN
from workflows import scoring
from workflows.errors import ScoreError

_LATER = func.row_number().over(partition_by=responses.c.customer_id, order_by=responses.c.answered_at.desc())
_RANKED = (
    select(responses, _LATER.label("place"))
    .where(responses.c.customer_id.in_(bindparam("ids", expanding=True)))
    .subquery()
)
_LATEST = (
    select(_RANKED)
    .where(_RANKED.c.place <= bindparam("most"))
    .order_by(_RANKED.c.customer_id, _RANKED.c.place)
)

CHANGED = "survey.changed"
ANSWERED = ("survey.answered", "feedback.logged", "csat.rated")

RATED = "helpdesk-rating"
"""The survey that a helpdesk's own question is kept as."""

_CUTS = ("brand", "team", "product", "channel", "moment")
_LONGEST_CUT = 100  # characters

_RATINGS = {"good": 3, "neutral": 2, "bad": 1}


def record(database: Database, tx: Connection, batch: Sequence[IncomingEvent], now: datetime) -> list[IncomingEvent]:
    """Keep the answers among the events; each gets ``event.response``, our id of it."""
    scored = [_rated(arrival) if arrival.type == "csat.rated" else arrival for arrival in batch]
    named = [_with_response(arrival) if _is_answer(arrival) else arrival for arrival in scored]
    kept = [arrival for arrival in named if _is_answer(arrival)]
    rows = {arrival.id: [_row(arrival, now), *_further(arrival, now)] for arrival in kept}
    own = [row["id"] for arrival in kept if arrival.event.connection == OWN for row in rows[arrival.id]]
    revisions.keep(tx, [row for each in rows.values() for row in each], own)
    return named


def _further(arrival: IncomingEvent, now: datetime) -> Iterator[dict[str, Any]]:
    """The answers that stand in this one: a survey that asks NPS and NLS has one of each. The words belong to the main
    one alone."""
    main = _row(arrival, now)
    for score in arrival.data.get("further") or () if arrival.event.connection == OWN else ():
        scored = {name: score[name] for name in ("metric", "scale", "score", "band")}
        question = score["question"]
        own = {"id": further_id(main["id"], question), "external_id": f"{main['external_id']}/{question}"}
        yield {**main, **own, **scored, "comment": "", "contact_consent": False, "answers": {}}


def further_id(response: str, question: str) -> str:
    """The id of an answer that stands in another: the same in every revision."""
    return digest(f"{response}/{question}")[: len(response)]


def _is_answer(arrival: IncomingEvent) -> bool:
    """Whose answers can be changed, we know of our own pages alone."""
    own_change = arrival.type == CHANGED and arrival.event.connection == OWN
    return (arrival.type in ANSWERED or own_change) and arrival.data.get("score") is not None


def _rated(arrival: IncomingEvent) -> IncomingEvent:
    """A helpdesk's rating as an answer on a scale of three. "good_with_comment" is good; "offered" is no answer yet."""
    score = _RATINGS.get(str(arrival.data.get("rating") or "").partition("_")[0])
    if score is None:
        return arrival
    banded = scoring.band("csat", score, scoring.CSAT_3).value
    told = {"survey": RATED, "metric": "csat", "scale": scoring.CSAT_3.name, "score": score, "band": banded}
    return replace(arrival, data={**arrival.data, **told, "answered_at": arrival.event.time.isoformat()})


def _with_response(arrival: IncomingEvent) -> IncomingEvent:
    """Our own pages name the response already (their invitation); others' ids are theirs, so it gets one."""
    own = arrival.data.get("response") if arrival.event.connection == OWN else None
    return replace(arrival, data={**arrival.data, "response": own or arrival.id})


def _row(arrival: IncomingEvent, now: datetime) -> dict[str, Any]:
    data = arrival.data
    return {
        "id": data["response"],
        "connection": arrival.event.connection,
        "external_id": arrival.event.id,
        "survey": data["survey"],
        "metric": data["metric"],
        "scale": str(data.get("scale") or ""),
        "score": data["score"],
        "band": data["band"],
        "comment": data.get("comment") or "",
        "contact_consent": bool(data.get("contact_consent")),
        "customer_id": arrival.customer.id if arrival.customer else None,
        "invitation_id": data.get("invitation"),
        "about": data.get("about"),
        "answered_at": _moment(data.get("answered_at")) or arrival.event.time,
        "received_at": now,
        "answers": data.get("answers") or {},
        "context": data.get("context") or {},
        "revision": int(data["revision"]) if arrival.event.connection == OWN and data.get("revision") else 1,
        **_where(data),
    }


def _where(data: Mapping[str, Any]) -> dict[str, str]:
    """What figures are cut by, as far as it is known: house style, team, product, channel, moment of the journey."""
    context = data.get("context")
    named: Mapping[str, Any] = context if isinstance(context, Mapping) else {}
    told = {name: data.get(name) or named.get(name) for name in _CUTS}
    return {name: value[:_LONGEST_CUT] if isinstance(value, str) else "" for name, value in told.items()}


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None


def label_of(metric: str, band: str) -> str:
    """The metric's own word for a band ("dissatisfied"); of what we do not know, the band."""
    try:
        return scoring.label(metric, band)
    except (ScoreError, ValueError):
        return band


def get(tx: Connection, response_id: str) -> Mapping[str, Any] | None:
    """A stored response as a mapping of its columns."""
    row = tx.execute(select(responses).where(responses.c.id == response_id)).one_or_none()
    return None if row is None else dict(row._mapping)


def of_customers(tx: Connection, customer_ids: Iterable[str], most: int = 5) -> dict[str, list[Any]]:
    """The latest answers of each customer, newest first: one query, however many customers."""
    found: dict[str, list[Any]] = {}
    for row in tx.execute(_LATEST, {"ids": list(customer_ids), "most": most}):
        found.setdefault(row.customer_id, []).append(row)
    return found

"""One customer: where they stand, what happened, what they are known by, what they decided, and what can be done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask.typing import ResponseReturnValue
from marshmallow import Schema

from connector.feedback.agent.timeline import CursorError
from connector.feedback.customers import directory
from connector.feedback.customers.directory import ListedCustomer, ScoreMoment
from connector.feedback.responses.store import label_of
from connector.feedback.surveys.overview.plan import WAITS
from connector.ids import new_id
from connector.runtime.operations.errors import InputError, UnknownError
from connector.web.admin import rendering
from connector.web.admin.customers import sentences
from connector.web.admin.forms import line
from connector.web.admin.lists import here
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.rendering import labels
from connector.web.admin.words import later
from workflows import scoring

_MOMENTS, _SCORES = 20, 8
_HIGHER, _LOWER, _SAME = later("higher than before"), later("lower than before"), later("the same as before")


class TimelinePlaceSchema(Schema):
    """Which page of the timeline."""

    before = line(100)


@dataclass(frozen=True, slots=True)
class ScoreTrend:
    """The scores on one scale: the newest with its band's word, those before from the oldest on, and what became of
    it in a word ("" of a first one)."""

    metric: str
    newest: ScoreMoment
    band: str
    before: Sequence[int]
    trend: str


def show(visit: AdminVisit) -> ResponseReturnValue:
    """The page; with the form again that somebody sent, and what was wrong with it."""
    found = customer_of(visit)
    with visit.services.database.read() as tx:
        scores = directory.scores(tx, found.id)
        ids, numbers = directory.known_as(tx, found.id)
        decided = directory.decisions(tx, found.id)
    say = visit.say
    moments, older = _timeline(visit, found.id)
    return rendering.page(
        visit, "admin/customers/customer.html", customer=found, section="customers", ids=ids, numbers=numbers,
        trends=list(_trends(visit, scores)), decided=decided, moments=moments, older=older, key=new_id(),
        quadrant=say(sentences.QUADRANTS[found.loyalty]) if found.loyalty in sentences.QUADRANTS else "",
        conversations=labels(say, sentences.CONVERSATIONS).items(), purposes=labels(say, sentences.PURPOSES),
        scales=_scales(), metrics=[(metric.value, metric.value.upper()) for metric in scoring.Metric],
        is_first="before" not in visit.given, **_plan(visit, found),
    )  # fmt: skip


def customer_of(visit: AdminVisit) -> ListedCustomer:
    """The customer of the address. Raises UnknownError."""
    id_ = visit.path["customer_id"]
    with visit.services.database.read() as tx:
        found = directory.one(tx, id_) if id_.isascii() and id_.isalnum() else None
    if found is None:
        raise UnknownError("customer", id_[:60], "")
    return found


def _timeline(visit: AdminVisit, customer_id: str) -> tuple[list[tuple[datetime, sentences.ToldMoment]], str]:
    """The moments, and where older ones are; "" at the end."""
    try:
        before = visit.given.get("before")
        page = visit.services.agents.timeline(customer_id, _MOMENTS, before)
    except CursorError:
        trouble = visit.say("This is no place on the timeline.")
        raise InputError("before", trouble, visit.say("Begin at its top.")) from None
    if page is None:  # two have become one meanwhile
        raise UnknownError("customer", customer_id[:60], "")
    return [(item.at, sentences.told(visit, item)) for item in page.items], here(before=page.next) if page.next else ""


def _plan(visit: AdminVisit, found: ListedCustomer) -> dict[str, Any]:
    """Which surveys would reach them, by the rules; and whether one can be sent from here."""
    if not visit.may("customers:write"):
        return {"planned": [], "by_hand": [], "is_heard": False}
    agents = visit.services.agents
    by_hand = agents.survey_names()  # the others follow an answer, and are nobody's to send
    planned = visit.services.planner.plan(found.id) or []
    shown = [each for each in planned if each.survey in by_hand or each.verdict == WAITS]
    return {"planned": shown, "by_hand": by_hand, "is_heard": agents.sends_by_hand()}


def _trends(visit: AdminVisit, scores: Sequence[ScoreMoment]) -> Iterator[ScoreTrend]:
    """By scale, as scales are never mixed; the one answered last first."""
    by_scale: dict[tuple[str, str], list[ScoreMoment]] = {}
    for each in scores:
        by_scale.setdefault((each.metric, each.scale), []).append(each)
    for (metric, _), given in by_scale.items():
        newest, *before = given[:_SCORES]
        word = sentences.band(visit.say, label_of(metric, newest.band))
        trend = visit.say(_trend(newest.score, before[0].score)) if before else ""
        yield ScoreTrend(metric.upper(), newest, word, [each.score for each in reversed(before)], trend)


def _trend(now: int, before: int) -> str:
    return _SAME if now == before else _HIGHER if now > before else _LOWER


def _scales() -> str:
    """ "NPS 0–10, CSAT 1–5": what may be written as a score."""
    every = [scoring.scale_of(metric) for metric in scoring.Metric]
    return ", ".join(f"{scale.metric.value.upper()} {scale.lowest}–{scale.highest}" for scale in every)


PAGES = (
    Page("GET", "/customers/<customer_id>", "customer", "customers:read", show, takes=TimelinePlaceSchema()),
)

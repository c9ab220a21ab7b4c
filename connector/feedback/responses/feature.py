"""Responses as a feature: kept as they come in, told on the timeline, and of nobody after an erasure."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from connector.feedback.base.feature import Feature, HookStage, OwnedTable, StagedHook, blank
from connector.feedback.base.timeline_source import TimelineSource, logged_in, ticket_in
from connector.feedback.responses import loyalty_hook, store
from connector.feedback.responses.store import label_of
from connector.storage.schema.tables import response_revisions, responses


def _answer(row: Row[Any]) -> dict[str, Any]:
    """A score with its words. ``label`` is the metric's own word for the band; ``by``: staff logged it;
    ``changes``: how often the person changed it."""
    context = row.context or {}
    names = ("survey", "metric", "scale", "score", "band", "comment", "contact_consent", "about")
    told = {name: getattr(row, name) for name in names}
    changes = {"changes": row.revision - 1} if row.revision > 1 else {}
    return {**told, **changes, "label": label_of(row.metric, row.band), **logged_in(context), **ticket_in(context)}


FEATURE: Feature[object] = Feature(
    name="responses",
    hooks=lambda _parts: tuple(StagedHook(HookStage.ANSWERS, each) for each in (store.record, loyalty_hook.move)),
    owned=(  # scores stay in reports
        OwnedTable(responses, blank("customer_id", "comment", "answers", "context")),
        OwnedTable(response_revisions, blank("customer_id", "comment", "answers")),
    ),
    timeline=(
        TimelineSource(
            "answer", select(responses),
            responses.c.customer_id, responses.c.answered_at, responses.c.id, _answer,
        ),
    ),
)  # fmt: skip

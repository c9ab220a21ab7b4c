"""Consent as a feature: what people decided, and what other systems say of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from connector.feedback.base.feature import DELETE_ROWS, Feature, HookStage, OwnedTable, StagedHook
from connector.feedback.base.timeline_source import TimelineSource
from connector.feedback.consent import opt_out_events
from connector.storage.schema.tables import consents


def _consent(row: Row[Any]) -> dict[str, Any]:
    """What the person decided: ``purpose`` surveys with ``granted`` false is an opt-out."""
    by_staff = {"logged_by": row.by, "note": row.note} if row.by else {}
    return {"purpose": row.kind, "granted": row.granted, "source": row.source, **by_staff}


FEATURE: Feature[object] = Feature(
    name="consent",
    hooks=lambda _parts: (StagedHook(HookStage.CONSENT, opt_out_events.record),),
    owned=(OwnedTable(consents, DELETE_ROWS),),
    timeline=(
        TimelineSource(
            "consent", select(consents).where(consents.c.kind != "contact"),
            consents.c.customer_id, consents.c.at, consents.c.id, _consent,
        ),
    ),
)  # fmt: skip

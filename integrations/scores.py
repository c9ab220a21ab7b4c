"""Which of a vendor's fields hold a score. Pure; shared by all vendors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from integrations.errors import Permanent
from integrations.protocols import Score

COMMENT_LIMIT = 30_000  # characters; both vendors' long text fields take at least 32,000


@dataclass(frozen=True, slots=True)
class ScoreFields:
    """The vendor's field names for one metric; "" leaves that part of the score out."""

    score: str
    band: str = ""
    answered_at: str = ""
    comment: str = ""
    loop_status: str = ""


FieldMap = Mapping[str, ScoreFields]  # by metric ("nps"): scores of two metrics never share a field


def written(score: Score, fields: FieldMap) -> dict[str, Any]:
    """The fields and values to write. Raises Permanent when the metric has no fields of its own.

    An empty comment is written too: an older answer's comment beside a newer score would be a lie. An empty
    loop status says nothing and leaves the field alone.
    """
    names = fields.get(score.metric)
    if names is None:
        raise Permanent(
            f"no fields for the metric {score.metric}; name them in the connection's fields, under {score.metric}:",
            code="no_fields",
        )
    values = {
        names.score: score.score,
        names.band: score.band,
        names.answered_at: iso(score.answered_at),
        names.comment: shortened(score.comment) or None,
    }
    if score.loop_status:
        values[names.loop_status] = score.loop_status
    return {name: value for name, value in values.items() if name}


def iso(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second: both vendors read it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shortened(text: str) -> str:
    """Cut visibly; the whole comment stays in the house, the customer's record only shows it."""
    return text if len(text) <= COMMENT_LIMIT else text[: COMMENT_LIMIT - 1] + "…"

"""Mail that comes back, as a feature: what follows from it, and what of it a customer's timeline shows."""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy import Row, select

from connector.feedback.base.feature import DELETE_ROWS, Feature, HookStage, OwnedTable, StagedHook
from connector.feedback.base.timeline_source import TimelineSource
from connector.feedback.mail_feedback.hook import ReturnedMail
from connector.secret_keys import SecretKeys
from connector.storage.schema.tables import mail_returns, mail_suppressions


class MailFeedbackParts(Protocol):
    """What it needs of the house."""

    @property
    def secret_keys(self) -> SecretKeys: ...


def _returned(row: Row[Any]) -> dict[str, Any]:
    """A mail that came back. ``kind``: hard (the address is at fault), soft, or complaint."""
    return {"returned": row.kind, "reason": row.reason, "status": row.status}


FEATURE: Feature[MailFeedbackParts] = Feature(
    name="mail_feedback",
    hooks=lambda parts: (StagedHook(HookStage.PEOPLE, ReturnedMail(parts.secret_keys)),),
    owned=(OwnedTable(mail_returns, DELETE_ROWS), OwnedTable(mail_suppressions, DELETE_ROWS)),
    timeline=(
        TimelineSource(
            "returned", select(mail_returns),
            mail_returns.c.customer_id, mail_returns.c.seen_at, mail_returns.c.id, _returned,
        ),
    ),
)  # fmt: skip

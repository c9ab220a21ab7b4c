"""What came back: a row per mail and kind, however often and by whom it is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from connector.feedback.mail_feedback.sent_mail import SentMail
from connector.ids import new_id
from connector.storage.engine.database import Database
from connector.storage.schema.tables import mail_returns

_MOST_SAID = 500


class Kind(StrEnum):
    HARD = "hard"
    """The address is at fault, for good."""
    SOFT = "soft"
    """It may be taken another time."""
    COMPLAINT = "complaint"


def keep(
    database: Database, tx: Connection, mail: SentMail, kind: Kind, data: Mapping[str, Any], connection: str,
    now: datetime,
) -> bool:  # fmt: skip
    """False: it was told before."""
    row = {
        "id": new_id(), "mail": mail.id, "kind": kind.value, "address": mail.address, "customer_id": mail.customer,
        "invitation_id": mail.invitation, "status": str(data.get("status") or data.get("kind") or "")[:20],
        "reason": str(data.get("why") or "")[:100], "said": str(data.get("said") or "")[:_MOST_SAID],
        "connection": connection, "mailed_at": mail.left_at, "seen_at": now,
    }  # fmt: skip
    statement = database.insert_new(mail_returns).returning(mail_returns.c.id)
    return tx.execute(statement, row).first() is not None

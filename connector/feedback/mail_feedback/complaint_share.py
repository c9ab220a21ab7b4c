"""How many of those who were asked called it spam. Providers act on this figure: Google asks senders to stay below
0.1 % and never reach 0.3 % (Google, "Email sender guidelines")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from connector.feedback.mail_feedback.returned_mail import Kind
from connector.storage.schema.tables import invitations, mail_returns

WARNING = 0.001
"""The share from which somebody should look."""

WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ComplaintShare:
    """Invitations that left in the window, and how many of them were complained about."""

    sent: int
    complaints: int

    @property
    def share(self) -> float:
        """0…1; 0 when nothing was sent."""
        return self.complaints / self.sent if self.sent else 0.0

    @property
    def is_too_high(self) -> bool:
        return self.share >= WARNING


def measure(tx: Connection, now: datetime) -> ComplaintShare:
    """Of the last thirty days."""
    since = now - WINDOW
    r, i = mail_returns.c, invitations.c
    complained = select(func.count()).where(
        r.kind == Kind.COMPLAINT.value, r.invitation_id.is_not(None), r.mailed_at >= since
    )  # fmt: skip
    return ComplaintShare(
        tx.execute(select(func.count()).where(i.sent_at >= since)).scalar_one(), tx.execute(complained).scalar_one()
    )

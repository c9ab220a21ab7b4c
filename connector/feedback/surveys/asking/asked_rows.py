"""What asking leaves behind: invitations, and the reasons why somebody was not asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, case, insert, select, update

from connector.feedback.base.actions import Output, Write
from connector.feedback.customers import identity as customers
from connector.feedback.customers.identity import Customer
from connector.feedback.surveys.model import Survey
from connector.ids import new_id
from connector.storage.engine.database import Database
from connector.storage.schema.tables import invitations, runs, suppressions

INVITED, _WITHHELD = insert(invitations), insert(suppressions)
SENT = (
    update(invitations)
    .where(invitations.c.id == bindparam("row"))
    .values(
        status=bindparam("new_status"),
        sent_at=bindparam("moment"),
        reason=bindparam("why"),
        once=case((bindparam("new_status") == "withheld", None), else_=invitations.c.once),  # the occasion stays open
    )
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a decision is taken: the run, its transaction, the moment."""

    run_id: str
    database: Database
    tx: Connection
    now: datetime


def invited(tx: Connection, invitation: str) -> Customer:
    """The invitation's customer: whoever they are now, should two have become one since."""
    found = tx.execute(select(invitations.c.customer_id).where(invitations.c.id == invitation)).scalar_one()
    return customers.load(tx, [found])[found]


def mark_asked(tx: Connection, invitation: str, at: datetime | None, once: str | None) -> None:
    tx.execute(update(invitations).where(invitations.c.id == invitation).values(asked_at=at, once=once))


def whose(place: Place) -> str | None:
    """The run's customer: whoever they are now, should two have become one since."""
    found: str | None = place.tx.execute(select(runs.c.customer_id).where(runs.c.id == place.run_id)).scalar_one()
    return found


def withheld(place: Place, customer_id: str | None, survey: str, reason: str) -> Output:
    """Not asked, and why; kept with the customer, if we know any."""
    row = {"id": new_id(), "customer_id": customer_id, "survey": survey, "run_id": place.run_id}
    written = (Write(_WITHHELD, row | {"reason": reason, "at": place.now}),) if customer_id else ()
    return Output({"done": False, "reason": reason}, written)


def invitation_row(
    id_: str,
    customer: Customer,
    survey: Survey,
    definition_id: str,
    language: str,
    request: Mapping[str, Any],
    place: Place,
) -> dict[str, Any]:
    return {
        "id": id_,
        "survey": survey.slug,
        "definition_id": definition_id,
        "customer_id": customer.id,
        "run_id": place.run_id,
        "channel": "email",
        "language": language,
        "status": "prepared",
        "about": request["about"],
        "once": request["once"],
        "context": request["context"],
        "answers": {},
        "created_at": place.now,
        "expires_at": place.now + timedelta(days=survey.expires_days),
    }


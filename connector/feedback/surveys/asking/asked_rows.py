"""What asking leaves behind: invitations, and the reasons why somebody was not asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, insert, select, update

from connector.feedback.base.actions import Output, Write
from connector.feedback.customers import identity as customers
from connector.feedback.customers.identity import Customer
from connector.feedback.surveys.asking.departures import Departure
from connector.feedback.surveys.asking.refusal import Refusal
from connector.feedback.surveys.model import Survey
from connector.ids import new_id
from connector.storage.engine.database import Database
from connector.storage.schema.tables import household_asks, invitations, runs, suppressions
from workflows.sentences import kept

INVITED, _WITHHELD = insert(invitations), insert(suppressions)
SENT = (
    update(invitations)
    .where(invitations.c.id == bindparam("row"))
    .values(
        status=bindparam("new_status"),
        sent_at=bindparam("moment"),
        reason=bindparam("why"),
        code=bindparam("why_code"),
        said=bindparam("why_said"),
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


def book(
    database: Database,
    tx: Connection,
    invitation: str,
    customer: str,
    households: Sequence[str],
    now: datetime,
    once: str | None,
) -> None:
    """The person is asked from now on, and so are their households."""
    tx.execute(update(invitations).where(invitations.c.id == invitation).values(asked_at=now, once=once))
    asked = {"invitation_id": invitation, "customer_id": customer, "asked_at": now}
    if households:
        tx.execute(database.insert_new(household_asks), [{"household": each, **asked} for each in households])


def take_back(tx: Connection, invitation: str) -> None:
    """A booking whose mail stayed here."""
    tx.execute(update(invitations).where(invitations.c.id == invitation).values(asked_at=None, once=None))
    tx.execute(delete(household_asks).where(household_asks.c.invitation_id == invitation))


def plan_anew(tx: Connection, invitation: str, departure: Departure, now: datetime) -> None:
    """It leaves at another moment than was thought; when it was wanted stays."""
    moved = {name: value for name, value in departure.columns(now).items() if name != "wanted_at"}
    tx.execute(update(invitations).where(invitations.c.id == invitation).values(moved))


def whose(place: Place) -> str | None:
    """The run's customer: whoever they are now, should two have become one since."""
    found: str | None = place.tx.execute(select(runs.c.customer_id).where(runs.c.id == place.run_id)).scalar_one()
    return found


def withheld(place: Place, customer_id: str | None, survey: str, refusal: Refusal) -> Output:
    """Not asked, and why; kept with the customer, if we know any."""
    row: dict[str, Any] = {"id": new_id(), "customer_id": customer_id, "survey": survey, "run_id": place.run_id}
    row |= {"reason": str(refusal), "code": refusal.code, "numbers": refusal.numbers}
    row |= {"said": kept(refusal), "at": place.now}
    return Output(refusal.told(), (Write(_WITHHELD, row),) if customer_id else ())


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
        "agent": request.get("agent") or "",
        "team": request.get("team") or "",
        "created_at": place.now,
        "expires_at": place.now + timedelta(days=survey.expires_days),
    }


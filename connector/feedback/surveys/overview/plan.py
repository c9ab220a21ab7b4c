"""What would happen to a person now: which surveys would reach them, when and how, or why not; and what waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from connector.feedback.customers import identity as customers
from connector.feedback.customers.identity import Customer
from connector.feedback.surveys.asking import eligibility
from connector.feedback.surveys.asking.departures import Departures
from connector.feedback.surveys.asking.selection import AskingRules
from connector.feedback.surveys.catalog import SurveyCatalog
from connector.feedback.surveys.model import Survey
from connector.storage.engine.database import Database
from connector.storage.schema.tables import effects, identities, invitations, is_now, runs
from integrations import mailboxes

NOW, LATER, NOT, WAITS = "now", "later", "not asked", "waits"
_LOOKING = "-"
"""The invitation of whoever only looks: quotas count as if a mail were about to leave."""


@dataclass(frozen=True, slots=True)
class PlannedSurvey:
    """One survey for one person. ``verdict``: now, later, not asked, or waits (a mail that is prepared). ``at`` is
    when, ``local`` the same on their own wall; ``why`` the sentence, ``code`` and ``numbers`` the rule's."""

    survey: str
    verdict: str
    channel: str
    at: datetime | None
    local: str
    why: str
    code: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SurveyPlanner:
    """Looks and changes nothing. What only a vendor knows (suspended, deleted) is asked when a survey is sent."""

    database: Database
    surveys: SurveyCatalog
    rules: AskingRules
    departures: Departures
    clock: Callable[[], datetime]

    def plan(self, person: str, survey: str | None = None) -> list[PlannedSurvey] | None:
        """For somebody by our id, their address, or "connection:id"; None: nobody is known by that."""
        active = [each for each in self.surveys.active() if survey in (None, each.slug)]
        with self.database.read() as tx:
            customer = find(tx, person)
            if customer is None:
                return None
            waiting = list(self._waiting(tx, customer, survey))
            return [*waiting, *(self._of(tx, customer, each) for each in active)]

    def _of(self, tx: Connection, customer: Customer, survey: Survey) -> PlannedSurvey:
        now = self.clock()
        reason = None if customer.email else eligibility.NO_ADDRESS
        reason = reason or self.rules.why_not(tx, customer, survey, {"invitation": _LOOKING}, now)
        if reason := reason or eligibility.comes_back(tx, customer.email):
            return PlannedSurvey(survey.slug, NOT, "", None, "", reason, reason.code, reason.numbers)
        departure = self.departures.of(customer, survey, now)
        local = f"{departure.at.astimezone(departure.where.clocks[0]):%a %d %b %Y %H:%M}"
        verdict = LATER if departure.quiet else NOW
        code = "quiet_hours" if departure.quiet else ""
        return PlannedSurvey(survey.slug, verdict, "email", departure.at, local, departure.held, code)

    def _waiting(self, tx: Connection, customer: Customer, survey: str | None) -> Iterator[PlannedSurvey]:
        """Mails that are prepared, and reminders that are decided."""
        i, e = invitations.c, effects.c
        prepared = select(i.survey, i.channel, i.due_at, i.held).where(is_now(i.status, "prepared"))
        for row in tx.execute(prepared.where(i.customer_id == customer.id).order_by(i.due_at)):
            if survey in (None, row.survey):
                yield PlannedSurvey(row.survey, WAITS, row.channel, row.due_at, "", f"the invitation {row.held}")
        due = select(e.due_at, e.request).join(runs, runs.c.id == e.run_id).where(runs.c.customer_id == customer.id)
        due = due.where(e.action == "survey.remind", is_now(e.status, "due")).order_by(e.due_at)
        for reminder in tx.execute(due):
            told = reminder.request
            if survey in (None, told["survey"]):
                why = f"reminder {told['number']} {told['held']}"
                yield PlannedSurvey(told["survey"], WAITS, "email", reminder.due_at, "", why)


def find(tx: Connection, person: str) -> Customer | None:
    """Somebody by our id, their address, or "connection:id"."""
    system, colon, value = person.partition(":")
    known = (system, value) if colon else ("email", mailboxes.normal(person))
    i = identities.c
    owner = tx.execute(select(i.customer_id).where(i.system == known[0], i.value == known[1])).scalar_one_or_none()
    wanted = owner or person
    return customers.load(tx, [wanted]).get(wanted)

"""The last look before a mail leaves, and its booking.

Mails that leave side by side share a transaction: with one each, they waited for the disk in turn, and that was most of
what sending took.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from connector.feedback.base.actions import NotPossibleError
from connector.feedback.customers.identity import Customer
from connector.feedback.surveys.asking import eligibility
from connector.feedback.surveys.asking.asked_rows import book, invited, plan_anew, take_back
from connector.feedback.surveys.asking.departures import Departure, Departures
from connector.feedback.surveys.asking.refusal import Refusal
from connector.feedback.surveys.asking.selection import AskingRules
from connector.feedback.surveys.catalog import SurveyCatalog
from connector.feedback.surveys.model import Survey
from connector.storage.engine.database import Database
from connector.storage.engine.group_commit import GroupCommit

Held = Refusal | Departure | None
"""Why a mail does not leave, or when it will; None: it leaves now, and is booked."""

_Wanted = tuple[Mapping[str, Any], datetime]


class Bookings:
    """Of two surveys that are about to leave for one person only one does: whoever looks later sees the booking."""

    def __init__(
        self, database: Database, surveys: SurveyCatalog, rules: AskingRules, departures: Departures
    ) -> None:
        self._database, self._surveys, self._rules, self._departures = database, surveys, rules, departures
        self._group: GroupCommit[_Wanted, Held] = GroupCommit(self._commit)

    def survey(self, slug: str, tx: Connection) -> tuple[Survey, str]:
        """The survey in force and its version. Raises NotPossibleError."""
        found = self._surveys.find(slug, tx)
        if found is None:
            raise NotPossibleError(
                f"survey: {slug!r} is not there. Put {slug}.yaml into the surveys folder, or name one of those there."
            )
        return found

    def book(self, request: Mapping[str, Any], now: datetime) -> Held:
        """Look, and book. Raises NotPossibleError, and what the database raises."""
        try:
            return self._group.submit((request, now))
        except Exception:  # it may be another's fault: alone, everybody fails for themselves
            [held] = self._database.transact(lambda tx: self._booked(tx, [(request, now)]))
            return held

    def take_back(self, invitation: str) -> None:
        """The booking of a mail that stayed here."""
        self._database.transact(lambda tx: take_back(tx, invitation))

    def _commit(self, together: Callable[[], list[_Wanted]]) -> Sequence[Held]:
        return self._database.transact(lambda tx: self._booked(tx, together()))

    def _booked(self, tx: Connection, wanted: Sequence[_Wanted]) -> list[Held]:
        """All locks at once, in one order: groups of several processes cannot cross."""
        found = [(invited(tx, request["invitation"]), self.survey(request["survey"], tx)[0]) for request, _ in wanted]
        self._database.lock(tx, [key for who, survey in found for key in self._rules.lock_keys(who, survey)])
        return [self._look(tx, *each, *whom) for each, whom in zip(wanted, found, strict=True)]

    def _look(
        self, tx: Connection, request: Mapping[str, Any], now: datetime, customer: Customer, survey: Survey
    ) -> Held:
        """It may be late, and the recipient's evening have begun meanwhile, or they are elsewhere than was thought."""
        reason = self._rules.why_not(tx, customer, survey, request, now)
        reason = reason or eligibility.ticket_gone(tx, request.get("solved"))
        if reason := reason or eligibility.comes_back(tx, request["mail"]["to"]):
            return reason
        departure = self._departures.of(customer, survey, now)
        if departure.quiet:
            plan_anew(tx, request["invitation"], departure, now)
            return departure
        households = [key for _, key in self._rules.households(customer)]
        book(self._database, tx, request["invitation"], customer.id, households, now, request.get("once"))
        return None

"""When a mail may leave: outside the quiet hours of whoever gets it, by their own clock.

Worked out when the mail is prepared, again when what we know of the person changes (``surveys.jobs.due_moments``), and
looked at once more when it leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from connector.config.quiet_hours import QuietRules
from connector.feedback.customers.identity import Customer
from connector.feedback.customers.time_zones import Home, Whereabouts, days_off, whereabouts
from connector.feedback.surveys.model import Survey
from workflows.calendars import BusinessCalendar
from workflows.quiet_hours import QuietHours, next_allowed, why_quiet


@dataclass(frozen=True, slots=True)
class Departure:
    """``at`` is the first moment (UTC) from ``wanted`` on that is not quiet there; ``quiet`` is what holds it back, or
    ""."""

    wanted: datetime
    at: datetime
    where: Whereabouts
    quiet: str

    @property
    def held(self) -> str:
        """Whose clock counts, and what the mail waits for, as the timeline and ``survey plan`` show it."""
        clock = f"by the clock of {self.where}"
        return f"waits for the end of {self.quiet}, {clock}" if self.quiet else f"may leave at once, {clock}"

    def columns(self, now: datetime) -> dict[str, object]:
        """Of the invitation's row."""
        return {"wanted_at": self.wanted, "due_at": self.at, "held": self.held, "planned_at": now}


class Departures:
    """The house's rules, and where the house and its brands are. ``brand_zone`` gives a brand's time zone, or ""."""

    def __init__(
        self, rules: QuietRules, calendar: BusinessCalendar, country: str, brand_zone: Callable[[str], str]
    ) -> None:
        self._rules, self.calendar, self._country, self._brand_zone = rules, calendar, country, brand_zone

    def of(self, customer: Customer, survey: Survey, wanted: datetime) -> Departure:
        """When the survey may leave for them. What is said of their zone counts in the order of ``whereabouts``; a
        country whose zones share no hour says nothing."""
        rules = self._rules.of(survey.brand, survey.quiet_hours)
        home = Home(self._brand_zone(survey.brand), self.calendar.timezone, self._country)
        for where in whereabouts(customer, home):
            off = days_off(where, rules)
            if (at := next_allowed(rules, wanted, where.clocks, off)) is not None:
                return Departure(wanted, at, where, why_quiet(rules, wanted, where.clocks, off))
        raise AssertionError("the house's own zone has hours that are not quiet")

    def rules(self, survey: Survey) -> QuietHours:
        """The rules that hold for the survey."""
        return self._rules.of(survey.brand, survey.quiet_hours)

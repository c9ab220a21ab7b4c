"""Which of those who may be asked are asked: the segment, a share of it, quotas, and one of a household at a time.

A draw is the same whenever it is looked at: by the occasion where the step names one (``once``), else by the person.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select

from connector.config.household import ADDRESS, FACT, PHONE, Household
from connector.feedback.customers import phone_numbers
from connector.feedback.customers.identity import Customer
from connector.feedback.customers.phone_origins import origin_of
from connector.feedback.surveys.asking import eligibility
from connector.feedback.surveys.asking.refusal import Refusal
from connector.feedback.surveys.audience import Quota
from connector.feedback.surveys.model import Survey
from connector.storage.schema.tables import household_asks, invitations
from workflows.errors import ConditionError
from workflows.expressions import condition
from workflows.sampling import draw, share_of

Json = Mapping[str, Any]

_SIGNS = re.compile(r"[\W_]+")
_SPANS = {timedelta(hours=1): "hour", timedelta(days=1): "day"}
_CODES = ("postal_code", "postcode", "zip")
_LINES = ("line1", "street", "address", "house_number", "number", "postal_code", "postcode", "zip", "city")


@dataclass(frozen=True, slots=True)
class AskingRules:
    """The house's rules: ``fatigue_days`` of quiet time, what a household is, and where phone numbers without + are
    from."""

    fatigue_days: int
    household: Household
    country: str

    def why_not(
        self, tx: Connection, customer: Customer, survey: Survey, request: Json, now: datetime
    ) -> Refusal | None:
        """The reason not to ask, or None: first whether they may be asked at all, then whether it is their turn."""
        refusal = eligibility.why_not(tx, customer, survey, request, self.fatigue_days, now)
        return refusal or next(filter(None, self._not_chosen(tx, customer, survey, request, now)), None)

    def _not_chosen(
        self, tx: Connection, customer: Customer, survey: Survey, request: Json, now: datetime
    ) -> Iterator[Refusal | None]:
        if not survey.passes_fatigue:
            yield self._household_asked(tx, customer, survey, request, now)
        yield _outside_segment(survey.who.condition, customer, request)
        yield _outside_sample(_share(survey, request), customer, survey, request)
        if request.get("invitation"):  # before the mail is about to leave it uses up nothing
            yield from (_used_up(tx, quota, survey, request, now) for quota in survey.who.quotas)

    def lock_keys(self, customer: Customer, survey: Survey) -> list[str]:
        """What to lock so that no two last looks overlook each other."""
        shared = [f"quota:{survey.slug}"] if survey.who.quotas else []
        return [f"ask:{customer.id}", *shared, *(f"household:{key}" for _, key in self.households(customer))]

    def households(self, customer: Customer) -> list[tuple[str, str]]:
        """What the person shares with their household, and its digest: no address is kept a second time."""
        found = ((by, _shared(by, customer, self.country)) for by in self.household.by)
        return [(by, hashlib.sha256(f"{by}|{text}".encode()).hexdigest()) for by, text in found if text]

    def _household_asked(
        self, tx: Connection, customer: Customer, survey: Survey, request: Json, now: datetime
    ) -> Refusal | None:
        own = survey.fatigue_days if survey.fatigue_days is not None else self.fatigue_days
        days = self.household.days or own
        for by, key in self.households(customer):
            if last := _last_asked(tx, key, now - timedelta(days=days), customer.id):
                ago = (now - last).days
                return Refusal("household", "refusal.household", days_ago=ago, rule_days=days, by=by)
        return None


def _last_asked(tx: Connection, key: str, since: datetime, own: str) -> datetime | None:
    c = household_asks.c
    asked = select(c.asked_at).where(c.household == key, c.asked_at > since, c.customer_id != own)
    last: datetime | None = tx.execute(asked.order_by(c.asked_at.desc()).limit(1)).scalar_one_or_none()
    return last


def _shared(by: str, customer: Customer, country: str) -> str:
    if by == PHONE:
        origin = origin_of({**customer.facts, "locale": customer.locale}, country)
        number = phone_numbers.trait(customer.phone, origin)
        return "" if number is None or number.personal else number.text
    if by == ADDRESS:
        return _line(customer.facts.get("address"))
    return _plain(fact(customer.facts, by.removeprefix(FACT)))


def fact(facts: Json, path: str) -> Any:
    """The fact at a path ("contract.since"); None where there is none."""
    found: Any = facts
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _line(address: Any) -> str:
    if isinstance(address, Mapping):
        parts = {name: _plain(address.get(name)) for name in _LINES}
        codes = {name: parts[name].replace(" ", "") for name in _CODES}  # 1012 JS, or 1012JS
        return " ".join(filter(None, {**parts, **codes}.values()))
    return _plain(address)


def _plain(value: Any) -> str:
    return _SIGNS.sub(" ", value).strip().casefold() if isinstance(value, str) else str(value or "")


def _outside_segment(text: str | None, customer: Customer, request: Json) -> Refusal | None:
    """Only whom the survey surely concerns is asked: a condition that cannot be decided leaves a person out."""
    if text is None:
        return None
    try:
        if condition(text).decide({"customer": customer.view(), "context": dict(request.get("context") or {})}).value:
            return None
    except ConditionError as error:
        return Refusal("segment", "refusal.segment_unknown", {"segment": text, "error": str(error)})
    return Refusal("segment", "refusal.segment", {"segment": text})


def _share(survey: Survey, request: Json) -> Decimal | None:
    """The step's share, else the survey's."""
    return share_of(str(request["sample"])) if request.get("sample") else survey.who.sample


def _outside_sample(share: Decimal | None, customer: Customer, survey: Survey, request: Json) -> Refusal | None:
    if share is None:
        return None
    drawn = draw(survey.slug, str(request.get("once") or customer.id))
    if drawn < share:
        return None
    words = {"share": f"{share.normalize():f}", "drawn": f"{drawn:.1f}"}
    return Refusal("sample", "refusal.sample", words, share=float(share), drawn=float(drawn))


def _used_up(tx: Connection, quota: Quota, survey: Survey, request: Json, now: datetime) -> Refusal | None:
    """Those asked count, each once; a survey that did not leave after all is not among them."""
    c, team = invitations.c, str(request.get("team") or "")
    if quota.of_team and not team:
        return None
    asked = select(func.count()).where(c.survey == survey.slug, c.asked_at > now - quota.span, c.asked_at <= now)
    asked = asked.where(c.id != request["invitation"])
    count: int = tx.execute(asked.where(c.team == team) if quota.of_team else asked).scalar_one()
    if count < quota.most:
        return None
    code = "team_quota" if quota.of_team else "quota"
    return Refusal(code, f"refusal.{code}", {"span": _SPANS[quota.span]}, asked=count, quota=quota.most, team=team)

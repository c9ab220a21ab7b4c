"""Whose record it is, of a customer whom a vendor knows by no id of ours: by e-mail address, else by phone number.

Never guessed: of several that may be theirs none is written on, and a person chooses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connector.feedback.base.actions import Effect, Result
from connector.feedback.crm.scores import phone_lookup
from connector.feedback.crm.scores.phone_lookup import Directory
from connector.feedback.crm.scores.score_request import WantedScore, email_of
from connector.feedback.customers import review_queue
from connector.feedback.customers.identity import HOME
from connector.feedback.customers.matching import MatchVerdict
from connector.feedback.responses import store as responses
from connector.storage.engine.database import Database
from integrations.errors import IntegrationError, Permanent
from integrations.protocols import RecordNames
from workflows.sentences import say

NOBODY = say("reason.nobody_known")
_UNKNOWN = say("reason.no_record")
_NONE_OF_THEM = say("reason.none_of_them")

Records = Mapping[str, Sequence[str] | IntegrationError]
"""By e-mail address (``email_of``): the records that have it, or why it could not be asked for."""


class RecordLookup:
    """Of one connection. ``names`` says how its records are called here, and ``phones`` is where numbers are looked up;
    None: the vendor's people are not found by number."""

    def __init__(
        self, database: Database, connection: str, names: RecordNames, phones: Directory | None, country: str = HOME
    ) -> None:
        self._database, self._connection, self._names = database, connection, names
        self._phones, self._country = phones, country

    def request(self, wanted: WantedScore) -> dict[str, Any]:
        """What is stored: the answer, and all that leads to the customer's record."""
        record = (wanted.customer.get("ids") or {}).get(self._connection)
        known = {"record": self._names.canonical_id(record) if record else None, "email": wanted.customer.get("email")}
        by_number = phone_lookup.wish(wanted.customer, self._country) if self._phones and not record else {}
        return {**wanted.answer, **known, **by_number}

    @staticmethod
    def leads_somewhere(request: Mapping[str, Any]) -> bool:
        return bool(request["record"] or request["email"] or "phone" in request)

    def found(self, effects: Sequence[Effect], by_email: Records) -> dict[str, str | Result]:
        """By effect: its customer's record, canonical; or why there is none."""
        results: dict[str, str | Result] = {}
        strangers: list[Effect] = []
        for effect in effects:
            same = by_email.get(email_of(effect), ())
            if isinstance(same, IntegrationError):
                results[effect.id] = same
            elif same:
                results[effect.id] = self._only(effect, same, "share this customer's e-mail address")
            else:
                strangers.append(effect)
        return results | self._by_number(strangers)

    def _by_number(self, effects: Iterable[Effect]) -> dict[str, str | Result]:
        """Those with a number together."""
        results: dict[str, str | Result] = {each.id: {"done": False, "reason": _UNKNOWN} for each in effects}
        asked = [each for each in effects if self._phones and "phone" in each.request]
        if asked and self._phones:
            try:
                verdicts = phone_lookup.find(self._phones, [each.request for each in asked], self._country)
            except IntegrationError as error:
                return results | {each.id: error for each in asked}
            results |= {each.id: self._judged(each, said) for each, said in zip(asked, verdicts, strict=True)}
        return results

    def _judged(self, effect: Effect, verdict: MatchVerdict | IntegrationError) -> str | Result:
        if isinstance(verdict, IntegrationError):
            return verdict
        if verdict.same:
            return self._names.canonical_id(verdict.same)
        if verdict.perhaps:
            return self._left_open(effect, verdict.perhaps, "may be this customer's by their phone number")
        return {"done": False, "reason": say("reason.no_record_or_phone")}

    def _only(self, effect: Effect, records: Sequence[str], how: str) -> str | Result:
        return self._names.canonical_id(records[0]) if len(records) == 1 else self._left_open(effect, records, how)

    def _left_open(self, effect: Effect, records: Sequence[str], how: str) -> Result:
        """Several records may be the customer's: somebody chooses, and the next time it is known."""
        with self._database.read() as tx:
            given = responses.get(tx, str(effect.request["response"]))
            whose = given["customer_id"] if given else None
            if whose and review_queue.none_of(tx, effect.connection, whose, records):
                return {"done": False, "reason": _NONE_OF_THEM}
        review_queue.several(self._database, effect.connection, whose, records, effect.first_tried_at)
        count = "1 record" if len(records) == 1 else f"{len(records)} records"
        return Permanent(
            f"{count} {how}; none was written. Decide on the list of `ringback customers review`, merge them, or send "
            "the record's id with the answer.",
            code="ambiguous_match",
        )

"""Salesforce as a CRM, by simple-salesforce on our session."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from simple_salesforce.api import Salesforce

from integrations.errors import Ambiguous, Found, IntegrationError, Transient
from integrations.http import VendorSession
from integrations.protocols import Helpdesk, ItemResult, Sales, Score, Usage, VendorUser
from integrations.salesforce import mapping
from integrations.salesforce.budget import DailyCalls
from integrations.salesforce.changes import SalesforceChanges
from integrations.salesforce.fields import PHONES
from integrations.salesforce.helpdesk.case_mapping import CASES, CaseNames
from integrations.salesforce.helpdesk.cases import SalesforceCases
from integrations.salesforce.helpdesk.contact_requests import SOBJECT, SalesforceContactRequests
from integrations.salesforce.record_ids import known_as, record_id
from integrations.salesforce.rest import Rest
from integrations.salesforce.sales import VALUE, SalesforceSales
from integrations.salesforce.search import by_email, by_phone
from integrations.salesforce.seen_fields import SeenFields
from integrations.salesforce.setup import visibility
from integrations.salesforce.writeback.bulk import Ingest
from integrations.salesforce.writeback.records import BULK_ABOVE, SalesforceRecords
from integrations.salesforce.writeback.render import Names
from integrations.scores import FieldMap

API_VERSION = "60.0"
_KNOWN_BY = ("Id", "Name", "Email")



@dataclass(frozen=True, slots=True)
class Kept:
    """What a connection keeps beyond the newest score on a contact (``names``), and how it uses the day's calls:
    ``reserve`` (0…1) is left to others, and from ``bulk_above`` rows on a job is made of them."""

    names: Names | None = None
    reserve: float = 0.0
    bulk_above: int = BULK_ABOVE
    now: Callable[[], float] = time.time


class SalesforceCrm:
    """A ``Crm`` over the REST API. Threads may share it."""

    def __init__(
        self, session: VendorSession, fields: FieldMap = mapping.DEFAULT_FIELDS, api_version: str = API_VERSION,
        kept: Kept | None = None, *, cases: CaseNames = CASES, account_value: str = VALUE,
    ) -> None:  # fmt: skip
        self._session, self._fields, self._cases = session, fields, cases
        # "Direct" authentication, so that the library's own refresh never runs: it recurses on a permanent
        # 401. The session puts its own token over the one given here.
        # Any: the library types answers as possibly None, and what an answer lacks is caught by _understood.
        self._salesforce: Any = Salesforce(
            session_id="unused", instance_url=session.address.url, session=session, version=api_version
        )
        del self._salesforce.headers["X-PrettyPrint"]  # answers twice the size, for nobody to read
        self._kept = kept or Kept()
        self.reserve = self._kept.reserve
        self._calls = DailyCalls(lambda: session.limits, self.reserve, self._kept.now)
        self.rest = Rest(self._salesforce, session.address.url, _understood, self._calls.check)
        self._seen = SeenFields(self._kept.now)
        kind = SalesforceContactRequests if cases.object == SOBJECT else SalesforceCases
        self.cases: Helpdesk = kind(self.rest, self, cases)
        self.changes = SalesforceChanges(self.rest, self._seen)
        self.sales: Sales = SalesforceSales(self.rest, account_value)
        self._pictures = self._everything(f"/services/data/v{api_version}")

    def _everything(self, base: str) -> SalesforceRecords | None:
        if self._kept.names is None:
            return None
        jobs = Ingest(self._session, base)
        names, above = self._kept.names, self._kept.bulk_above
        return SalesforceRecords(self._salesforce, jobs, names, _understood, self._calls, above, self._seen)

    @property
    def pictures(self) -> SalesforceRecords | None:
        return self._pictures

    def hidden(self) -> Sequence[str]:
        """``GET /sobjects/{object}/describe`` of each object that we write"""
        wanted = {**visibility.needed(self._fields, self._kept.names), **visibility.of_requests(self._cases)}
        return tuple(visibility.trouble(wanted, lambda sobject: self.rest.call(f"sobjects/{sobject}/describe", "GET")))

    def usage(self) -> Usage:
        """``GET /limits``"""
        with _understood():
            return mapping.usage(self._salesforce.restful("limits"))

    @property
    def session(self) -> VendorSession:
        """For what it has observed of the org's limits."""
        return self._session

    def canonical_id(self, record: str) -> str:
        return known_as(record)

    def write_scores(self, scores: Sequence[Score]) -> Sequence[ItemResult]:
        """``PATCH /composite/sobjects``, 200 records a call; records of one group are side by side in it."""
        rows, wrong = mapping.rows(scores, self._fields)
        errors: dict[int, IntegrationError | None] = dict(wrong)
        for part in mapping.chunks(rows):
            for row, error in zip(part, self._write(part), strict=True):
                errors |= dict.fromkeys(row.places, error)
        return tuple(ItemResult(score.record, errors[place]) for place, score in enumerate(scores))

    def find_contacts(self, email: str) -> Sequence[VendorUser]:
        """Contacts with exactly this address; Salesforce compares without regard to case."""
        with _understood():
            return by_email.of_one(self.rest, email, self._seen)

    def contacts_by_email(self, emails: Sequence[str]) -> Sequence[Found[VendorUser]]:
        with _understood():
            return by_email.find(self.rest, emails, self._seen)

    def people_by_phone(self, numbers: Sequence[str]) -> Sequence[Found[VendorUser]]:
        with _understood():
            return by_phone.find(self.rest, numbers, leads=self._pictures is not None, seen=self._seen)

    def get_contact(self, contact_id: str) -> VendorUser | None:
        path = f"sobjects/Contact/{record_id('contact', contact_id)}"
        try:
            return self._seen.ask("Contact", PHONES["Contact"], lambda phones: self._contact(path, phones))
        except IntegrationError as error:
            if error.status == 404:
                return None
            raise

    def _contact(self, path: str, phones: Sequence[str]) -> VendorUser:
        self._calls.check()
        with _understood():
            return mapping.contact(self._salesforce.restful(path, params={"fields": ",".join((*_KNOWN_BY, *phones))}))

    def me(self) -> VendorUser:
        """By OpenID Connect's userinfo, which every token may ask, with or without Chatter in the org."""
        with _understood():
            info = self._salesforce.oauth2("userinfo")
            whose = str(info.get("organization_id") or "")
            return VendorUser(str(info["user_id"]), info.get("email"), info.get("name"), account=whose)

    def _write(self, part: Sequence[mapping.Row]) -> Sequence[IntegrationError | None]:
        self._calls.check()
        with _understood(wrote=True):
            answer = self._salesforce.restful(
                "composite/sobjects", method="PATCH", json=mapping.batch(part, "Contact")
            )
            return [mapping.item_error(result) for result in mapping.as_many(answer, len(part))]


@contextmanager
def _understood(*, wrote: bool = False) -> Iterator[None]:
    """Translate what goes wrong while a success is read; refusals were translated by the session."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        kind = Ambiguous if wrote else Transient
        raise kind(f"Salesforce's answer cannot be read: {type(error).__name__}", code="unreadable") from error

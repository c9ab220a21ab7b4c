"""Answers, people and accounts in Salesforce: everything that a connection which was set up for it keeps there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from simple_salesforce.format import format_soql

from integrations import mailboxes
from integrations.errors import Found, IntegrationError, Permanent
from integrations.protocols import AccountPicture, Answer, CrmPerson, CrmRow, PersonPicture, Usage
from integrations.salesforce import mapping
from integrations.salesforce.budget import DailyCalls
from integrations.salesforce.record_ids import known_as, record_id
from integrations.salesforce.rest import readable
from integrations.salesforce.search import many
from integrations.salesforce.seen_fields import SeenFields
from integrations.salesforce.writeback.bulk import Ingest
from integrations.salesforce.writeback.render import Names, account_row, answer_row, person_row

BULK_ABOVE = 2_000  # rows; Salesforce's own advice for when a job is better than calls

_BY_CALLS = 400  # answers in one go: some five calls, one after the other

_IDS_AT_ONCE = 200
_CONSENT = ("HasOptedOutOfEmail", "DoNotCall")  # our user may be kept from seeing either, on either object
_CONTACT = "Id, Email, AccountId, IsDeleted, MasterRecordId"
_LEAD = "Id, Email, IsDeleted, MasterRecordId, IsConverted, ConvertedContactId"

Understood = Callable[..., AbstractContextManager[None]]


class SalesforceRecords:
    """A ``CrmRecords``. ``salesforce`` is the library's client, ``understood`` translates what cannot be read, and
    ``calls`` is asked before every call."""

    finds_many = True
    gathers_for = 10
    look_after = 15.0
    pace = 0.0

    def __init__(
        self, salesforce: Any, jobs: Ingest, names: Names, understood: Understood, calls: DailyCalls,
        bulk_above: int = BULK_ABOVE, seen: SeenFields | None = None,
    ) -> None:  # fmt: skip
        self._salesforce, self._jobs, self._names = salesforce, jobs, names
        self._understood, self._calls, self.bulk_above = understood, calls, bulk_above
        self.most, self.keeps_answers = bulk_above + _BY_CALLS, names.answers is not None
        self._seen = seen or SeenFields()

    def usage_seen(self) -> Usage | None:
        return self._calls.seen

    def portion(self, waiting: int) -> int:
        return waiting if waiting > self.bulk_above else min(waiting, _BY_CALLS)

    def canonical_id(self, record: str) -> str:
        return known_as(record)

    def keeps(self, metric: str) -> bool:
        return self._names.answers is not None or metric in self._names.scores

    def answer(self, answer: Answer) -> CrmRow | None:
        return answer_row(answer, self._names.answers) if self._names.answers else None

    def person(self, picture: PersonPicture) -> CrmRow:
        return person_row(picture, self._names)

    def account(self, picture: AccountPicture) -> CrmRow | None:
        return account_row(picture, self._names.accounts) if self._names.accounts else None

    def people(self, records: Sequence[str]) -> Sequence[CrmPerson]:
        ids = [record_id("record", each) for each in records]
        leads = [each for each in ids if each.startswith(mapping.LEAD)]
        contacts = [each for each in ids if not each.startswith(mapping.LEAD)]
        found = [mapping.person(each, "contact") for each in self._ask("Contact", _CONTACT, "Id", contacts)]
        return found + [mapping.person(each, "lead") for each in self._ask("Lead", _LEAD, "Id", leads)]

    def people_by_email(self, emails: Sequence[str]) -> Mapping[str, Found[CrmPerson]]:
        people = self._with_address([email for email in emails if many.is_address(email)])
        found: dict[str, list[CrmPerson]] = {email: [] for email in emails}
        same = {mailboxes.normal(email): mine for email, mine in found.items()}
        for each in people:
            same.get(mailboxes.normal(each.email), []).append(each)
        return found

    def _with_address(self, emails: Sequence[str]) -> Sequence[CrmPerson]:
        asked = self._ask("Contact", _CONTACT, "Email", _all_spellings(emails))
        contacts = [mapping.person(each, "contact") for each in asked if not each.get("IsDeleted")]
        known = {mailboxes.normal(each.email) for each in contacts}
        others = [email for email in emails if mailboxes.normal(email) not in known]
        leads = [each for each in self._ask("Lead", _LEAD, "Email", _all_spellings(others)) if _is_open(each)]
        return contacts + [mapping.person(each, "lead") for each in leads]

    def write(self, rows: Sequence[CrmRow]) -> Sequence[IntegrationError | None]:
        results: list[IntegrationError | None] = []
        for part in mapping.chunks(rows):
            try:
                results += self._write(part)
            except IntegrationError as error:
                results += [error] * len(part)
                if not isinstance(error, Permanent):  # it would meet the next call as well
                    return results + [error] * (len(rows) - len(results))
        return results

    def start(self, rows: Sequence[CrmRow]) -> str:
        self._calls.check()
        with self._understood(wrote=True):
            return self._jobs.start(rows)

    def finished(self, job: str) -> Mapping[str, IntegrationError | None] | None:
        with self._understood():
            return self._jobs.finished(job)

    def _write(self, part: Sequence[CrmRow]) -> Sequence[IntegrationError | None]:
        first = part[0]
        path = f"composite/sobjects/{first.object}/{first.by}" if first.by else "composite/sobjects"
        self._calls.check()
        try:
            with self._understood(wrote=True):
                answer = self._salesforce.restful(path, method="PATCH", json=_collection(part))
                return [mapping.item_error(each) for each in mapping.as_many(answer, len(part))]
        except Permanent as error:
            # No record is looked for by an upsert: what is not there is the object, or the field to find it by.
            if error.status != 404 or not first.by:
                raise
            raise Permanent(error.reason, code="INVALID_FIELD", status=404) from error

    def _ask(self, sobject: str, fields: str, by: str, values: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        for part in many.fitting(values, _IDS_AT_ONCE if by == "Id" else many.AT_ONCE):
            yield from self._query(sobject, fields, by, part)

    def _query(self, sobject: str, fields: str, by: str, values: list[str]) -> Iterable[Mapping[str, Any]]:
        """With the consent fields that our user may see; what is hidden stays unknown."""
        return self._seen.ask(
            sobject, _CONSENT, lambda names: self._selected(", ".join((fields, *names)), sobject, by, values)
        )

    def _selected(self, fields: str, sobject: str, by: str, values: list[str]) -> Iterable[Mapping[str, Any]]:
        self._calls.check()
        text = format_soql(f"SELECT {fields} FROM {sobject} WHERE {by} IN {{}}", values)  # noqa: S608  # names of ours
        with self._understood():
            found = self._salesforce.query_all(text, include_deleted=True)["records"]
            return readable(found) if by == "Id" else found  # of several with one address none may be overlooked


def _all_spellings(emails: Sequence[str]) -> list[str]:
    return [way for email in emails for way in mailboxes.spellings(email)]


def _is_open(lead: Mapping[str, Any]) -> bool:
    return not lead.get("IsDeleted") and not lead.get("IsConverted")


def _collection(part: Sequence[CrmRow]) -> dict[str, Any]:
    records = [
        {"attributes": {"type": row.object}, row.by or "id": row.key, **row.values} for row in part
    ]
    return {"allOrNone": False, "records": records}

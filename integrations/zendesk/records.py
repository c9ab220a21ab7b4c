"""Scores in the fields of users and organisations: one at a time by a call, many by a job."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from integrations.error_mapping import word
from integrations.errors import Found, IntegrationError, Permanent, Transient
from integrations.http import VendorSession
from integrations.protocols import AccountPicture, Answer, CrmPerson, CrmRow, PersonPicture, VendorUser
from integrations.scores import FieldMap, iso
from integrations.zendesk import mapping, paging

USERS, ORGANIZATIONS = "users", "organizations"
MOST = 100  # records a job, and ids a look-up (Zendesk, "Job statuses", "Show Many Users")

_SINGULAR: Mapping[str, str] = {USERS: "user", ORGANIZATIONS: "organization"}
_FIELDS: Mapping[str, str] = {USERS: "user_fields", ORGANIZATIONS: "organization_fields"}
_JOB = re.compile(r"[A-Za-z0-9-]{1,80}")

Understood = Callable[..., AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class OrganizationFields:
    """What an organisation says of its people; an empty name leaves a value out."""

    score: str = "ringback_score"  # their NPS, a whole number from -100 to 100
    answered_at: str = "ringback_answered_at"
    responses: str = "ringback_responses"  # of how many people it is


class ZendeskRecords:
    """A ``CrmRecords``: users are people, organisations accounts. ``find`` looks a user up by e-mail address."""

    bulk_above = 1
    most = MOST
    gathers_for = 0
    look_after = 2.0
    pace = 1.0
    keeps_answers = False
    finds_many = False  # Zendesk documents no search for several addresses, and show_many knows ids only

    def __init__(
        self, session: VendorSession, fields: FieldMap, organizations: OrganizationFields | None,
        understood: Understood, find: Callable[[str], Sequence[VendorUser]], loyalty: str = mapping.LOYALTY_FIELD,
    ) -> None:  # fmt: skip
        """``loyalty`` is the user field of the quadrant; "" leaves it out."""
        self._session, self._fields, self._organizations, self._loyalty = session, fields, organizations, loyalty
        self._understood, self._find = understood, find
        self._known: dict[str, frozenset[str]] = {}

    def usage_seen(self) -> None:
        """Zendesk has limits a minute only."""

    def portion(self, waiting: int) -> int:
        return min(waiting, MOST)

    def canonical_id(self, record: str) -> str:
        return record

    def keeps(self, metric: str) -> bool:
        return metric in self._fields or (metric == "nls" and bool(self._loyalty))  # it makes a quadrant with the NPS

    def answer(self, answer: Answer) -> CrmRow | None:
        return None

    def person(self, picture: PersonPicture) -> CrmRow:
        values: dict[str, Any] = {}
        for score in picture.scores:
            if score.metric in self._fields:
                whole = replace(score, loop_status=picture.loop_status)
                values |= mapping.render_score(whole, self._fields)["user"]["user_fields"]
        if self._loyalty and picture.quadrant:
            values[self._loyalty] = picture.quadrant
        return CrmRow(USERS, picture.record, values)

    def account(self, picture: AccountPicture) -> CrmRow | None:
        names = self._organizations
        if names is None:
            return None
        values = {
            names.score: None if picture.score is None else round(picture.score),
            names.responses: picture.responses,
            names.answered_at: iso(picture.answered_at) if picture.answered_at else None,
        }
        return CrmRow(ORGANIZATIONS, picture.record, {name: value for name, value in values.items() if name})

    def people(self, records: Sequence[str]) -> Sequence[CrmPerson]:
        """Only whose organisation is kept as well must be asked about."""
        ids = [str(mapping.numeric_id("user", each)) for each in records]
        if self._organizations is None:
            return [CrmPerson(each, "user") for each in ids]
        found: list[CrmPerson] = []
        for start in range(0, len(ids), MOST):
            asked = {"ids": ",".join(ids[start : start + MOST])}
            with self._understood():
                users = self._session.get("/api/v2/users/show_many", params=asked).json()["users"]
                found += [_person(user) for user in users]
        return found

    def people_by_email(self, emails: Sequence[str]) -> Mapping[str, Found[CrmPerson]]:
        found: dict[str, Found[CrmPerson]] = {}
        for email in emails:
            try:
                found[email] = [CrmPerson(user.id, "user", email=email) for user in self._find(email)]
            except IntegrationError as error:
                found[email] = error
                if not isinstance(error, Permanent):  # it would meet the next call as well
                    return dict.fromkeys(emails, error) | found
        return found

    def write(self, rows: Sequence[CrmRow]) -> Sequence[IntegrationError | None]:
        return [self._write(row) for row in rows]

    def start(self, rows: Sequence[CrmRow]) -> str:
        """``PUT /api/v2/users/update_many`` or that of organisations; up to 100, each with values of its own."""
        kind = rows[0].object
        self._check_fields(kind, {name for row in rows for name in row.values})
        items = [{"id": mapping.numeric_id("id", row.key), _FIELDS[kind]: row.values} for row in rows]
        with self._understood(wrote=True):
            told = self._session.put(f"/api/v2/{kind}/update_many", json={kind: items}).json()
            return str(told["job_status"]["id"])

    def finished(self, job: str) -> Mapping[str, IntegrationError | None] | None:
        """``GET /api/v2/job_statuses/{id}``. Raises Permanent for a job that failed as a whole."""
        if not _JOB.fullmatch(job):
            raise Permanent("the job has no id that Zendesk gives", code="bad_id")
        with self._understood():
            status = self._session.get(f"/api/v2/job_statuses/{job}").json()["job_status"]
            if status["status"] in ("queued", "working"):
                return None
            if not isinstance(status.get("results"), list):
                raise Permanent(f"Zendesk's job ended as {word(status['status'])}", code="job_failed")
            return {str(each["id"]): _error(each) for each in status["results"] if each.get("id")}

    def _write(self, row: CrmRow) -> IntegrationError | None:
        name, fields = _SINGULAR[row.object], _FIELDS[row.object]
        try:
            place = f"/api/v2/{row.object}/{mapping.numeric_id('id', row.key)}"
            answer = self._session.put(place, json={name: {fields: row.values}})
            with self._understood(wrote=True):
                kept = answer.json()[name].get(fields)
        except IntegrationError as error:
            return error
        return _missing(row.object, [each for each in row.values if kept is not None and each not in kept])

    def _check_fields(self, kind: str, names: set[str]) -> None:
        """A job says nothing of fields that Zendesk does not know, so they are asked for once. Raises Permanent."""
        if names <= self._known.get(kind, frozenset()):
            return
        fields = _FIELDS[kind]
        with self._understood():
            self._known[kind] = frozenset(str(each["key"]) for each in paging.every(self._session, fields, fields))
        if (error := _missing(kind, sorted(names - self._known[kind]))) is not None:
            raise error


def _person(user: Mapping[str, Any]) -> CrmPerson:
    return CrmPerson(
        str(user["id"]), "user", account=str(user.get("organization_id") or ""), gone=user.get("active") is False
    )


def _missing(kind: str, names: Sequence[str]) -> Permanent | None:
    if not names:
        return None
    what = _FIELDS[kind].replace("_", " ")
    return Permanent(f"Zendesk has no {what} {', '.join(names)}; create them, or correct fields", code="no_fields")


def _error(result: Mapping[str, Any]) -> IntegrationError | None:
    if result.get("success") is not False and not result.get("error"):
        return None
    code = word(result.get("error")) or "UNKNOWN"
    kind = Transient if code in ("UpdateConflict", "DatabaseConflict") else Permanent
    return kind(f"Zendesk refused the record: {code}", code=code)

"""Neutral pictures → rows of Salesforce's records. Pure: the same picture, the same row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.protocols import AccountPicture, Answer, CrmRow, PersonPicture
from integrations.salesforce.fields import ACCOUNT, PERSON, RESPONSE, AccountFields, PersonFields, ResponseFields
from integrations.scores import FieldMap, iso, shortened, written

SOBJECTS: Mapping[str, str] = {"contact": "Contact", "lead": "Lead"}
_NAME_LIMIT = 100  # characters of Survey__c and Moment__c
_URL_LIMIT = 255


@dataclass(frozen=True, slots=True)
class Names:
    """Where everything goes. ``scores`` has the metrics' own fields; None leaves a whole object out."""

    scores: FieldMap
    people: PersonFields = PERSON
    accounts: AccountFields | None = ACCOUNT
    answers: ResponseFields | None = RESPONSE


def answer_row(answer: Answer, names: ResponseFields) -> CrmRow:
    """A record per answer, found by our id of it."""
    values = {
        names.metric: answer.metric,
        names.score: answer.score,
        names.factor: answer.factor,
        names.band: answer.band,
        names.comment: shortened(answer.comment) or None,
        names.survey: answer.survey[:_NAME_LIMIT] or None,
        names.moment: answer.moment[:_NAME_LIMIT] or None,
        names.answered_at: iso(answer.answered_at),
        names.ticket_link: answer.ticket_link if 0 < len(answer.ticket_link) <= _URL_LIMIT else None,
        names.loop_status: answer.loop_status or None,
        names.contact: answer.person if answer.kind == "contact" else None,
        names.lead: answer.person if answer.kind == "lead" else None,
        names.account: answer.account or None,
    }
    return CrmRow(names.sobject, answer.id, _named(values), by=names.response_id)


def person_row(picture: PersonPicture, names: Names) -> CrmRow:
    """Metrics without fields of their own are left out: their answers have records of their own."""
    values: dict[str, Any] = {}
    for score in picture.scores:
        if score.metric in names.scores:
            values |= written(score, names.scores)
    people = names.people
    more = {
        people.quadrant: picture.quadrant or None,
        people.loop_status: picture.loop_status or None,
        people.trend: picture.trend or None,
        people.responses: picture.responses,
    }
    return CrmRow(SOBJECTS[picture.kind], picture.record, values | _named(more))


def account_row(picture: AccountPicture, names: AccountFields) -> CrmRow:
    values = {
        names.score: None if picture.score is None else round(picture.score, 1),
        names.responses: picture.responses,
        names.answered_at: iso(picture.answered_at) if picture.answered_at else None,
    }
    return CrmRow("Account", picture.record, _named(values))


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name}

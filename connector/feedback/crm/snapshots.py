"""What the CRM should say, read from our own answers: of an answer, of a person, of an account.

Whatever order answers arrive in, the picture is the same: it is made of what is known now, not of what came last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from connector.feedback.crm import people_cache
from connector.storage.schema.tables import callbacks, identities, responses
from integrations.protocols import AccountPicture, Answer, CrmPerson, PersonPicture, Score
from workflows import scoring
from workflows.scoring import Band, Metric

TicketLink = Callable[[str, str], str]
"""(connection, ticket id) → the address where people look at the ticket, or nothing."""

_CUSTOMERS = select(identities).where(
    identities.c.system == bindparam("connection"), identities.c.value.in_(bindparam("records", expanding=True))
)
_IDS: Any = bindparam("ids", expanding=True)
_OF_CUSTOMERS = select(responses).where(responses.c.customer_id.in_(_IDS))
_ANSWERS = select(responses).where(responses.c.id.in_(_IDS))
_FOLLOW_UPS = (
    select(responses.c.about, responses.c.band).where(responses.c.about.in_(_IDS)).order_by(responses.c.answered_at)
)
_CALLBACKS = select(callbacks).where(callbacks.c.response_id.in_(_IDS)).order_by(callbacks.c.created_at)
_PLACE = func.row_number().over(
    partition_by=responses.c.customer_id, order_by=(responses.c.answered_at.desc(), responses.c.id.desc())
)
_NPS_OF_CUSTOMERS = (
    select(responses.c.customer_id, responses.c.band, responses.c.metric, responses.c.scale, responses.c.answered_at,
           responses.c.id, _PLACE.label("place"))
    .where(responses.c.customer_id.in_(_IDS), responses.c.metric == Metric.NPS.value)
    .subquery()
)  # fmt: skip
_NEWEST_NPS = select(_NPS_OF_CUSTOMERS).where(_NPS_OF_CUSTOMERS.c.place == 1)


@dataclass(frozen=True, slots=True)
class _Loop:
    """How far the loop about one answer is, and where its ticket is."""

    status: str = ""
    ticket_link: str = ""


class Snapshots:
    """Draws from one database transaction; ``link`` finds tickets."""

    def __init__(self, tx: Connection, connection: str, link: TicketLink) -> None:
        self._tx, self._connection, self._link = tx, connection, link

    def answers(self, ids: Mapping[str, CrmPerson | None]) -> list[Answer]:
        """Of these answers, with the person who gave each."""
        rows = self._tx.execute(_ANSWERS, {"ids": list(ids)}).all()
        loops = self._loops([row.id for row in rows])
        return [_answer(row, ids[row.id], loops[row.id]) for row in rows]

    def people(self, people: Iterable[CrmPerson]) -> list[PersonPicture]:
        """Of these people, each with all answers of the customers behind their record and those merged into it."""
        named = {each.record: each for each in people}
        owners = self._owners(named)
        given = self._given({customer for each in owners.values() for customer in each})
        mine = {record: [row for each in owners[record] for row in given.get(each, [])] for record in named}
        last = {record: max(rows, key=_age) for record, rows in mine.items() if rows}
        loops = self._loops([row.id for rows in mine.values() for row in rows])
        return [_person(named[record], mine[record], _loop_of(mine[record], loops)) for record in last]

    def accounts(self, accounts: Iterable[str]) -> list[AccountPicture]:
        """The NPS of each account's people, each by their newest answer."""
        members = people_cache.of_accounts(self._tx, self._connection, accounts)
        owners = self._owners({record for each in members.values() for record in each})
        newest = self._newest({customer for each in owners.values() for customer in each})
        return [
            _account(account, [row for record in sorted(records) if (row := _latest(owners[record], newest))])
            for account, records in members.items()
        ]

    def _owners(self, records: Iterable[str]) -> dict[str, set[str]]:
        """By record: the customers who have it, or one that was merged into it."""
        whole = people_cache.merged_into(self._tx, self._connection, records)
        names = {name for each in whole.values() for name in each}
        rows = self._tx.execute(_CUSTOMERS, {"connection": self._connection, "records": list(names)})
        owner = {row.value: row.customer_id for row in rows}
        return {record: {owner[name] for name in names if name in owner} for record, names in whole.items()}

    def _given(self, customers: Iterable[str]) -> dict[str, list[Any]]:
        given: dict[str, list[Any]] = {}
        for row in self._tx.execute(_OF_CUSTOMERS, {"ids": list(customers)}):
            given.setdefault(row.customer_id, []).append(row)
        return given

    def _newest(self, customers: Iterable[str]) -> dict[str, Any]:
        return {row.customer_id: row for row in self._tx.execute(_NEWEST_NPS, {"ids": list(customers)})}

    def _loops(self, ids: Sequence[str]) -> dict[str, _Loop]:
        asked = {"ids": list(ids)}
        tickets = {row.response_id: row for row in self._tx.execute(_CALLBACKS, asked)}
        after = {row.about: row for row in self._tx.execute(_FOLLOW_UPS, asked)}
        return {id_: self._loop(tickets.get(id_), after.get(id_)) for id_ in ids}

    def _loop(self, ticket: Any, after: Any) -> _Loop:
        if ticket is None:
            return _Loop()
        link = self._link(ticket.connection, ticket.ticket_id) if ticket.ticket_id else ""
        return _Loop(loop_status(ticket.status, after.band if after else None), link)


def loop_status(ticket: str, after: str | None) -> str:
    """In words for people: where the callback's ticket stands, and how the customer found the solution."""
    if after is not None and ticket == "solved":
        return "recovered" if after == Band.PROMOTER else "not recovered"
    return "open" if ticket == "asked" else ticket.replace("_", " ")


def _scale(row: Any) -> str:
    """Others' answers name no scale when it is the usual one."""
    return row.scale or scoring.scale_of(row.metric).name


def _loop_of(rows: Sequence[Any], loops: Mapping[str, _Loop]) -> str:
    """Of the newest answer that somebody was to call about."""
    called = [row for row in rows if loops[row.id].status]
    return loops[max(called, key=_age).id].status if called else ""


def _age(row: Any) -> tuple[datetime, str]:
    return row.answered_at, row.id


def _latest(owners: Iterable[str], newest: Mapping[str, Any]) -> Any | None:
    rows = [newest[owner] for owner in owners if owner in newest]
    return max(rows, key=_age) if rows else None


def _answer(row: Any, person: CrmPerson | None, loop: _Loop) -> Answer:
    return Answer(
        id=row.id,
        metric=row.metric,
        score=row.score,
        factor=scoring.factor(row.band),
        band=row.band,
        answered_at=row.answered_at,
        comment=row.comment,
        survey=row.survey,
        moment=str((row.context or {}).get("moment") or ""),
        ticket_link=loop.ticket_link,
        loop_status=loop.status,
        person=person.record if person else "",
        kind=person.kind if person else "",
        account=person.account if person else "",
    )


def _person(person: CrmPerson, rows: Sequence[Any], loop: str) -> PersonPicture:
    newest: dict[str, Any] = {}
    for row in sorted(rows, key=_age):
        newest[row.metric] = row
    nps, nls = newest.get(Metric.NPS), newest.get(Metric.NLS)
    given = sorted((row for row in rows if row.metric == Metric.NPS), key=_age)
    return PersonPicture(
        record=person.record,
        kind=person.kind,
        scores=tuple(_score(person, row) for row in newest.values()),
        quadrant=scoring.quadrant_of(nps.band, nls.band).value if nps and nls else "",
        loop_status=loop,
        trend=trend(given),
        responses=len(given),
        newest=tuple(row.id for row in newest.values()),
    )


def trend(given: Sequence[Any]) -> str:
    """The newest of these answers beside the one before, on the same scale. One word of ``fields.TRENDS``."""
    if not given:
        return ""
    last = given[-1]
    before = [row for row in given[:-1] if _scale(row) == _scale(last)]
    if not before:
        return "first answer"
    change = last.score - before[-1].score
    return "rising" if change > 0 else "falling" if change < 0 else "steady"


def _score(person: CrmPerson, row: Any) -> Score:
    return Score(person.record, row.metric, row.score, row.band, row.answered_at, row.comment, group=person.account)


def _account(account: str, rows: Sequence[Any]) -> AccountPicture:
    """People who were asked on another scale than the newest of them are left out: scales are never mixed."""
    if not rows:
        return AccountPicture(account, None, 0, None)
    last = max(rows, key=_age)
    bands = [row.band for row in rows if _scale(row) == _scale(last)]
    counts = [bands.count(band) for band in Band]
    return AccountPicture(account, scoring.net_score(*counts), len(bands), last.answered_at)

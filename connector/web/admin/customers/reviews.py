"""The review list: people whom the systems do not agree about, side by side, and a person's decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from flask.typing import ResponseReturnValue
from marshmallow import Schema

from connector.feedback.customers import directory, review_queue
from connector.feedback.customers.review_queue import CUSTOMERS, DIFFERENT, SAME, Candidate, ReviewCase, ReviewError
from connector.runtime.operations.errors import InputError, RefusedError, UnknownError
from connector.web.admin import rendering
from connector.web.admin.forms import line, one_of
from connector.web.admin.lists import ROWS, CursorSchema, listing
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.rendering import labels
from connector.web.admin.words import later

_STATUSES = {
    review_queue.OPEN: later("to be decided"),
    review_queue.DECIDED: later("decided"),
}
_DIFFERS, _ALIKE, _ALONE = later("differs"), later("the same"), later("known of one alone")


class ReviewListSchema(CursorSchema):
    """Which cases."""

    status = one_of(_STATUSES, load_default=review_queue.OPEN)


class ReviewChoiceSchema(Schema):
    """What somebody decided."""

    choice = line(60, required=True, error_messages={"required": later("Choose one of the answers.")})


@dataclass(frozen=True, slots=True)
class Trait:
    """Something known of the candidates of a case: its name, whether they differ in it (in a word), and what each
    has."""

    name: str
    verdict: str
    values: Sequence[str]


def _list(visit: AdminVisit) -> ResponseReturnValue:
    status, before = visit.given.get("status") or review_queue.OPEN, visit.given.get("before") or ""
    with visit.services.database.read() as tx:
        cases = review_queue.listed(tx, status=status, limit=ROWS + 1, before=before)
    return rendering.page(
        visit, "admin/customers/reviews.html", list=listing(cases, lambda case: case.id), shown_status=status,
        statuses=labels(visit.say, _STATUSES),
    )  # fmt: skip


def _show(visit: AdminVisit) -> ResponseReturnValue:
    with visit.services.database.read() as tx:
        case = _found(visit, review_queue.shown(tx, visit.path["case_id"]) if _is_id(visit) else None)
        people = [each.id for each in case.candidates if case.kind == CUSTOMERS or each.id == case.customer]
        theirs = directory.belongings(tx, people)
    return rendering.page(
        visit, "admin/customers/review.html", case=case, section="reviews", theirs=theirs,
        traits=list(_traits(visit, case)), choices=_choices(visit, case), statuses=labels(visit.say, _STATUSES),
    )  # fmt: skip


def _decide(visit: AdminVisit) -> ResponseReturnValue:
    database, choice, now = visit.services.database, visit.given["choice"], visit.now
    ids, case_id = visit.services.connections.ids, visit.path["case_id"]
    with database.read() as tx:
        case = _found(visit, review_queue.shown(tx, case_id) if _is_id(visit) else None)
    if choice not in _possible(case):
        trouble = visit.say("This is no answer to this case.")
        raise InputError("choice", trouble, visit.say("Choose one of the answers."))
    try:
        database.transact(lambda tx: review_queue.decide(database, tx, case_id, choice, visit.by, now, ids=ids))
    except ReviewError as error:
        raise RefusedError(str(error)) from error
    return rendering.back(visit, visit.say("It is decided, and was applied at once."), "review", case_id=case_id)


def _is_id(visit: AdminVisit) -> bool:
    text = visit.path["case_id"]
    return text.isascii() and text.isalnum()


def _found(visit: AdminVisit, case: ReviewCase | None) -> ReviewCase:
    if case is None:
        raise UnknownError("case", visit.path["case_id"][:60], "")
    return case


def _possible(case: ReviewCase) -> list[str]:
    if case.kind == CUSTOMERS:
        return [SAME, DIFFERENT]
    return [*(each.id for each in case.candidates if each.id != case.customer), DIFFERENT]


def _choices(visit: AdminVisit, case: ReviewCase) -> list[tuple[str, str, str]]:
    """Each answer: its value, its words, and what will follow."""
    say = visit.say
    if case.kind == CUSTOMERS:
        return [
            (SAME, say("The same person"), say("They become one customer, the first of them: answers, callbacks, runs "
             "and ids of the others go along. This cannot be taken back.")),
            (DIFFERENT, say("Different people"), say("Nothing changes, and it is not asked again.")),
        ]  # fmt: skip
    records = [each.id for each in case.candidates if each.id != case.customer]
    written = say("Scores are written on this record from now on, and on no other.")
    none = say("No record is written, and it is asked again only when others turn up.")
    return [
        *((record, say("It is {record}", record=record), written) for record in records),
        (DIFFERENT, say("None of them"), none),
    ]


def _traits(visit: AdminVisit, case: ReviewCase) -> Iterator[Trait]:
    """Side by side, of those who are still there; compared as they are, shown as this viewer may see them."""
    people = case.candidates
    if case.kind != CUSTOMERS:
        return
    known: dict[str, list[str]] = {
        visit.say("Name"): ["" if each.ids is None else each.name for each in people],
        visit.say("E-mail address"): [each.email for each in people],
        visit.say("Phone number"): [each.phone for each in people],
    }
    systems = sorted({system for each in people for system in each.ids or {} if system != "email"})
    known |= {system: [_id_of(each, system) for each in people] for system in systems}
    for name, values in known.items():
        if any(values):
            yield Trait(name, visit.say(_verdict(values)), [visit.shown(value) for value in values])


def _id_of(candidate: Candidate, system: str) -> str:
    ids: Mapping[str, str] = candidate.ids or {}
    return ids.get(system, "")


def _verdict(values: Sequence[str]) -> str:
    told = [value.strip().casefold() for value in values if value]
    if len(told) == 1:
        return _ALONE
    return _ALIKE if len(set(told)) == 1 else _DIFFERS


_ONE = "/reviews/<case_id>"

PAGES = (
    Page("GET", "/reviews", "reviews", "reviews:read", _list, title=later("Who is who"), group="people",
         icon="review", takes=ReviewListSchema()),
    Page("GET", _ONE, "review", "reviews:read", _show),
    Page("POST", f"{_ONE}/decide", "review_decide", "reviews:write", _decide, takes=ReviewChoiceSchema(), back=_show),
)  # fmt: skip

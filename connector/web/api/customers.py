"""Customers: the review list of people whom the systems do not agree about."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from connector.access.masked_fields import PERSONAL
from connector.feedback.customers import review_queue
from connector.runtime.operations.errors import RefusedError, UnknownError
from connector.web.api.operation import Call, Operation
from workflows.whole import Whole

_STATUSES = [review_queue.OPEN, review_queue.DECIDED]


class ReviewQuerySchema(Schema):
    """Which cases."""

    status = fields.String(
        load_default=review_queue.OPEN, validate=validate.OneOf(_STATUSES),
        metadata={"description": f"One of: {', '.join(_STATUSES)}."},
    )  # fmt: skip
    limit = Whole(
        load_default=50, validate=validate.Range(1, 200), metadata={"description": "How many, from 1 to 200."}
    )


class DecisionSchema(Schema):
    """What was decided."""

    choice = fields.String(
        required=True, validate=validate.Length(1, 60),
        metadata={"description": "same, different, or the id of the record that is the customer's."},
    )  # fmt: skip


class CandidateSchema(Schema):
    """A customer or a record that the case may be about."""

    id = fields.String(required=True)
    name = fields.String(required=True, metadata=PERSONAL)
    email = fields.String(required=True, metadata=PERSONAL)
    ids = fields.Dict(
        keys=fields.String(), values=fields.String(), required=True, allow_none=True, metadata=PERSONAL
    )
    phone = fields.String(required=True, metadata=PERSONAL)


class CaseSchema(Schema):
    """A case that waits for a decision, or had one."""

    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf([review_queue.CUSTOMERS, review_queue.RECORDS]))
    connection = fields.String(required=True)
    customer = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(_STATUSES))
    times = fields.Integer(required=True)
    seen_at = fields.AwareDateTime(required=True, format="iso")
    candidates = fields.List(fields.Nested(CandidateSchema), required=True)
    decision = fields.String(required=True)
    decided_by = fields.String(required=True)
    decided_at = fields.AwareDateTime(required=True, format="iso", allow_none=True)


class CasesSchema(Schema):
    """A page of cases."""

    items = fields.List(fields.Nested(CaseSchema), required=True)


def _list(call: Call) -> dict[str, Any]:
    with call.parts.database.read() as tx:
        return {"items": review_queue.listed(tx, status=call.given["status"], limit=call.given["limit"])}


def _show(call: Call) -> review_queue.ReviewCase:
    with call.parts.database.read() as tx:
        case = review_queue.shown(tx, call.path["case_id"])
    if case is None:
        raise _unknown(call)
    return case


def _decide(call: Call) -> review_queue.ReviewCase:
    case_id, choice = _show(call).id, call.given["choice"]
    database, ids, now = call.parts.database, call.parts.ids, call.parts.clock()
    try:
        return database.transact(lambda tx: review_queue.decide(database, tx, case_id, choice, call.by, now, ids=ids))
    except review_queue.ReviewError as error:
        raise RefusedError(str(error), "look at the case again, and choose one of its candidates") from error


def _unknown(call: Call) -> UnknownError:
    return UnknownError("case", call.path["case_id"][:60], "GET /api/v1/customers/review shows those there are.")


_READ, _WRITE, _ONE = "reviews:read", "reviews:write", "/customers/review/<case_id>"

OPERATIONS = (
    Operation("GET", "/customers/review", "listReview", "People whom the systems do not agree about", _READ, _list,
              CasesSchema(), ReviewQuerySchema()),
    Operation("GET", _ONE, "getReview", "One case and its candidates", _READ, _show, CaseSchema(), can=(404,)),
    Operation("POST", f"{_ONE}/decide", "decideReview", "Decide a case; it is applied at once and remembered", _WRITE,
              _decide, CaseSchema(), DecisionSchema(), can=(404, 409)),
)  # fmt: skip

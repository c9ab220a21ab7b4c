"""Surveys: which share of eligible customers was not asked, and what would happen to one person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marshmallow import Schema, fields, validate

from connector.feedback.surveys.overview.coverage import coverage
from connector.runtime.operations.errors import UnknownError
from connector.web.api.operation import Call, Operation
from workflows.whole import Whole


class CoverageQuerySchema(Schema):
    """Whose tickets, and of how many days."""

    by = fields.String(
        load_default="agent", validate=validate.OneOf(["agent", "team"]),
        metadata={"description": "One of: agent, team."},
    )  # fmt: skip
    days = Whole(load_default=30, validate=validate.Range(1, 400), metadata={"description": "From 1 to 400."})


class CoverageSchema(Schema):
    """The tickets of an agent or a team, solved in that time."""

    who = fields.String(required=True)
    eligible = fields.Integer(required=True)
    asked = fields.Integer(required=True)
    share = fields.Float(required=True, metadata={"description": "Of the eligible, not asked: 0 to 1."})
    low = fields.Float(required=True, metadata={"description": "Of its 95 % interval."})
    high = fields.Float(required=True)
    reasons = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    not_eligible = fields.Integer(required=True)
    waiting = fields.Integer(required=True)


class CoveragesSchema(Schema):
    """In the order of their names: it is no ranking."""

    items = fields.List(fields.Nested(CoverageSchema), required=True)


class PlanQuerySchema(Schema):
    """Who."""

    person = fields.String(
        required=True, validate=validate.Length(1, 320),
        metadata={"description": 'An e-mail address, an id as "connection:4711", or our own id of the customer.'},
    )  # fmt: skip


class PlannedSchema(Schema):
    """One survey for one person."""

    survey = fields.String(required=True)
    verdict = fields.String(required=True, metadata={"description": "now, later, not asked or waits."})
    channel = fields.String(required=True)
    at = fields.AwareDateTime(required=True, format="iso", allow_none=True)
    local = fields.String(required=True, metadata={"description": "The same on their own wall."})
    why = fields.String(required=True)
    code = fields.String(required=True)
    numbers = fields.Dict(keys=fields.String(), required=True)


class PlanSchema(Schema):
    """What waits, then every survey in force."""

    items = fields.List(fields.Nested(PlannedSchema), required=True)


def _coverage(call: Call) -> dict[str, Any]:
    until = call.parts.clock()
    with call.parts.database.read() as tx:
        return {"items": coverage(tx, until - timedelta(days=call.given["days"]), until, call.given["by"])}


def _plan(call: Call) -> dict[str, Any]:
    found = call.parts.planner.plan(call.given["person"])
    if found is None:
        remedy = 'Give their e-mail address, or an id as "connection:4711".'
        raise UnknownError("person", call.given["person"][:60], remedy)
    return {"items": found}


_READ = "customers:read"

OPERATIONS = (
    Operation("GET", "/surveys/not-asked", "listNotAsked", "The share of eligible customers who were not asked",
              _READ, _coverage, CoveragesSchema(), CoverageQuerySchema()),
    Operation("GET", "/surveys/plan", "planSurveys", "When each survey would reach a person, or why it would not",
              _READ, _plan, PlanSchema(), PlanQuerySchema(), can=(404,)),
)  # fmt: skip

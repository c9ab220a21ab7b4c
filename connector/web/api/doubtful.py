"""Doubtful responses: what does not count because it may not be a person's, and letting it count after all."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from connector.access.masked_fields import PERSONAL
from connector.feedback.surveys.who_pressed.doubts import Doubt, DoubtStatus, Pressed
from connector.feedback.surveys.who_pressed.rules import Presser
from connector.web.api.operation import Call, Operation
from workflows.whole import Whole

_EVERY = "all"
_VERDICTS = [Presser.DOUBTFUL.value, Presser.MACHINE.value]
_STATUSES = [each.value for each in DoubtStatus]


class DoubtQuerySchema(Schema):
    """Which ones."""

    verdict = fields.String(
        load_default=Presser.DOUBTFUL.value, validate=validate.OneOf([*_VERDICTS, _EVERY]),
        metadata={"description": "Who seems to have pressed: doubtful, machine or all."},
    )  # fmt: skip
    status = fields.String(
        load_default=DoubtStatus.OPEN.value, validate=validate.OneOf([*_STATUSES, _EVERY]),
        metadata={"description": f"One of: {', '.join(_STATUSES)}, {_EVERY}."},
    )  # fmt: skip
    limit = Whole(
        load_default=50, validate=validate.Range(1, 200), metadata={"description": "How many, from 1 to 200."}
    )


class ReleaseSchema(Schema):
    """Why it is a person's."""

    reason = fields.String(
        required=True, validate=validate.Length(1, 500), metadata={"description": "It stays with the response."}
    )


class DoubtSchema(Schema):
    """A press that does not count, what speaks against a person, and who decided about it."""

    id = fields.String(required=True)
    invitation = fields.String(required=True)
    customer = fields.String(required=True)
    survey = fields.String(required=True)
    what = fields.Enum(Pressed, by_value=True, required=True)
    verdict = fields.Enum(Presser, by_value=True, required=True)
    rule = fields.String(required=True)
    reason = fields.String(required=True)
    signals = fields.List(fields.String(), required=True)
    reasons = fields.List(fields.String(), required=True)
    answers = fields.Dict(keys=fields.String(), required=True, metadata=PERSONAL)
    language = fields.String(required=True)
    pressed_at = fields.AwareDateTime(required=True, format="iso")
    judged_at = fields.AwareDateTime(required=True, format="iso")
    asked_at = fields.AwareDateTime(required=True, format="iso", allow_none=True)
    status = fields.Enum(DoubtStatus, by_value=True, required=True)
    decided_by = fields.String(required=True)
    decided_why = fields.String(required=True)
    decided_at = fields.AwareDateTime(required=True, format="iso", allow_none=True)


class DoubtsSchema(Schema):
    """A list of them."""

    items = fields.List(fields.Nested(DoubtSchema), required=True)


def _list(call: Call) -> dict[str, Any]:
    which = {name: None if call.given[name] == _EVERY else call.given[name] for name in ("verdict", "status")}
    return {"items": call.parts.doubts.listed(**which, limit=call.given["limit"])}


def _show(call: Call) -> Doubt:
    return call.parts.doubts.shown(call.path["doubt_id"])


def _release(call: Call) -> Doubt:
    return call.parts.doubts.release(call.path["doubt_id"], call.by, call.given["reason"])


_READ, _WRITE, _ONE = "responses:read", "responses:write", "/responses/doubtful/<doubt_id>"

OPERATIONS = (
    Operation("GET", "/responses/doubtful", "listDoubtful", "Answers that may not be a person's, and why", _READ, _list,
              DoubtsSchema(), DoubtQuerySchema()),
    Operation("GET", _ONE, "getDoubtful", "One of them, with what was given", _READ, _show, DoubtSchema(), can=(404,)),
    Operation("POST", f"{_ONE}/release", "releaseDoubtful", "Let it count as it was given", _WRITE, _release,
              DoubtSchema(), ReleaseSchema(), can=(404, 409)),
)  # fmt: skip

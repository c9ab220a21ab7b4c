"""What the API takes and gives, field by field. A field's description is also the remedy when it is
refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from connector.access.masked_fields import PERSONAL
from workflows.runs import Status
from workflows.whole import Whole

MOST = 200
"""The longest page."""

LARGEST_ID = 2**63 - 1

_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_STATUSES = [status.value for status in Status]
_DELIVERY_STATUSES = ["new", "done", "ignored", "unreadable", "failed"]


def _described(text: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"description": text, **more}}


def _storable(text: str) -> None:
    """PostgreSQL keeps no NUL, and UTF-8 no half of a pair."""
    if not text.isprintable():
        raise ValidationError("Holds characters that cannot be printed.")


def _text(description: str, most: int = 300, **more: Any) -> fields.String:
    checks: list[Callable[[str], Any]] = [validate.Length(min=1, max=most), _storable]
    return fields.String(validate=checks, **_described(description), **more)


def _reason() -> fields.String:
    return _text("Why, in a few words; it stands in the history.", 500, required=True)


def _limit() -> Whole:
    description = f"How many, from 1 to {MOST}."
    return Whole(load_default=50, validate=validate.Range(1, MOST), **_described(description))


def _times(description: str) -> fields.AwareDateTime:
    check = validate.Range(_EARLIEST, _LATEST, error="Is not between 1970 and 9000.")
    return fields.AwareDateTime(format="iso", validate=check, **_described(description))


class FilterSchema(Schema):
    """Which runs; every part that is given must hold."""

    workflow = _text("The slug of a workflow.")
    status = fields.List(
        fields.String(validate=validate.OneOf(_STATUSES)),
        **_described(f"One or more of: {', '.join(_STATUSES)}."),
    )
    started_before = _times("A time with its zone, as 2026-03-02T09:00:00Z.")
    step = _text("The id of the step where the run waits or failed.")


class RunQuerySchema(FilterSchema):
    """Which page of which runs."""

    before = fields.String(
        validate=validate.Regexp(r"^[0-9a-z]{1,26}$"),
        **_described("The id of the last run on the page before."),
    )
    limit = _limit()


class DeliveryQuerySchema(Schema):
    """Which page of which deliveries."""

    status = fields.String(
        validate=validate.OneOf(_DELIVERY_STATUSES), **_described(f"One of: {', '.join(_DELIVERY_STATUSES)}.")
    )
    connection = _text("The name of a connection.")
    before = Whole(
        validate=validate.Range(0, LARGEST_ID),
        **_described("The id of the last delivery on the page before."),
    )
    limit = _limit()


class ReasonSchema(Schema):
    """Why a run is cancelled, or dismissed."""

    reason = _reason()


class RetrySchema(Schema):
    """From where, and how, a run goes on."""

    step = _text("The id of an earlier step on the run's way; left out: where it stopped.", 120)
    anew = fields.Boolean(
        load_default=False,
        **_described("true: a new call under a new key, even where the same one could be repeated."),
    )


class SkipSchema(Schema):
    """A step's output by hand."""

    step = _text("The id of the step at which the run stands.", 120, required=True)
    output = fields.Dict(
        keys=fields.String(), load_default=dict, **_described("What `steps.<id>` becomes: a JSON object.")
    )


class ReviewSchema(Schema):
    """Whether a doubtful call happened."""

    happened = fields.Boolean(
        required=True, truthy={True}, falsy={False}, **_described("true: it happened; false: make it again.")
    )
    output = fields.Dict(
        keys=fields.String(), load_default=dict, **_described("If it happened, what `steps.<id>` becomes.")
    )


class BulkSchema(Schema):
    """One action for many runs."""

    action = fields.String(
        required=True, validate=validate.OneOf(["cancel", "retry", "restart", "dismiss"]),
        **_described("One of: cancel, retry, restart, dismiss."),
    )  # fmt: skip
    filter = fields.Nested(FilterSchema, required=True, **_described("Which runs: at least one of workflow, status, "
                                                               "started_before, step."))  # fmt: skip
    reason = _text("Why, in a few words; cancel and dismiss need it.", 500)
    dry_run = fields.Boolean(load_default=True, **_described("true (unless you say false): only count."))
    after = fields.String(
        load_default="",
        validate=validate.Regexp(r"^[0-9a-z]{0,26}$"),
        **_described("`next` of the answer before."),
    )
    limit = _limit()


class ReplayManySchema(Schema):
    """Which deliveries are understood anew."""

    status = fields.String(
        required=True,
        validate=validate.OneOf(["unreadable", "failed"]),
        **_described("One of: unreadable, failed."),
    )
    connection = _text("Only those of this connection.", 100)
    dry_run = fields.Boolean(load_default=True, **_described("true (unless you say false): only count."))
    limit = _limit()


class PauseSchema(Schema):
    """Why a connection is stopped."""

    reason = _reason()


class RunSchema(Schema):
    """A run. `due_at` is when it goes on by itself."""

    id = fields.String()
    workflow = fields.String()
    version = fields.Integer()
    key = fields.String(metadata=PERSONAL)
    status = fields.String(validate=validate.OneOf(_STATUSES))
    step = fields.String(**_described("Where it waits or failed; empty at no step."))
    reason = fields.String()
    customer_id = fields.String(allow_none=True)
    started_at = fields.AwareDateTime()
    due_at = fields.AwareDateTime(allow_none=True)
    ended_at = fields.AwareDateTime(allow_none=True)


class RunsSchema(Schema):
    """A page of runs, newest first."""

    items = fields.List(fields.Nested(RunSchema))
    next = fields.String(
        allow_none=True, **_described("Give it as `before` for the next page; null: there is none.")
    )


class EventSchema(Schema):
    """An event, and what workflows made of it."""

    seq = fields.Integer()
    id = fields.String()
    type = fields.String()
    subject = fields.String(allow_none=True, metadata=PERSONAL)
    customer_id = fields.String(allow_none=True)
    time = fields.AwareDateTime()
    decisions = fields.List(fields.Dict(), metadata=PERSONAL)


class HistoryLineSchema(Schema):
    """One thing that happened in a run, in a sentence."""

    at = fields.AwareDateTime()
    kind = fields.String()
    step = fields.String()
    text = fields.String(metadata=PERSONAL)
    data = fields.Dict(metadata=PERSONAL)


class StorySchema(Schema):
    """A run from its event to now, in the order of time."""

    line = fields.Nested(RunSchema, data_key="run")
    event = fields.Nested(EventSchema, allow_none=True)
    lines = fields.List(fields.Nested(HistoryLineSchema), data_key="history")


class DoneSchema(Schema):
    """What became of a run."""

    run = fields.String()
    status = fields.String(validate=validate.OneOf(_STATUSES))
    what = fields.String()
    new_run = fields.String(allow_none=True, **_described("After a restart: the run that began."))


class BulkLineSchema(Schema):
    """What became of one run of many."""

    run = fields.String()
    done = fields.Nested(DoneSchema, allow_none=True)
    error = fields.String(**_described("Why it was refused; empty when it was done."))


class BulkDoneSchema(Schema):
    """How many runs the filter finds, and what was done."""

    matched = fields.Integer()
    dry_run = fields.Boolean()
    items = fields.List(fields.Nested(BulkLineSchema))
    next = fields.String(allow_none=True, **_described("Give it as `after` to go on; null: all are done."))


class DeliverySchema(Schema):
    """A delivery without its content. `size` is in bytes."""

    id = fields.Integer()
    connection = fields.String()
    key = fields.String()
    received_at = fields.AwareDateTime()
    status = fields.String(validate=validate.OneOf(_DELIVERY_STATUSES))
    reason = fields.String()
    size = fields.Integer()
    emptied_at = fields.AwareDateTime(
        allow_none=True, **_described("When headers and content went, because their period was over.")
    )


class DeliveriesSchema(Schema):
    """A page of deliveries, newest first."""

    items = fields.List(fields.Nested(DeliverySchema))
    next = fields.Integer(
        allow_none=True, **_described("Give it as `before` for the next page; null: there is none.")
    )


class DeliveryStorySchema(Schema):
    """A delivery as it arrived, and what came of it."""

    line = fields.Nested(DeliverySchema, data_key="delivery")
    content_type = fields.String()
    headers = fields.Dict(keys=fields.String(), values=fields.String(), metadata=PERSONAL)
    body = fields.Function(
        lambda story: story.body.decode("utf-8", "replace"),
        **_described("As text; what is no UTF-8 is replaced.", type="string", **PERSONAL),
    )
    processed_at = fields.AwareDateTime(allow_none=True)
    events = fields.List(fields.Nested(EventSchema))


class ReplayedSchema(Schema):
    """A delivery that will be understood anew."""

    id = fields.Integer()
    status = fields.String()


class ReplayedManySchema(Schema):
    """How many were in that state, and which of them will be understood anew: the newest of them."""

    matched = fields.Integer()
    dry_run = fields.Boolean()
    ids = fields.List(fields.Integer())


class ConnectionSchema(Schema):
    """How a connection is doing."""

    name = fields.String()
    kind = fields.String(**_described("Empty when it is configured no more."))
    status = fields.String(
        **_described("active, held, paused, open, probing, stopped, not used yet, no longer configured")
    )
    reason = fields.String()
    blocked_until = fields.AwareDateTime(allow_none=True)
    last_delivery_at = fields.AwareDateTime(allow_none=True)
    due = fields.Integer()
    performing = fields.Integer()
    failed = fields.Integer()
    review = fields.Integer()
    oldest_due_at = fields.AwareDateTime(allow_none=True)
    last_success_at = fields.AwareDateTime(allow_none=True)
    budget = fields.Float(allow_none=True, **_described("Requests per minute; null: no limit is configured."))
    budget_left = fields.Integer(allow_none=True)
    failing_since = fields.AwareDateTime(
        allow_none=True, **_described("Since then no call met a working vendor; null: the last one did.")
    )


class ConnectionsSchema(Schema):
    """Every connection."""

    items = fields.List(fields.Nested(ConnectionSchema))


class FaultLineSchema(Schema):
    """One thing that is wrong."""

    field = fields.String()
    value = fields.String()
    problem = fields.String()
    remedy = fields.String()
    line = fields.Integer(**_described("Of the text that was sent, where the mistake is at a line."))


class ProblemSchema(Schema):
    """A problem as RFC 9457 writes it."""

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    errors = fields.List(fields.Nested(FaultLineSchema))
    possible = fields.List(fields.String(), **_described("After a refusal: what can be done instead."))
    version = fields.Integer(**_described("Where somebody else was quicker: the newest version now."))
    difference = fields.String(**_described("In which lines it differs from what was sent."))

"""What the operations for agents take and give. A field's description is also the remedy when it is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from connector.feedback.messaging.text import plain
from connector.feedback.surveys.model import MAX_COMMENT
from integrations.callback_fields import OUTCOMES, ROOT_CAUSES
from workflows.scoring import Metric
from workflows.whole import Whole

MOST = 50
"""The longest page of a timeline."""

CALLED = ("recovered", "partly", "not_recovered")
"""Outcomes of a call that took place: they need a root cause."""

CONVERSATIONS = ("call", "visit", "mail", "chat", "other")
_METRICS = [metric.value for metric in Metric]
_KEY = validate.Regexp(r"^[A-Za-z0-9-]{8,64}\Z", error="Is no key.")
_NUMBER = validate.Regexp(r"^[0-9]{0,20}\Z", error="Is no number.")


def _line(description: str, most: int = 200, **more: Any) -> fields.String:
    checks: list[Callable[[str], Any]] = [validate.Length(max=most), _printable]
    return fields.String(validate=checks, metadata={"description": description}, **more)


def _printable(text: str) -> None:
    if not text.isprintable():
        raise ValidationError("Holds characters that cannot be printed.")


def _number(description: str) -> fields.String:
    return fields.String(load_default="", validate=_NUMBER, metadata={"description": description})


def _ticket() -> fields.String:
    return _number("The helpdesk's number of the ticket beside which this happens.")


def _limit() -> Whole:
    description = f"How many moments, from 1 to {MOST}."
    return Whole(load_default=20, validate=validate.Range(1, MOST), metadata={"description": description})


def _email() -> fields.String:
    return _line("The requester's address, to find who is known by it alone.", 320, load_default="")


class WordsSchema(fields.String):
    """What a person typed, on as many lines as they like, without control characters."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return plain(super()._deserialize(value, attr, data, **kwargs))


class LookUpSchema(Schema):
    """Whose picture, beside which ticket. It is a POST so that no address stands in a log of requests."""

    ticket_id = _ticket()
    email = _email()
    name = _line("The requester's name.", load_default="")
    limit = _limit()


class TimelineQuerySchema(Schema):
    """Which page of the timeline."""

    before = _line("`next` of the page before.")
    limit = _limit()


class AgentInSchema(Schema):
    """Who clicked, as the helpdesk says."""

    name = fields.String(
        required=True, validate=[validate.Length(1, 200), _printable], metadata={"description": "The agent's name."}
    )
    email = _line("The agent's address.", 320, load_default="")
    id = _number("The agent's number in the helpdesk.")


class _Click(Schema):
    """What every click brings."""

    key = fields.String(
        required=True, validate=_KEY,
        metadata={"description": "A new random text for every click, 8 to 64 letters, digits or -: the same key again "
                                 "does nothing again."},
    )  # fmt: skip
    agent = fields.Nested(
        AgentInSchema, required=True, metadata={"description": 'Who clicked: {"name", "email", "id"}.'}
    )


class _AboutRequester(_Click):
    """Whom a click is about, and beside which ticket."""

    ticket_id = _ticket()
    email = _email()
    name = _line("The requester's name.", load_default="")
    locale = _line("The requester's language, as nl or en-US.", 35, load_default="")


class SendSurveySchema(_AboutRequester):
    """A survey to send by hand."""

    survey = fields.String(
        required=True, validate=validate.Length(1, 100),
        metadata={"description": "One of the surveys in the requester's picture."},
    )  # fmt: skip


class LogFeedbackSchema(_AboutRequester):
    """What a customer said in a conversation."""

    comment = WordsSchema(
        required=True, validate=validate.Length(1, MAX_COMMENT),
        metadata={"description": f"What the customer said, in up to {MAX_COMMENT} characters."},
    )  # fmt: skip
    conversation = fields.String(
        load_default="call", validate=validate.OneOf(CONVERSATIONS),
        metadata={"description": f"One of: {', '.join(CONVERSATIONS)}."},
    )  # fmt: skip
    metric = fields.String(
        load_default="nps", validate=validate.OneOf(_METRICS),
        metadata={"description": f"What the score measures, one of: {', '.join(_METRICS)}."},
    )  # fmt: skip
    score = Whole(
        allow_none=True, strict=True,
        metadata={"description": "A whole number on the metric's scale, if the customer gave one."},
    )  # fmt: skip
    contact_consent = fields.Boolean(
        load_default=False, truthy={True}, falsy={False},
        metadata={"description": "true: the customer agreed to be called back."},
    )  # fmt: skip


class ConcludeSchema(_Click):
    """What came of a callback."""

    outcome = fields.String(
        required=True, validate=validate.OneOf(OUTCOMES),
        metadata={"description": f"One of: {', '.join(OUTCOMES)}."},
    )  # fmt: skip
    root_cause = fields.String(
        load_default="", validate=validate.OneOf(("", *ROOT_CAUSES)),
        metadata={"description": f"One of: {', '.join(ROOT_CAUSES)}."},
    )  # fmt: skip
    note = WordsSchema(
        load_default="", validate=validate.Length(max=MAX_COMMENT),
        metadata={"description": f"What colleagues should know, in up to {MAX_COMMENT} characters."},
    )  # fmt: skip

    @validates_schema
    def _cause_is_told(self, given: dict[str, Any], **_: Any) -> None:
        if given["outcome"] in CALLED and not given["root_cause"]:
            raise ValidationError("Is missing, and this outcome needs it.", "root_cause")


class ItemSchema(Schema):
    """A moment. Its `kind` is answer, callback, survey, withheld, event, message, consent or returned; `details` is
    what that kind has to say."""

    at = fields.AwareDateTime()
    kind = fields.String()
    id = fields.String()
    details = fields.Dict(keys=fields.String())


class TimelineSchema(Schema):
    """A page of moments, newest first."""

    items = fields.List(fields.Nested(ItemSchema))
    next = fields.String(
        allow_none=True, metadata={"description": "Give it as `before` for the next page; null: there is none."}
    )


class ScoreSchema(Schema):
    """The latest answer on one scale; `count` is how many there are."""

    metric = fields.String()
    scale = fields.String()
    score = fields.Integer()
    band = fields.String()
    label = fields.String(metadata={"description": "The metric's own word for the band, as dissatisfied."})
    survey = fields.String()
    comment = fields.String()
    answered_at = fields.AwareDateTime()
    count = fields.Integer()


class OfferSchema(Schema):
    """A survey that can be sent by hand."""

    survey = fields.String()
    name = fields.String()
    why_not = fields.String(metadata={"description": "Why it would not be sent now; empty: it would."})


class AnswerBeforeSchema(Schema):
    """The answer that a callback follows."""

    survey = fields.String()
    metric = fields.String()
    score = fields.Integer()
    band = fields.String()
    label = fields.String()
    comment = fields.String()
    answered_at = fields.AwareDateTime()


class CallbackSchema(Schema):
    """A callback ticket."""

    ticket_id = fields.String()
    status = fields.String(metadata={"description": "asked, open, solved, reopened, merged or deleted."})
    cycle = fields.Integer(metadata={"description": "How often it was solved."})
    created_at = fields.AwareDateTime()
    answer = fields.Nested(AnswerBeforeSchema, allow_none=True)
    phone = fields.String()
    dial = fields.String(metadata={"description": "The number in E.164; empty when it is none that anybody has."})
    window = fields.String(metadata={"description": "When the customer prefers to be called; empty: not said."})
    outcome = fields.String(metadata={"description": "What came of it, as an agent said; empty: not said yet."})
    root_cause = fields.String()
    concluded_by = fields.String()


class PictureSchema(Schema):
    """All that stands beside a ticket."""

    customer = fields.String(
        allow_none=True, metadata={"description": "Our id, for the timeline; null: we never heard of this person."}
    )
    name = fields.String()
    opted_out = fields.Boolean()
    scores = fields.List(fields.Nested(ScoreSchema))
    quadrant = fields.String(metadata={"description": "The loyalty quadrant; empty without both NPS and NLS."})
    callback = fields.Nested(CallbackSchema, allow_none=True)
    surveys = fields.List(fields.Nested(OfferSchema))
    timeline = fields.Nested(TimelineSchema)


class BecameSchema(Schema):
    """What became of a click."""

    state = fields.String(
        validate=validate.OneOf(["waiting", "sent", "withheld", "done", "stopped"]),
        metadata={"description": "waiting: under way; sent; withheld: `reason` says why; done; stopped: `reason`."},
    )
    reason = fields.String()

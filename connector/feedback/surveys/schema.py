"""The YAML form of a survey, field by field. ``validation`` adds what holds between fields.

A message of a field is "what is wrong | what to do about it".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, post_dump, post_load, pre_dump, validate

from connector.config.quiet_hours import QuietChange, change_of
from connector.feedback.surveys.audience import MOST_REMINDERS, Audience, Quota, Reminder
from connector.feedback.surveys.model import (
    SCALES,
    Link,
    MailTexts,
    Option,
    Override,
    Purpose,
    Question,
    QuestionType,
    Survey,
    Thanks,
)
from workflows import durations, scoring
from workflows.durations import Duration
from workflows.errors import DurationError
from workflows.sampling import share_of
from workflows.scoring import Scale
from workflows.whole import Whole

_SLUG = validate.Regexp(
    r"^[a-z][a-z0-9_-]{0,59}\Z", error="{input!r} is no name | Use lower-case letters, digits, - and _, at most 60."
)
_ID = validate.Regexp(
    r"^[a-z][a-z0-9_]{0,39}\Z", error="{input!r} is no id | Use lower-case letters, digits and _, at most 40."
)
_LANGUAGE = validate.Regexp(
    r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?\Z", error="{input!r} is no language | Write en, nl, nl-BE."
)
_URL = validate.Regexp(r"^https?://[^\s\"<>]+\Z", error="{input!r} is no web address | Start it with https://.")
_DAYS = validate.Range(1, 3650, error="{input!r} is out of range | Give whole days from 1 to 3650.")
_SHORT = validate.Length(1, 50, error="it is empty or too long | Keep it within 50 characters.")
_WORDING = validate.Length(1, 4_000, error="it is empty or too long | Keep it within 4000 characters.")
_SOME = validate.Length(1, error="it is empty | List at least one.")
_COUNT = validate.Range(1, 1_000_000, error="{input!r} is out of range | Give a whole number of people, from 1.")
_FEW = validate.Length(1, MOST_REMINDERS, error="there are none, or more than two | Remind once or twice.")
_MESSAGES = {
    "required": "it is missing | Add it.",
    "null": "it is empty | Fill it in, or remove the line.",
    "invalid": "it has the wrong type | Compare it with a built-in survey.",
    "unknown": "it is not known | Remove it, or correct its name.",
    "type": "it is not a group of fields | Write it as name: value lines.",
}


class _Base(Schema):
    """Every wrong or unknown key is an error; what is empty is not written back."""

    class Meta:
        unknown = RAISE

    error_messages = _MESSAGES

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        messages = {**field_obj.error_messages, **_MESSAGES}
        if isinstance(field_obj, fields.Enum):
            messages["unknown"] = "it is none of the kinds there are | Use one of {choices}."
        field_obj.error_messages = messages

    @post_dump
    def without_empty(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {name: value for name, value in data.items() if value not in (None, "", {}, [], False)}


class TextField(fields.Field[Mapping[str, str]]):
    """One wording per language."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Mapping[str, str]:
        if not isinstance(value, Mapping):
            raise ValidationError("it is one text for all languages | Write it per language: {en: …, nl: …}.")
        for language, wording in value.items():
            if not isinstance(language, str) or not isinstance(wording, str):
                raise ValidationError(f"its language {language!r} holds no text | Put the text in quotes.")
            _WORDING(wording)
        return dict(value)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_: Any) -> Any:
        return dict(value)


class ScaleField(fields.Field[Scale]):
    """The name of one of scoring's scales: european-nps, csat-10, ces-5-effort."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Scale:
        if not isinstance(value, str) or value not in scoring.SCALES:
            raise ValidationError(f"{value!r} is no scale | Use one of {', '.join(scoring.SCALES)}.")
        return scoring.SCALES[value]

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_: Any) -> Any:
        return None if value is None else value.name


class OptionSchema(_Base):
    value = fields.String(required=True, validate=_ID)
    text = TextField(required=True)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Option:
        return Option(**data)


class QuestionSchema(_Base):
    id = fields.String(required=True, validate=_ID)
    type = fields.Enum(QuestionType, by_value=True, required=True)
    text = TextField(required=True)
    text_by_band = fields.Dict(fields.String(), TextField())
    help = TextField()
    required = fields.Boolean(truthy={True}, falsy={False})
    condition = fields.String(data_key="if")
    options = fields.List(fields.Nested(OptionSchema), validate=_SOME)
    purpose = fields.Enum(Purpose, by_value=True)
    scale = ScaleField()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Question:
        if data["type"] in SCALES and "scale" not in data:
            data["scale"] = scoring.scale_of(data["type"].value)
        return Question(**{**data, "options": tuple(data.get("options", ()))})


class OverrideSchema(_Base):
    by = fields.String(required=True, validate=_SHORT)
    reason = fields.String(required=True, validate=_WORDING)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Override:
        return Override(**data)


class LinkSchema(_Base):
    url = fields.String(required=True, validate=_URL)
    text = TextField(required=True)
    override = fields.Nested(OverrideSchema)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Link:
        return Link(**data)


class ThanksSchema(_Base):
    title = TextField(required=True)
    text = TextField(required=True)
    link = fields.Nested(LinkSchema)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Thanks:
        return Thanks(**data)


class SecondSchema(_Base):
    subject = preview = greeting = intro = TextField()


class MailSchema(_Base):
    subject = TextField(required=True)
    preview = TextField()
    greeting = TextField(required=True)
    intro = TextField(required=True)
    second = fields.Nested(SecondSchema)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> MailTexts:
        return MailTexts(**data)


class _Told(fields.Field[Any]):
    """A value that a function reads; it raises ValueError with "what is wrong", line break, remedy."""

    def __init__(self, read: Callable[[Any], Any], write: Callable[[Any], Any], *, required: bool = False) -> None:
        super().__init__(required=required)
        self._read, self._write = read, write

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:
        try:
            return self._read(value)
        except (ValueError, DurationError) as error:
            raise ValidationError(str(error).replace("\n", " | ")) from error

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_: Any) -> Any:
        return None if value is None else self._write(value)


def _span(value: Any) -> Duration:
    found = durations.parse(str(value))
    if not found.span:
        raise ValueError('it is no time at all\nWrite a span, as "4 days".')
    return found


class ReminderSchema(_Base):
    after = _Told(_span, str, required=True)
    subject = TextField(required=True)
    intro = TextField(required=True)
    greeting = TextField()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Reminder:
        return Reminder(**data)


_QUOTAS = {
    "per_hour": (timedelta(hours=1), False),
    "per_day": (timedelta(days=1), False),
    "per_team_per_hour": (timedelta(hours=1), True),
    "per_team_per_day": (timedelta(days=1), True),
}


class AudienceSchema(_Base):
    condition = fields.String(data_key="if")
    sample = _Told(lambda value: share_of(str(value)), lambda share: f"{share.normalize():f} %")
    per_hour = Whole(strict=True, validate=_COUNT)
    per_day = Whole(strict=True, validate=_COUNT)
    per_team_per_hour = Whole(strict=True, validate=_COUNT)
    per_team_per_day = Whole(strict=True, validate=_COUNT)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Audience:
        quotas = tuple(Quota(data[name], *limits) for name, limits in _QUOTAS.items() if name in data)
        return Audience(data.get("condition"), data.get("sample"), quotas)

    @pre_dump
    def spread(self, given: Audience, **_: Any) -> dict[str, Any]:
        """As the file has it: a key per quota."""
        named = {limits: name for name, limits in _QUOTAS.items()}
        quotas = {named[quota.span, quota.of_team]: quota.most for quota in given.quotas}
        return {"condition": given.condition, "sample": given.sample, **quotas}


class SurveySchema(_Base):
    slug = fields.String(required=True, data_key="survey", validate=_SLUG)
    name = fields.String(required=True, validate=_WORDING)
    metric = fields.String(
        required=True,
        validate=validate.OneOf(tuple(scoring.Metric), error="{input!r} is no metric | Use nps, nls, csat or ces."),
    )
    languages = fields.List(fields.String(validate=_LANGUAGE), required=True, validate=_SOME)
    brand = fields.String(validate=_SLUG)
    fallback = fields.String(validate=_LANGUAGE)
    expires_days = Whole(strict=True, validate=_DAYS)
    fatigue_days = Whole(strict=True, validate=_DAYS)
    passes_fatigue = fields.Boolean(truthy={True}, falsy={False})
    who = fields.Nested(AudienceSchema)
    reminders = fields.List(fields.Nested(ReminderSchema), validate=_FEW)
    quiet_hours = _Told(lambda value: change_of(value) if value else None, QuietChange.written)
    consent = fields.String(required=True, validate=_SHORT)
    intro = TextField(required=True)
    promise = TextField(required=True)
    improved = TextField()
    mail = fields.Nested(MailSchema, required=True)
    questions = fields.List(fields.Nested(QuestionSchema), required=True, validate=_SOME)
    thanks = fields.Dict(fields.String(), fields.Nested(ThanksSchema), required=True)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Survey:
        return Survey(**{**data, "languages": tuple(data["languages"]), "questions": tuple(data["questions"]),
                         "reminders": tuple(data.get("reminders", ()))})  # fmt: skip


def _keys(schema: Schema) -> Iterator[str]:
    for name, field in schema.fields.items():
        yield field.data_key or name
        inner = getattr(field, "inner", None) or getattr(field, "value_field", None) or field
        if isinstance(inner, fields.Nested):
            yield from _keys(inner.schema)


KEYS = frozenset(_keys(SurveySchema()))
"""Every key of the form, to guess at what a misspelt one was meant to be."""

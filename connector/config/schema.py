"""The shape of ``ringback.yaml``. Every mistake is found at once, with its path and a remedy."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from connector.config.answers import SettlingWindows, window_of
from connector.config.calendar import holidays_of, hours_of
from connector.config.customer_value import DEFAULT_WORDS, ORDINARY_WORDS, Valuation
from connector.config.dates import dates_of
from connector.config.figures import FigureError, read_figure
from connector.config.household import household_of
from connector.config.quiet_hours import rules_of as quiet_rules_of
from connector.config.retention import (
    DEDUPLICATION,
    SHORTEST_CONTENT,
    Retention,
    contradiction_in,
    period_of,
    trace_period_of,
)
from connector.config.schema_parts import EMPTY as _EMPTY
from connector.config.schema_parts import NO_MAPPING as _NO_MAPPING
from connector.config.schema_parts import Read as _Read
from connector.config.schema_parts import Strict as _Strict
from connector.config.schema_parts import texts as _texts
from connector.config.schema_parts import yes_or_no
from connector.config.sign_in.schema import SignInSchema
from workflows.calendars import BusinessCalendar
from workflows.errors import DurationError
from workflows.whole import Whole

_NAME = re.compile(r"[a-z][a-z0-9-]{0,99}")
_RESERVED = "ringback"  # our own pages and features report events under this name


class _Named(fields.Field[Any]):
    """A mapping of names to values of one shape; each name is checked."""

    def __init__(self, shape: Schema) -> None:
        super().__init__(error_messages={"null": _EMPTY})
        self._shape = shape

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError(_NO_MAPPING)
        loaded: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for name, each in value.items():
            try:
                loaded[name] = self._load(name, each)
            except ValidationError as error:
                errors[name] = error.messages
        if errors:
            raise ValidationError(errors)
        return loaded

    def _load(self, name: str, value: Any) -> Any:
        if not _NAME.fullmatch(name):
            raise ValidationError(
                "is no name.\nUse small letters, digits and hyphens, a letter first, as care-team."
            )
        if name == _RESERVED:
            raise ValidationError("is the name of the product itself.\nChoose another.")
        return self._shape.load(value)


class _Options(Schema):
    """Any keys: whoever uses them checks them."""

    class Meta:
        unknown = "include"

    error_messages = {"type": _NO_MAPPING, "invalid": _NO_MAPPING}  # noqa: RUF012 - marshmallow wants it so


class _Connection(_Options):
    kind = fields.String(
        required=True,
        validate=validate.Regexp(
            r"[a-z][a-z0-9_-]*\Z", error="is no kind.\nWrite one as zendesk, salesforce or smtp."
        ),
        error_messages={
            "required": "is missing.\nSay what it is: zendesk, salesforce, inbound or smtp.",
            "invalid": "must be text.\nWrite one as zendesk, salesforce or smtp.",
            "null": _EMPTY,
        },
    )


def _is_notification(value: str) -> None:
    if "://" not in value:
        raise ValidationError("is no notification URL.\nWrite an Apprise URL, as slack://… or json://….")


TEAM_LANGUAGES = ("en", "nl")


def _group(value: Any) -> str:
    """A helpdesk writes its groups' ids as numbers, or as text."""
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not str(value).strip():
        raise ValueError("is no id of a group.\nTake it from the helpdesk, as 360001234567.")
    return str(value).strip()


class _Team(_Strict):
    email = _texts(validate.Email(error="is no e-mail address.\nWrite one as care@example.org."))
    notify = _texts(_is_notification)
    language = fields.String(
        validate=validate.OneOf(TEAM_LANGUAGES, error="{input} is none that tickets are written in.\nUse {choices}.")
    )
    group = _Read(_group)
    caller = fields.String(validate=validate.Length(1, 100, error="is no name.\nName a person in 1 to 100 characters."))

    @post_load
    def _someone(self, team: dict[str, Any], **_: Any) -> dict[str, Any]:
        if not (team.get("email") or team.get("notify")):
            raise ValidationError("reaches nobody.\nGive it email, notify, or both.")
        return team


def _time_zone(value: Any) -> str:
    try:
        return BusinessCalendar(timezone=value).timezone
    except (DurationError, TypeError) as error:
        raise ValueError("is no time zone.\nWrite one as Europe/Amsterdam.") from error


class _Calendar(_Strict):
    timezone = _Read(_time_zone)
    hours = _Read(hours_of)
    holidays = _Read(holidays_of)

    @post_load
    def _calendar(self, values: dict[str, Any], **_: Any) -> BusinessCalendar:
        return BusinessCalendar(**values)


class _Retention(_Strict):
    contents = _Read(partial(period_of, shortest=SHORTEST_CONTENT))
    deliveries = _Read(partial(period_of, shortest=DEDUPLICATION))
    runs = _Read(partial(period_of, shortest=DEDUPLICATION))
    events = _Read(partial(period_of, shortest=DEDUPLICATION))
    suppressions = _Read(partial(period_of, shortest=DEDUPLICATION))
    conflicts = _Read(partial(period_of, shortest=DEDUPLICATION))
    traces = _Read(trace_period_of)

    @post_load
    def _retention(self, values: dict[str, Any], **_: Any) -> Retention:
        retention = Retention(**values)
        if wrong := contradiction_in(retention):
            raise ValidationError({"contents": [wrong]})
        return retention


class _Answers(_Strict):
    settle_after_send = _Read(window_of)
    settle_after_touch = _Read(window_of)

    @post_load
    def _windows(self, values: dict[str, Any], **_: Any) -> SettlingWindows:
        return SettlingWindows(**values)


def _figure(value: Any) -> Decimal | float:
    """A number, or text that everybody reads as the same one: whoever writes 10.000 may mean ten."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        return read_figure(str(value))
    except FigureError as error:
        remedy = "Give a figure in digits alone, as 10000."
        raise ValueError(f"is no number: {str(value)[:40]!r}, {error}.\n{remedy}") from error


class _CustomerValue(_Strict):
    high_from = _Read(_figure)
    high = _texts(validate.Length(1, 100, error="is empty or too long.\nWrite a word, as gold."))
    low = _texts(validate.Length(1, 100, error="is empty or too long.\nWrite a word, as silver."))

    @post_load
    def _valuation(self, given: dict[str, Any], **_: Any) -> Valuation:
        high, low = (frozenset(word.strip().lower() for word in given.get(name) or ()) for name in ("high", "low"))
        words = high if "high" in given else DEFAULT_WORDS
        return Valuation(given.get("high_from"), words, ORDINARY_WORDS | low)


class _Config(_Strict):
    connections = _Named(_Connection())
    brands = _Named(_Options())
    teams = _Named(_Team())
    calendar = fields.Nested(_Calendar, error_messages={"null": _EMPTY})
    answers = fields.Nested(_Answers, error_messages={"null": _EMPTY})
    quiet_hours = _Read(quiet_rules_of)
    household = _Read(household_of)
    dates = _Read(dates_of)
    customer_value = fields.Nested(_CustomerValue, error_messages={"null": _EMPTY})
    workflows_write = _Read(yes_or_no)
    surveys_write = _Read(yes_or_no)
    sign_in = fields.Nested(SignInSchema, error_messages={"null": _EMPTY})
    runs_per_record = Whole(
        validate=validate.Range(
            1, 100_000, error="is not between 1 and 100000.\nGive a number of runs an hour, as 30."
        ),
        error_messages={"invalid": "is no whole number.\nGive a number of runs an hour, as 30.", "null": _EMPTY},
    )
    fatigue_days = Whole(
        validate=validate.Range(
            0, 3650, error="is not between 0 and 3650.\nGive a number of days; 0 is no rule."
        ),
        error_messages={"invalid": "is no whole number.\nGive a number of days, as 90.", "null": _EMPTY},
    )


    @validates_schema
    def _somewhere_to_write(self, data: Any, **_: Any) -> None:
        for folder in ("workflows", "surveys"):
            if data.get(f"{folder}_write") and not data.get(folder):
                said = f"is true, and there is no folder to write to.\nName one: {folder}: {folder}/"
                raise ValidationError({f"{folder}_write": [said]})


def config_schema(home: Path) -> Schema:
    """The whole file; loads to the fields of ``config.Config``. Folders are relative to ``home``."""
    folder = partial(_folder, home)
    retention = fields.Nested(_Retention.from_dict({"archive": _Read(folder)})(), error_messages={"null": _EMPTY})
    folders = {name: _Read(folder) for name in ("workflows", "surveys", "translations")}
    return _Config.from_dict({**folders, "retention": retention})()


def _folder(home: Path, value: Any) -> Path:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a folder.\nWrite its path, relative to this file.")
    folder = home / value
    if not folder.is_dir():
        raise ValueError(f"the folder {folder} does not exist.\nCreate it, or correct the path.")
    return folder

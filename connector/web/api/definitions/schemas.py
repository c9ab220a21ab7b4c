"""What the operations of workflows and surveys take and give."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from connector.runtime.operations.definitions import Side
from connector.runtime.operations.validation import LONGEST_REASON
from connector.storage.stores.definition_import import What
from workflows.whole import Whole

_VERSION = validate.Range(1, 2**31 - 1)
_MOST = 300_000  # characters: the loader refuses earlier, with a remedy


def _described(text: str) -> dict[str, Any]:
    return {"metadata": {"description": text}}


class DefinitionLineSchema(Schema):
    """The newest version."""

    slug = fields.String()
    version = fields.Integer()
    state = fields.String(**_described("active, switched off, retired (its file is gone) or unreadable."))
    differs = fields.Boolean(**_described("File and browser both changed, and nobody has decided yet."))
    origin = fields.String(**_described("file, browser, api or library (built in)."))
    author = fields.String()
    trigger = fields.String()
    name = fields.String()
    since = fields.AwareDateTime()
    off_by = fields.String(**_described("The person who switched it off; empty when its text does."))
    off_reason = fields.String()


class DefinitionListSchema(Schema):
    """By slug."""

    items = fields.List(fields.Nested(DefinitionLineSchema))


class VersionSchema(Schema):
    """One version, without its text."""

    version = fields.Integer()
    active = fields.Boolean()
    origin = fields.String()
    author = fields.String()
    note = fields.String()
    created_at = fields.AwareDateTime()


class VersionsSchema(Schema):
    """The newest first."""

    items = fields.List(fields.Nested(VersionSchema))


class WholeVersionSchema(VersionSchema):
    """One version."""

    body = fields.String(**_described("YAML, as it was written."))


class DifferenceQuerySchema(Schema):
    """Which two texts."""

    before = Whole(validate=_VERSION, **_described("A version; left out: the one before the newest."))
    after = Whole(validate=_VERSION, **_described("A version; left out: the newest, or the file where both differ."))


class DifferenceLineSchema(Schema):
    """One line of a difference."""

    sign = fields.String(**_described('" " the same, "+" added, "-" removed, "…" some are left out.'))
    text = fields.String()
    before = fields.Integer(allow_none=True, **_described("Its number in the first text."))
    after = fields.Integer(allow_none=True)


class DifferenceSchema(Schema):
    """In which lines two texts differ, and for workflows what that means."""

    lines = fields.List(fields.Nested(DifferenceLineSchema))
    meaning = fields.List(fields.String())
    file = fields.String(
        allow_none=True,
        **_described("The digest of the file's text, where file and browser differ: give it as `settles` or `seen`."),
    )


class PublishSchema(Schema):
    """A text that is to be in force."""

    text = fields.String(required=True, validate=validate.Length(1, _MOST), **_described("The YAML."))
    based_on = Whole(
        load_default=0, validate=validate.Range(0, 2**31 - 1),
        **_described("The version that was changed, 0 for a new one; another one in force meanwhile is a 409."),
    )  # fmt: skip
    note = fields.String(
        load_default="", validate=validate.Length(max=LONGEST_REASON), **_described("Why, in a few words.")
    )
    settles = fields.String(
        load_default="", validate=validate.Length(max=64),
        **_described("Where file and browser differ and both were edited together: the `file` of their difference."),
    )  # fmt: skip


class WarningSchema(Schema):
    """What is allowed but odd."""

    path = fields.String()
    message = fields.String()
    remedy = fields.String()


class PublishedSchema(Schema):
    """What came of it."""

    slug = fields.String()
    version = fields.Integer()
    what = fields.String(validate=validate.OneOf([each.value for each in What]))
    warnings = fields.List(fields.Nested(WarningSchema))
    file = fields.String(**_described("Where it was written; empty when it was not."))
    trouble = fields.String(**_described("Why it was not written, where it should be."))


class ResolveSchema(Schema):
    """Which counts."""

    take = fields.String(
        required=True, validate=validate.OneOf([each.value for each in Side]), **_described("One of: file, browser.")
    )
    seen = fields.String(
        load_default=None, allow_none=True, validate=validate.Length(max=64),
        **_described("The `file` of the difference that was looked at; another one meanwhile is a 409."),
    )  # fmt: skip


class SwitchSchema(Schema):
    """Why."""

    reason = fields.String(
        required=True, validate=validate.Length(1, LONGEST_REASON),
        **_described("Why, in a few words; it stands beside the workflow."),
    )  # fmt: skip


class SwitchedSchema(Schema):
    """How it stands now."""

    slug = fields.String()
    off_at = fields.AwareDateTime(allow_none=True)
    off_by = fields.String()
    off_reason = fields.String()

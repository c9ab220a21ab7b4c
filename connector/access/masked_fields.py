"""Personal data in answers: a field that holds some says so in its schema; tokens without the right get it emptied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields

from connector.access.masking import hidden

MARK = "x-personal"
"""In a field's metadata, and so in the OpenAPI description: what needs the scope ``personal:read``."""

PERSONAL: Mapping[str, bool] = {MARK: True}


def without_personal(schema: Schema, dumped: Mapping[str, Any]) -> dict[str, Any]:
    """What ``schema`` wrote, with its personal fields emptied, at every depth."""
    masks = {field.data_key or name: _mask(field) for name, field in schema.fields.items()}
    return {key: masks[key](value) for key, value in dumped.items()}


def _mask(field: fields.Field[Any]) -> Callable[[Any], Any]:
    if field.metadata.get(MARK):
        return hidden
    if isinstance(field, fields.Nested):
        return lambda value: None if value is None else without_personal(field.schema, value)
    if isinstance(field, fields.List):
        inner = _mask(field.inner)
        return lambda values: None if values is None else [inner(value) for value in values]
    return lambda value: value

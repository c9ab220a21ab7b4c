"""The form of a workflow file as JSON Schema (2020-12), for editors and other tools.

It describes the structure; what only we can tell (whether a condition compiles, a step exists) stays with ``load``.
"""

from __future__ import annotations

from typing import Any

from workflows.actions import ACTIONS, ActionSpec
from workflows.definitions import DeliveryGuarantee, Mode
from workflows.events import EVENT_TYPES
from workflows.parameters import CHANNELS

_TEXT = {"type": "string"}
_CONDITION = {
    "type": "string",
    "maxLength": 2000,
    "description": "CEL; its names are event, trigger, customer, steps, run and now",
}
_DURATION = {
    "type": "string",
    "pattern": r"^\s*[0-9]{1,8}\s+((business\s+)?(minute|hour|day)|second|week)s?\s*$",
    "examples": ["90 seconds", "4 business hours"],
}
_STEPS = {"type": "array", "items": {"$ref": "#/$defs/step"}}
_EVENT = {
    "type": "string",
    "pattern": r"^[a-z0-9_]+(\.[a-z0-9_]+)+$",
    "examples": sorted(EVENT_TYPES),
}
_EVENTS = {"anyOf": [_EVENT, {"type": "array", "items": _EVENT, "minItems": 1, "uniqueItems": True}]}
_TEMPLATE = {"type": "string", "pattern": r"\{[{%]"}
_NOTHING = {"enum": [None, ""]}
_FLAG = {"anyOf": [{"type": "boolean"}, _NOTHING, _TEMPLATE]}
_TEXTS = {"anyOf": [{"type": "array", "items": {"type": ["string", "number"]}}, _NOTHING, _TEMPLATE]}
_SPAN = {"anyOf": [_DURATION, _NOTHING, _TEMPLATE]}
_MAPPING = {"anyOf": [{"type": "object"}, _NOTHING]}
_VALUES: dict[str, Any] = {
    "channel": {"anyOf": [{"enum": [*CHANNELS]}, _NOTHING, _TEMPLATE]},
    **dict.fromkeys(("public", "final", "verify"), _FLAG),
    **dict.fromkeys(("delay", "due"), _SPAN),
    **dict.fromkeys(("tags", "remove_tags"), _TEXTS),
    **dict.fromkeys(("custom_fields", "context"), _MAPPING),
}
"""What ``parameters`` accepts, as far as a schema can say it."""

_SECONDS = {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": 86400}, _DURATION]}


def json_schema() -> dict[str, Any]:
    """The schema, as a value of its own that the caller may change."""
    step = {"oneOf": [_do(), _wait(), _choose(), _each(), _stop()]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Ringback workflow",
        **_closed(
            {
                "workflow": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,78}[a-z0-9])?$"},
                "name": _TEXT,
                "description": _TEXT,
                "enabled": {"type": "boolean", "default": True},
                "trigger": _closed({"event": _EVENTS, "if": _CONDITION}, "event"),
                "run": _closed({"key": _TEXT, "mode": {"enum": [mode.value for mode in Mode]}}),
                "steps": {**_STEPS, "minItems": 1},
            },
            "workflow", "trigger", "steps",
        ),
        "$defs": {"step": step},
    }


def _closed(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _step(kind: str, properties: dict[str, Any], *required: str) -> dict[str, Any]:
    common = {
        "id": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"},
        "if": _CONDITION,
        "on_error": _STEPS,
    }
    return _closed({**common, **properties}, "id", kind, *required)


def _do() -> dict[str, Any]:
    attempts = {"type": "integer", "minimum": 1, "maximum": 50}
    retry = _closed({"attempts": attempts, "first": _SECONDS, "longest": _SECONDS})
    shape = _step("do", {
        "do": {"enum": sorted(ACTIONS)},
        "with": {"type": "object"},
        "retry": retry,
        "delivery": {"enum": [delivery.value for delivery in DeliveryGuarantee]},
    })
    return {**shape, "allOf": [_params(spec) for spec in ACTIONS.values()]}


def _params(spec: ActionSpec) -> dict[str, Any]:
    """What ``with`` holds for one action."""
    given: dict[str, Any] = {name: _VALUES.get(name, True) for name in spec.params}
    then: dict[str, Any] = {"properties": {"with": _closed(given, *spec.required)}}
    if spec.required:
        then["required"] = ["with"]
    return {"if": {"properties": {"do": {"const": spec.name}}, "required": ["do"]}, "then": then}


def _wait() -> dict[str, Any]:
    expectation = _closed({"event": _EVENT, "match": _CONDITION, "timeout": _DURATION}, "event")
    return _step("wait", {"wait": {"anyOf": [_DURATION, expectation]}, "on_timeout": _STEPS})


def _choose() -> dict[str, Any]:
    decided = _closed({"if": _CONDITION, "steps": _STEPS}, "if", "steps")
    otherwise = _closed({"otherwise": _STEPS}, "otherwise")
    branches = {"type": "array", "minItems": 1, "items": {"oneOf": [decided, otherwise]}}
    return _step("choose", {"choose": branches})


def _each() -> dict[str, Any]:
    return _step("each", {"each": _closed({"in": _TEXT, "as": _TEXT, "steps": _STEPS}, "in", "steps")})


def _stop() -> dict[str, Any]:
    return _step("stop", {"stop": _TEXT})

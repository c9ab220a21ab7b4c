"""The marshmallow schemas: the form of a workflow file, part by part.

A message is two lines, what is wrong and what to do; ``schema`` gives it its path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import ValidationError, fields, post_dump, post_load, validate, validates_schema

from workflows.actions import ACTIONS
from workflows.definitions import (
    Branch,
    Choose,
    DeliveryGuarantee,
    Do,
    Each,
    Mode,
    Retry,
    RunRule,
    Step,
    Stop,
    Trigger,
    Wait,
    Workflow,
)
from workflows.errors import WorkflowError
from workflows.expressions import check_template, value
from workflows.parameters import mistake_in
from workflows.schema_fields import (
    NAME,
    RESERVED,
    SLUG,
    Choice,
    EventsField,
    Messages,
    Seconds,
    Shape,
    Text,
    checked,
    condition_field,
    duration_field,
    event_field,
    pattern,
    say,
)
from workflows.suggestions import did_you_mean, shown
from workflows.whole import Whole


class StepField(fields.Field[Step | None]):
    """One step; the key among do, wait, choose, each and stop tells its kind."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Step:
        if not isinstance(value, Mapping):
            raise say("A step must be a mapping.", "Write: - {id: …, do: …}")
        kinds = [kind for kind in SHAPES if kind in value]
        if len(kinds) != 1:
            found = f"It has {' and '.join(kinds)}." if kinds else f"It has {', '.join(map(str, value)) or 'nothing'}."
            raise say(found, "A step has exactly one of do, wait, choose, each and stop.")
        step: Step = SHAPES[kinds[0]][0]().load(dict(value))
        return step

    def _serialize(self, value: Step | None, attr: str | None, obj: Any, **_: Any) -> Any:
        shape = next(shape for shape, kind in SHAPES.values() if isinstance(value, kind))
        return shape().dump(value)


class _Steps(fields.List[Step | None]):
    """A list of steps, frozen."""

    def __init__(self, **options: Any) -> None:
        wrong = "This must be a list of steps.\nBegin each step with a hyphen."
        messages: Messages = {"required": "It is missing.\nAdd a list of steps.", "null": wrong, "invalid": wrong}
        super().__init__(StepField(), error_messages=messages, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        return tuple(super()._deserialize(value, attr, data, **options))


class TriggerShape(Shape):
    quiet = {"if": None}  # noqa: RUF012 - read only

    events = EventsField(required=True, data_key="event")
    condition = condition_field(data_key="if", load_default=None)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Trigger:
        first, *also = data["events"]
        return Trigger(first, data["condition"], tuple(also))


class RunShape(Shape):
    quiet = {"key": RunRule().key, "mode": RunRule().mode.value}  # noqa: RUF012 - read only

    key = Text(validate=checked(value), load_default=RunRule().key)
    mode = Choice(Mode, load_default=RunRule().mode)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> RunRule:
        return RunRule(**data)


_ATTEMPTS = validate.Range(1, 50, error="{input} is out of range.\nWrite a number of attempts from 1 to 50.")


class RetryShape(Shape):
    attempts = Whole(
        strict=True, validate=_ATTEMPTS, load_default=Retry().attempts,
        error_messages={"invalid": "This must be a whole number.\nWrite a number of attempts from 1 to 50."},
    )
    first = Seconds(load_default=Retry().first)
    longest = Seconds(load_default=Retry().longest)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Retry:
        return Retry(**data)


class _StepShape(Shape):
    """What every step has."""

    id = Text(required=True, validate=pattern(
        NAME, "Use letters, digits and underscores, beginning with a letter.", RESERVED))
    condition = condition_field(data_key="if", load_default=None)
    on_error = _Steps(load_default=None)

    @post_dump
    def _in_reading_order(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        first, last = ("id", "if"), ("on_timeout", "on_error")
        middle = [key for key in data if key not in (*first, *last)]
        quiet: dict[str, Any] = {"if": None, "on_error": None, "on_timeout": [], "with": {}}
        quiet |= {"retry": None, "delivery": None}
        return {
            key: data[key]
            for key in (*first, *middle, *last)
            if key in data and not (key in quiet and data[key] == quiet[key])
        }


class DoShape(_StepShape):
    action = Text(required=True, data_key="do")
    params = fields.Dict(
        keys=fields.String(), data_key="with", load_default=dict,
        error_messages={"invalid": "This must be a mapping.\nWrite the action's parameters and their values."},
    )
    retry = fields.Nested(RetryShape, load_default=None)
    delivery = Choice(DeliveryGuarantee, load_default=None)

    @validates_schema(skip_on_field_errors=False)
    def _known_action(self, data: dict[str, Any], **_: Any) -> None:
        action = data.get("action")
        if action is not None and action not in ACTIONS:
            message = f'The action "{shown(action)}" is not known.\n{did_you_mean(action, ACTIONS)}'
            raise ValidationError({"do": [message]})
        if action is not None:
            _check_params(action, data.get("params") or {})

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Do:
        return Do(**data)


def _check_params(action: str, params: Mapping[str, Any]) -> None:
    """The parameters against the catalogue, and every template in them."""
    spec = ACTIONS[action]
    wrong = {name: [f'{action} has no "{shown(name)}".\n{did_you_mean(name, spec.params)}'] for name in params
             if name not in spec.params}
    for name in spec.required:
        if name not in params:
            wrong[name] = [f"{action} needs it.\nAdd {name} under with."]
    for path, message in _check_values(params, ""):
        wrong.setdefault(path, []).append(message)
    for name in spec.params:
        if said := mistake_in(name, params.get(name)):
            wrong.setdefault(name, [said])
    if wrong:
        raise ValidationError({"with": wrong})


def _check_values(item: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(item, Mapping):
        for key, inner in item.items():
            yield from _check_values(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(item, (list, tuple)):
        for number, inner in enumerate(item):
            yield from _check_values(inner, f"{path}[{number}]")
    elif isinstance(item, str):
        try:
            check_template(item)
        except WorkflowError as error:
            yield path, f"{error}\nMend the template."
    elif not (item is None or isinstance(item, (bool, int)) or (isinstance(item, float) and item - item == 0)):
        yield path, f'"{shown(item)}" is no text, number, true/false, list or mapping.\nWrite it as text, in quotes.'


class _ExpectationShape(Shape):
    quiet = {"match": None, "timeout": None}  # noqa: RUF012 - read only

    event = event_field(required=True)
    match = condition_field(load_default=None)
    timeout = duration_field(load_default=None)


class _WaitField(fields.Field[Any]):
    """``wait: 3 days``, or ``wait: {event, match, timeout}``."""

    _CHECK_ATTRIBUTE = False  # it stands for three attributes of the step

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> dict[str, Any]:
        if isinstance(value, Mapping):
            return dict(_ExpectationShape().load(dict(value)))
        return {"timeout": duration_field().deserialize(value)}

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_: Any) -> Any:
        return obj.timeout if obj.event is None else _ExpectationShape().dump(obj)


class WaitShape(_StepShape):
    wait = _WaitField(required=True)
    on_timeout = _Steps(load_default=())

    @validates_schema
    def _time_waits_just_pass(self, data: dict[str, Any], **_: Any) -> None:
        if data["on_timeout"] and "event" not in data["wait"]:
            remedy = "Write the steps after this one: they follow when the time has passed."
            raise ValidationError({"on_timeout": [f"A wait for time alone cannot time out.\n{remedy}"]})

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Wait:
        return Wait(**data.pop("wait"), **data)


class _BranchShape(Shape):
    condition = condition_field(data_key="if", required=True)
    steps = _Steps(required=True)


class _OtherwiseShape(Shape):
    steps = _Steps(data_key="otherwise", required=True)


class _BranchField(fields.Field[Branch]):
    """``{if, steps}``, or ``{otherwise: steps}``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Branch:
        otherwise = isinstance(value, Mapping) and "otherwise" in value
        found = (_OtherwiseShape() if otherwise else _BranchShape()).load(value)
        return Branch(found.get("condition"), found["steps"])

    def _serialize(self, value: Branch | None, attr: str | None, obj: Any, **_: Any) -> Any:
        return (_OtherwiseShape() if value is None or value.condition is None else _BranchShape()).dump(value)


def _otherwise_last(branches: list[Branch]) -> None:
    if not branches:
        raise say("There is no branch.", "Add one: - {if: …, steps: […]}")
    if any(branch.condition is None for branch in branches[:-1]):
        raise say("otherwise is not the last branch.", "Move it to the end, and keep one.")


class ChooseShape(_StepShape):
    branches = fields.List(
        _BranchField(), data_key="choose", required=True, validate=_otherwise_last,
        error_messages={"invalid": "This must be a list of branches.\nBegin each branch with a hyphen and an if."},
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Choose:
        return Choose(**{**data, "branches": tuple(data["branches"])})


class _RoundShape(Shape):
    quiet = {"as": "item"}  # noqa: RUF012 - read only

    items = Text(data_key="in", required=True, validate=checked(value))
    name = Text(data_key="as", load_default="item", validate=pattern(
        NAME, "Use a name of letters, digits and underscores that means nothing else.", RESERVED))
    steps = _Steps(required=True)


class _EachField(fields.Field[Any]):
    """``each: {in, as, steps}``."""

    _CHECK_ATTRIBUTE = False  # it stands for three attributes of the step

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> dict[str, Any]:
        return dict(_RoundShape().load(value))

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_: Any) -> Any:
        return _RoundShape().dump(obj)


class EachShape(_StepShape):
    each = _EachField(required=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Each:
        return Each(**data.pop("each"), **data)


class StopShape(_StepShape):
    reason = Text(required=True, data_key="stop", validate=checked(check_template))

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Stop:
        return Stop(**data)


SHAPES: Mapping[str, tuple[type[_StepShape], type[Step]]] = {
    "do": (DoShape, Do),
    "wait": (WaitShape, Wait),
    "choose": (ChooseShape, Choose),
    "each": (EachShape, Each),
    "stop": (StopShape, Stop),
}


class WorkflowShape(Shape):
    """A whole file."""

    quiet: Mapping[str, Any] = {"description": "", "enabled": True, "run": {}}

    slug = Text(data_key="workflow", required=True, validate=pattern(
        SLUG, "Use lower case letters, digits and hyphens."))
    name = Text(load_default=None)
    description = Text(load_default="")
    enabled = fields.Boolean(
        truthy={True}, falsy={False}, load_default=True,
        error_messages={"invalid": "This must be true or false.\nWrite true or false, without quotes."},
    )
    trigger = fields.Nested(TriggerShape, required=True, error_messages={
        "required": "It is missing.\nAdd it, with an event such as survey.answered."})
    run = fields.Nested(RunShape, load_default=RunRule)
    steps = _Steps(required=True, validate=validate.Length(1, error="There is no step.\nAdd one."))

    def _unknown(self, key: object, known: list[str]) -> str:
        if key in (True, "on"):
            return 'A workflow starts with "trigger", not "on".\nYAML 1.1 reads on as true; write trigger: instead.'
        return super()._unknown(key, known)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Workflow:
        return Workflow(**{**data, "name": data["name"] or data["slug"]})

"""Tests that admins write for their workflows, as YAML; ``ringback workflow test`` runs them.

```yaml
test: a detractor with consent is called back, once
workflow: support-recovery              # the slug of the workflow under test
calendar: {timezone: Europe/Amsterdam, holidays: [2026-04-27]}     # office hours unless told otherwise
events:
  - at: 2026-03-02T10:00:00Z            # RFC 3339; after the first event also: after: 2 hours
    event: survey.answered
    customer: {id: c1, name: Ann}
    data: {survey: after-support, band: detractor, score: 3, contact_consent: true}
  - after: 3 hours
    event: callback.changed
    data: {ticket: "zendesk:1", status: solved}
outcomes:                               # by step id; without one an action succeeds
  callback: {output: {ticket: "zendesk:1"}}
  alert: {fails: permanent, reason: the room is gone}      # or a list, one for each visit
expect:
  runs: 1                               # how many started
  ending: done_with_failure             # of every run; succeeded, when no step failed
  actions:                              # all of them, in order; "with" names what must be equal
    - {do: alert.send}
    - {do: ticket.open, step: callback, with: {priority: high}, at: 2026-03-02T10:00:00Z}
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from workflows.calendars import BusinessCalendar
from workflows.definitions import Workflow
from workflows.durations import parse
from workflows.errors import DefinitionError, Mistake, WorkflowError
from workflows.runs import Status
from workflows.schema import flatten
from workflows.schema_fields import Shape, Text, duration_field, event_field, say
from workflows.simulate import Asked, Happening, Outcome, Trace, simulate
from workflows.whole import Whole
from workflows.yaml_text import read


@dataclass(frozen=True, slots=True)
class ExpectedAction:
    """An action that must be asked for; None leaves a part open, ``params`` names only what must be equal."""

    do: str
    step: str | None = None
    params: Mapping[str, Any] | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must come of it; None leaves a part open."""

    runs: int | None = None
    ending: Status | None = None
    actions: tuple[ExpectedAction, ...] | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """A test of one workflow."""

    name: str
    workflow: str
    events: tuple[Happening, ...]
    outcomes: Mapping[str, tuple[Outcome, ...]]
    expect: Expectation
    calendar: BusinessCalendar


@dataclass(frozen=True, slots=True)
class Report:
    """How a test went: ``mismatches`` is empty when it passed; the trace tells how it came."""

    script: Script
    mismatches: tuple[str, ...]
    trace: Trace

    def __str__(self) -> str:
        if not self.mismatches:
            return f"passed: {self.script.name}"
        told = "\n".join(f"  {each}" for each in self.mismatches)
        history = "\n".join(f"    {line}" for line in self.trace.lines)
        return f"FAILED: {self.script.name}\n{told}\n  what happened:\n{history}"


def read_script(text: str, source: str = "test") -> Script:
    """Read a test from YAML text. Raises DefinitionError with every mistake."""
    data = read(text, source)
    try:
        script: Script = _ScriptShape().load(data)
    except ValidationError as error:
        raise DefinitionError(source, tuple(flatten(error.messages))) from error
    except WorkflowError as error:
        raise DefinitionError(source, (Mistake("test", str(error), ""),)) from error
    return script


def run_script(script: Script, workflow: Workflow) -> Report:
    """Simulate the test's events and compare with what it expects."""
    trace = simulate(workflow, script.events, script.outcomes, script.calendar)
    return Report(script, tuple(_mismatches(script.expect, trace)), trace)


def _mismatches(expect: Expectation, trace: Trace) -> Iterator[str]:
    if expect.runs is not None and expect.runs != len(trace.runs):
        yield f"runs: expected {expect.runs}, got {len(trace.runs)}"
    for run in trace.runs:
        if expect.ending not in (None, run.state.status):
            because = f" ({run.state.reason})" if run.state.reason else ""
            yield f"ending of {run.run}: expected {expect.ending}, got {run.state.status}{because}"
    if expect.actions is not None:
        yield from _action_mismatches(expect.actions, trace.actions)


def _action_mismatches(expected: tuple[ExpectedAction, ...], asked: tuple[Asked, ...]) -> Iterator[str]:
    for number in range(max(len(expected), len(asked))):
        path = f"actions[{number}]"
        if number >= len(asked):
            yield f"{path}: expected {expected[number].do}, got nothing more"
        elif number >= len(expected):
            yield f"{path}: expected nothing more, got {asked[number].action} of step {asked[number].step}"
        else:
            yield from (f"{path}{each}" for each in _differences(expected[number], asked[number]))


def _differences(expected: ExpectedAction, asked: Asked) -> Iterator[str]:
    wanted = (("do", expected.do, asked.action), ("step", expected.step, asked.step), ("at", expected.at, asked.time))
    for key, want, got in wanted:
        if want is not None and want != got:
            yield f".{key}: expected {want}, got {got}"
    for name, item in (expected.params or {}).items():
        if name not in asked.params or asked.params[name] != item:
            yield f".with.{name}: expected {item!r}, got {asked.params.get(name)!r}"


class _Time(Text):
    """An RFC 3339 time with its offset."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        try:
            time = datetime.fromisoformat(text)
        except ValueError as error:
            raise say(f'"{text[:40]}" is no time.', "Write it as 2026-03-02T10:00:00Z.") from error
        if time.tzinfo is None:
            raise say(f'"{text[:40]}" has no time zone.', "Write it as 2026-03-02T10:00:00Z.")
        return time.astimezone(UTC)


class _Day(Text):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise say(f'"{text[:40]}" is no date.', "Write it as 2026-04-27.") from error


class _EventShape(Shape):
    at = _Time(load_default=None)
    after = duration_field(load_default=None)
    event = event_field(required=True)
    data = fields.Dict(keys=fields.String(), load_default=dict)
    customer = fields.Dict(keys=fields.String(), load_default=dict)

    @validates_schema
    def _one_time(self, data: dict[str, Any], **_: Any) -> None:
        if (data["at"] is None) == (data["after"] is None):
            raise say("It needs a time.", "Give either at or after.")


class _OutcomeShape(Shape):
    output = fields.Dict(keys=fields.String(), load_default=dict)
    fails = Text(load_default=None)
    reason = Text(load_default=Outcome().reason)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Outcome:
        return Outcome(**data)


class _OutcomesField(fields.Field[Any]):
    """One outcome, or a list of them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> tuple[Outcome, ...]:
        found = _OutcomeShape().load(value, many=isinstance(value, list))
        return tuple(found) if isinstance(found, list) else (found,)


class _ActionShape(Shape):
    do = Text(required=True)
    step = Text(load_default=None)
    params = fields.Dict(keys=fields.String(), data_key="with", load_default=None)
    at = _Time(load_default=None)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> ExpectedAction:
        return ExpectedAction(**data)


class _ExpectShape(Shape):
    runs = Whole(
        strict=True, load_default=None, error_messages={"invalid": "This must be a whole number.\nCount the runs."}
    )
    ending = Text(load_default=None, validate=validate.OneOf(
        [status.value for status in Status], error="{input} is no ending.\nUse one of {choices}."))
    actions = fields.List(fields.Nested(_ActionShape), load_default=None)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Expectation:
        actions = None if data["actions"] is None else tuple(data["actions"])
        ending = None if data["ending"] is None else Status(data["ending"])
        return Expectation(data["runs"], ending, actions)


class _CalendarShape(Shape):
    timezone = Text(load_default=BusinessCalendar().timezone)
    holidays = fields.List(_Day(), load_default=list)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> BusinessCalendar:
        return BusinessCalendar(data["timezone"], holidays=frozenset(data["holidays"]))


class _ScriptShape(Shape):
    name = Text(data_key="test", required=True)
    workflow = Text(required=True)
    calendar = fields.Nested(_CalendarShape, load_default=BusinessCalendar)
    events = fields.List(fields.Nested(_EventShape), required=True, validate=validate.Length(1))
    outcomes = fields.Dict(keys=fields.String(), values=_OutcomesField(), load_default=dict)
    expect = fields.Nested(_ExpectShape, required=True)

    @validates_schema
    def _begins_somewhere(self, data: dict[str, Any], **_: Any) -> None:
        if data["events"][0]["at"] is None:
            raise ValidationError({"events": {0: ["The first event needs a time.\nGive it an at."]}})

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Script:
        events = tuple(_timed(data["events"], data["calendar"]))
        return Script(**{**data, "events": events})


def _timed(events: list[dict[str, Any]], calendar: BusinessCalendar) -> Iterator[Happening]:
    now: datetime = events[0]["at"]
    for each in events:
        now = each["at"] or parse(each["after"]).after(now, calendar)
        # As in the house, every event tells the id of its customer.
        data = {"customer": each["customer"].get("id"), **each["data"]}
        yield Happening(now, each["event"], data, each["customer"])

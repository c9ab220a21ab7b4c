"""What a workflow reads of its events and its customer: each field with its place, and which events it could be of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflows.definitions import Choose, Do, Each, Step, Stop, Wait, Workflow
from workflows.errors import TemplateError
from workflows.expressions import references, template_references
from workflows.step_positions import every_step

_TRIGGER = frozenset({"event", "trigger"})


@dataclass(frozen=True, slots=True)
class FieldRead:
    """``path`` is the place in the file, ``root`` how it is written there (event, trigger, customer), ``field`` what is
    read of it. ``events`` are the types that it may be of; none for a customer."""

    path: str
    root: str
    field: str
    events: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.root}.{self.field}"


def fields_read(workflow: Workflow) -> Iterator[FieldRead]:
    """Every field of an event or a customer that the workflow speaks of, in the order of the file."""
    started = workflow.trigger.events
    yield from _fields("trigger.if", references(workflow.trigger.condition or ""), started)
    yield from _fields("run.key", references(workflow.run.key), started)
    for step in every_step(workflow.steps):
        for path, names, events in _of_step(step, started):
            yield from _fields(path, names, events)


def template_names(item: Any, path: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each text of a parameter, at any depth, with the dotted names that it reads."""
    if isinstance(item, str):
        try:
            yield path, template_references(item)
        except TemplateError:
            return  # the shapes report it
    elif isinstance(item, Mapping):
        for name, inner in item.items():
            yield from template_names(inner, f"{path}.{name}")
    elif isinstance(item, (list, tuple)):
        for number, inner in enumerate(item):
            yield from template_names(inner, f"{path}[{number}]")


_Place = tuple[str, frozenset[str], tuple[str, ...]]
"""Path, names, and what ``event`` is there."""


def _of_step(step: Step, started: tuple[str, ...]) -> Iterator[_Place]:
    path = step.path
    yield f"{path}.if", references(step.condition or ""), started
    match step:
        case Do():
            yield from ((place, names, started) for place, names in template_names(step.params, f"{path}.with"))
        case Wait(event=str(event)):
            yield from _of_match(f"{path}.wait.match", references(step.match or ""), event, started)
        case Choose():
            for number, branch in enumerate(step.branches):
                yield f"{path}.choose[{number}].if", references(branch.condition or ""), started
        case Each():
            yield f"{path}.each.in", references(step.items), started
        case Stop():
            yield from ((place, names, started) for place, names in template_names(step.reason, f"{path}.stop"))


def _of_match(path: str, names: frozenset[str], event: str, started: tuple[str, ...]) -> Iterator[_Place]:
    """There ``event`` is the one that is waited for, and ``trigger`` the one that started the run."""
    waited = frozenset(name for name in names if name.startswith("event."))
    yield path, waited, (event,)
    yield path, names - waited, started


def _fields(path: str, names: frozenset[str], events: tuple[str, ...]) -> Iterator[FieldRead]:
    for name in sorted(names):
        root, _, rest = name.partition(".")
        field = rest.partition(".")[0]
        if field and root in _TRIGGER:
            yield FieldRead(path, root, field, events)
        elif field and root == "customer":
            yield FieldRead(path, root, field)

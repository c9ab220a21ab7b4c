"""What holds a workflow's steps together: ids, references and size (errors), and what is allowed but odd (lint)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workflows.actions import ACTIONS, EffectClass
from workflows.definitions import Choose, Do, Each, Step, Stop, Wait, Workflow
from workflows.errors import Mistake, TemplateError
from workflows.events import EVENT_TYPES
from workflows.expression_text import macros
from workflows.expressions import MAX_LETTERS, MAX_LIST, equality, references, template_references
from workflows.suggestions import did_you_mean

MAX_STEPS = 200
MAX_NESTING = 6  # lists of steps inside each other
MAX_EACH = 2  # each inside each: the items multiply
_UNDECLARED = "is not declared here."
ROOTS = frozenset({"event", "trigger", "customer", "steps", "run", "now"})


@dataclass(frozen=True, slots=True)
class _Seen:
    """A step of the raw file, readable or not; ``lists`` and ``eachs`` count what it is inside of."""

    path: str
    raw: Mapping[str, Any]
    lists: int
    eachs: int


def check(data: Mapping[str, Any]) -> tuple[Mistake, ...]:
    """Mistakes between the steps of a raw definition. It tolerates what the shapes report."""
    seen = list(_outline(data.get("steps"), "steps", 1, 0))
    return (*_sizes(seen), *_doubles(seen), *_trigger_references(data), *_step_references(seen))


def too_deep(data: Any, limit: int = 60) -> bool:
    """Whether lists and mappings are nested deeper than any workflow needs. Does not recurse."""
    level: list[Any] = [data]
    for _ in range(limit):
        level = [inner for item in level if isinstance(item, (Mapping, list, tuple)) for inner in _items(item)]
        if not level:
            return False
    return True


def _items(item: Any) -> Iterable[Any]:
    return item.values() if isinstance(item, Mapping) else item


def _outline(steps: Any, path: str, lists: int, eachs: int) -> Iterator[_Seen]:
    if not isinstance(steps, (list, tuple)) or lists > MAX_NESTING + 1:
        return
    for number, raw in enumerate(steps):
        if isinstance(raw, Mapping):
            place = f"{path}[{number}]"
            yield _Seen(place, raw, lists, eachs)
            for key, inner, rounds in _inner(raw):
                yield from _outline(inner, f"{place}.{key}", lists + 1, eachs + rounds)


def _inner(raw: Mapping[str, Any]) -> Iterator[tuple[str, Any, int]]:
    for number, branch in enumerate(_sequence(raw.get("choose"))):
        if isinstance(branch, Mapping):
            key = "otherwise" if "otherwise" in branch else "steps"
            yield f"choose[{number}].{key}", branch.get(key), 0
    if isinstance(raw.get("each"), Mapping):
        yield "each.steps", raw["each"].get("steps"), 1
    yield "on_timeout", raw.get("on_timeout"), 0
    yield "on_error", raw.get("on_error"), 0


def _sequence(item: Any) -> Sequence[Any]:
    return item if isinstance(item, (list, tuple)) else ()


def _sizes(seen: Sequence[_Seen]) -> Iterator[Mistake]:
    if len(seen) > MAX_STEPS:
        remedy = f"At most {MAX_STEPS} are allowed; split it into several workflows."
        yield Mistake("steps", f"There are {len(seen)} steps.", remedy)
    for each in seen:
        if each.lists == MAX_NESTING + 1:
            yield Mistake(each.path, "It is nested too deep.", f"At most {MAX_NESTING} levels are allowed.")
        if each.eachs == MAX_EACH and "each" in each.raw:
            yield Mistake(each.path, "It is an each inside too many others.", f"At most {MAX_EACH} may be nested.")


def _doubles(seen: Sequence[_Seen]) -> Iterator[Mistake]:
    places: dict[str, str] = {}
    for each in seen:
        name = each.raw.get("id")
        if isinstance(name, str) and places.setdefault(name, each.path) != each.path:
            remedy = "Give every step an id of its own."
            yield Mistake(f"{each.path}.id", f'"{name}" is the id of {places[name]}, too.', remedy)


def _trigger_references(data: Mapping[str, Any]) -> Iterator[Mistake]:
    for part, key in (("trigger", "if"), ("run", "key")):
        holder = data.get(part)
        text = holder.get(key) if isinstance(holder, Mapping) else None
        if isinstance(text, str) and any(path.split(".")[0] == "steps" for path in references(text)):
            remedy = "Ask for fields of event and customer only."
            yield Mistake(f"{part}.{key}", "No step has run yet when this is decided.", remedy)


def _step_references(seen: Sequence[_Seen]) -> Iterator[Mistake]:
    known = {each.raw.get("id") for each in seen if isinstance(each.raw.get("id"), str)}
    earlier: set[Any] = set()
    for each in seen:
        for key, path in _reads(each.raw):
            root, _, rest = path.partition(".")
            name = rest.partition(".")[0]
            if root == "steps" and name and name not in earlier:
                yield _wrong_reference(f"{each.path}.{key}", name, {str(word) for word in known})
        earlier.add(each.raw.get("id"))


def _wrong_reference(path: str, name: str, known: set[str]) -> Mistake:
    if name in known:
        remedy = "Only steps that are written before it can be spoken of."
        return Mistake(path, f'The step "{name}" comes later.', remedy)
    return Mistake(path, f'There is no step "{name}".', did_you_mean(name, known))


def _reads(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The names that a raw step speaks of, each with the key where it does, in the order of the file."""
    wait, each = raw.get("wait"), raw.get("each")
    yield from _condition_reads("if", raw.get("if"))
    yield from _template_reads("with", raw.get("with"))
    yield from _template_reads("stop", raw.get("stop"))
    yield from _condition_reads("wait.match", wait.get("match") if isinstance(wait, Mapping) else None)
    yield from _condition_reads("each.in", each.get("in") if isinstance(each, Mapping) else None)
    for number, branch in enumerate(_sequence(raw.get("choose"))):
        if isinstance(branch, Mapping):
            yield from _condition_reads(f"choose[{number}].if", branch.get("if"))


def _condition_reads(key: str, text: Any) -> Iterator[tuple[str, str]]:
    if isinstance(text, str):
        yield from ((key, path) for path in sorted(references(text)))


def _template_reads(key: str, item: Any) -> Iterator[tuple[str, str]]:
    if isinstance(item, str):
        try:
            yield from ((key, path) for path in sorted(template_references(item)))
        except TemplateError:
            return  # the shapes report it
    elif isinstance(item, Mapping):
        for name, inner in item.items():
            yield from _template_reads(f"{key}.{name}", inner)
    elif isinstance(item, (list, tuple)):
        for number, inner in enumerate(item):
            yield from _template_reads(f"{key}[{number}]", inner)


def lint(workflow: Workflow) -> tuple[Mistake, ...]:
    """Warnings: what runs, but probably not as its author thinks."""
    found = (*_lint_trigger(workflow), *_lint_steps(workflow.steps, ROOTS))
    return tuple(replace(each, warning=True) for each in found)


def undeclared(workflow: Workflow) -> Iterator[Mistake]:
    """Names that nothing stands for: whatever reads one cannot be decided."""
    found = (*_lint_trigger(workflow), *_lint_steps(workflow.steps, ROOTS))
    return (each for each in found if each.message.endswith(_UNDECLARED))


def _lint_trigger(workflow: Workflow) -> Iterator[Mistake]:
    for event in workflow.trigger.events:
        yield from _lint_event("trigger.event", event)
    subject = frozenset({"event", "trigger", "customer"})
    yield from _lint_macros("trigger.if", workflow.trigger.condition)
    yield from _lint_names("trigger.if", references(workflow.trigger.condition or ""), subject | {"now"})
    yield from _lint_names("run.key", references(workflow.run.key), subject)


def _lint_steps(steps: tuple[Step, ...], names: frozenset[str]) -> Iterator[Mistake]:
    stopped = ""
    for step in steps:
        if stopped:
            message = f'It is never reached: "{stopped}" ends the run.'
            yield Mistake(step.path, message, "Remove it, or give the stop an if.")
        yield from _lint_macros(f"{step.path}.if", step.condition)
        yield from _lint_names(f"{step.path}.if", references(step.condition or ""), names)
        yield from _lint_step(step, names)
        yield from _lint_steps(step.on_error or (), names)
        if isinstance(step, Stop) and step.condition is None:
            stopped = step.id


def _lint_step(step: Step, names: frozenset[str]) -> Iterator[Mistake]:
    match step:
        case Do():
            yield from _lint_do(step, names)
        case Wait():
            yield from _lint_wait(step, names)
        case Choose():
            for number, branch in enumerate(step.branches):
                path = f"{step.path}.choose[{number}].if"
                yield from _lint_names(path, references(branch.condition or ""), names)
                yield from _lint_steps(branch.steps, names)
        case Each():
            yield from _lint_names(f"{step.path}.each.in", references(step.items), names)
            yield from _lint_steps(step.steps, names | {step.name})
        case Stop():
            yield from _lint_names(f"{step.path}.stop", template_references(step.reason), names | {"today"})


def _lint_do(step: Do, names: frozenset[str]) -> Iterator[Mistake]:
    for key, path in _template_reads("with", step.params):
        yield from _lint_names(f"{step.path}.{key}", frozenset({path}), names | {"today"})
    spec = ACTIONS.get(step.action)
    if spec is None:
        return
    blind = spec.effect is EffectClass.BLIND
    if blind and step.delivery is None and spec.delivery is None:
        remedy = "Add delivery: at-most-once, at-least-once or needs-review."
        yield Mistake(step.path, f"Nobody can know whether {step.action} happened after a crash.", remedy)
    if step.delivery is not None and not blind:
        message = f"{step.action} never happens twice, so delivery changes nothing."
        yield Mistake(f"{step.path}.delivery", message, "Remove it.")


def _lint_wait(step: Wait, names: frozenset[str]) -> Iterator[Mistake]:
    if step.event is None:
        return
    yield from _lint_event(f"{step.path}.wait.event", step.event)
    yield from _lint_macros(f"{step.path}.wait.match", step.match)
    yield from _lint_names(f"{step.path}.wait.match", references(step.match or ""), names)
    if step.timeout is None:
        message = "It waits for ever when the event never comes."
        yield Mistake(f"{step.path}.wait", message, "Add a timeout, such as 7 days.")
    known = EVENT_TYPES.get(step.event)
    if known and known.subject and equality(step.match or "", f"event.{known.subject}") is None:
        message = f"It is compared with every {step.event}, whatever it is about."
        yield Mistake(f"{step.path}.wait.match", message, f"Add event.{known.subject} == … to the match.")
    yield from _lint_steps(step.on_timeout, names)


def _lint_event(path: str, event: str) -> Iterator[Mistake]:
    if event not in EVENT_TYPES:
        remedy = f"{did_you_mean(event, EVENT_TYPES)} A connection may name events of its own."
        yield Mistake(path, f'"{event}" is none of the neutral events.', remedy)


def _lint_macros(path: str, text: str | None) -> Iterator[Mistake]:
    """One list macro in another does its work as often as both lists are long."""
    count = macros(text or "")
    if count > 1:
        message = f"Of over {MAX_LIST[count]} items, or {MAX_LETTERS[count]:,} letters, nothing is decided."
        yield Mistake(path, message, "Use one list macro, or make sure that what it reads is short.")


def _lint_names(path: str, found: frozenset[str], known: frozenset[str]) -> Iterator[Mistake]:
    for root in sorted({name.split(".")[0] for name in found} - known):
        yield Mistake(path, f'"{root}" {_UNDECLARED}', did_you_mean(root, known))

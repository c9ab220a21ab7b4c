"""The difference of two texts of a definition: line by line, and of workflows in words."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

CONTEXT = 3
"""Lines that are the same, around those that differ."""

_LONGEST = 80


class Sign(StrEnum):
    """What became of a line."""

    SAME = " "
    ADDED = "+"
    REMOVED = "-"
    GAP = "…"  # lines that are the same are left out here


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a difference. ``before`` and ``after`` are its numbers in the two texts, None where it is in one."""

    sign: Sign
    text: str
    before: int | None
    after: int | None


class ChangeKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference of two workflows. ``what`` is a path in words ("step callback: if"), ``before`` and ``after`` are
    short forms of the values, "" where there is none."""

    kind: ChangeKind
    what: str
    before: str
    after: str

    def __str__(self) -> str:
        if self.kind is ChangeKind.CHANGED:
            return f"{self.what}: {self.before} → {self.after}"
        value = self.after or self.before
        return f"{self.what} {self.kind.value}" + (f": {value}" if value else "")


def lines(before: str, after: str, context: int = CONTEXT) -> list[Line]:
    """The lines in which two texts differ, with those around them; [] where they do not."""
    old, new = before.splitlines(), after.splitlines()
    groups = difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(context)
    found: list[Line] = []
    for group in groups:
        first = group[0]
        if found or first[1] > 0 or first[3] > 0:
            found.append(Line(Sign.GAP, "", None, None))
        for opcode in group:
            found.extend(_lines(opcode, old, new))
    return found


def unified(before: str, after: str) -> str:
    """The same as text, one sign before each line."""
    return "\n".join(f"{each.sign} {each.text}".rstrip() for each in lines(before, after))


def _lines(opcode: tuple[str, int, int, int, int], old: list[str], new: list[str]) -> Iterator[Line]:
    tag, i, i_end, j, j_end = opcode
    if tag == "equal":
        for step in range(i_end - i):
            yield Line(Sign.SAME, old[i + step], i + step + 1, j + step + 1)
        return
    for place in range(i, i_end):
        yield Line(Sign.REMOVED, old[place], place + 1, None)
    for place in range(j, j_end):
        yield Line(Sign.ADDED, new[place], None, place + 1)


def semantic(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """What differs in the meaning of two workflows (as ``schema.to_dict`` gives them): their trigger, their settings,
    steps that came, went, moved or changed. Layout and comments are no difference."""
    found = list(_values("", _without_steps(before), _without_steps(after)))
    old, new = dict(_steps(before.get("steps", []))), dict(_steps(after.get("steps", [])))
    found += [Difference(ChangeKind.REMOVED, _step(id_), _short(_does(old[id_])), "") for id_ in old if id_ not in new]
    found += [Difference(ChangeKind.ADDED, _step(id_), "", _short(_does(new[id_]))) for id_ in new if id_ not in old]
    for id_ in new:
        if id_ in old:
            found.extend(_values(f"{_step(id_)}: ", _own(old[id_]), _own(new[id_])))
    return [*found, *_moved(list(old), list(new))]


def _moved(old: list[str], new: list[str]) -> Iterator[Difference]:
    """Of the steps that both have, those that stand elsewhere among them."""
    both = set(old) & set(new)
    was, is_ = [each for each in old if each in both], [each for each in new if each in both]
    matcher = difflib.SequenceMatcher(None, was, is_, autojunk=False)
    stayed = {was[block.a + step] for block in matcher.get_matching_blocks() for step in range(block.size)}
    for id_ in is_:
        if id_ not in stayed:
            place = is_.index(id_)
            where = f"after {is_[place - 1]}" if place else "to the beginning"
            yield Difference(ChangeKind.MOVED, _step(id_), "", where)


_LISTS = ("steps", "on_error", "on_timeout", "otherwise")


def _steps(items: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every step with its id, in the order of the file, those inside others after them."""
    for step in items or ():
        if "id" in step:
            yield str(step["id"]), step
        for name in _LISTS:
            yield from _steps(step.get(name))
        for branch in step.get("choose") or ():
            yield from _steps([{key: each for key, each in branch.items() if key in _LISTS}])
        yield from _steps([{"steps": (step.get("each") or {}).get("steps")}] if "each" in step else ())


def _own(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step without the steps inside it: those speak for themselves."""
    own = {key: each for key, each in step.items() if key not in ("id", *_LISTS)}
    if "choose" in own:
        own["choose"] = [branch.get("if", "otherwise") for branch in own["choose"]]
    if isinstance(own.get("each"), Mapping):
        own["each"] = {key: each for key, each in own["each"].items() if key != "steps"}
    own.update({name: "steps" if step[name] else "go on" for name in ("on_error", "on_timeout") if name in step})
    return own


def _without_steps(workflow: Mapping[str, Any]) -> dict[str, Any]:
    return {key: each for key, each in workflow.items() if key != "steps"}


def _values(path: str, old: Any, new: Any) -> Iterator[Difference]:
    """The leaves that differ."""
    for key in [*old, *(each for each in new if each not in old)]:
        name, was, is_ = f"{path}{key}", old.get(key), new.get(key)
        if isinstance(was, Mapping) and isinstance(is_, Mapping):
            yield from _values(f"{name}.", was, is_)
        elif was != is_:
            yield Difference(_kind(key, old, new), name, _short(was), _short(is_))


def _kind(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> ChangeKind:
    if key not in old:
        return ChangeKind.ADDED
    return ChangeKind.CHANGED if key in new else ChangeKind.REMOVED


def _does(step: Mapping[str, Any]) -> Any:
    """In a word, what a step is there for."""
    kind = next((key for key in ("do", "wait", "choose", "each", "stop") if key in step), "")
    return step[kind] if kind in ("do", "stop") else kind


def _step(id_: str) -> str:
    return f"step {id_}"


def _short(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

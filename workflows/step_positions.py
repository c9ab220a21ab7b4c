"""Where a run stands: the path of indexes to a step, and how to move along it.

A position alternates indexes and doors: ``(2, "each:1", 0)`` is the first step inside the second item of the each
that is the third step. Doors are ``choose:<branch>``, ``each:<item>``, ``timeout`` and ``error``. An index past the
end of its list means that the list is finished.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workflows.definitions import Choose, Each, Step, Wait, Workflow

Position = tuple[int | str, ...]


def step_at(workflow: Workflow, position: Sequence[int | str]) -> Step | None:
    """The step there, or None past the end of its list."""
    steps = workflow.steps
    for place in range(1, len(position), 2):
        steps = behind(steps[_index(position[place - 1])], str(position[place]))
    last = _index(position[-1])
    return steps[last] if last < len(steps) else None


def behind(owner: Step, door: str) -> tuple[Step, ...]:
    """The steps behind a door of a step."""
    if door == "error":
        return owner.on_error or ()
    if isinstance(owner, Wait):
        return owner.on_timeout
    if isinstance(owner, Choose):
        return owner.branches[_number(door)].steps
    if isinstance(owner, Each):
        return owner.steps
    raise LookupError(f'step "{owner.id}" has no "{door}"')


def inside(position: Position, door: str) -> Position:
    """The first step behind a door of the step at ``position``."""
    return (*position, door, 0)


def following(position: Position) -> Position:
    """The place after the step at ``position``, in the same list."""
    return (*position[:-1], _index(position[-1]) + 1)


def around(position: Position) -> Iterator[tuple[Position, str]]:
    """The steps around the one at ``position``, from the inside out, each with the door that was taken."""
    for place in range(len(position) - 2, 0, -2):
        yield position[:place], str(position[place])


def rescue(workflow: Workflow, position: Position) -> Position | None:
    """Where a failure at ``position`` goes on: the nearest ``on_error`` around it that is not itself failing."""
    for place, door in ((position, ""), *around(position)):
        owner = step_at(workflow, place)
        if door != "error" and owner is not None and owner.on_error is not None:
            return inside(place, "error")
    return None


def item_numbers(workflow: Workflow, position: Position) -> Iterator[tuple[Each, Position, int]]:
    """The each steps around ``position``, from the outside in, with the number of the item each is at."""
    for place, door in reversed(tuple(around(position))):
        owner = step_at(workflow, place)
        if isinstance(owner, Each) and door.startswith("each:"):
            yield owner, place, _number(door)


def label(workflow: Workflow, position: Position) -> str:
    """The step's id with the items it is in: ``notify[2]``."""
    step = step_at(workflow, position)
    name = step.id if step else ""
    if len(position) == 1:  # the usual place, in no each
        return name
    return name + "".join(f"[{number}]" for _, _, number in item_numbers(workflow, position))


def every_step(steps: Sequence[Step]) -> Iterator[Step]:
    """All steps in the order in which they are written, the inner ones after the step that holds them."""
    for step in steps:
        yield step
        for inner in _lists(step):
            yield from every_step(inner)


def _lists(step: Step) -> Iterator[tuple[Step, ...]]:
    if isinstance(step, Choose):
        yield from (branch.steps for branch in step.branches)
    elif isinstance(step, Each):
        yield step.steps
    elif isinstance(step, Wait):
        yield step.on_timeout
    yield step.on_error or ()


def _number(door: str) -> int:
    return int(door.partition(":")[2])


def _index(part: int | str) -> int:
    return int(part)

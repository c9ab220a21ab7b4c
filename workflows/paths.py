"""A step's place in its file ("steps[2].on_timeout[0]"), written into the step for messages."""

from __future__ import annotations

from dataclasses import replace

from workflows.definitions import Branch, Choose, Each, Step, Wait, Workflow

Steps = tuple[Step, ...]


def with_paths(workflow: Workflow) -> Workflow:
    """The workflow with every step's ``path``."""
    return replace(workflow, steps=_placed(workflow.steps, "steps"))


def _placed(steps: Steps, path: str) -> Steps:
    return tuple(_place(step, f"{path}[{number}]") for number, step in enumerate(steps))


def _place(step: Step, path: str) -> Step:
    if step.on_error is not None:
        step = replace(step, on_error=_placed(step.on_error, f"{path}.on_error"))
    if isinstance(step, Wait):
        return replace(step, path=path, on_timeout=_placed(step.on_timeout, f"{path}.on_timeout"))
    if isinstance(step, Each):
        return replace(step, path=path, steps=_placed(step.steps, f"{path}.each.steps"))
    if isinstance(step, Choose):
        branches = tuple(_branch(each, f"{path}.choose[{number}]") for number, each in enumerate(step.branches))
        return replace(step, path=path, branches=branches)
    return replace(step, path=path)


def _branch(branch: Branch, path: str) -> Branch:
    key = "otherwise" if branch.condition is None else "steps"
    return replace(branch, steps=_placed(branch.steps, f"{path}.{key}"))

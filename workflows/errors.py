"""Errors of the room.

WorkflowError
├── DefinitionError      a workflow that cannot be read: every mistake with its path and remedy
├── ConditionError       a condition that cannot be decided (missing field, wrong type, too long)
├── TemplateError        a template that cannot be rendered
├── DurationError        a time span that cannot be read
└── ScoreError           a score outside its scale, or figures of different scales that were put together
"""

from __future__ import annotations

from dataclasses import dataclass


class WorkflowError(Exception):
    """Anything wrong with a workflow or its use."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in a file: where, what, and what to do about it."""

    path: str
    message: str
    remedy: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.message} {self.remedy}".rstrip()


class DefinitionError(WorkflowError):
    """A definition that is refused, with all its mistakes."""

    def __init__(self, source: str, mistakes: tuple[Mistake, ...]) -> None:
        self.source, self.mistakes = source, mistakes
        lines = "\n".join(f"  {mistake}" for mistake in mistakes)
        super().__init__(f"{source}: {len(mistakes)} mistake{'s' * (len(mistakes) != 1)}\n{lines}")


class ConditionError(WorkflowError):
    """A condition that cannot be decided."""


class TemplateError(WorkflowError):
    """A template that cannot be rendered."""


class DurationError(WorkflowError):
    """A time span that cannot be read."""


class ScoreError(WorkflowError):
    """A score that does not fit its scale, or scales that were mixed."""

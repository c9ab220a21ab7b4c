"""YAML, or JSON values, ⇄ Workflow, without loss; every mistake at once, each with its path and remedy.

```yaml
workflow: support-recovery            # lower case letters, digits and hyphens
name: Win back unhappy customers      # for people; the slug when left out
description: …
enabled: true
trigger: {event: survey.answered, if: event.band == "detractor"}
run: {key: event.customer, mode: single}          # single | restart | queued | parallel
steps:
  - id: alert                         # letters, digits and underscores: steps.alert in conditions
    if: event.score <= 3              # any step may have if and on_error
    do: alert.send                    # an action of the catalogue
    with: {to: care-team, text: "{{ event.comment }}"}
    retry: {attempts: 8, first: 5 seconds, longest: 1 hour}
    delivery: at-least-once           # at-most-once | at-least-once | needs-review
    on_error: []                      # steps; [] goes on, without it the run fails
  - id: solved
    wait: {event: ticket.solved, match: event.ticket == steps.callback.ticket, timeout: 7 days}
    on_timeout: [{id: late, stop: nobody solved it}]
  - id: pause
    wait: 3 days
  - id: by_value
    choose:
      - {if: customer.tier == "gold", steps: [{id: call, do: …}]}
      - otherwise: [{id: mail, do: …}]
  - id: everyone
    each: {in: event.colleagues, as: colleague, steps: […]}
  - id: enough
    stop: the customer wants no more
```

A structure is read by marshmallow schemas; each field checks its own text (conditions compile, templates parse).
``lint`` then looks at what holds the steps together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from workflows.definitions import Workflow
from workflows.errors import DefinitionError, Mistake
from workflows.json_schema import json_schema
from workflows.lint import check, lint, too_deep
from workflows.paths import with_paths
from workflows.schema_steps import WorkflowShape
from workflows.yaml_text import read, write

MAX_MISTAKES = 100  # that one reader is told of

__all__ = ["dump", "flatten", "from_dict", "json_schema", "lint", "load", "to_dict"]


def load(text: str, source: str = "workflow") -> Workflow:
    """Read a workflow from YAML text; ``source`` names it in messages. Raises DefinitionError."""
    return from_dict(read(text, source), source)


def from_dict(data: Any, source: str = "workflow") -> Workflow:
    """Read a workflow from JSON values. Raises DefinitionError with all mistakes at once."""
    if not isinstance(data, Mapping):
        remedy = "Begin with a line such as: workflow: my-workflow"
        raise DefinitionError(source, (Mistake("file", "It is no workflow.", remedy),))
    if too_deep(data):
        raise DefinitionError(source, (Mistake("file", "It is nested too deep.", "Split it into several workflows."),))
    mistakes: list[Mistake] = []
    workflow: Workflow | None = None
    try:
        workflow = WorkflowShape().load(dict(data))
    except ValidationError as error:
        mistakes.extend(flatten(error.messages))
    mistakes.extend(check(data))
    if mistakes or workflow is None:
        raise DefinitionError(source, tuple(dict.fromkeys(mistakes))[:MAX_MISTAKES])
    return with_paths(workflow)


def to_dict(workflow: Workflow) -> dict[str, Any]:
    """The workflow as JSON values in the form above, without what is default."""
    return dict(WorkflowShape().dump(workflow))


def dump(workflow: Workflow) -> str:
    """The workflow as YAML text; ``load`` gives the same workflow back."""
    return write(to_dict(workflow))


def flatten(messages: Any, path: str = "") -> list[Mistake]:
    """marshmallow's nested messages, each with its path in the file's own notation."""
    if isinstance(messages, Mapping):
        return [each for key, inner in messages.items() for each in flatten(inner, _joined(path, key))]
    return [_mistake(path, str(message)) for message in messages]


def _joined(path: str, key: Any) -> str:
    if key == "_schema":
        return path
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)


def _mistake(path: str, message: str) -> Mistake:
    said, _, remedy = message.partition("\n")
    return Mistake(path or "workflow", said, remedy)

"""The built-in workflows: YAML files beside this module, to use as they are or to copy and change."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from workflows.definitions import Workflow
from workflows.schema import load


def library_texts() -> Mapping[str, str]:
    """File name → YAML text with its comments, in order of name."""
    folder = files("workflows") / "library"
    found = (entry for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return {entry.name: entry.read_text("utf-8") for entry in sorted(found, key=lambda entry: entry.name)}


def load_library() -> Mapping[str, Workflow]:
    """Slug → workflow. Raises DefinitionError when a built-in is broken, which the tests rule out."""
    workflows = (load(text, name) for name, text in library_texts().items())
    return {workflow.slug: workflow for workflow in workflows}

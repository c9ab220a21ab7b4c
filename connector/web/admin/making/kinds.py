"""What differs between the pages of workflows and those of surveys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.feedback.surveys.files import built_in
from connector.storage.stores.definitions import DefinitionKind
from connector.web.admin.words import later

STANDINGS: Mapping[str, str] = {
    "active": later("active"),
    "switched off": later("switched off"),
    "retired": later("retired: its file is gone"),
    "unreadable": later("unreadable"),
}
ORIGINS: Mapping[str, str] = {
    "file": later("a file"),
    "browser": later("the browser"),
    "api": later("a program"),
    "library": later("built in"),
}


NOTES = (later("The file's text, set aside."), later("Kept over the file."))
"""What ``operations.definitions`` writes beside versions that a decision made."""


@dataclass(frozen=True, slots=True)
class PageKind:
    """``one`` and ``many`` are its names in addresses and rights."""

    kind: DefinitionKind
    title: str
    title_new: str
    none_yet: str
    icon: str
    start: str  # of a new text

    @property
    def one(self) -> str:
        return self.kind.value

    @property
    def many(self) -> str:
        return f"{self.kind.value}s"

    @property
    def reading(self) -> str:
        return f"{self.many}:read"

    @property
    def writing(self) -> str:
        return f"{self.many}:write"


_WORKFLOW = """\
workflow: my-workflow
name: What it is for
trigger:
  event: survey.answered
  if: event.band == "detractor"
steps:
  - id: alert
    do: alert.send
    with: {to: care-team, text: "{{ customer.name }} gave {{ event.score }}: {{ event.comment }}"}
"""
KINDS = (
    PageKind(
        DefinitionKind.WORKFLOW,
        later("Workflows"),
        later("A new workflow"),
        later("No workflow yet. Write one here, or put a file into the folder of workflows."),
        "workflows",
        _WORKFLOW,
    ),
    PageKind(
        DefinitionKind.SURVEY,
        later("Surveys"),
        later("A new survey"),
        later("No survey yet."),
        "surveys",
        built_in()["after-support"].replace("survey: after-support", "survey: my-survey", 1),
    ),
)

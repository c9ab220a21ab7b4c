"""Which of the built-in workflows and surveys fit what is connected."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from connector.feedback.surveys import files as surveys
from workflows import schema
from workflows.definitions import Do
from workflows.library import library_texts
from workflows.step_positions import every_step

_ALWAYS = ("promoter-thanks",)
_HELPDESK = (
    "after-support", "support-recovery", "callback-status", "callback-not-reached", "callback-closed",
    "outcome-by-hand", "retention-survey", "retention-answered", "answers-on-tickets", "loop-on-records",
    "logged-feedback", "send-by-hand",
)  # fmt: skip
_CRM = ("score-after-merge", "score-after-conversion", "score-backfill")
_BOTH = ("score-writeback",)  # of the two systems that it writes to, one is enough

_NAMES_CONNECTION = re.compile(r"\bconnection: (zendesk|salesforce)\b")

_HOUR = re.compile(r"\b(delay|timeout): 1 hour\b")
_INSTEAD = "10 seconds"


@dataclass(frozen=True, slots=True)
class LibraryChoice:
    """File name → text, to be written into the two folders."""

    workflows: Mapping[str, str]
    surveys: Mapping[str, str]


def choose(connected: frozenset[str], more: tuple[str, ...] = (), *, hurried: bool = False) -> LibraryChoice:
    """The usual workflows for these connections, and ``more`` by name; with the surveys that they send.
    ``hurried``, for trying it: pauses of an hour are seconds.

    Raises ValueError for a name that is not built in.
    """
    built_in = {Path(name).stem: text for name, text in library_texts().items()}
    names = [*_usual(connected), *more]
    if strange := [name for name in names if name not in built_in]:
        raise ValueError(f"there is no built-in workflow {strange[0]!r}; built in are: {', '.join(built_in)}")
    texts = {name: _fitting(built_in[name], connected) for name in dict.fromkeys(names)}
    if hurried:
        texts = {name: _HOUR.sub(rf"\1: {_INSTEAD}", text) for name, text in texts.items()}
    sent = {slug for name, text in texts.items() for slug in _surveys(name, text)}
    asked = {slug: text for slug, text in surveys.built_in().items() if slug in sent}
    return LibraryChoice(_files(texts), _files(asked))


def _usual(connected: frozenset[str]) -> Iterator[str]:
    yield from _ALWAYS
    yield from _HELPDESK if "zendesk" in connected else ()
    yield from _CRM if "salesforce" in connected else ()
    yield from _BOTH if connected else ()


def _fitting(text: str, connected: frozenset[str]) -> str:
    """Without the steps of a system that is not there, as the library's own comments say to do."""
    head, *steps = re.split(r"^(?=  - )", text, flags=re.MULTILINE)
    kept = [step for step in steps if all(name in connected for name in _NAMES_CONNECTION.findall(step))]
    return head + "".join(kept)


def _surveys(name: str, text: str) -> Iterator[str]:
    """The surveys that a workflow's steps send by name, or that its trigger's answers are of."""
    workflow = schema.load(text, name)
    for step in every_step(workflow.steps):
        if isinstance(step, Do) and step.action == "survey.send":
            yield str(step.params.get("survey"))


def _files(texts: Mapping[str, str]) -> dict[str, str]:
    return {f"{name}.yaml": text for name, text in texts.items()}

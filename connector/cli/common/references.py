"""Names in workflows that something else must know: connections, teams and surveys.

A workflow may be right by itself and still fail, because it names a team that nobody configured. Better to
hear so before a customer waits for it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Set

from connector.config.file import Config
from connector.feedback.surveys import files as survey_files
from workflows.actions import ACTIONS
from workflows.definitions import Do, Workflow
from workflows.errors import Mistake
from workflows.step_positions import every_step

_REMIND = "survey.remind"
_NAMES: Mapping[tuple[str, str], str] = {
    **{(spec.name, "connection"): "connection" for spec in ACTIONS.values() if "connection" in spec.params},
    ("survey.send", "via"): "connection",
    ("survey.remind", "via"): "connection",
    ("message.send", "via"): "connection",
    ("survey.send", "survey"): "survey",
    ("alert.send", "to"): "team",
}
"""(Action, parameter) → what its value names."""


def unknown_names(workflow: Workflow, config: Config, surveys: Set[str]) -> Iterator[Mistake]:
    """Names in the workflow that the configuration and ``surveys`` do not know. Templates are left alone."""
    known = {"connection": config.connections.keys(), "team": config.teams.keys(), "survey": surveys}
    for step in every_step(workflow.steps):
        if isinstance(step, Do):
            yield from _unknown(workflow.slug, step, known)


def unknown_brands(bodies: Mapping[str, str], config: Config) -> Iterator[Mistake]:
    """Brands that the surveys name and nobody configured: their pages would look like nobody's, in silence."""
    for slug, body in bodies.items():
        brand = survey_files.parse(body, slug).brand
        if brand and brand not in config.brands:
            yield Mistake(f"{slug}: brand", f"there is no brand {brand!r}.", _meant(brand, config.brands.keys()))


def unsent_reminders(bodies: Mapping[str, str], workflows: Iterable[Workflow]) -> Iterator[Mistake]:
    """Surveys of the house's own that remind, where no workflow does it."""
    if any(isinstance(step, Do) and step.action == _REMIND for each in workflows for step in every_step(each.steps)):
        return
    built_in = survey_files.built_in()
    for slug, body in bodies.items():
        if body != built_in.get(slug) and survey_files.parse(body, slug).reminders:
            remedy = "Run `ringback workflow import --library survey-reminders`, or remove the reminders."
            yield Mistake(f"{slug}: reminders", "no workflow sends them.", remedy)


def _unknown(slug: str, step: Do, known: Mapping[str, Set[str]]) -> Iterator[Mistake]:
    for name, value in step.params.items():
        what = _NAMES.get((step.action, name))
        if what and isinstance(value, str) and "{" not in value and value not in known[what]:
            yield Mistake(
                f"{slug}: {step.path}.with.{name}",
                f"there is no {what} {value!r}.",
                _meant(value, known[what]),
            )


def _meant(value: str, known: Set[str]) -> str:
    close = difflib.get_close_matches(value, known, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known are: {', '.join(sorted(known)) or 'none'}."

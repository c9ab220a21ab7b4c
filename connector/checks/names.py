"""Names in workflows and surveys that something else must know: connections, teams, surveys, brands.

A file may be right by itself and still fail, because it names a team that nobody configured. Better to hear so before
a customer waits for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from connector.config.file import Config
from connector.feedback.surveys import files as survey_files
from connector.feedback.surveys.model import Survey
from workflows.actions import ACTIONS
from workflows.definitions import Do, Workflow
from workflows.errors import Mistake
from workflows.step_positions import every_step
from workflows.suggestions import did_you_mean, shown

_REMIND = "survey.remind"
_NAMES: Mapping[tuple[str, str], str] = {
    **{(spec.name, "connection"): "connection" for spec in ACTIONS.values() if "connection" in spec.params},
    ("survey.send", "via"): "connection",
    ("survey.remind", "via"): "connection",
    ("survey.confirm", "via"): "connection",
    ("message.send", "via"): "connection",
    ("survey.send", "survey"): "survey",
    ("alert.send", "to"): "team",
}
"""(Action, parameter) → what its value names."""

_NONE = {
    "connection": "None is configured: write it below connections in ringback.yaml.",
    "team": "None is configured: write it below teams in ringback.yaml.",
}


def unknown_names(workflow: Workflow, config: Config, surveys: Collection[str]) -> Iterator[Mistake]:
    """Names in the workflow that the configuration and ``surveys`` do not know. Templates are left alone."""
    known = {"connection": config.connections.keys(), "team": config.teams.keys(), "survey": surveys}
    for step in every_step(workflow.steps):
        if isinstance(step, Do):
            yield from _unknown(step, known)


def unknown_brand(survey: Survey, config: Config) -> Iterator[Mistake]:
    """A brand that the survey names and nobody configured: its pages would look like nobody's, in silence."""
    if survey.brand and survey.brand not in config.brands:
        remedy = did_you_mean(survey.brand, config.brands) or "Write it below brands in ringback.yaml."
        yield Mistake("brand", f'There is no brand "{shown(survey.brand)}".', remedy)


def unsent_reminders(bodies: Mapping[str, str], workflows: Iterable[Workflow]) -> Iterator[Mistake]:
    """Surveys of the house's own that remind, where no workflow does it."""
    if any(isinstance(step, Do) and step.action == _REMIND for each in workflows for step in every_step(each.steps)):
        return
    built_in = survey_files.built_in()
    for slug, body in bodies.items():
        if body != built_in.get(slug) and survey_files.parse(body, slug).reminders:
            remedy = "Run `ringback workflow import --library survey-reminders`, or remove the reminders."
            yield Mistake(f"{slug}: reminders", "no workflow sends them.", remedy)


def _unknown(step: Do, known: Mapping[str, Collection[str]]) -> Iterator[Mistake]:
    for name, value in step.params.items():
        what = _NAMES.get((step.action, name))
        if what and isinstance(value, str) and "{" not in value and value not in known[what]:
            remedy = did_you_mean(value, known[what]) or _NONE[what]
            yield Mistake(f"{step.path}.with.{name}", f'There is no {what} "{shown(value)}".', remedy)

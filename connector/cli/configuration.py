"""``ringback config …``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import click

from connector.cli.common.context import read_settings
from connector.cli.common.output import as_json_option, show_json
from connector.cli.common.references import unknown_brands, unknown_names, unsent_reminders
from connector.config.file import Config, load_config
from connector.config.settings import Settings, masked
from connector.definitions import read_surveys, read_workflows
from connector.feedback.messaging.brands import read_brands
from connector.vendors.base import Vendors
from connector.vendors.clients import Connections
from connector.vendors.emitted_types import emitted_types
from connector.vendors.registry import VENDORS
from workflows import schema
from workflows.errors import DefinitionError, Mistake

Bodies = dict[str, str]


@dataclass(frozen=True, slots=True)
class Checked:
    """What the configuration holds."""

    config: str | None
    database: str
    base_url: str
    connections: dict[str, str]  # name → kind
    teams: tuple[str, ...]
    workflows: tuple[str, ...]
    surveys: tuple[str, ...]


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command()
@as_json_option
def check(as_json: bool) -> None:
    """Read the environment, ringback.yaml and its folders, and say every mistake with its place and remedy.

    Nothing is sent to anyone.
    """
    settings = read_settings()
    if settings.database_file is None:
        settings.secret_keys(click.echo)  # on PostgreSQL nothing is made: the key is there, or it is a mistake
    found = _checked(settings, load_config(settings.config, named=settings.config_named))
    if as_json:
        show_json(found)
    else:
        _tell(found)


def _checked(settings: Settings, read: Config) -> Checked:
    """Raises DefinitionError with the mistakes of all parts together."""
    workflows, surveys, mistakes = read_parts(read)
    if mistakes:
        raise DefinitionError(str(read.path), tuple(mistakes))
    return Checked(
        config=str(read.path) if read.path else None,
        database=masked(settings.database_url),
        base_url=settings.base_url,
        connections={name: each.kind for name, each in read.connections.items()},
        teams=tuple(read.teams),
        workflows=tuple(workflows),
        surveys=tuple(surveys),
    )


def read_parts(read: Config, vendors: Vendors = VENDORS) -> tuple[Bodies, Bodies, list[Mistake]]:
    """Workflows and surveys by slug, and every mistake in them, the connections and the brands."""
    mistakes = list(Connections(read, vendors=vendors).check())
    _collected(lambda: read_brands(read.brands), mistakes)
    workflows = _collected(lambda: read_workflows(read), mistakes)
    surveys = _collected(lambda: read_surveys(read), mistakes)
    emitted = emitted_types(read, vendors)
    for slug, body in workflows.items():
        workflow = schema.load(body, slug)
        mistakes.extend(unknown_names(workflow, read, surveys.keys()))
        unheard = emitted.unheard(workflow) if emitted else ()
        mistakes.extend(replace(each, path=f"{slug}: {each.path}") for each in unheard)
    mistakes.extend(unknown_brands(surveys, read))
    if read.workflows is not None:
        mistakes.extend(unsent_reminders(surveys, [schema.load(body, slug) for slug, body in workflows.items()]))
    return workflows, surveys, mistakes


def _collected(work: Callable[[], dict[str, Any]], mistakes: list[Mistake]) -> dict[str, Any]:
    """What ``work`` returns; its mistakes join the others."""
    try:
        return work()
    except DefinitionError as error:
        mistakes.extend(replace(each, path=f"{error.source}: {each.path}") for each in error.mistakes)
        return {}


def _tell(found: Checked) -> None:
    connections = [f"{name} ({kind})" for name, kind in found.connections.items()]
    lines = {
        "configuration": found.config or "none: there is no ringback.yaml here",
        "database": found.database,
        "address": found.base_url,
        "connections": ", ".join(connections),
        "teams": ", ".join(found.teams),
        "workflows": ", ".join(found.workflows),
        "surveys": ", ".join(found.surveys),
    }
    for name, value in lines.items():
        click.echo(f"{name:<15}{value or '–'}")
    click.echo("All is well.")

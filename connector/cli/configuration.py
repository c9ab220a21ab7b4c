"""``ringback config …``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import click

from connector.cli.context import read_settings
from connector.cli.output import as_json_option, show_json
from connector.config import Config, load_config
from connector.connections import Connections
from connector.definitions import read_surveys, read_workflows
from connector.settings import masked
from workflows.errors import DefinitionError, Mistake


Bodies = Callable[[Config], dict[str, str]]


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
    read = load_config(settings.config, named=settings.config_named)
    found = Checked(
        str(read.path) if read.path else None, masked(settings.database_url), settings.base_url,
        {name: each.kind for name, each in read.connections.items()}, tuple(read.teams), *_definitions(read),
    )  # fmt: skip
    if as_json:
        show_json(found)
    else:
        _tell(found)


def _definitions(read: Config) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The slugs of workflows and surveys. Raises DefinitionError with the mistakes of all parts together."""
    # No client is asked anything here, so none needs a place to keep its token.
    mistakes = list(Connections(read, lambda _name: None).check())  # type: ignore[arg-type, return-value]  # as said
    workflows = _slugs(read, read_workflows, mistakes)
    surveys = _slugs(read, read_surveys, mistakes)
    if mistakes:
        raise DefinitionError(str(read.path), tuple(mistakes))
    return workflows, surveys


def _slugs(read: Config, bodies: Bodies, mistakes: list[Mistake]) -> tuple[str, ...]:
    try:
        return tuple(bodies(read))
    except DefinitionError as error:
        mistakes.extend(replace(each, path=f"{error.source}/{each.path}") for each in error.mistakes)
        return ()


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

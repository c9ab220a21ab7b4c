"""``ringback config …``."""

from __future__ import annotations

from dataclasses import dataclass

import click

from connector.cli.common.context import read_settings
from connector.cli.common.looking import examiner_of
from connector.cli.common.output import as_json_option, show_json
from connector.config.file import Config, load_config
from connector.config.settings import Settings, masked
from workflows.errors import DefinitionError


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
    looked = examiner_of(settings, read).everything()
    if looked.mistakes:
        raise DefinitionError(str(read.path or "The configuration"), looked.mistakes)
    return Checked(
        config=str(read.path) if read.path else None,
        database=masked(settings.database_url),
        base_url=settings.base_url,
        connections={name: each.kind for name, each in read.connections.items()},
        teams=tuple(read.teams),
        workflows=tuple(looked.workflows),
        surveys=tuple(looked.surveys),
    )


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

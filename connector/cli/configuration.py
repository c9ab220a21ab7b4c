"""``ringback config …``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click

from connector.cli.context import read_settings
from connector.cli.output import as_json_option, show_json
from connector.config import Config, ConnectionConfig, load_config
from connector.definition_files import survey_bodies, workflow_bodies
from connector.settings import masked
from integrations import registry
from integrations.errors import OptionsError
from webhooks.sources import SOURCES
from workflows.errors import DefinitionError, Mistake

Bodies = Callable[[Iterable[Path]], dict[str, str]]
_LISTENING = {kind for kind in SOURCES if kind != "internal"}  # internal is for our own pages


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
    mistakes = [mistake for each in read.connections.values() for mistake in connection_mistakes(each)]
    workflows = _slugs("workflows", read.workflows, workflow_bodies, mistakes)
    surveys = _slugs("surveys", read.surveys, survey_bodies, mistakes)
    if mistakes:
        raise DefinitionError(str(read.path), tuple(mistakes))
    return workflows, surveys


def connection_mistakes(connection: ConnectionConfig) -> Iterator[Mistake]:
    """What is wrong with a connection's options, in the words of whoever uses them."""
    path = f"connections.{connection.name}"
    if connection.kind in registry.KINDS:
        try:
            registry.build(connection.kind, connection.name, connection.options)
        except OptionsError as error:
            yield from (Mistake(f"{path}.{each}", "", "") for each in error.mistakes)
    elif connection.kind not in _LISTENING:
        known = ", ".join(sorted({*registry.KINDS, *_LISTENING}))
        yield Mistake(f"{path}.kind", f"{connection.kind} is not known.", f"Known are: {known}.")


def _slugs(name: str, folder: Path | None, bodies: Bodies, mistakes: list[Mistake]) -> tuple[str, ...]:
    try:
        return tuple(bodies([folder])) if folder else ()
    except DefinitionError as error:
        mistakes.extend(replace(each, path=f"{name}/{each.path}") for each in error.mistakes)
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

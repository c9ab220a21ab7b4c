"""What `ringback workflow` and `ringback survey` have in common: versions, their difference, files and decisions."""

from __future__ import annotations

from collections.abc import Callable

import click

from connector.cli.common.acting import acting, by_option
from connector.cli.common.context import BadInputError, open_database
from connector.cli.common.output import as_json_option, printable, show, show_json
from connector.runtime.operations.definitions import Published, Side
from connector.storage.stores import definition_states, definitions
from connector.storage.stores.definitions import Definition, DefinitionKind
from workflows import differences

_version = click.IntRange(1)


def add_to(group: click.Group, kind: DefinitionKind) -> None:
    """Give a group the commands that every kind of definition has."""
    for make in (_versions, _diff, _export, _resolve):
        group.add_command(make(kind))


def _versions(kind: DefinitionKind) -> click.Command:
    @click.command(name="versions", help=f"Show every version of a {kind.value}: where it came from, and who made it.")
    @click.argument("slug")
    @as_json_option
    def versions(slug: str, as_json: bool) -> None:
        with open_database() as database, database.read() as tx:
            found = definitions.versions(tx, kind, slug)
        if not found:
            raise _unknown(kind, slug)
        columns: dict[str, Callable[[Definition], object]] = {
            "version": lambda each: each.version,
            "in force": lambda each: each.active,
            "from": lambda each: each.origin,
            "by": lambda each: each.author,
            "since (utc)": lambda each: each.created_at,
            "note": lambda each: each.note,
        }
        show(found, columns, as_json, empty="")

    return versions


def _diff(kind: DefinitionKind) -> click.Command:
    about = f"""Show in which lines two versions of a {kind.value} differ.

    Without versions: the newest and the one before it, or, where file and browser differ, the version in force ("-")
    and the file ("+")."""

    @click.command(name="diff", help=about)
    @click.argument("slug")
    @click.argument("before", type=_version, required=False)
    @click.argument("after", type=_version, required=False)
    def diff(slug: str, before: int | None, after: int | None) -> None:
        with open_database() as database, database.read() as tx:
            newest = definitions.find(tx, kind, slug)
            if newest is None:
                raise _unknown(kind, slug)
            waiting = definition_states.state_of(tx, kind, slug).waiting if before is None else None
            if waiting is not None:
                old, new = newest.body, waiting
            else:
                last = after or newest.version
                old = _body(definitions.find(tx, kind, slug, before or last - 1), kind, slug, before or last - 1)
                new = _body(definitions.find(tx, kind, slug, last), kind, slug, last)
        click.echo(printable(differences.unified(old, new)) or "They are the same.")

    return diff


def _export(kind: DefinitionKind) -> click.Command:
    about = f"""Print a {kind.value}'s YAML as it was published, or write it to its file.

    A file is written whole or not at all, and never where somebody changed it since it was last read."""

    @click.command(name="export", help=about)
    @click.argument("slug")
    @click.option("--version", type=_version, help="This version instead of the newest.")
    @click.option("--write", is_flag=True, help="Write the newest version into the configured folder.")
    def export(slug: str, version: int | None, write: bool) -> None:
        if write and version:
            raise BadInputError("--write takes the newest version; leave --version out.")
        if write:
            with acting() as house:
                click.echo(f"Wrote {house.definitions.export(kind, slug).file}.")
            return
        with open_database() as database, database.read() as tx:
            body = _body(definitions.find(tx, kind, slug, version), kind, slug, version)
        click.echo(body, nl=not body.endswith("\n"))

    return export


def _resolve(kind: DefinitionKind) -> click.Command:
    about = f"""Decide which counts, where the file of a {kind.value} and what was published in the browser differ.

    See both with `ringback {kind.value} diff SLUG`. The other text is kept among the versions. To make one of both,
    edit the file so that it holds both and publish the same text in the browser, or take one and change it."""

    @click.command(name="resolve", help=about)
    @click.argument("slug")
    @click.option("--take", type=click.Choice([each.value for each in Side]), required=True, help="What counts.")
    @by_option
    @as_json_option
    def resolve(slug: str, take: str, by: str, as_json: bool) -> None:
        with acting() as house:
            done = house.definitions.resolve(kind, slug, Side(take), by)
        _tell(kind, done, as_json)

    return resolve


def _tell(kind: DefinitionKind, done: Published, as_json: bool) -> None:
    if as_json:
        show_json(done)
        return
    click.echo(f"{kind.value} {done.slug}: {done.what} (version {done.version})")
    if done.file:
        click.echo(f"Wrote {done.file}.")
    if done.trouble:
        click.echo(done.trouble, err=True)


def _body(found: Definition | None, kind: DefinitionKind, slug: str, version: int | None) -> str:
    if found is None:
        raise _unknown(kind, slug, version)
    return found.body


def _unknown(kind: DefinitionKind, slug: str, version: int | None = None) -> BadInputError:
    which = f"version {version} of the {kind.value}" if version is not None else kind.value
    return BadInputError(f"There is no {which} {slug!r}. `ringback {kind.value} list` shows those there are.")

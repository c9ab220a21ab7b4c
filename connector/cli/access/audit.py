"""``ringback audit …``: who did what, and whether the log of it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from connector.access.audit import Audit, AuditLine, exported
from connector.access.errors import AccessError
from connector.cli.common.context import open_database, read_settings
from connector.cli.common.output import as_json_option, cell, show, show_json


@click.group()
def audit() -> None:
    """Show, export and verify the log of who did what."""


@contextmanager
def _log() -> Iterator[Audit]:
    settings = read_settings()
    with open_database() as database:
        yield Audit(database, settings.secret_keys(lambda _: None))


@audit.command()
@as_json_option
def verify(as_json: bool) -> None:
    """Check that no row was changed, taken out or put in; name the first one that was.

    The head is the hash of the newest row: kept elsewhere, it shows later that the log up to there is the same. Exit
    code 1: the log is not whole.
    """
    with _log() as log:
        try:
            verdict = log.verify()
        except AccessError as error:
            raise click.ClickException(str(error)) from error
    if as_json:
        show_json({"rows": verdict.rows, "head": verdict.head, "broken": verdict.broken, "why": verdict.why})
    elif verdict.broken is None:
        click.echo(f"The log is whole: {verdict.rows} rows, head {verdict.head}.")
    if verdict.broken is None:
        return
    remedy = "Compare it with a backup; `ringback audit export` writes every row."
    raise click.ClickException(f"Row {verdict.broken} {verdict.why}. The {verdict.rows} rows before it hold. {remedy}")


@audit.command(name="list")
@click.option("--action", default="", help="Only this action, as sign-in.refused.")
@click.option("--actor", default="", help="Only what this one did: a user's id, or a token's name.")
@click.option("--object", "object_", default="", help="Only what was done to this id.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many.")
@as_json_option
def list_(action: str, actor: str, object_: str, limit: int, as_json: bool) -> None:
    """Show the newest rows."""
    settings = read_settings()
    with open_database() as database, database.read() as tx:
        log = Audit(database, settings.secret_keys(lambda _: None))
        found = log.listed(tx, limit=limit, action=action, actor=actor, object=object_)
    columns = {
        "row": lambda each: each.seq,
        "at (utc)": lambda each: each.at,
        "who": lambda each: cell(f"{each.actor_kind} {each.actor}".strip()),
        "did": lambda each: each.action,
        "to": lambda each: cell(f"{each.object_kind} {each.object}".strip()),
    }
    show(found, columns, as_json, empty="Nothing was done yet.")


@audit.command()
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only from this day (UTC) on, as 2026-03-02.")
def export(since: datetime | None) -> None:
    """Write every row, oldest first, as one line of JSON each. Take it to where nobody here can change it."""
    with _log() as log:
        for line in log.all_of():
            if since is None or _is_after(line, since):
                click.echo(exported(line))


def _is_after(line: AuditLine, since: datetime) -> bool:
    return line.at.replace(tzinfo=None) >= since

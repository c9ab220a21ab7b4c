"""``ringback backup FILE``."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.common.context import BadInputError, open_database, read_settings
from connector.cli.common.output import as_json_option, show_json
from connector.storage.schema import backup as copies


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Write over FILE if it is there.")
@as_json_option
def backup(file: Path, force: bool, as_json: bool) -> None:
    """Copy the database to FILE while everything runs, and verify the copy.

    SQLite by its own backup, PostgreSQL by pg_dump. (A mere cp of a running SQLite database loses rows.) The secret key
    is not in it: keep that, too, or survey links and stored tokens are lost. docs/operations.md says how to restore.
    """
    if file.exists() and not force:
        raise BadInputError(f"FILE: {file} is there already. Name another, or give --force.")
    if not file.absolute().parent.is_dir():
        raise BadInputError(f"FILE: the folder {file.absolute().parent} is not there. Make it, or name another.")
    settings = read_settings()
    with open_database() as database:
        try:
            done = copies.copy(database, file)
        except copies.BackupError as error:
            raise click.ClickException(str(error)) from error
    if as_json:
        show_json({"file": str(file), "bytes": done.size, "verified": done.verified})
        return
    click.echo(f"{file}: {done.size:,} bytes, {done.verified}.")
    where = f"the file {settings.key_file}" if settings.key_file else "RINGBACK_SECRET_KEY, and the old ones"
    click.echo(f"Keep the secret key as well, elsewhere: {where}.", err=True)

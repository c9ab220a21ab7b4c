"""``ringback migrate``."""

from __future__ import annotations

import click

from connector.cli.common.context import read_settings
from connector.cli.common.output import as_json_option, show_json
from connector.config.settings import masked
from connector.storage.schema.migrate import upgrade


@click.command()
@as_json_option
def migrate(as_json: bool) -> None:
    """Bring the database to this version's shape.

    Makes the database when it is empty; changes nothing when it is up to date. `ringback serve` does it by
    itself.
    """
    url = read_settings().database_url
    done = upgrade(url)
    if as_json:
        show_json(
            {"database": masked(url), "before": done.before, "after": done.after, "changed": done.changed}
        )
    elif done.changed:
        click.echo(f"{masked(url)}: from {done.before or 'empty'} to revision {done.after}.")
    else:
        click.echo(f"{masked(url)}: up to date, revision {done.after}.")

"""``ringback retention``: how long what is kept."""

from __future__ import annotations

import sys

import click

from connector.cli.common.context import open_database, read_config, read_settings
from connector.cli.common.output import as_json_option, show, show_json
from connector.clock import system_clock
from connector.config.retention import FOREVER
from connector.feedback.registry import RETENTION_KINDS
from connector.runtime.jobs.retention_job import RetentionJob, Standing
from connector.storage.stores.run_queries import MOST_COUNTED


@click.command()
@click.option("--run", "now", is_flag=True, help="Let all go that is due, instead of a little every ten minutes.")
@as_json_option
def retention(now: bool, as_json: bool) -> None:
    """Show how long what is kept, and how many rows are older and due to go.

    The periods stand below retention: in ringback.yaml. `ringback serve`, or the scheduler, applies them by itself.
    """
    config = read_config(read_settings())
    with open_database() as database:
        keeper = RetentionJob(database, config.retention, RETENTION_KINDS, system_clock)
        if now:
            _run(keeper, as_json)
        else:
            show(keeper.standings(), _COLUMNS, as_json, empty="")
    if not now and not as_json:
        archive = config.retention.archive
        click.echo(f"\nBefore it goes it is written to {archive}." if archive else "\nThere is no archive: it is gone.")


_COLUMNS = {
    "what": lambda each: each.name,
    "kept": lambda each: _period(each),
    "due to go": lambda each: f"{each.due} or more" if each.due >= MOST_COUNTED else each.due,
}


def _period(standing: Standing) -> str:
    return f"{standing.period.days} days" if standing.period is not None else FOREVER


def _run(keeper: RetentionJob, as_json: bool) -> None:
    went: dict[str, int] = {}
    for kind in RETENTION_KINDS:
        went[kind.name] = 0
        for count in keeper.apply(kind):
            went[kind.name] += count
            if sys.stderr.isatty():
                click.echo(f"\r{went[kind.name]} {kind.name}", nl=False, err=True)
        if went[kind.name] and sys.stderr.isatty():
            click.echo(err=True)
    if as_json:
        show_json(went)
    else:
        click.echo("Removed: " + ", ".join(f"{count} {name}" for name, count in went.items()) + ".")

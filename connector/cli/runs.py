"""``ringback runs …``: what workflows did, and why."""

from __future__ import annotations

import click

from connector.cli.context import BadInputError, open_database
from connector.cli.output import as_json_option, cell, limit_option, show, show_json, table
from connector.storage import queries
from connector.storage.queries import RunStory
from workflows.runs import Status


@click.group(invoke_without_command=True)
@click.option("--workflow", help="Only runs of this workflow.")
@click.option("--status", type=click.Choice([each.value for each in Status]), help="Only runs in this state.")
@limit_option
@as_json_option
@click.pass_context
def runs(context: click.Context, workflow: str | None, status: str | None, limit: int, as_json: bool) -> None:
    """Show the runs of workflows, newest first; read the story of one."""
    if context.invoked_subcommand:
        return
    with open_database() as database, database.read() as tx:
        found = queries.list_runs(tx, workflow=workflow, status=status, limit=limit)
    columns = {
        "run": lambda each: each.id,
        "workflow": lambda each: f"{each.workflow} v{each.version}",
        "status": lambda each: each.status,
        "step": lambda each: each.step,
        "started (utc)": lambda each: each.started_at,
        "goes on (utc)": lambda each: each.due_at,
        "reason": lambda each: each.reason,
    }
    show(found, columns, as_json, empty="No runs.")


@runs.command(name="show")
@click.argument("run_id", metavar="ID")
@as_json_option
def show_(run_id: str, as_json: bool) -> None:
    """Tell the story of one run: every decision with its reason, every wait, every outward call, in order."""
    with open_database() as database, database.read() as tx:
        story = queries.run_story(tx, run_id)
    if story is None:
        raise BadInputError(f"There is no run {run_id!r}. `ringback runs` shows those there are.")
    if as_json:
        show_json(story)
    else:
        _tell(story)


def _tell(story: RunStory) -> None:
    line = story.line
    click.echo(f"Run {line.id} of {line.workflow}, version {line.version}, for {line.key}")
    place = f" at {line.step}" if line.step else ""
    click.echo(f"State    {line.status}{place}{f': {line.reason}' if line.reason else ''}")
    if story.event:
        about = f" about {story.event.subject}" if story.event.subject else ""
        click.echo(f"Because  {story.event.type}{about}, {cell(story.event.time)} UTC ({story.event.id})")
    if line.due_at and not line.ended_at:
        click.echo(f"Goes on  {cell(line.due_at)} UTC, or earlier when what it expects happens")
    lines = [(each.at, each.step, each.kind, each.text) for each in story.lines]
    click.echo(
        "\n"
        + (table(["time (utc)", "step", "what", "how and why"], lines) if lines else "Nothing happened yet.")
    )

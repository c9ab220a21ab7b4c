"""``ringback runs …``: what workflows did, and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import click

from connector.cli.common.context import BadInputError, open_database
from connector.cli.common.output import as_json_option, cell, limit_option, show, show_json, table
from connector.cli.runs_acting import COMMANDS, chosen_from, filter_options
from connector.clock import system_clock
from connector.runtime.operations.locked_run import STOPPED, gone
from connector.storage.stores import run_queries
from connector.storage.stores.page_queries import names
from connector.storage.stores.run_queries import RunLine, RunStory


@dataclass(frozen=True, slots=True)
class ListedRun(RunLine):
    """A run with what its customer is called: their name, else their address."""

    customer: str = ""


@click.group(invoke_without_command=True)
@filter_options
@click.option(
    "--dead-letters", is_flag=True,
    help="Only runs that wait for a person: failed, dead, needs_review, done_with_failure.",
)
@limit_option
@as_json_option
@click.pass_context
def runs(context: click.Context, /, dead_letters: bool, limit: int, as_json: bool, **given: Any) -> None:
    """Show the runs of workflows, newest first; read the story of one; take one in hand."""
    if context.invoked_subcommand:
        return
    if dead_letters:
        given["statuses"] = (*given["statuses"], *STOPPED)
    with open_database() as database, database.read() as tx:
        found = run_queries.list_runs(tx, limit=limit, where=chosen_from(**given).conditions())
        known = names(tx, [each.customer_id for each in found])
    lines = [ListedRun(**asdict(each), customer=known.get(each.customer_id or "", "")) for each in found]
    columns = {
        "run": lambda each: each.id,
        "workflow": lambda each: f"{each.workflow} v{each.version}",
        "customer": lambda each: each.customer or each.customer_id or "",
        "status": lambda each: each.status,
        "step": lambda each: each.step,
        "started (utc)": lambda each: each.started_at,
        "goes on (utc)": lambda each: each.due_at,
        "reason": lambda each: each.reason,
    }
    show(lines, columns, as_json, empty="No runs.")


@runs.command(name="show")
@click.argument("run_id", metavar="ID")
@as_json_option
def show_(run_id: str, as_json: bool) -> None:
    """Tell the story of one run: every decision with its reason, every wait, every outward call, in order."""
    with open_database() as database, database.read() as tx:
        story = run_queries.run_story(tx, run_id)
    if story is None:
        old = gone(run_id, system_clock())
        raise BadInputError(f"There is no run {run_id!r}. {old}`ringback runs` shows those there are.")
    if as_json:
        show_json(story)
    else:
        _tell(story)


for command in COMMANDS:
    runs.add_command(command)


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

"""``ringback runs cancel|retry|restart|dismiss|skip|review``: people's hands on runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import click

from connector.cli.common.acting import (
    acting,
    ago,
    be_sure,
    by_option,
    dry_run_option,
    json_object,
    options,
    progress,
    span,
    yes_option,
)
from connector.cli.common.context import BadInputError, open_database
from connector.cli.common.output import as_json_option, show_json
from connector.runtime.operations import bulk as controls_bulk
from connector.runtime.operations.bulk import Action, BulkLine, RunFilter
from connector.runtime.operations.following import follow
from connector.runtime.operations.runs import CommandResult, RunCommands
from connector.services import Services
from workflows.runs import Status

filter_options = options(
    click.option("--workflow", help="Only runs of this workflow."),
    click.option(
        "--status", "statuses", multiple=True, type=click.Choice([each.value for each in Status]),
        help="Only runs in this state; may be given several times.",
    ),
    click.option("--step", help="Only runs that wait at this step, or failed there."),
    click.option(
        "--older-than", type=span, metavar="TIME", help="Only runs that began longer ago than 90m, 12h, 30d or 2w."
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which runs a command is about: named ones, or a filter."""

    ids: tuple[str, ...]
    filter: RunFilter

    def find(self, house: Services) -> Sequence[str]:
        """Raises BadInputError when neither or both are given, InputError for a filter that names nothing."""
        if self.ids:
            if not self.filter.is_empty:
                raise BadInputError("Name runs or give a filter, not both.")
            return list(dict.fromkeys(self.ids))
        with house.database.read() as tx:
            return controls_bulk.find(tx, self.filter)


def chosen_from(
    workflow: str | None, statuses: Sequence[str], step: str | None, older_than: timedelta | None
) -> RunFilter:
    return RunFilter(workflow, tuple(Status(each) for each in statuses), ago(older_than), step)


_many = options(
    click.argument("ids", nargs=-1, metavar="[ID]..."),
    filter_options,
    by_option,
    dry_run_option,
    yes_option,
    as_json_option,
)


@click.command()
@_many
@click.option("--reason", required=True, help="Why; it stands in the history.")
def cancel(by: str, reason: str, **given: Any) -> None:
    """End runs that are going. Calls not yet begun are not made."""
    _each(given, lambda controls: lambda run_id: controls.cancel([run_id], by, reason)[0])


@click.command()
@_many
@click.option(
    "--from", "from_step", metavar="STEP", help="Go back to this step; all calls from there are made again."
)
@click.option(
    "--anew", is_flag=True, help="A new call under a new key, even where the same one could be repeated."
)
@click.option(
    "--wait", "patience", type=click.FloatRange(0, 3600), default=10.0, show_default=True, metavar="SECONDS",
    help="Stay so long for what comes of it; 0 looks at nothing that a worker must do.",
)
def retry(by: str, from_step: str | None, anew: bool, patience: float, **given: Any) -> None:
    """Let runs that failed, died or need a review go on from where they stopped.

    The same call is made again where that is safe; otherwise the step begins anew. The exit code is 1 when a run failed
    again in the time of --wait; a worker (`ringback serve`) makes the calls.
    """
    as_json = given["as_json"]
    done = _each(given, lambda controls: lambda run_id: controls.retry(run_id, by, step=from_step, anew=anew))
    if done:
        _follow([each.run for each in done], patience, as_json)


@click.command()
@_many
def restart(by: str, **given: Any) -> None:
    """Begin new runs from the same events and facts, with the newest version of the workflow."""
    _each(given, lambda controls: lambda run_id: controls.restart(run_id, by))


@click.command()
@_many
@click.option("--reason", required=True, help="Why; it stands in the history.")
def dismiss(by: str, reason: str, **given: Any) -> None:
    """Say of runs that failed, died or need a review that nothing more is to be done: they wait for nobody any more."""
    _each(given, lambda controls: lambda run_id: controls.dismiss(run_id, by, reason))


@click.command()
@click.argument("run_id", metavar="ID")
@click.argument("step")
@click.option(
    "--output",
    type=json_object,
    metavar="JSON",
    default="{}",
    help='What steps.<id> becomes, as {"ticket_id": "7"}.',
)
@by_option
@as_json_option
def skip(run_id: str, step: str, output: dict[str, Any], by: str, as_json: bool) -> None:
    """Give the STEP at which a run stands its output by hand, and let it go on."""
    with acting() as house:
        _tell_one(house.controls.skip(run_id, step, output, by), as_json)


@click.command()
@click.argument("run_id", metavar="ID")
@click.argument("answer", type=click.Choice(["happened", "did-not-happen"]))
@click.option(
    "--output",
    type=json_object,
    metavar="JSON",
    default="{}",
    help="If it happened: what steps.<id> becomes.",
)
@by_option
@as_json_option
def review(run_id: str, answer: str, output: dict[str, Any], by: str, as_json: bool) -> None:
    """Say whether the call happened that nobody could be sure of.

    If it happened the run goes on; if not, the same call is made again.
    """
    with acting() as house:
        _tell_one(house.controls.answer_review(run_id, answer == "happened", by, output=output), as_json)


COMMANDS = (cancel, retry, restart, dismiss, skip, review)


def _each(given: dict[str, Any], action_of: Callable[[RunCommands], Action]) -> list[CommandResult]:
    """Find them, be sure, do it with one after the other, and say how each went. → those that could be done."""
    as_json, yes, dry_run = given.pop("as_json"), given.pop("yes"), given.pop("dry_run")
    chosen = Chosen(given.pop("ids"), chosen_from(**given))
    with acting() as house:
        ids = chosen.find(house)
        if dry_run:
            _tell_count(len(ids), as_json)
            return []
        be_sure(len(ids), "runs", yes=yes)
        lines = list(progress(controls_bulk.each(action_of(house.controls), ids), len(ids)))
    _tell(lines, as_json)
    return [line.done for line in lines if line.done]


def _follow(ids: Sequence[str], patience: float, as_json: bool) -> None:
    """Say how they stand now, after their calls; ends the command when one failed again."""
    with open_database() as database:
        fates = follow(database, ids, patience)
    for fate in fates:
        click.echo(str(fate), err=as_json)
    again = sum(fate.failed for fate in fates)
    if again:
        raise click.ClickException(f"{again} of {len(fates)} failed again.")


def _tell_count(count: int, as_json: bool) -> None:
    if as_json:
        show_json({"matched": count})
    else:
        click.echo(f"{count} run{'s' * (count != 1)}; nothing was changed.")


def _tell(lines: Sequence[BulkLine], as_json: bool) -> None:
    if as_json:
        show_json([{"run": line.run, "done": line.done, "error": line.error} for line in lines])
    else:
        for line in lines:
            click.echo(_sentence(line.done) if line.done else line.error)
        if not lines:
            click.echo("No such runs.")
    refused = sum(line.done is None for line in lines)
    if refused:
        raise click.ClickException(f"{refused} of {len(lines)} could not be done.")


def _tell_one(done: CommandResult, as_json: bool) -> None:
    if as_json:
        show_json(done)
    else:
        click.echo(_sentence(done))


def _sentence(done: CommandResult) -> str:
    new = f" as run {done.new_run}" if done.new_run else ""
    return f"Run {done.run}: {done.what}{new}; it is {done.status} now."

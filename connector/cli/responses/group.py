"""``ringback responses doubtful …``: answers that may not be a person's."""

from __future__ import annotations

import click

from connector.cli.common.acting import acting, by_option
from connector.cli.common.output import as_json_option, limit_option, show, show_json, table
from connector.cli.responses.listing import list_ as list_answers
from connector.cli.responses.wishes import wishes
from connector.feedback.surveys.who_pressed.doubts import Doubt, DoubtStatus
from connector.feedback.surveys.who_pressed.rules import Presser


@click.group()
def responses() -> None:
    """Answers and their figures; those that may not be a person's; who is to hear what was done with theirs."""


responses.add_command(wishes)
responses.add_command(list_answers)


@responses.group(invoke_without_command=True)
@limit_option
@as_json_option
@click.option("--machines", is_flag=True, help="Those of machines, too; nobody is asked about these.")
@click.option("--all", "everything", is_flag=True, help="Also those that are decided.")
@click.pass_context
def doubtful(context: click.Context, limit: int, as_json: bool, machines: bool, everything: bool) -> None:
    """List the answers that do not count because they may not be a person's."""
    if context.invoked_subcommand is None:
        _list(limit, as_json, machines, everything)


@doubtful.command(name="list")
@limit_option
@as_json_option
@click.option("--machines", is_flag=True, help="Those of machines, too; nobody is asked about these.")
@click.option("--all", "everything", is_flag=True, help="Also those that are decided.")
def list_(limit: int, as_json: bool, machines: bool, everything: bool) -> None:
    """The same list, by its name."""
    _list(limit, as_json, machines, everything)


@doubtful.command(name="show")
@click.argument("doubt_id", metavar="ID")
@as_json_option
def show_one(doubt_id: str, as_json: bool) -> None:
    """Show the answer ID: what was given, and all that speaks against a person."""
    with acting() as house:
        doubt = house.doubts.shown(doubt_id)
    if as_json:
        show_json(doubt)
        return
    rows = [[name, value] for name, value in _told(doubt).items()]
    click.echo(table(["what", "told"], rows))
    if doubt.status is DoubtStatus.OPEN:
        click.echo(f'\nIt was a person: ringback responses doubtful release {doubt.id} --reason "…"')


@doubtful.command()
@click.argument("doubt_id", metavar="ID")
@click.option("--reason", required=True, help="Why it is a person's; it stays with it.")
@by_option
@as_json_option
def release(doubt_id: str, reason: str, by: str, as_json: bool) -> None:
    """Let the answer ID count as it was given."""
    with acting() as house:
        doubt = house.doubts.release(doubt_id, by, reason)
    if as_json:
        show_json(doubt)
    else:
        click.echo(f"Response {doubt.id} counts, released by {doubt.decided_by}: {doubt.decided_why}.")


def _list(limit: int, as_json: bool, machines: bool, everything: bool) -> None:
    verdict = None if machines else Presser.DOUBTFUL.value
    status = None if everything else DoubtStatus.OPEN.value
    with acting() as house:
        found = house.doubts.listed(verdict=verdict, status=status, limit=limit)
    columns = {
        "response": lambda each: each.id,
        "survey": lambda each: each.survey,
        "what": lambda each: each.what.value,
        "pressed by": lambda each: each.verdict.value,
        "at (utc)": lambda each: each.pressed_at,
        "status": lambda each: each.status.value,
        "why": lambda each: "; ".join(each.reasons),
    }
    show(found, columns, as_json, empty="Nothing is doubtful.")


def _told(doubt: Doubt) -> dict[str, object]:
    given = {f"gave {name}": value for name, value in doubt.answers.items()}
    decided = {"decided": f"{doubt.status.value} by {doubt.decided_by}", "at (utc)": doubt.decided_at,
               "reason": doubt.decided_why} if doubt.decided_at else {}  # fmt: skip
    return {
        "survey": doubt.survey, "invitation": doubt.invitation, "customer": doubt.customer, "pressed": doubt.what.value,
        "pressed at (utc)": doubt.pressed_at, "taken for": f"{doubt.verdict.value}: {doubt.reason}",
        **{f"signal {number}": f"{name}: {words}"
           for number, (name, words) in enumerate(zip(doubt.signals, doubt.reasons, strict=False), 1)},
        "asked by mail (utc)": doubt.asked_at, **given, "status": doubt.status.value, **decided,
    }  # fmt: skip

"""``ringback customers``: the review list, for people whom the systems do not agree about."""

from __future__ import annotations

import click

from connector.cli.common.acting import by_option
from connector.cli.common.context import BadInputError, open_database, read_config, read_settings
from connector.cli.common.output import as_json_option, limit_option, show, show_json, table
from connector.clock import system_clock
from connector.feedback.customers import review_queue
from connector.feedback.customers.review_queue import ReviewCase, ReviewError
from connector.vendors.clients import ids_of


@click.group()
def customers() -> None:
    """Customers: who is who across Zendesk, Salesforce and e-mail."""


@customers.group(invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="Also those that are decided.")
@limit_option
@as_json_option
@click.pass_context
def review(context: click.Context, everything: bool, limit: int, as_json: bool) -> None:
    """List the cases that wait for a decision: nothing is written or merged until somebody takes one."""
    if context.invoked_subcommand:
        return
    with open_database() as database, database.read() as tx:
        found = review_queue.listed(tx, status=None if everything else review_queue.OPEN, limit=limit)
    columns = {
        "case": lambda each: each.id,
        "about": lambda each: each.kind,
        "who": lambda each: _who(each),
        "candidates": lambda each: len(each.candidates) - (each.kind == review_queue.RECORDS),
        "met": lambda each: f"{each.times} time{'s' * (each.times != 1)}",
        "last (utc)": lambda each: each.seen_at,
        "decision": lambda each: each.decision,
    }
    show(found, columns, as_json, empty="Nothing waits for a decision.")


@review.command("show")
@click.argument("case_id", metavar="CASE")
@as_json_option
def show_case(case_id: str, as_json: bool) -> None:
    """Show the case CASE with its candidates, and how to decide."""
    with open_database() as database, database.read() as tx:
        case = review_queue.shown(tx, case_id)
    if case is None:
        raise BadInputError(f"There is no case {case_id}. `ringback customers review` lists those there are.")
    if as_json:
        show_json(case)
        return
    rows = [[each.id, each.name, each.email, each.phone, _ids(each.ids)] for each in case.candidates]
    click.echo(table(["candidate", "name", "e-mail", "phone", "ids elsewhere"], rows))
    click.echo(f"\n{_explained(case)}")


@review.command()
@click.argument("case_id", metavar="CASE")
@click.argument("choice")
@by_option
@as_json_option
def decide(case_id: str, choice: str, by: str, as_json: bool) -> None:
    """Decide the case CASE: `same`, `different`, or the id of the record that is the customer's.

    The decision is applied at once, and remembered for the next time.
    """
    ids = ids_of(read_config(read_settings(), hint=False))
    with open_database() as database:
        try:
            case = database.transact(
                lambda tx: review_queue.decide(database, tx, case_id, choice, by, system_clock(), ids=ids)
            )
        except ReviewError as error:
            raise BadInputError(str(error)) from error
    if as_json:
        show_json(case)
    else:
        click.echo(f"Case {case.id} is decided: {case.decision}, by {case.decided_by}.")


def _who(case: ReviewCase) -> str:
    first = case.candidates[0]
    return first.name or first.email or first.id


def _ids(ids: object) -> str:
    return ", ".join(f"{system}={value}" for system, value in ids.items()) if isinstance(ids, dict) else ""


def _explained(case: ReviewCase) -> str:
    if case.status == review_queue.DECIDED:
        return f"Decided: {case.decision}, by {case.decided_by}."
    if case.kind == review_queue.CUSTOMERS:
        return (
            "Ids, or the phone number, of one event lead to these customers. Are they one person?\n"
            f"  ringback customers review decide {case.id} same\n"
            f"  ringback customers review decide {case.id} different"
        )
    choices = "\n".join(f"  ringback customers review decide {case.id} {each.id}" for each in case.candidates[1:])
    return (
        f"These records at {case.connection} have the customer's e-mail address or phone number; none was written. "
        f"Whose is it?\n"
        f"{choices}\n  ringback customers review decide {case.id} different      (none of them)"
    )

"""``ringback customers``: who is who, what is known of somebody, and the review list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from sqlalchemy import Connection

from connector.cli.common.acting import by_option
from connector.cli.common.context import BadInputError, open_database, read_config, read_settings
from connector.cli.common.output import as_json_option, cell, limit_option, show, show_json, table
from connector.cli.common.people import CustomerPicture, line_of, shown_ids
from connector.clock import system_clock
from connector.feedback.agent.timeline import Timeline
from connector.feedback.customers import directory, review_queue
from connector.feedback.customers.identity import load
from connector.feedback.customers.review_queue import ReviewCase, ReviewError
from connector.feedback.registry import TIMELINE_SOURCES
from connector.feedback.responses.figures import listed, narrowed
from connector.vendors.clients import ids_of


@click.group()
def customers() -> None:
    """Customers: who is who across Zendesk, Salesforce and e-mail."""


@customers.command("find")
@click.argument("text")
@limit_option
@as_json_option
def find_(text: str, limit: int, as_json: bool) -> None:
    """Find customers by a name, an e-mail address, a phone number, or an id of theirs ("zendesk:4711", or 4711)."""
    with open_database() as database, database.read() as tx:
        ids = directory.find(tx, text, limit)
        known, has = load(tx, ids), directory.belongings(tx, ids)
    columns = {
        "customer": lambda each: each.id,
        "name": lambda each: each.name,
        "e-mail": lambda each: each.email,
        "phone": lambda each: each.phone,
        "ids elsewhere": lambda each: shown_ids(each.ids),
        "answers": lambda each: each.answers,
        "open callbacks": lambda each: each.open_callbacks,
    }
    show([line_of(known[id_], has[id_]) for id_ in ids], columns, as_json, empty="Nobody was found by that.")


@customers.command("show")
@click.argument("person")
@limit_option
@as_json_option
def show_(person: str, limit: int, as_json: bool) -> None:
    """Show all that is known of PERSON: an id of ours, an e-mail address, or an id as "zendesk:4711"."""
    with open_database() as database, database.read() as tx:
        ids = directory.find(tx, person, 2)
        if len(ids) != 1:
            those = f"`ringback customers find {person!r}` lists them" if ids else "give an address or an id"
            raise BadInputError(f"{'Several are' if ids else 'Nobody is'} known as {person!r}: {those}.")
        picture = _picture(tx, ids[0], limit)
    if as_json:
        show_json(picture)
    else:
        _tell(picture)


def _picture(tx: Connection, id_: str, limit: int) -> CustomerPicture:
    who, has = load(tx, [id_])[id_], directory.belongings(tx, [id_])[id_]
    answers = listed(tx, narrowed(customer=id_), limit)
    happened = Timeline(TIMELINE_SOURCES).page(tx, id_, limit).items
    known = (who.locale, who.loyalty, who.opted_out_at, who.facts)
    return CustomerPicture(line_of(who, has), *known, answers, happened)


def _tell(picture: CustomerPicture) -> None:
    line = picture.line
    told = {
        "customer": line.id, "name": line.name, "e-mail": line.email, "phone": line.phone, "language": picture.locale,
        "ids elsewhere": shown_ids(line.ids), "loyalty": picture.loyalty, "surveys": _wants(picture),
        "open callbacks": str(line.open_callbacks),
        **{f"fact {name}": str(value) for name, value in sorted(picture.facts.items())},
    }  # fmt: skip
    click.echo(table(["what", "known"], [[name, value or "–"] for name, value in told.items()]))
    names = ("answered_at", "survey", "metric", "score", "band", "comment")
    if answers := [[getattr(each, name) for name in names] for each in picture.answers]:
        click.echo("\n" + table(["answered (utc)", *names[1:]], answers))
    moments = [[each.at, each.kind, _details(each.details)] for each in picture.timeline]
    click.echo("\n" + (table(["when (utc)", "what", "told"], moments) if moments else "Nothing happened yet."))


def _wants(picture: CustomerPicture) -> str:
    return f"none since {cell(picture.opted_out_at)} UTC" if picture.opted_out_at else "may be asked"


def _details(details: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in details.items() if value not in (None, "", [], {}))[:120]


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

"""``ringback mail``: what came back of our mail, and the addresses that are left alone because of it."""

from __future__ import annotations

from typing import Any

import click

from connector.cli.common.acting import by_option
from connector.cli.common.context import BadInputError, open_database
from connector.cli.common.output import as_json_option, limit_option, show
from connector.clock import system_clock
from connector.feedback.mail_feedback import complaint_share, heard, undeliverable


@click.group()
def mail() -> None:
    """Mail that came back: bounces, complaints, answers."""


@mail.command()
@limit_option
@as_json_option
def returned(limit: int, as_json: bool) -> None:
    """List what came back, the newest first, and what came of it; and how many complained."""
    with open_database() as database, database.read() as tx:
        found = heard.newest(tx, limit)
        share = complaint_share.measure(tx, system_clock())
    columns: dict[str, Any] = {
        "at (utc)": lambda each: each.at,
        "what": lambda each: each.what,
        "why": lambda each: each.why,
        "by way of": lambda each: each.connection,
        "what came of it": lambda each: each.outcome,
        "customer": lambda each: each.customer,
    }
    show(found, columns, as_json, empty="Nothing has come back.")
    if not as_json:
        click.echo(
            f"\nComplaints in 30 days: {share.complaints} of {share.sent:,} invitations ({share.share:.2%}). "
            f"{complaint_share.WARNING:.1%} is too many."
        )


@mail.command()
@limit_option
@as_json_option
def suppressed(limit: int, as_json: bool) -> None:
    """List the addresses that are not written to, the newest first, and why."""
    with open_database() as database, database.read() as tx:
        found = heard.suppressed(tx, limit)
    columns: dict[str, Any] = {
        "address": lambda each: each.address,
        "since (utc)": lambda each: each.since,
        "why": lambda each: each.why,
        "customer": lambda each: each.customer,
    }
    show(found, columns, as_json, empty="Every address is written to.")


@mail.command()
@click.argument("address")
@by_option
def release(address: str, by: str) -> None:
    """Write to ADDRESS again, as when its mailbox was full and is no more. Only mail that leaves from now on counts."""
    with open_database() as database:
        lifted = database.transact(lambda tx: undeliverable.lift(tx, address, by, system_clock()))
    if not lifted:
        raise BadInputError("This address is not suppressed. `ringback mail suppressed` lists those that are.")
    click.echo("The address is written to again.")

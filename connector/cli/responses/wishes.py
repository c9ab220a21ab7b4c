"""``ringback responses wishes``: who is to hear what was done with their feedback."""

from __future__ import annotations

import click

from connector.cli.common.context import open_database
from connector.cli.common.output import as_json_option, limit_option, show
from connector.feedback.consent import wishes as stored


@click.command()
@limit_option
@as_json_option
def wishes(limit: int, as_json: bool) -> None:
    """List who ticked "tell me what you did with my feedback", with what they said last."""
    with open_database() as database, database.read() as tx:
        found = stored.wishes(tx, limit=limit)
    columns = {
        "customer": lambda each: each.name or each.customer,
        "e-mail": lambda each: each.email,
        "since (utc)": lambda each: each.wished_at,
        "survey": lambda each: each.survey,
        "score": lambda each: "" if each.score is None else each.score,
        "words": lambda each: each.comment,
    }
    show(found, columns, as_json, empty="Nobody waits to hear what was done.")

"""``ringback survey plan`` and ``not-asked``: who is asked, when, and who is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from connector.cli.common.acting import acting, span
from connector.cli.common.context import BadInputError, open_database
from connector.cli.common.output import as_json_option, show
from connector.feedback.surveys.overview.coverage import coverage
from workflows.suggestions import did_you_mean


@click.command()
@click.argument("person")
@click.option("--survey", metavar="NAME", help="This survey alone.")
@as_json_option
def plan(person: str, survey: str | None, as_json: bool) -> None:
    """Say when and by what channel each survey would reach PERSON if it were asked for now, or why it would not.

    PERSON is an e-mail address, an id as "connection:4711", or our own id of the customer. Mails that wait come first.
    Nothing is sent, and no vendor is asked.
    """
    with acting() as house:
        active = [each.slug for each in house.surveys.active()]
        if survey is not None and survey not in active:
            raise BadInputError(f"There is no survey {survey!r}. {did_you_mean(survey, active)}")
        found = house.planner.plan(person, survey)
    if found is None:
        raise BadInputError(f"Nobody is known as {person!r}. Give their e-mail address, or an id as connection:4711.")
    columns = {
        "survey": lambda each: each.survey,
        "verdict": lambda each: each.verdict,
        "channel": lambda each: each.channel,
        "when (utc)": lambda each: each.at,
        "their clock": lambda each: each.local,
        "code": lambda each: each.code,
        "why": lambda each: each.why,
    }
    show(found, columns, as_json, empty="No surveys are loaded. `ringback serve` loads them at its start.")


@click.command("not-asked")
@click.option("--by", type=click.Choice(["agent", "team"]), default="agent", show_default=True, help="Whose tickets.")
@click.option("--last", type=span, default="30d", show_default=True, help="Tickets solved in this time: 12h, 30d, 8w.")
@as_json_option
def not_asked(by: str, last: timedelta, as_json: bool) -> None:
    """Show the share of eligible customers who were not asked, per agent or team, and why.

    A share that stands out may mean that somebody picks whom to ask. It is a question to look into and no ranking.
    """
    until = datetime.now(UTC)
    with open_database() as database, database.read() as tx:
        found = coverage(tx, until - last, until, by)
    columns = {
        by: lambda each: each.who,
        "eligible": lambda each: each.eligible,
        "asked": lambda each: each.asked,
        "not asked": lambda each: f"{100 * each.share:.1f} %" if each.eligible else "",
        "95 %": lambda each: f"{100 * each.low:.0f}–{100 * each.high:.0f} %" if each.eligible else "",
        "not eligible": lambda each: each.not_eligible,
        "waiting": lambda each: each.waiting,
        "why": lambda each: ", ".join(f"{code} {count}" for code, count in each.reasons.items()),
    }
    show(found, columns, as_json, empty="No tickets of customers were solved in that time.")

"""``ringback responses list``: answers, and the figures that they make."""

from __future__ import annotations

from datetime import timedelta

import click

from connector.cli.common.acting import ago, span
from connector.cli.common.context import open_database
from connector.cli.common.output import as_json_option, limit_option, show, show_json
from connector.feedback.responses.figures import ScaleFigure, figures, listed, narrowed
from connector.storage.stores.page_queries import names

_SHARES = frozenset({"csat", "ces"})


@click.command("list")
@click.option("--survey", help="Only answers to this survey.")
@click.option("--metric", type=click.Choice(["nps", "nls", "csat", "ces"]), help="Only answers on this metric.")
@click.option("--last", type=span, metavar="TIME", help="Only answers of the last 12h, 30d or 8w.")
@limit_option
@as_json_option
def list_(survey: str | None, metric: str | None, last: timedelta | None, limit: int, as_json: bool) -> None:
    """List the answers that count, newest first, after their figures: n, score and its 95 % interval for each scale.

    The figures are of all answers that fit, not of those listed alone. NPS and NLS are points from -100 to 100, CSAT
    and CES the share of the upper answers.
    """
    which = narrowed(survey, metric, since=ago(last))
    with open_database() as database, database.read() as tx:
        made, found = figures(tx, which), listed(tx, which, limit)
        who = names(tx, [each.customer_id for each in found])
    if as_json:
        show_json({"figures": made, "items": found})
        return
    if made:
        columns = {
            "metric": lambda each: each.metric,
            "scale": lambda each: each.scale,
            "n": lambda each: each.n,
            "score": score,
            "95 %": interval,
            "upper / middle / lower": lambda each: f"{each.promoters} / {each.passives} / {each.detractors}",
        }
        show(made, columns, False, empty="")
        click.echo()
    lines = {
        "answered (utc)": lambda each: each.answered_at,
        "customer": lambda each: who.get(each.customer_id or "", "") or each.customer_id or "",
        "survey": lambda each: each.survey,
        "metric": lambda each: each.metric,
        "score": lambda each: each.score,
        "band": lambda each: each.band,
        "comment": lambda each: each.comment,
    }
    show(found, lines, False, empty="No answers.")


def score(figure: ScaleFigure) -> str:
    """As people say it: "+25", "64 %"."""
    return _told(figure, figure.score) if figure.score is not None else ""


def interval(figure: ScaleFigure) -> str:
    """From where to where the score may lie."""
    if figure.interval is None:
        return ""
    return f"{_told(figure, figure.interval.low)} to {_told(figure, figure.interval.high)}"


def _told(figure: ScaleFigure, value: float) -> str:
    return f"{100 * value:.0f} %" if figure.metric in _SHARES else f"{value:+.0f}"

"""``ringback sync zendesk``: look now for what Zendesk did and never told us."""

from __future__ import annotations

import click

from connector.cli.common.acting import acting
from connector.cli.common.context import BadInputError
from connector.cli.common.output import as_json_option, show
from connector.cli.provision.output import leave
from connector.vendors.zendesk.reconcile.run import reconciler


@click.command()
@click.argument("connection", required=False)
@as_json_option
def zendesk(connection: str | None, as_json: bool) -> None:
    """Compare with Zendesk now: webhooks that never arrived, solved tickets nobody told of, callbacks that stand
    otherwise than we believe. What is missing is put into the inbox and understood like any delivery.

    It also happens by itself, every few minutes, where the scheduler runs. Without CONNECTION: all Zendesk accounts.
    """
    with acting() as house:
        work = reconciler(house.job_parts("zendesk"))
        known = work.connections()
        if connection and connection not in known:
            told = ", ".join(known) or "none"
            raise BadInputError(f"CONNECTION: {connection!r} is no Zendesk connection. Known are: {told}.")
        names = [connection] if connection else known
        found = [each for name in names for each in work.run(name, at_once=True)]
    columns = {
        "connection": lambda each: each.connection,
        "reading": lambda each: each.reading,
        "missed": lambda each: each.missed,
        "remark": lambda each: each.said,
    }
    show(found, columns, as_json, empty="No Zendesk connections. Write one under `connections:` in ringback.yaml.")
    leave(not any(each.said for each in found))

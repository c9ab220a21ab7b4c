"""``ringback connections``: how every connection is doing; pausing and resuming one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from connector.cli.common.acting import by_option, plainly
from connector.cli.common.context import BadInputError, open_database, read_config, read_settings
from connector.cli.common.output import as_json_option, show, show_json
from connector.clock import system_clock
from connector.runtime.operations.connections import ConnectionCommands, Health
from connector.vendors import oauth_consent
from connector.vendors.clients import Connections


@click.group(invoke_without_command=True)
@as_json_option
@click.pass_context
def connections(context: click.Context, as_json: bool) -> None:
    """Show every connection: its kind, whether it works, what waits for it; pause and resume one."""
    if context.invoked_subcommand:
        return
    with _switches() as switches:
        found = switches.health()
    columns = {
        "connection": lambda each: each.name,
        "kind": lambda each: each.kind,
        "status": lambda each: each.status,
        "due": lambda each: each.due,
        "oldest due (utc)": lambda each: each.oldest_due_at,
        "under way": lambda each: each.performing,
        "failed": lambda each: each.failed,
        "in doubt": lambda each: each.review,
        "last success (utc)": lambda each: each.last_success_at,
        "last delivery (utc)": lambda each: each.last_delivery_at,
        "budget": _budget,
        "blocked until (utc)": lambda each: each.blocked_until,
        "reason": _reason,
    }
    show(found, columns, as_json, empty="No connections. Write some under `connections:` in ringback.yaml.")


@connections.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; it is shown with the connection.")
@by_option
@as_json_option
def pause(name: str, reason: str, by: str, as_json: bool) -> None:
    """Make no more calls on the connection NAME until it is resumed. What comes in is still taken."""
    with _switches() as switches:
        _tell(switches.pause(name, by, reason), as_json)


@connections.command()
@click.argument("name")
@as_json_option
def resume(name: str, as_json: bool) -> None:
    """Make calls on the connection NAME again; those that waited go out."""
    with _switches() as switches:
        _tell(switches.resume(name), as_json)


@connections.command()
@click.argument("name")
def authorize(name: str) -> None:
    """Print the address at which a person agrees that Ringback acts for them on the connection NAME.

    For connections with `auth: {type: oauth, grant: authorization_code, …}`. Open it in a browser in which the user
    whom Ringback shall act as is signed in; the browser comes back to Ringback, which must be running.
    """
    settings = read_settings()
    clients, keys = Connections(read_config(settings)), settings.secret_keys(lambda said: click.echo(said, err=True))
    try:
        client = clients.oauth_client(name)
    except KeyError as error:
        said = f"NAME: {name!r} is no connection with `auth: {{type: oauth, grant: authorization_code}}`."
        raise BadInputError(said) from error
    asked = oauth_consent.begin(keys, name, system_clock())
    back = oauth_consent.return_address(settings.base_url, name)
    click.echo(client.address(back, asked.state, asked.challenge))
    click.echo(f"Open it within ten minutes. The OAuth client's redirect URL must be {back}", err=True)


@contextmanager
def _switches() -> Iterator[ConnectionCommands]:
    """Without a bell: `ringback serve` or the scheduler finds what may go out within a second."""
    clients = Connections(read_config(read_settings()))
    with open_database() as database, plainly():
        yield ConnectionCommands(database, clients.kinds, clients.budget, system_clock, lambda queue: None)


def _tell(health: Health, as_json: bool) -> None:
    if as_json:
        show_json(health)
        return
    waiting = f"{health.due} call{'s' * (health.due != 1)} due"
    click.echo(f"Connection {health.name} is {health.status} now; {waiting}, {health.performing} under way.")


def _reason(health: Health) -> str:
    """While the circuit is open the vendor's words alone would not say what we do about it."""
    if health.failing_since is None or health.status not in ("open", "probing"):
        return health.reason
    return f"circuit open, failing since {health.failing_since:%Y-%m-%d %H:%M:%S}: {health.reason}"


def _budget(health: Health) -> str:
    return f"{health.budget_left} left of {health.budget:g} a minute" if health.budget else ""

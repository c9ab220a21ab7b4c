"""``ringback deliveries …``: what others sent us."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import click

from connector.cli.common.acting import be_sure, dry_run_option, progress, yes_option
from connector.cli.common.context import BadInputError, open_database
from connector.cli.common.output import as_json_option, cell, limit_option, printable, show, show_json
from connector.storage.engine.database import Database
from connector.storage.stores import run_queries
from connector.storage.stores.page_queries import event_types
from connector.storage.stores.run_queries import DeliveryLine, DeliveryStory, EventLine
from workflows.condition_words import in_words

_TROUBLE = ("unreadable", "failed")
_PAGE = 500
_STATUSES = ("new", "done", "ignored", "unreadable", "failed")


@dataclass(frozen=True, slots=True)
class ListedDelivery(DeliveryLine):
    """A delivery with the types of the events it told; none where they were known, or it means nothing here."""

    events: tuple[str, ...] = ()


@click.group(invoke_without_command=True)
@click.option("--status", type=click.Choice(_STATUSES), help="Only deliveries in this state.")
@click.option("--connection", help="Only deliveries of this connection.")
@limit_option
@as_json_option
@click.pass_context
def deliveries(
    context: click.Context, status: str | None, connection: str | None, limit: int, as_json: bool
) -> None:
    """Show the webhooks that arrived, newest first; look into one; let one be understood anew."""
    if context.invoked_subcommand:
        return
    with open_database() as database, database.read() as tx:
        found = run_queries.list_deliveries(tx, status=status, connection=connection, limit=limit)
        told = event_types(tx, [each.id for each in found])
    lines = [ListedDelivery(**asdict(each), events=told.get(each.id, ())) for each in found]
    columns = {
        "id": lambda each: each.id,
        "received (utc)": lambda each: each.received_at,
        "connection": lambda each: each.connection,
        "status": lambda each: each.status,
        "event": lambda each: ", ".join(each.events),
        "bytes": lambda each: each.size,
        "reason": lambda each: each.reason,
    }
    show(lines, columns, as_json, empty="No deliveries.")


@deliveries.command(name="show")
@click.argument("delivery_id", metavar="ID", type=int)
@as_json_option
def show_(delivery_id: int, as_json: bool) -> None:
    """Show one delivery: headers, content, the events that came of it, and what workflows made of them."""
    with open_database() as database, database.read() as tx:
        story = run_queries.delivery_story(tx, delivery_id)
    if story is None:
        raise BadInputError(
            f"There is no delivery {delivery_id}. `ringback deliveries` shows those there are."
        )
    if as_json:
        show_json(story)
    else:
        _tell(story)


@deliveries.command()
@click.argument("ids", nargs=-1, type=click.IntRange(0, 2**63 - 1), metavar="[ID]...")
@click.option("--status", type=click.Choice(_TROUBLE), help="Instead of ids: all deliveries in this state.")
@click.option("--connection", help="With --status: only those of this connection.")
@dry_run_option
@yes_option
@as_json_option
def replay(
    ids: tuple[int, ...], status: str | None, connection: str | None, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Let deliveries be understood anew, as after mending their connection. Known events stay single."""
    if bool(ids) == bool(status):
        raise BadInputError("Name deliveries, or give --status unreadable or --status failed.")
    with open_database() as database:
        wanted = sorted(set(ids)) or _in_state(database, str(status), connection)
        if dry_run:
            _tell_count(len(wanted), as_json)
            return
        if status:
            be_sure(len(wanted), "deliveries", yes=yes)
        again = _replay(database, wanted)
        missing = sorted(set(wanted) - set(again))
        why_not = _why_not(database, missing)
    if as_json:
        show_json({"replayed": again, "missing": missing})
    elif again:
        click.echo(f"{len(again)} will be understood anew: {', '.join(map(str, again))}.")
    if missing:
        raise BadInputError(" ".join(why_not))


def _in_state(database: Database, status: str, connection: str | None) -> list[int]:
    """All of them, oldest first, page by page."""
    found: list[int] = []
    with database.read() as tx:
        while page := run_queries.list_deliveries(
            tx, status=status, connection=connection, limit=_PAGE, before=found[-1] if found else None
        ):
            found.extend(line.id for line in page)
    return found[::-1]


def _replay(database: Database, ids: Sequence[int]) -> list[int]:
    """A page to a transaction, so that senders and workers have their turn between two. → those that
    exist."""
    pages = [ids[start : start + _PAGE] for start in range(0, len(ids), _PAGE)]
    again: list[int] = []
    for page in progress(pages, len(pages)):
        again += database.transact(lambda tx, page=page: run_queries.replay_deliveries(tx, page))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    return again


def _why_not(database: Database, ids: Sequence[int]) -> list[str]:
    """Why these were not replayed."""
    with database.read() as tx:
        emptied = [one for one in ids if (story := run_queries.delivery_story(tx, one)) and story.line.emptied_at]
    unknown = sorted(set(ids) - set(emptied))
    said = [f"There is no delivery {', '.join(map(str, unknown))}."] if unknown else []
    if emptied:
        which = ", ".join(map(str, emptied))
        said.append(f"The content of delivery {which} went when its period was over (see `ringback retention`): "
                    "ask its sender to send it again.")  # fmt: skip
    return said


def _tell_count(count: int, as_json: bool) -> None:
    if as_json:
        show_json({"matched": count})
    else:
        click.echo(f"{count} {'delivery' if count == 1 else 'deliveries'}; nothing was changed.")


def _tell(story: DeliveryStory) -> None:
    line = story.line
    click.echo(f"Delivery {line.id} of {line.connection}, {cell(line.received_at)} UTC, {line.size} bytes")
    click.echo(f"State     {line.status}{f': {cell(line.reason)}' if line.reason else ''}")
    click.echo(f"Key       {cell(line.key)}")
    click.echo("\nHeaders")
    for name, value in sorted(story.headers.items()):
        click.echo(printable(f"  {name}: {value}"))
    if line.emptied_at:
        click.echo(f"\nHeaders and content went at {cell(line.emptied_at)} UTC, when their period was over.\n")
    else:
        click.echo(f"\nContent ({cell(story.content_type)})\n{_pretty(story.body)}\n")
    click.echo("Events" if story.events else "No events came of it.")
    for event in story.events:
        _tell_event(event)


def _tell_event(event: EventLine) -> None:
    about = f" about {event.subject}" if event.subject else ""
    click.echo(f"  {event.type}{about}, {cell(event.time)} UTC ({event.id})")
    for decision in event.decisions:
        verb = "starts" if decision["starts"] else "does not start"
        click.echo(f"    {verb} {decision['workflow']} version {decision['version']}: {decision['why']}")
        if asks := _asked(decision.get("said")):
            click.echo(f"      it asks that {asks}.")


def _asked(said: Any) -> str:
    """The condition that decided, in words; "" where none did, or it has none."""
    match said:
        case [str(id_), {"condition": str(condition)}] if id_.startswith("condition."):
            return in_words(condition)
    return ""


def _pretty(body: bytes) -> str:
    """JSON with its levels shown; anything else as it came."""
    text = body.decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return "\n".join(f"  {line}" for line in printable(text).splitlines())

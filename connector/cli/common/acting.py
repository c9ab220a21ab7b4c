"""What the commands that change something share: who does it, being sure, and showing how far they are."""

from __future__ import annotations

import getpass
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, TypeVar

import click

from connector import wiring
from connector.access.audit import COMMAND, Actor
from connector.cli.common.context import BadInputError, open_database, read_config, read_settings
from connector.runtime.operations.errors import ControlError, RefusedError
from connector.services import Services

T = TypeVar("T")

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,4})\s*([mhdw])(?:inutes?|ours?|ays?|eeks?)?")


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "the command line"


def acting_here() -> Actor:
    """Whoever types, as the audit log has them."""
    return Actor(COMMAND, _me())


by_option = click.option(
    "--by", default=_me, show_default="your user name", help="Who does it; it stands in the history."
)
yes_option = click.option("--yes", is_flag=True, help="Do it with more than one.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Only count.")


def span(text: str) -> timedelta:
    """A length of time: 90m, 12h, 30d, 2w, or "30 days"."""
    found = _SPAN.fullmatch(text.strip())
    if not found:
        raise click.BadParameter(f"{text!r} is no length of time. Write 90m, 12h, 30d or 2w.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def json_object(text: str) -> dict[str, Any]:
    """A JSON object."""
    try:
        given = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise click.BadParameter("It is not JSON.") from None
    if not isinstance(given, dict):
        raise click.BadParameter('It is JSON, but no object. Write {"field": value}.')
    return given


@contextmanager
def acting() -> Iterator[Services]:
    """The house's parts, to decide with; what follows is done by `ringback serve` or the workers."""
    with open_database(), plainly():
        settings = read_settings()
        keys = settings.secret_keys(lambda text: click.echo(text, err=True))
        house = wiring.build(settings, read_config(settings), secret_keys=keys)
        try:
            yield house
        finally:
            house.close()


@contextmanager
def plainly() -> Iterator[None]:
    """What the controls say, as a sentence and an exit code."""
    try:
        yield
    except RefusedError as error:
        raise click.ClickException(str(error)) from error
    except ControlError as error:
        raise BadInputError(str(error)) from error


def ago(span: timedelta | None) -> datetime | None:
    return datetime.now(UTC) - span if span else None


def be_sure(count: int, what: str, *, yes: bool) -> None:
    """More than one needs --yes."""
    if count > 1 and not yes:
        raise BadInputError(f"{count} {what} would be changed. Say --yes to do it, --dry-run to look.")


def progress(items: Iterable[T], total: int) -> Iterator[T]:
    """Counts on a terminal; silent in a pipe and for a single one."""
    shows = total > 1 and sys.stderr.isatty()
    for number, item in enumerate(items, 1):
        yield item
        if shows:
            click.echo(f"\r{number} of {total}", nl=number == total, err=True)


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def options(*decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options as one."""

    def decorate(command: Any) -> Any:
        for each in reversed(decorators):
            command = each(command)
        return command

    return decorate

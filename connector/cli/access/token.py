"""``ringback token …``: tokens with which programs use the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import click
from sqlalchemy.exc import IntegrityError

from connector.access import tokens
from connector.access.audit import Audit
from connector.access.rights import TOKEN_SCOPES
from connector.cli.common.acting import acting_here, plainly, span
from connector.cli.common.context import BadInputError, open_database, read_settings
from connector.cli.common.output import as_json_option, cell, show, show_json
from connector.clock import system_clock
from connector.runtime.operations.validation import told
from connector.storage.stores import api_tokens

_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as it is shown once."""

    name: str
    token: str
    scopes: tuple[str, ...]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class TokenLine:
    """A token without its secret."""

    name: str
    state: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


@click.group()
def token() -> None:
    """Make, list and revoke tokens for the API."""


@token.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(TOKEN_SCOPES),
              help="What it may do; may be given several times.")  # fmt: skip
@click.option(
    "--expires", type=span, metavar="TIME", help="When it ends: 12h, 90d or 52w from now. Left out: never."
)
@as_json_option
def create(name: str, scopes: tuple[str, ...], expires: timedelta | None, as_json: bool) -> None:
    """Make a token called NAME. It is printed once and kept as a hash: store it where secrets belong."""
    now = system_clock()
    until = now + expires if expires else None
    with plainly():
        name = told(name, "name", _LONGEST_NAME)
    with open_database() as database:
        log = Audit(database, read_settings().secret_keys(lambda _: None))
        try:
            secret = database.transact(
                lambda tx: tokens.create(tx, log, acting_here(), name, scopes, now, until)
            )
        except IntegrityError as error:
            remedy = "Choose another name, or revoke that one first."
            raise BadInputError(f"NAME: there is a token {name!r} already. {remedy}") from error
    if as_json:
        show_json(NewToken(name, secret, tuple(sorted(set(scopes))), until))
    else:
        click.echo(secret)
        click.echo(f"This is the token {name!r}; it is not shown again.", err=True)


@token.command(name="list")
@as_json_option
def list_(as_json: bool) -> None:
    """Show all tokens there ever were, without their secrets."""
    now = system_clock()
    with open_database() as database, database.read() as tx:
        found = [
            TokenLine(
                each.name, each.state(now), each.scopes, each.created_at, each.last_used_at, each.expires_at
            )
            for each in api_tokens.every(tx)
        ]
    columns = {
        "name": lambda each: each.name,
        "state": lambda each: each.state,
        "scopes": lambda each: " ".join(each.scopes),
        "created (utc)": lambda each: each.created_at,
        "last used (utc)": lambda each: each.last_used_at,
        "expires (utc)": lambda each: each.expires_at,
    }
    show(
        found, columns, as_json, empty="No tokens. Make one with `ringback token create NAME --scope SCOPE`."
    )


@token.command()
@click.argument("name")
@as_json_option
def revoke(name: str, as_json: bool) -> None:
    """End the token called NAME, at once and for good."""
    with open_database() as database:
        log = Audit(database, read_settings().secret_keys(lambda _: None))
        revoked = database.transact(lambda tx: tokens.revoke(tx, log, acting_here(), name, system_clock()))
    if not revoked:
        raise BadInputError(f"NAME: no token {cell(name)!r} is in use. `ringback token list` shows them all.")
    if as_json:
        show_json({"revoked": name})
    else:
        click.echo(f"The token {cell(name)!r} is revoked.")

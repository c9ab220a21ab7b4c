"""``ringback admin …``: people of the house who may do everything, for who has the machine."""

from __future__ import annotations

import sys

import click

from connector.access.errors import AccessError, FieldError
from connector.access.services import access_services
from connector.access.way_in.passwords import HASH_COST
from connector.cli.common.acting import acting_here
from connector.cli.common.context import BadInputError, open_database, read_config, read_settings
from connector.clock import system_clock


@click.group()
def admin() -> None:
    """Make an admin of the pages under /admin/."""


@admin.command()
@click.argument("email")
@click.option("--name", default="", help="What they are called; left out: what stands before the @.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the standard input, for scripts.")
def create(email: str, name: str, password_stdin: bool) -> None:
    """Make an admin with the address EMAIL. The password is asked for, and shown nowhere."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _asked()
    settings = read_settings()
    with open_database() as database:
        rules, keys = read_config(settings, hint=False).sign_in, settings.secret_keys(lambda _: None)
        people = access_services(database, rules, keys, HASH_COST).people
        try:
            made = people.make_admin(acting_here(), email, name or email.partition("@")[0], password, system_clock())
        except FieldError as error:
            raise BadInputError(f"{error.field.upper()}: {error}") from error
        except AccessError as error:
            raise BadInputError(str(error)) from error
    click.echo(f"{made.email} is an admin. They sign in at {settings.base_url}/admin/")


def _asked() -> str:
    return str(click.prompt("Password (12 characters or more)", hide_input=True, confirmation_prompt=True, err=True))

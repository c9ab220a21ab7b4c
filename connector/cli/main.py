"""The command ``ringback``. A command's module is loaded when the command is used, so each starts quickly.

Exit codes: 0 all is well; 1 it failed; 2 what was given cannot be used.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from typing import Any

import click

from connector.cli.common.lazy import LazyGroup

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("init.command:init", "Write a whole installation from a few answers."),
    "demo": ("demo:demo", "See it all at work, with stand-ins for the vendors."),
    "serve": ("serve.commands:serve", "Run everything with one command."),
    "web": ("serve.commands:web", "Run the web side only."),
    "worker": ("serve.commands:worker", "Run a worker only."),
    "scheduler": ("serve.commands:scheduler", "Run the timers only."),
    "doctor": ("doctor.command:doctor", "Check that all is in order, and say what to do."),
    "sandbox": ("sandbox:sandbox", "Start the stand-ins alone."),
    "migrate": ("migrate:migrate", "Bring the database to this version's shape."),
    "backup": ("safety.backup:backup", "Copy the database while everything runs, and verify the copy."),
    "secret-key": ("safety.secret_key:secret_key", "Change the secret key without losing what it sealed."),
    "config": ("configuration:config", "Check the configuration."),
    "connections": ("connections:connections", "Show how every connection is doing; pause and resume one."),
    "brand": ("brands:brand", "See the house style of mails and pages."),
    "workflow": ("workflows:workflow", "Check, load, show and try workflows."),
    "survey": ("surveys.group:survey", "Check, show, copy and translate surveys; see who is asked, and who is not."),
    "deliveries": ("deliveries:deliveries", "Show the webhooks that arrived; replay them."),
    "mail": ("mail:mail", "Show what came back of our mail, and the addresses that are left alone."),
    "runs": ("runs:runs", "Show what workflows did, and why; cancel, retry, skip and restart."),
    "responses": ("responses.group:responses", "Show answers and their figures; those that may not be a person's."),
    "customers": ("customers:customers", "Find customers, see what is known; decide where systems do not agree."),
    "sync": ("sync.group:sync", "Take in contacts, write earlier scores, look for what was missed."),
    "provision": (
        "provision.group:provision",
        "Set up a vendor's account: fields, views, webhooks; show and mend drift.",
    ),
    "retention": ("retention:retention", "Show how long what is kept, and what is due to go; let it go now."),
    "admin": ("access.admin:admin", "Make an admin of the pages."),
    "audit": ("access.audit:audit", "Show, export and verify the log of who did what."),
    "token": ("access.token:token", "Make, list and revoke tokens for the API."),
}
"""Every command: its place below ``connector.cli``, and what the list of commands says of it."""


class Commands(LazyGroup):
    """A group that also turns our own errors into a sentence and an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        _write_what_the_terminal_can()  # before anything is said, --help included
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        from connector.cli.common.environment_file import take_in

        try:
            take_in(os.environ)
            return super().invoke(ctx)
        except Exception as error:
            told = _told(error)
            if told is None:
                raise
            raise told from error


def _write_what_the_terminal_can() -> None:
    """A terminal in Latin-1 or ASCII has no sign for some of ours; what it cannot show is no reason to stop."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _told(error: Exception) -> click.ClickException | None:
    """The error for people, if it is one of our own kinds."""
    from sqlite3 import DatabaseError as NoDatabase

    from sqlalchemy.exc import DatabaseError, OperationalError

    from connector.cli.common.context import BadInputError
    from connector.storage.schema.migrate import MigrationError
    from integrations.errors import OptionsError
    from workflows.errors import WorkflowError

    if isinstance(error, WorkflowError | OptionsError):
        return BadInputError(str(error))
    if isinstance(error, MigrationError):
        return click.ClickException(str(error))
    if isinstance(error, OperationalError):
        return _database_trouble("does not answer", error)
    if isinstance(error, DatabaseError) and type(error.orig) is NoDatabase:  # not its kinds: those are our statements'
        return _database_trouble("cannot be used", error)
    if isinstance(error, OSError) and error.filename:
        why = error.strerror or type(error).__name__
        return click.ClickException(f"{error.filename}: {why}. Check that it is there, and that we may use it.")
    return None


def _database_trouble(what: str, error: Exception) -> click.ClickException:
    said = _first_line(error).rstrip(".")
    return click.ClickException(f"The database {what}: {said}. Check RINGBACK_DATABASE_URL.")


def _first_line(error: Exception) -> str:
    from connector.logs import redact

    words = redact(str(getattr(error, "orig", None) or error)).strip().splitlines()
    return words[0] if words else type(error).__name__


@click.group(cls=Commands, table=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ringback", message="%(prog)s %(version)s")
def main() -> None:
    """Ringback closes the loop: it asks customers how it went, calls back who was unhappy, and writes the
    score on their record in Zendesk and Salesforce.

    New here? `ringback demo` shows it all with stand-ins for the vendors. Settings come from the environment
    (RINGBACK_DATABASE_URL, …) and from ringback.yaml; `ringback config check` says whether they fit together.
    """

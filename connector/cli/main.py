"""The command ``ringback``. A command's module is loaded when the command is used, so each starts quickly.

Exit codes: 0 all is well; 1 it failed; 2 what was given cannot be used.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click

_COMMANDS: Mapping[str, str] = {
    "demo": "connector.cli.demo:demo",
    "serve": "connector.cli.serve:serve",
    "web": "connector.cli.serve:web",
    "worker": "connector.cli.serve:worker",
    "scheduler": "connector.cli.serve:scheduler",
    "sandbox": "connector.cli.sandbox:sandbox",
    "migrate": "connector.cli.migrate:migrate",
    "config": "connector.cli.configuration:config",
    "connections": "connector.cli.connections:connections",
    "workflow": "connector.cli.workflows:workflow",
    "survey": "connector.cli.surveys:survey",
    "deliveries": "connector.cli.deliveries:deliveries",
    "runs": "connector.cli.runs:runs",
}
"""Every command and where it is."""


class Commands(click.Group):
    """The table above as a click group, which also turns our own errors into a sentence and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, place in _COMMANDS.items() if find_spec(place.split(":")[0])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module, _, name = _COMMANDS.get(cmd_name, "").partition(":")
        if not module or find_spec(module) is None:
            return None
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 - the table above is ours
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            told = _told(error)
            if told is None:
                raise
            raise told from error


def _told(error: Exception) -> click.ClickException | None:
    """The error for people, if it is one of our own kinds."""
    from sqlalchemy.exc import OperationalError

    from connector.cli.context import BadInputError
    from connector.storage.migrate import MigrationError
    from integrations.errors import OptionsError
    from workflows.errors import WorkflowError

    if isinstance(error, WorkflowError | OptionsError):
        return BadInputError(str(error))
    if isinstance(error, MigrationError):
        return click.ClickException(str(error))
    if isinstance(error, OperationalError):
        return click.ClickException(
            f"The database does not answer: {_first_line(error)} Check RINGBACK_DATABASE_URL."
        )
    return None


def _first_line(error: Exception) -> str:
    from connector.logs import redact

    words = redact(str(getattr(error, "orig", None) or error)).strip().splitlines()
    return words[0] if words else type(error).__name__


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ringback", message="%(prog)s %(version)s")
def main() -> None:
    """Ringback closes the loop: it asks customers how it went, calls back who was unhappy, and writes the
    score on their record in Zendesk and Salesforce.

    New here? `ringback demo` shows it all with stand-ins for the vendors. Settings come from the environment
    (RINGBACK_DATABASE_URL, …) and from ringback.yaml; `ringback config check` says whether they fit together.
    """

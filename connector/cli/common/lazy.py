"""Groups of commands whose modules are loaded when a command is used, so that each starts quickly."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click


class LazyGroup(click.Group):
    """``table``: name → (place below ``connector.cli`` as "module:command", what the list of commands says of it)."""

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **more: Any) -> None:
        super().__init__(*args, **more)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in self._table if find_spec(self._place(name)[0])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module, name = self._place(cmd_name)
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 - the table is ours
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table: click would load every command for its first line."""
        if known := self.list_commands(ctx):
            with formatter.section("Commands"):
                formatter.write_dl([(name, self._table[name][1]) for name in known])

    def _place(self, command: str) -> tuple[str, str]:
        module, _, name = self._table[command][0].partition(":")
        return f"connector.cli.{module}", name

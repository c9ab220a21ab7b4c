"""Which account is meant: the connection that is named, or the only one of its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from connector.cli.common.context import BadInputError, read_config, read_settings

Command = TypeVar("Command", bound=Callable[..., Any])


def account_argument(kind: str) -> Callable[[Command], Command]:
    """CONNECTION, which may be left out where there is one of this kind."""

    def meant(_context: click.Context, _parameter: click.Parameter, given: str | None) -> str:
        return given or _only(kind)

    return click.argument("connection", required=False, callback=meant)


def _only(kind: str) -> str:
    """Raises BadInputError where nobody can know which is meant."""
    names = [each.name for each in read_config(read_settings(), hint=False).of_kind(kind)]
    if len(names) != 1:
        known = f"there are {', '.join(names)}: name one" if names else f"there is none of kind {kind} in ringback.yaml"
        raise BadInputError(f"CONNECTION: {known}.")
    return names[0]

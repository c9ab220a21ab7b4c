"""``ringback.env``: secrets and addresses beside ``ringback.yaml``, for who starts commands by hand.

Every command reads it; what stands in the environment goes before. One ``NAME=value`` a line, as systemd's
``EnvironmentFile`` and a shell take it, too.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import MutableMapping
from io import StringIO
from pathlib import Path

import click
from dotenv import dotenv_values

from connector.cli.common.context import BadInputError
from connector.config.settings import DEFAULT_CONFIG

NAME = "ringback.env"

_PLAIN = re.compile(r"[A-Za-z0-9_./:@+=,-]*")


def take_in(environ: MutableMapping[str, str]) -> None:
    """Put what the file holds where the environment says nothing. Raises BadInputError when others may read it, or when
    it is no text."""
    file = Path(environ.get("RINGBACK_CONFIG", "").strip() or DEFAULT_CONFIG).with_name(NAME)
    if not file.is_file():
        return
    if os.name != "nt" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise BadInputError(f"{file} holds secrets, and others on this machine may read it. Run: chmod 600 {file}")
    try:
        found = values_in(file.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadInputError(f"{file} is no text in UTF-8. Write it anew in UTF-8.") from error
    for name, value in found.items():
        if value and not environ.get(name):
            environ[name] = value


def values_in(text: str) -> dict[str, str]:
    """Name → value; nothing is put into the values."""
    return {name: value or "" for name, value in dotenv_values(stream=StringIO(text), interpolate=False).items()}


def assignment(name: str, value: str) -> str:
    """One line of the file. Raises ValueError for a value that fits into none."""
    if not value.isprintable() or "'" in value:
        raise ValueError(f"{name} holds a quote or a sign that no line can hold")
    return f"{name}={value}" if _PLAIN.fullmatch(value) else f"{name}='{value}'"


def write_private(file: Path, text: str) -> None:
    """A new file that only its owner may read, from its first byte on. Raises FileExistsError."""
    try:
        with open(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as output:
            output.write(text)
    except FileExistsError:
        raise click.ClickException(f"{file} is there already, and is left as it is.") from None

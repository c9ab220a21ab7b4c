"""How commands speak: aligned tables for people, JSON for machines."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
limit_option = click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many."
)


def show(
    rows: Sequence[Any], columns: Mapping[str, Callable[[Any], Any]], as_json: bool, *, empty: str
) -> None:
    """Print dataclass values: as JSON whole, or as a table by ``columns`` (title → cell)."""
    if as_json:
        show_json(rows)
    elif not rows:
        click.echo(empty)
    else:
        click.echo(table(list(columns), [[cell(row) for cell in columns.values()] for row in rows]))


def show_json(value: Any) -> None:
    """Print a value as JSON; dataclasses become objects, times RFC 3339. Where the terminal lacks signs they are
    escaped: a program that reads it gets every one."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") not in ("utf8", "utf16", "utf32")
    click.echo(json.dumps(value, indent=2, ensure_ascii=ascii_only, default=_plain))


def table(titles: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns in line; the last one is as long as it is."""
    lines = [[title.upper() for title in titles], *([cell(each) for each in row] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(titles))]
    return "\n".join("  ".join(part.ljust(width) for part, width in zip(line, widths, strict=True)).rstrip()
                     for line in lines)  # fmt: skip


def cell(value: Any) -> str:
    """One value in one line, as people read it."""
    if value is None or value == "":
        return "–"
    if isinstance(value, datetime):
        return time(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(" ".join(str(value).split()))


def printable(text: str) -> str:
    """Text that others sent, without the characters that would move the cursor or colour the screen."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "�" for sign in text)


def time(moment: datetime) -> str:
    """In UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")

"""Telling what is wrong with files: everything at once, each with its place and remedy."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click

from connector.cli.common.output import show_json
from workflows.errors import Mistake


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """What was found in one file; ``slug`` is empty when it could not be read. Warnings are mistakes too."""

    file: str
    slug: str
    mistakes: tuple[Mistake, ...]

    @property
    def is_good(self) -> bool:
        return all(each.warning for each in self.mistakes)


def report(verdicts: Sequence[FileVerdict], as_json: bool) -> None:
    """Print the verdicts; ends the command with exit code 2 when a file is refused or there is none."""
    if as_json:
        show_json(verdicts)
    else:
        for verdict in verdicts:
            _tell(verdict)
    if not verdicts:
        click.echo("There is nothing to check: no YAML file was found there.", err=True)
    if not verdicts or not all(verdict.is_good for verdict in verdicts):
        sys.exit(2)


def _tell(verdict: FileVerdict) -> None:
    click.echo(f"{verdict.file}: {_summary(verdict)}")
    for each in verdict.mistakes:
        click.echo(f"  {'warning: ' if each.warning else ''}{each}")


def _summary(verdict: FileVerdict) -> str:
    wrong = sum(not each.warning for each in verdict.mistakes)
    if wrong:
        return f"{wrong} mistake{'s' * (wrong != 1)}"
    return f"good ({verdict.slug})"

"""Findings as a table or as JSON; and how what they are about is read."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn, TypeVar

import click

from connector import logs
from connector.cli.common.output import printable, show_json
from connector.observe.findings import Finding, Verdict, of_mistakes
from workflows.errors import DefinitionError

T = TypeVar("T")

_MARKS = {Verdict.OK: "✔", Verdict.WARNING: "!", Verdict.BROKEN: "✘"}


def report(found: Sequence[Finding], *, as_json: bool, may_hold_secrets: bool = True) -> NoReturn:
    """Tell them, and end the command: 1 when something is broken. What cannot hold a secret is told to the sign: a key
    for DNS may look like one."""
    healthy = all(each.verdict is not Verdict.BROKEN for each in found)
    if as_json:
        show_json({"healthy": healthy, "findings": found})
    else:
        _tell(found, _clean if may_hold_secrets else printable)
    sys.exit(not healthy)


@contextmanager
def silence() -> Iterator[None]:
    """What the clients would log stands in the table."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def read_part(work: Callable[[], T], check: str) -> tuple[T | None, list[Finding]]:
    try:
        return work(), []
    except DefinitionError as error:
        return None, of_mistakes(check, error.mistakes)


def _tell(found: Sequence[Finding], clean: Callable[[str], str]) -> None:
    width = max(len(each.check) for each in found)
    for each in found:
        click.echo(clean(f"{_MARKS[each.verdict]} {each.check:<{width}}  {each.says}"))
        if each.remedy:
            click.echo(clean(f"  {'':<{width}}  → {each.remedy}"))
    click.echo(_summary(found))


def _clean(line: str) -> str:
    return printable(logs.redact(line))


def _summary(found: Sequence[Finding]) -> str:
    broken = sum(each.verdict is Verdict.BROKEN for each in found)
    look = sum(each.verdict is Verdict.WARNING for each in found)
    if not broken and not look:
        return "All is well."
    return f"{broken} broken, {look} worth a look."

"""Ports as options of commands: in range, and said by the option's name when they are taken."""

from __future__ import annotations

import click

PORT = click.IntRange(0, 65535)
"""TCP's ports; 0 picks a free one."""


def cannot_be_used(option: str, where: str, why: object) -> str:
    """The sentence for an address that cannot be listened on; ``option`` is what to change."""
    return f"{option}: {where} cannot be used ({why}). Choose another. Port 0 picks a free one."

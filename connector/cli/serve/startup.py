"""From the environment and the configuration file to one process's parts."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connector import logs, wiring
from connector.cli.common.context import read_config, read_settings
from connector.config.file import Config
from connector.config.settings import Settings
from connector.runtime.doorbell import Share
from connector.services import Services
from workflows.errors import DefinitionError

log = logging.getLogger("ringback")

_BETWEEN_COLLECTIONS = 20_000
"""New objects; a batch of deliveries makes about so many."""


@contextmanager
def opened(
    share: Share = Share.ALL, ring: Callable[[str], None] | None = None, *, hint: bool = True
) -> Iterator[Services]:
    """This process's parts. ``ring`` takes what is rung for no ``share`` of it to another process. Only the first of an
    installation's processes gives hints about its settings (``hint``)."""
    settings = read_settings()
    logs.set_up(as_json=settings.log_format == "json")
    config = read_config(settings, hint=hint)
    house = assemble(settings, config, share, ring)
    try:
        yield house
    finally:
        house.close()


def settle_down() -> None:
    """A process has made what it keeps to its end: its collector need not look through that again and again. Under
    load it did so dozens of times a second, for a tenth of the process's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_BETWEEN_COLLECTIONS, 20, 50)


def assemble(
    settings: Settings, config: Config, share: Share = Share.ALL, ring: Callable[[str], None] | None = None
) -> Services:
    """Build the house, or say everything that is wrong with its connections at once."""
    house = wiring.build(settings, config, secret_keys=settings.secret_keys(log.info), share=share, ring=ring)
    mistakes = house.connections.check()
    if mistakes:
        house.close()
        raise DefinitionError(str(config.path), mistakes)
    return house

"""The folders' definitions, as a process finds them when it starts."""

from __future__ import annotations

import logging
from datetime import datetime

from connector.checks.installation import Examiner
from connector.checks.known import read_known
from connector.config.file import Config
from connector.definitions import Changes, Found, import_found
from connector.storage.engine.database import Database

log = logging.getLogger("ringback")


def load_definitions(database: Database, config: Config, now: datetime) -> Changes:
    """Make the folders' files the definitions in force.

    A file that somebody broke must not keep the house shut: its last good version stays in force, nothing is retired,
    and everybody is told. Raises DefinitionError with every mistake where no workflow would be in force.
    """
    with database.read() as tx:
        known = read_known(tx)
    found, changes = import_found(database, config, Examiner(config, known=known).everything, now)
    _tell(found)
    return changes


def _tell(found: Found) -> None:
    for mistake in found.general:
        log.error("the configuration is used as it is, and should be mended: %s", mistake)
    for mistake in found.wrong:
        log.error("a definition is NOT in force as its file has it, its last good version is: %s", mistake)
    if found.wrong:
        remedy = "then start again; `ringback config check` shows them"
        log.error("mend %d mistakes in definitions, %s", len(found.wrong), remedy)

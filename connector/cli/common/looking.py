"""What every command that checks something asks: the examiner of the configuration that is here."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from connector.checks.installation import Examiner
from connector.checks.known import NOTHING_KNOWN, KnownHere, read_known
from connector.cli.common.context import read_config, read_settings
from connector.cli.common.validation import FileVerdict
from connector.config.file import Config, ConfigError
from connector.config.settings import Settings
from connector.config.yaml_reader import is_unset
from connector.definitions import Files
from connector.storage.engine.database import Database
from workflows.errors import DefinitionError


def known_here(settings: Settings) -> KnownHere:
    """What the database knows, where there is one to look into; files are checked without one, too."""
    file = settings.database_file
    if file is not None and not file.exists():
        return NOTHING_KNOWN
    try:
        with closing(Database(settings.database_url, pool_size=1)) as database, database.read() as tx:
            return read_known(tx)
    except SQLAlchemyError:
        return NOTHING_KNOWN


def examiner_of(settings: Settings, config: Config) -> Examiner:
    """Checks files against this configuration and this database."""
    return Examiner(config, known=known_here(settings))


def examiner_here() -> tuple[Examiner | None, list[FileVerdict]]:
    """The examiner of the configuration that is here, if one is that can be read; and what is wrong with it."""
    settings = read_settings()
    try:
        config = read_config(settings, hint=False)
    except ConfigError as error:
        if not all(map(is_unset, error.mistakes)):
            return None, [FileVerdict(error.source, "", error.mistakes)]
        click.echo("Values of the environment are missing, so nobody looked whether names are known.", err=True)
        return None, []
    if config.path is None:
        return None, []
    found = examiner_of(settings, config)
    return found, _verdict(config.path, found)


def expect_good(examiner: Examiner, found: Files) -> Mapping[str, str]:
    """The files' texts, by slug. Raises DefinitionError with every mistake in the configuration and in them."""
    if mistakes := (*examiner.configuration(), *found.mistakes):
        raise DefinitionError("Nothing is loaded", mistakes)
    return found.bodies


def _verdict(path: Path, found: Examiner) -> list[FileVerdict]:
    mistakes = found.configuration()
    return [FileVerdict(str(path), "", mistakes)] if mistakes else []

"""What a command stands on: the settings, the configuration, the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import click

from connector.cli.common import audited
from connector.config.file import Config, load_config
from connector.config.settings import DEFAULT_CONFIG, Settings, masked
from connector.storage.engine.database import Database


class BadInputError(click.ClickException):
    """What the person gave cannot be used; the message says what to do."""

    exit_code = 2


def read_settings() -> Settings:
    """The environment's settings. Raises ``SettingsError``."""
    return Settings.from_environment()


def read_config(settings: Settings, *, hint: bool = True) -> Config:
    """The configuration the settings name. Raises ``ConfigError``; without a file it hints at one."""
    config = load_config(settings.config, named=settings.config_named)
    if config.path is None and hint:
        click.echo(
            f"There is no {DEFAULT_CONFIG} here: going on without connections, teams and folders.", err=True
        )
    return config


@contextmanager
def open_database() -> Iterator[Database]:
    """The database, if it is there and has this version's shape."""
    from connector.storage.schema.migrate import is_current  # slow to import, and the servers have no need of it

    settings = read_settings()
    file = settings.database_file
    if file is not None and not file.exists():
        raise click.ClickException(f"There is no database at {file} yet. Make one with `ringback migrate`.")
    with closing(Database(settings.database_url, pool_size=2)) as database:
        if not is_current(database):
            where = masked(settings.database_url)
            raise click.ClickException(f"The database {where} needs another shape. Run `ringback migrate`.")
        secret_keys = audited.keys(settings)
        yield database
        if secret_keys is not None:
            audited.tell(database, secret_keys)

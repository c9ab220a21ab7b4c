"""What every test may ask for: databases, brokers, a browser, and an environment of its own."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import psycopg
import pytest
import redis
from psycopg.sql import SQL, Identifier

from connector.storage.engine.database import Database
from connector.storage.schema.migrate import newest_revision, upgrade
from connector.storage.schema.tables import metadata
from tests import services
from tests.support.doom import HouseProgram
from tests.support.required import required
from tests.support.routes import compiled_once

# No test is about how fast this machine is now.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")

OURS = f"ringback_test_{os.getpid()}"
_numbers = count(1)


LONGEST = (
    "test_kill_sweep", "test_end_to_end", "test_crash", "test_demo", "test_api", "test_controls", "test_simulation",
    "test_vendor_chaos", "test_survey_page", "test_frozen_worker", "test_sides", "test_metrics",
)  # fmt: skip
"""Files that take half a minute and more. They come first: begun late, one worker would end alone with them."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is loaded by now stays. Looking through it for garbage, time and again, was a third of all work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests are not the tests' settings."""
    for name in list(os.environ):
        if name.startswith("RINGBACK_") and not name.startswith("RINGBACK_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _own_journal() -> Iterator[None]:
    """What a command makes of the log's threshold ends with its test: the next one may look for a warning."""
    root = logging.getLogger()
    level, disabled = root.level, root.manager.disable
    yield
    root.setLevel(level)
    logging.disable(disabled)


@pytest.fixture(scope="session", autouse=True)
def _routes_are_compiled_once() -> Iterator[None]:
    with compiled_once():
        yield


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of the server's own database; what killed test runs left behind is dropped first."""
    url = required(services.POSTGRESQL)
    with _postgres(url) as server:
        names = server.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'ringback\\_test\\_%'"
        ).fetchall()
        for (name,) in names:
            if not _lives(name.split("_")[2]):
                _drop(server, name)
    return url


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database, for this test session alone."""
    with _new_postgres(postgres_server, OURS) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> Iterator[str]:
    """A migrated database that the tests of this process use one after the other, emptied in between: making and
    dropping one each takes seconds, as PostgreSQL flushes the whole cluster for it. Its commits do not wait for the
    disk, which matters to no test but those that crash a server, and these have one of their own."""
    with _new_postgres(postgres_server, f"{OURS}_shared") as url:
        with _postgres(url) as server:
            server.execute(
                SQL("ALTER DATABASE {} SET synchronous_commit = off").format(Identifier(f"{OURS}_shared"))
            )
        upgrade(url)
        yield url


@pytest.fixture
def renewed_postgres(migrated_postgres: str) -> Callable[[], str]:
    """Makes that database as new, as often as it is called. → its URL."""

    def renewed() -> str:
        _empty(migrated_postgres)
        return migrated_postgres

    return renewed


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that others are copied from."""
    file = tmp_path_factory.mktemp("template") / "ringback.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh migrated database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        file = tmp_path / "ringback.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    url = request.getfixturevalue("migrated_postgres")
    _empty(url)
    yield url


@pytest.fixture
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table; parametrise it indirectly with "sqlite" or "postgresql"."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    with _new_postgres(request.getfixturevalue("postgres_server"), f"{OURS}_{next(_numbers)}") as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open ``Database`` on ``database_url``."""
    with closing(Database(database_url, pool_size=5)) as opened:
        yield opened


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis database number that nobody else uses; emptied afterwards."""
    server = required(services.REDIS)
    for number in range(15, 0, -1):
        url = f"{server}/{number}"
        with redis.Redis.from_url(url) as client:
            if _take_redis(client):
                yield url
                client.flushdb()
                return
    pytest.fail(
        f"Redis at {server} has no empty database among 1 to 15. Empty one of them: redis-cli -n 15 flushdb"
    )


@pytest.fixture(scope="session")
def rabbitmq_url() -> Iterator[str]:
    """RabbitMQ, in a virtual host of its own where we may make one; see ``queue_prefix``."""
    server = required(services.RABBITMQ)
    made = os.geteuid() == 0 and _rabbitmqctl("add_vhost", OURS)
    if not made:
        yield server
        return
    _rabbitmqctl("set_permissions", "-p", OURS, urlsplit(server).username or "guest", ".*", ".*", ".*")
    yield urlunsplit(urlsplit(server)._replace(path=f"/{OURS}"))
    _rabbitmqctl("delete_vhost", OURS)


@pytest.fixture(scope="session")
def house_program() -> Iterator[HouseProgram]:
    """Where houses get processes of their own."""
    with closing(HouseProgram()) as program:
        yield program


@pytest.fixture(scope="session")
def queue_prefix() -> str:
    """Begins every queue name, so that two test sessions on one broker do not hear each other."""
    return f"{OURS}."


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium."""
    return required(services.CHROMIUM)


def _empty(url: str) -> None:
    """As new: nobody connected, no rows, sequences at their start, the newest shape."""
    with _postgres(url) as server:
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        server.execute("SET synchronous_commit = off")
        if not _is_whole(server):  # a test before this one broke it on purpose
            server.execute("DROP SCHEMA public CASCADE")
            server.execute("CREATE SCHEMA public")
            upgrade(url)
        for table in reversed(metadata.sorted_tables):
            server.execute(SQL("DELETE FROM {}").format(Identifier(table.name)))
        for (name,) in server.execute("SELECT sequencename FROM pg_sequences").fetchall():
            server.execute(SQL("ALTER SEQUENCE {} RESTART").format(Identifier(name)))


def _is_whole(server: psycopg.Connection) -> bool:
    tables = {name for (name,) in server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    if tables != {*metadata.tables, "alembic_version"}:
        return False
    return server.execute("SELECT version_num FROM alembic_version").fetchall() == [(newest_revision(),)]


@contextmanager
def _new_postgres(server_url: str, name: str) -> Iterator[str]:
    create = SQL("CREATE DATABASE {}").format(Identifier(name))
    with _postgres(server_url) as server:
        _drop(server, name)
        server.execute(create)
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        with _postgres(server_url) as server:
            _drop(server, name)


@contextmanager
def _postgres(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def _drop(server: psycopg.Connection, name: str) -> None:
    server.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))


def _take_redis(client: redis.Redis) -> bool:
    """Claim the database if it is empty, or left behind by a test run that no longer lives."""
    mark = "ringback-test:owner"
    owner = client.get(mark)
    if owner is not None and not _lives(bytes(owner).decode()):
        client.flushdb()
    return bool(client.set(mark, str(os.getpid()), nx=True)) and (
        client.dbsize() == 1 or not client.delete(mark)
    )


def _lives(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


def _rabbitmqctl(*arguments: str) -> bool:
    program = shutil.which("rabbitmqctl")
    return program is not None and subprocess.run([program, *arguments], capture_output=True).returncode == 0

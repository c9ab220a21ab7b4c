"""What the tests run on: PostgreSQL, Redis, RabbitMQ, Chromium, Dovecot and Postfix, and the files from npm.

Each is found, or installed and started where that is allowed (root on Debian), or named together with the one
command that brings it. ``python -m tests.services`` shows what is there; with ``--bring`` it brings the rest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import psycopg
import redis
from kombu import Connection as Amqp

from tools import npm_files

_SECONDS = 30  # for an answer: a service that is not there refuses at once, and one that is may be slow to come
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


class MissingServiceError(Exception):
    """A service that does not answer, with the command that brings it."""


@dataclass(frozen=True, slots=True)
class Service:
    """``find`` returns (address, version) or raises; ``after`` is done, as root, when we had to start it."""

    name: str
    package: str
    setting: str  # the environment variable that names another address
    find: Callable[[], tuple[str, str]]
    daemon: str | None = None
    after: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """What a person types to bring it."""
        install = f"sudo apt-get install -y {self.package}"
        return f"{install} && sudo service {self.daemon} start" if self.daemon else install


def _find_postgresql() -> tuple[str, str]:
    named = os.environ.get("RINGBACK_TEST_POSTGRES")
    candidates = (
        [named]
        if named
        else [
            "postgresql://postgres@127.0.0.1:5432/postgres",  # trusts whoever comes from this machine
            "postgresql://ringback_test:ringback_test@127.0.0.1:5432/postgres",  # made by ``after``
        ]
    )
    for url in candidates[:-1]:
        try:
            return url, _ask_postgresql(url)
        except psycopg.OperationalError:
            continue
    return candidates[-1], _ask_postgresql(candidates[-1])


def _ask_postgresql(url: str) -> str:
    with psycopg.connect(url, connect_timeout=_SECONDS) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    return str(row[0]) if row else ""


def _find_redis() -> tuple[str, str]:
    url = os.environ.get("RINGBACK_TEST_REDIS", "redis://127.0.0.1:6379")
    with redis.Redis.from_url(url, socket_connect_timeout=_SECONDS) as client:
        return url, str(client.info("server")["redis_version"])


def _find_rabbitmq() -> tuple[str, str]:
    url = os.environ.get("RINGBACK_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672//")
    with Amqp(url, connect_timeout=_SECONDS) as connection:
        connection.ensure_connection(max_retries=1, timeout=_SECONDS)
        return url, str(connection.connection.server_properties.get("version", ""))


def _find_chromium() -> tuple[str, str]:
    named = os.environ.get("RINGBACK_TEST_CHROMIUM")
    found = next(filter(None, map(shutil.which, [named] if named else CHROMIUM_NAMES)), None)
    if found is None:
        raise FileNotFoundError(named or CHROMIUM_NAMES[0])
    return found, _run(found, "--version").stdout.strip().removeprefix("Chromium ")


def _finder(program: str, setting: str, *version: str) -> Callable[[], tuple[str, str]]:
    """Finds a program that tests start themselves, with a folder and ports of their own; and its version."""

    def find() -> tuple[str, str]:
        named = os.environ.get(setting)
        found = shutil.which(named or program, path=None if named else f"{os.environ.get('PATH', '')}:/usr/sbin")
        if found is None:
            raise FileNotFoundError(named or program)
        told = _run(shutil.which(version[0], path="/usr/sbin:/usr/bin") or version[0], *version[1:]).stdout
        return found, told.strip().rpartition("= ")[2]

    return find


_ROLE = "CREATE ROLE ringback_test LOGIN SUPERUSER PASSWORD 'ringback_test'"

POSTGRESQL = Service(
    "PostgreSQL",
    "postgresql",
    "RINGBACK_TEST_POSTGRES",
    _find_postgresql,
    "postgresql",
    ("runuser", "-u", "postgres", "--", "psql", "-c", _ROLE),
)
REDIS = Service("Redis", "redis-server", "RINGBACK_TEST_REDIS", _find_redis, "redis-server")
RABBITMQ = Service("RabbitMQ", "rabbitmq-server", "RINGBACK_TEST_RABBITMQ", _find_rabbitmq, "rabbitmq-server")
CHROMIUM = Service("Chromium", "chromium", "RINGBACK_TEST_CHROMIUM", _find_chromium)
DOVECOT = Service(
    "Dovecot",
    "dovecot-imapd",
    "RINGBACK_TEST_DOVECOT",
    _finder("dovecot", "RINGBACK_TEST_DOVECOT", "dovecot", "--version"),
    after=("service", "dovecot", "stop"),  # the package starts one for everybody; tests start their own
)
POSTFIX = Service(
    "Postfix",
    "postfix",
    "RINGBACK_TEST_POSTFIX",
    _finder("postfix", "RINGBACK_TEST_POSTFIX", "postconf", "-d", "mail_version"),
    after=("service", "postfix", "stop"),
)
SERVICES = (POSTGRESQL, REDIS, RABBITMQ, CHROMIUM, DOVECOT, POSTFIX)


@lru_cache
def address(service: Service) -> str:
    """Where the service answers. Raises ``MissingServiceError`` when it cannot be brought either."""
    try:
        return service.find()[0]
    except Exception as first:
        if service.setting in os.environ or not can_install():
            raise MissingServiceError(_missing(service, first)) from first
    try:
        _bring(service)
        return _answer(service)
    except Exception as error:
        raise MissingServiceError(_missing(service, error)) from error


def can_install() -> bool:
    """Root on a machine with Debian's packages."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _missing(service: Service, error: Exception) -> str:
    words = f"{service.name} does not answer ({type(error).__name__})."
    if service.setting in os.environ:
        return f"{words} Correct {service.setting}, or unset it to use the one on this machine."
    others = f"ALLOW_SKIPS=1 skips the tests that need it; {service.setting} names another."
    return f"{words} Run: {service.command} ({others})"


def _bring(service: Service) -> None:
    if _installed(service):
        print(f"Starting {service.name} ...", flush=True)
    else:
        print(f"Installing {service.name} (apt-get install {service.package}) ...", flush=True)
        quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        _run("apt-get", "update", env=quietly)
        _run("apt-get", "install", "-y", "--no-install-recommends", service.package, env=quietly)
    if service.daemon:
        _run("service", service.daemon, "start", check=False)  # an answer to ``find`` says more than this
    if service.after:
        _run(*service.after, check=False)  # repeated, it has nothing left to do


def _answer(service: Service, seconds: int = 30) -> str:
    """Where it answers, once it does: a daemon that was started needs a moment."""
    for _ in range(seconds):
        with suppress(Exception):
            return service.find()[0]
        time.sleep(1)
    return service.find()[0]


def _installed(service: Service) -> bool:
    return _run("dpkg", "-s", service.package, check=False).returncode == 0


def _run(
    *command: str, check: bool = True, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=check, env=env, capture_output=True, text=True, timeout=600)


def _line(service: Service) -> tuple[str, str, str]:
    try:
        where, version = service.find()
    except Exception as error:
        return service.name, "missing", f"{type(error).__name__}; run: {service.command}"
    return service.name, version.split()[0], where.split("@")[-1]


def bring_all() -> int:
    """Bring what is missing, before tests that run side by side would each try to. → the exit code."""
    missing = [str(error) for error in (*map(_try, SERVICES), _try_npm_files()) if error]
    for words in missing:
        print(words, file=sys.stderr)
    return 1 if missing and os.environ.get("ALLOW_SKIPS") != "1" else 0


def _try(service: Service) -> MissingServiceError | None:
    try:
        address(service)
    except MissingServiceError as error:
        return error
    return None


def npm_files_are_there() -> None:
    """Raises ``MissingServiceError`` when a folder of ``tools.npm_files`` is not filled."""
    if empty := [each.path.name for each in npm_files.folders() if not each.is_filled]:
        raise MissingServiceError(
            f"Files from npm are missing, or others than the lock says ({', '.join(empty)}). "
            f"Run: {npm_files.COMMAND} (ALLOW_SKIPS=1 skips the tests that need them)"
        )


def _try_npm_files() -> npm_files.NpmFilesError | None:
    try:
        npm_files.bring()
    except npm_files.NpmFilesError as error:
        return error
    return None


def _npm_lines() -> list[tuple[str, str, str]]:
    return [
        (name, str(line["version"]), folder.path.name if folder.is_filled else f"missing; run: {npm_files.COMMAND}")
        for folder in npm_files.folders()
        for name, line in folder.packages.items()
    ]


def main() -> int:
    """Print what is there, without changing anything; with --bring, bring what is not."""
    code = bring_all() if "--bring" in sys.argv[1:] else 0
    for name, version, where in (*map(_line, SERVICES), *_npm_lines()):
        print(f"{name:<26}{version:<18}{where}")
    return code


if __name__ == "__main__":
    sys.exit(main())

"""A PostgreSQL and a Redis of a test's own, which it may restart under everybody's feet."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import redis

from tests import services
from tests.support.processes import free_port, until
from tests.support.required import required

_DEBIAN = Path("/usr/lib/postgresql")


class OwnPostgres:
    """A server in a folder of its own. Whoever connects is trusted; nobody outside this machine can."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder, self._programs, self._port = folder / "data", programs, free_port()
        self._run("initdb", "-A", "trust", "-U", "postgres", "--no-sync")
        settings = f"listen_addresses = '127.0.0.1'\nport = {self._port}\nunix_socket_directories = ''\n"
        with (self._folder / "postgresql.auto.conf").open("a") as file:
            file.write(settings)
        self._control("start")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def restart(self) -> None:
        """As after a crash: every connection is cut, and what was not committed is gone."""
        self._control("restart", "-m", "immediate")

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    def _control(self, *what: str) -> None:
        self._run("pg_ctl", *what, "-w", "-l", f"{self._folder}/log")

    def _run(self, program: str, *arguments: str) -> None:
        """It refuses to run as root."""
        as_itself = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
        command = [*as_itself, str(self._programs / program), "-D", str(self._folder), *arguments]
        subprocess.run(
            command, check=True, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip


class OwnRedis:
    """A server that keeps nothing on disk: a restart loses every message."""

    def __init__(self) -> None:
        self._port = free_port()
        self._start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}"

    def restart(self) -> None:
        self.stop()
        self._start()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _start(self) -> None:
        command = ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(self._answers, "Redis answers")

    def _answers(self) -> bool:
        try:
            with redis.Redis(port=self._port) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    required(services.POSTGRESQL)  # it brings the programs
    with tempfile.TemporaryDirectory(prefix="ringback-postgres-") as name:
        if os.geteuid() == 0:
            shutil.chown(name, "postgres", "postgres")
        server = OwnPostgres(Path(name), _programs())
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def own_redis() -> Iterator[OwnRedis]:
    required(services.REDIS)
    server = OwnRedis()
    try:
        yield server
    finally:
        server.stop()


def _programs() -> Path:
    """Where initdb and pg_ctl are: Debian keeps them off the path."""
    found: Sequence[Path] = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path or "/usr/bin/initdb").parent

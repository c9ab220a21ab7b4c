"""Checks of the machine: Python, the installed packages, the broker, and the file that SQLite lives in."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kombu.connection import Connection

from connector.config.settings import masked
from connector.observe.findings import Finding, broken, ok, warning
from connector.storage.engine import private_files
from integrations.base_url import is_local
from integrations.transport import tls

OLDEST_PYTHON = (3, 11)
PACKAGES = ("connector", "workflows", "integrations", "webhooks", "sandbox")
"""What this distribution brings. Such names are common: another one with the same mixes its files in."""

BROKER_SECONDS = 3
_ONE_TRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0}

_OVER_THE_NETWORK = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "fuse.sshfs",
        "fuse.s3fs",
    }
)


def check_python(version: Sequence[int] = sys.version_info[:3]) -> Finding:
    """Whether this Python is new enough."""
    said = ".".join(map(str, version))
    if tuple(version) >= OLDEST_PYTHON:
        return ok("python", f"Python {said}")
    return broken("python", f"Python {said} is too old.", "Install Python 3.11 or newer.")


def check_packages(owners: Mapping[str, Sequence[str]] | None = None) -> list[Finding]:
    """Whether each top-level package has one owner here; ``owners``: package → distributions."""
    known = packages_distributions() if owners is None else owners
    shared = {name: sorted(set(known.get(name, ()))) for name in PACKAGES}
    found = [
        broken(
            "packages", f"{name} is brought by {' and '.join(owned)}.",
            "Install ringback into an environment of its own.",
        )
        for name, owned in shared.items()
        if len(owned) > 1
    ]  # fmt: skip
    return found or [ok("packages", "each top-level package has one owner")]


def check_broker(url: str, *, in_memory: bool) -> Finding:
    """Whether the broker lets us in, within a few seconds."""
    if in_memory:
        return ok("broker", "in memory: everything runs in one process")
    options = {"socket_connect_timeout": BROKER_SECONDS, "socket_timeout": BROKER_SECONDS}
    if url.startswith("amqp"):
        options = {"connect_timeout": BROKER_SECONDS, "read_timeout": BROKER_SECONDS}
    try:
        _greet(url, options)
    except Exception as error:  # every driver has errors of its own
        why = type(error).__name__  # its text may quote the password
        remedy = "Start it, or correct RINGBACK_BROKER_URL. Work goes on meanwhile, found by the sweep."
        return broken("broker", f"{masked(url)} does not let us in ({why}).", remedy)
    return ok("broker", f"{masked(url)} answers")


def check_encryption(url: str) -> Finding | None:
    """Whether a PostgreSQL elsewhere must prove who it is: its client takes any certificate, or none, unless told."""
    parts = urlsplit(url)
    if not parts.scheme.startswith("postgres") or is_local(parts.hostname or "localhost"):
        return None
    if parse_qs(parts.query).get("sslmode") == ["verify-full"]:
        return None
    remedy = "Add ?sslmode=verify-full to RINGBACK_DATABASE_URL; an authority of your own is named by RINGBACK_CA_FILE."
    said = f"{masked(url)} need not prove who it is: whoever stands between may read along."
    return warning("database", said, remedy)


def _greet(url: str, options: Mapping[str, int]) -> None:
    """Connect and log in; what that raises depends on the driver."""
    settings = {**options, **_ONE_TRY}
    broker: Any = Connection(url, ssl=tls.of_broker(url) or False, transport_options=settings)  # type: ignore[no-untyped-call]  # no types
    try:
        broker.default_channel.close()
    finally:
        broker.release()


def check_file_system(file: Path, mounts: str | None = None) -> Finding | None:
    """SQLite's log in shared memory needs a local disk. ``mounts`` is the text of /proc/mounts."""
    kind = _file_system(file, _mounts() if mounts is None else mounts)
    if kind not in _OVER_THE_NETWORK:
        return None
    remedy = "Move the file to a local disk, or use PostgreSQL."
    return warning(
        "database", f"{file} is on a network file system ({kind}), where SQLite can lose data.", remedy
    )


def check_rights(file: Path) -> Finding | None:
    """Whether others on this machine may open what lies at a SQLite file."""
    found = private_files.readable_by_others(file)
    if not found:
        return None
    said = f"others on this machine may open {', '.join(each.name for each in found)}."
    return warning("database", said, f"Run: chmod 600 {' '.join(map(str, found))}")


def check_users(file: Path, processes: Path = Path("/proc")) -> Finding | None:
    """Only one program may work on a SQLite file; this one, which looks, is not counted, nor is the web side that
    a ``serve`` has started."""
    found = set(_open_in(file, processes))
    pids = sorted(pid for pid in found if _parent(pid, processes) not in found)
    if len(pids) < 2:
        return None
    said = ", ".join(map(str, pids))
    remedy = "Stop all but one `ringback serve`, or use PostgreSQL with several processes."
    return warning("database", f"{len(pids)} processes have {file} open (pids {said}).", remedy)


def _mounts() -> str:
    try:
        return Path("/proc/mounts").read_text("utf-8", "replace")
    except OSError:
        return ""  # not Linux: nothing is known


def _file_system(file: Path, mounts: str) -> str:
    """The kind of the innermost mount that holds the file; a space in its path is written \\040."""
    lines = [line.split() for line in mounts.splitlines()]
    points = {Path(parts[1].replace("\\040", " ")): parts[2] for parts in lines if len(parts) > 2}
    return next((points[folder] for folder in file.resolve().parents if folder in points), "")


def _open_in(file: Path, processes: Path) -> Iterator[int]:
    wanted = str(file.resolve())
    for folder in processes.glob("[0-9]*"):
        if int(folder.name) != os.getpid() and any(link == wanted for link in _links(folder / "fd")):
            yield int(folder.name)


def _parent(pid: int, processes: Path) -> int:
    try:
        return int((processes / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0  # it ended while we looked, or this is not Linux


def _links(folder: Path) -> Iterator[str]:
    """What a process has open; that of other users is hidden, and it may end while we look."""
    try:
        for descriptor in os.listdir(folder):
            yield os.readlink(folder / descriptor)
    except OSError:
        return

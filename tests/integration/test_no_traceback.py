"""No traceback reaches a user: every command, in places where it cannot do its work, says so in a sentence."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from connector.cli.main import main

SERVERS = {"serve", "web", "worker", "scheduler", "demo", "sandbox"}  # they end only when they are told to


def _commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(group, click.Group):
        yield path, group
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and name not in SERVERS:
            yield from _commands(command, (*path, name))


COMMANDS = tuple(_commands(main))


def _arguments(command: click.Command) -> list[str]:
    """Something for everything that must be given."""
    needed = [each for each in command.params if each.required]
    return [word for each in needed for word in ((each.opts[0], "x") if isinstance(each, click.Option) else ("x",))]


def _database(path: str) -> Callable[[Path], dict[str, str]]:
    return lambda folder: {"RINGBACK_DATABASE_URL": f"sqlite:///{folder}/{path}"}


def _config(content: bytes | None) -> Callable[[Path], dict[str, str]]:
    def made(folder: Path) -> dict[str, str]:
        file = folder / "own.yaml"
        file.mkdir() if content is None else file.write_bytes(content)
        return {"RINGBACK_CONFIG": str(file)}

    return made


def _no_database(folder: Path) -> dict[str, str]:
    (folder / "own.db").write_text("A shopping list, and long enough to be looked at.\n" * 40)
    return _database("own.db")(folder)


def _folder_for_a_database(folder: Path) -> dict[str, str]:
    (folder / "own.db").mkdir()
    return _database("own.db")(folder)


PLACES: dict[str, Callable[[Path], dict[str, str]]] = {
    "the database is in a folder that is not there": _database("none/own.db"),
    "the database is a folder": _folder_for_a_database,
    "the database is another file": _no_database,
    "the database is not there yet": _database("own.db"),
    "the database is of a kind we do not know": lambda _: {"RINGBACK_DATABASE_URL": "mysql://localhost/x"},
    "the database does not answer": lambda _: {"RINGBACK_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"},
    "the configuration is not there": lambda folder: {"RINGBACK_CONFIG": str(folder / "none.yaml")},
    "the configuration is a folder": _config(None),
    "the configuration is no YAML": _config(b"connections: ["),
    "the configuration is no UTF-8": _config("brands: {default: {title: Café}}".encode("latin-1")),
    "the configuration is a list": _config(b"- a\n"),
    "the secret key is weak": lambda _: {"RINGBACK_SECRET_KEY": "abc"},
    "the address is none": lambda _: {"RINGBACK_BASE_URL": "ftp:///"},
}


def told(words: list[str], env: dict[str, str], **more: Any) -> Result:
    return CliRunner(env=env, **more).invoke(main, words)


@pytest.mark.parametrize("place", PLACES)
def test_every_command_says_in_words_what_it_lacks(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    env = _database("unmade.db")(tmp_path) | PLACES[place](tmp_path)
    for path, command in COMMANDS:
        result = told([*path, *_arguments(command)], env)
        assert result.exception is None or isinstance(result.exception, SystemExit), (path, result.exc_info)
        assert "Traceback" not in result.output, path
        assert result.exit_code in (0, 1, 2), path


def test_a_folder_that_is_missing_is_named_with_the_way_to_make_it(tmp_path: Path) -> None:
    result = told(["migrate"], _database("none/own.db")(tmp_path))
    where = f"{tmp_path}/none"
    assert f"{where}/own.db is in a folder that is not there. Make it: mkdir -p {where}\n" in result.output


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    result = told(["migrate"], _no_database(tmp_path))
    assert result.output.endswith("The database cannot be used: file is not a database. Check RINGBACK_DATABASE_URL.\n")


@pytest.mark.parametrize("command", ["serve", "web", "demo"])
@pytest.mark.parametrize("port", ["99999", "-1", "65536", "x"])
def test_a_port_that_is_none_is_refused_and_not_wrapped_to_another(command: str, port: str) -> None:
    result = told([command, "--port", port], {})
    assert (result.exit_code, "Invalid value for '--port'" in result.output) == (2, True)


@pytest.mark.parametrize("name", ["zendesk", "salesforce", "mail", "smtp"])
def test_a_stand_ins_taken_port_is_named_by_its_option(name: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        others = [f"--{each}-port=0" for each in ("zendesk", "salesforce", "mail", "smtp") if each != name]
        result = told(["sandbox", f"--{name}-port={port}", *others], {})
    assert f"Error: --{name}-port: 127.0.0.1:{port} cannot be used (Address already in use)." in result.output
    assert result.exit_code == 2


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
def test_a_terminal_without_our_signs_shows_what_it_can(encoding: str, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONIOENCODING": encoding, **_database("own.db")(tmp_path)}
    for words in (["--help"], ["workflow", "list", "--library"], ["doctor"], ["demo", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", "from connector.cli.main import main; main()", *words],
            env=env, cwd=tmp_path, capture_output=True, check=False,
        )  # fmt: skip
        assert done.stdout, (words, done.stderr)
        assert b"Traceback" not in done.stderr, (words, done.stderr[-500:])

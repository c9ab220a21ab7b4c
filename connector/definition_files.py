"""Workflow and survey files: from folders of YAML to checked bodies, ready for ``storage.definitions``.

All files are read before anything is refused, so that one run shows every mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from connector.feedback import surveys
from workflows import schema
from workflows.errors import DefinitionError, Mistake

Slug = Callable[[str, str], str]
"""Reads (YAML text, file name) and returns the definition's slug; raises DefinitionError."""

_MOST = 1_000_000  # bytes


def files_in(places: Iterable[Path]) -> list[Path]:
    """The files themselves, and of each folder its ``*.yaml`` and ``*.yml``, in order."""
    return [file for place in places for file in ([place] if not place.is_dir() else _inside(place))]


def workflow_bodies(places: Iterable[Path]) -> dict[str, str]:
    """Slug → YAML of the workflows in files and folders. Raises DefinitionError with the mistakes of all."""
    return _bodies(files_in(places), lambda text, name: schema.load(text, name).slug)


def survey_bodies(places: Iterable[Path]) -> dict[str, str]:
    """Slug → YAML of the surveys in files and folders. Raises DefinitionError with the mistakes of all."""
    return _bodies(files_in(places), lambda text, name: surveys.parse(text, name).slug)


def read_text(file: Path) -> str:
    """A definition's text. Raises DefinitionError when there is none to read."""
    try:
        if file.stat().st_size > _MOST:
            raise _refuse(file, f"is longer than {_MOST} bytes.", "Split it.")
        return file.read_text("utf-8-sig")
    except FileNotFoundError:
        raise _refuse(file, "does not exist.", "Correct the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _refuse(
            file, f"cannot be read ({type(error).__name__}).", "It must be a text in UTF-8."
        ) from error


def _bodies(files: Iterable[Path], slug: Slug) -> dict[str, str]:
    bodies: dict[str, str] = {}
    owners: dict[str, Path] = {}
    mistakes: list[Mistake] = []
    for file in files:
        try:
            text = read_text(file)
            name = slug(text, file.name)
            mistakes += _taken(name, file, owners)
            bodies[name] = text
        except DefinitionError as error:
            mistakes += [replace(each, path=f"{file.name}: {each.path}") for each in error.mistakes]
    if mistakes:
        raise DefinitionError("The definitions", tuple(mistakes))
    return bodies


def _taken(name: str, file: Path, owners: dict[str, Path]) -> list[Mistake]:
    owner = owners.setdefault(name, file)
    if owner is file:
        return []
    return [Mistake(f"{file.name}: {name}", f"is defined in {owner.name} already.", "Rename one of them.")]


def _inside(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in {".yaml", ".yml"})


def _refuse(file: Path, message: str, remedy: str) -> DefinitionError:
    return DefinitionError(str(file), (Mistake("file", message, remedy),))

"""The definition files that a person names on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from workflows.errors import DefinitionError, Mistake

_MOST = 1_000_000  # bytes


def files_in(places: Iterable[Path]) -> list[Path]:
    """The files themselves, and of each folder its ``*.yaml`` and ``*.yml``, in order."""
    return [file for place in places for file in (_inside(place) if place.is_dir() else [place])]


def read_text(file: Path) -> str:
    """A definition's text. Raises DefinitionError when there is none to read."""
    try:
        if file.stat().st_size > _MOST:
            raise _refuse(file, f"is longer than {_MOST} bytes.", "Split it.")
        return file.read_text("utf-8-sig")
    except FileNotFoundError:
        raise _refuse(file, "does not exist.", "Correct the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        trouble = f"cannot be read ({type(error).__name__})."
        raise _refuse(file, trouble, "It must be a text in UTF-8.") from error


def bodies_in(files: Iterable[Path], parse: Callable[[str, str], Any]) -> dict[str, str]:
    """Slug → YAML of the files. Raises DefinitionError with the mistakes of all of them."""
    bodies: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for file in files:
        try:
            text = read_text(file)
            slug = parse(text, file.name).slug
        except DefinitionError as error:
            mistakes += [replace(each, path=f"{file.name}: {each.path}") for each in error.mistakes]
            continue
        if slug in bodies:
            trouble = f"{slug} is defined in another file, too."
            mistakes.append(Mistake(file.name, trouble, "Rename one of them."))
        bodies[slug] = text
    if mistakes:
        raise DefinitionError("The files", tuple(mistakes))
    return bodies


def _inside(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in {".yaml", ".yml"})


def _refuse(file: Path, message: str, remedy: str) -> DefinitionError:
    return DefinitionError(str(file), (Mistake("file", message, remedy),))

"""From the folders of the configuration to the definitions in force: read, checked whole, then stored as versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from connector.config.file import Config
from connector.feedback.messaging.translations import Catalogues
from connector.feedback.surveys import files as surveys
from connector.feedback.surveys.languages.completeness import check_catalogues
from connector.feedback.surveys.model import Survey
from connector.storage.engine.database import Database
from connector.storage.stores import definitions
from connector.storage.stores.definition_import import Change, import_definitions
from connector.storage.stores.definitions import DefinitionKind, DefinitionOrigin
from workflows import schema
from workflows.errors import DefinitionError, Mistake

Parse = Callable[[str, str], Any]
Read = TypeVar("Read")
T = TypeVar("T")
_Texts = Mapping[Path, bytes]

_MOST = 1_000_000  # bytes of one definition


def read_workflows(config: Config) -> dict[str, str]:
    """slug → YAML of the workflows folder. Raises ``DefinitionError`` with the mistakes of all files."""
    return _read(config.workflows, schema.load)


def read_surveys(config: Config) -> dict[str, str]:
    """slug → YAML: the built-in surveys, and over them those of the surveys folder."""
    parse = partial(parse_survey, Catalogues(config.translations))
    return {**surveys.built_in(), **_read(config.surveys, parse)}


def parse_survey(catalogues: Catalogues, text: str, source: str) -> Survey:
    """A survey that can be sent: right by itself, and with the fixed words of each of its languages."""
    survey = surveys.parse(text, source)
    if mistakes := tuple(check_catalogues(survey, catalogues)):
        raise DefinitionError(source, mistakes)
    return survey


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in the folders: the files that are right, by slug; what is wrong with the others (``wrong``); and
    what is wrong with the configuration, or between the files (``general``)."""

    workflows: Mapping[str, str] = field(default_factory=dict)
    surveys: Mapping[str, str] = field(default_factory=dict)
    wrong: tuple[Mistake, ...] = ()
    general: tuple[Mistake, ...] = ()

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        return (*self.general, *self.wrong)


Changes = Mapping[DefinitionKind, list[Change]]


def import_found(
    database: Database, config: Config, look: Callable[[], Found], now: datetime
) -> tuple[Found, Changes]:
    """Make the files that ``look`` finds right the definitions in force. Of one that is wrong the last good version
    stays, and nothing is retired; what was published in the browser since stays, too.

    Raises DefinitionError with every mistake when no workflow would be in force.
    """

    def work(tx: Connection, found: Found) -> tuple[Found, Changes]:
        if found.wrong and not found.workflows and not definitions.active(tx, DefinitionKind.WORKFLOW):
            raise DefinitionError(str(config.path), found.mistakes)
        bodies = {DefinitionKind.SURVEY: found.surveys, DefinitionKind.WORKFLOW: found.workflows}
        return found, {
            kind: import_definitions(
                tx, kind, each, now, retire_others=kind in _retired(config, found), origins=library_origins(kind, each)
            )
            for kind, each in bodies.items()
        }

    return with_files(database, config, look, work)


def _retired(config: Config, found: Found) -> frozenset[DefinitionKind]:
    """The kinds of which those that are in no file go. No folder says nothing about any workflow."""
    if found.wrong:
        return frozenset()
    return frozenset({DefinitionKind.SURVEY, *([DefinitionKind.WORKFLOW] if config.workflows is not None else [])})


def with_files(
    database: Database, config: Config, read: Callable[[], Read], work: Callable[[Connection, Read], T]
) -> T:
    """``work`` in a transaction, with what ``read`` made of the folders' files as they stand in that moment. Publishing
    writes files, so what was read before it must not count as a change made after it."""
    while True:
        before = _as_they_are(config)
        found = read()
        done = database.transact(partial(_unmoved, config, before, found, work))
        if done:
            return done[0]


def _unmoved(
    config: Config, before: _Texts, found: Read, work: Callable[[Connection, Read], T], tx: Connection
) -> tuple[()] | tuple[T]:
    definitions.take_turn(tx)
    return (work(tx, found),) if _as_they_are(config) == before else ()


def library_origins(kind: DefinitionKind, bodies: Mapping[str, str]) -> Mapping[str, str]:
    """Which of the texts are the product's own."""
    built_in = surveys.built_in() if kind is DefinitionKind.SURVEY else {}
    return {slug: DefinitionOrigin.LIBRARY for slug, body in bodies.items() if built_in.get(slug) == body}


def _as_they_are(config: Config) -> _Texts:
    """The folders' files as bytes."""
    folders = [each for each in (config.workflows, config.surveys) if each is not None and each.is_dir()]
    return {file: file.read_bytes() for folder in folders for file in _inside(folder) if file.is_file()}


@dataclass(frozen=True, slots=True)
class Files:
    """A folder's files: those that are right, by slug; what is wrong with the others, and their names."""

    bodies: Mapping[str, str] = field(default_factory=dict)
    mistakes: tuple[Mistake, ...] = ()
    names: frozenset[str] = frozenset()


def read_files(folder: Path | None, parse: Parse) -> Files:
    """The definitions of a folder; without one there are none. Never raises: what is wrong is told."""
    if folder is None:
        return Files()
    if not folder.is_dir():
        return Files(mistakes=(Mistake(str(folder), "is not there.", "Make it, or correct ringback.yaml."),))
    return read_each(_inside(folder), parse)


def read_each(files: Iterable[Path], parse: Parse) -> Files:
    """The definitions in these files. Never raises: what is wrong is told."""
    bodies: dict[str, str] = {}
    mistakes: list[Mistake] = []
    wrong: set[str] = set()
    for file in files:
        before = len(mistakes)
        _read_one(file, parse, bodies, mistakes)
        if len(mistakes) > before:
            wrong.add(file.stem)
    return Files(bodies, tuple(mistakes), frozenset(wrong))


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


def _read(folder: Path | None, parse: Parse) -> dict[str, str]:
    found = read_files(folder, parse)
    if found.mistakes:
        raise DefinitionError(str(folder), found.mistakes)
    return dict(found.bodies)


def _read_one(file: Path, parse: Parse, bodies: dict[str, str], mistakes: list[Mistake]) -> None:
    try:
        text = read_text(file)
        slug = parse(text, file.name).slug
    except DefinitionError as error:
        mistakes += [replace(each, path=f"{_named(file)}: {each.path}") for each in error.mistakes]
        return
    if slug in bodies:
        mistakes.append(Mistake(_named(file), f"{slug} is defined in another file, too.", "Rename one of them."))
    bodies[slug] = text


def _named(file: Path) -> str:
    """For messages: workflows and surveys may have files of one name."""
    return f"{file.parent.name}/{file.name}" if file.parent.name else file.name


def _inside(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in {".yaml", ".yml"})


def _refuse(file: Path, message: str, remedy: str) -> DefinitionError:
    return DefinitionError(str(file), (Mistake("file", message, remedy),))

"""From the folders of the configuration to the definitions in force: read, checked whole, then stored as versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
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
_Sound = tuple[dict[str, str], list[Mistake]]

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


def import_all(database: Database, config: Config, now: datetime) -> Mapping[DefinitionKind, list[Change]]:
    """Make the folders' files the definitions in force. Nothing changes when one of them is wrong, and what was
    published in the browser since stays (``file_or_browser``)."""
    retire = {
        DefinitionKind.SURVEY: True,
        DefinitionKind.WORKFLOW: config.workflows is not None,
    }  # no folder says nothing about any

    def work(tx: Connection, found: Mapping[DefinitionKind, dict[str, str]]) -> Mapping[DefinitionKind, list[Change]]:
        return {
            kind: import_definitions(tx, kind, bodies, now, retire_others=retire[kind], origins=_origins(kind, bodies))
            for kind, bodies in found.items()
        }

    return with_files(
        database,
        config,
        lambda: {DefinitionKind.SURVEY: read_surveys(config), DefinitionKind.WORKFLOW: read_workflows(config)},
        work,
    )


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


def _origins(kind: DefinitionKind, bodies: Mapping[str, str]) -> Mapping[str, str]:
    built_in = surveys.built_in() if kind is DefinitionKind.SURVEY else {}
    return {slug: DefinitionOrigin.LIBRARY for slug, body in bodies.items() if built_in.get(slug) == body}


def _as_they_are(config: Config) -> _Texts:
    """The folders' files as bytes."""
    folders = [each for each in (config.workflows, config.surveys) if each is not None and each.is_dir()]
    return {file: file.read_bytes() for folder in folders for file in _inside(folder) if file.is_file()}


def import_sound(database: Database, config: Config, now: datetime) -> tuple[Mistake, ...]:
    """Make those files the definitions in force that are right; where one is wrong, its last good version stays, and
    nothing is retired. → the mistakes of the others. Raises DefinitionError when no workflow would be in force."""

    def read() -> tuple[_Sound, _Sound]:
        return _sound(config.surveys, partial(parse_survey, Catalogues(config.translations))), _sound(
            config.workflows, schema.load
        )

    def work(tx: Connection, sound: tuple[_Sound, _Sound]) -> tuple[Mistake, ...]:
        (surveys_found, wrong_surveys), (found, wrong) = sound
        mistakes = (*wrong_surveys, *wrong)
        if not found and not definitions.active(tx, DefinitionKind.WORKFLOW):
            raise DefinitionError(str(config.workflows), mistakes)
        known = {**surveys.built_in(), **surveys_found}
        origins = _origins(DefinitionKind.SURVEY, known)
        import_definitions(tx, DefinitionKind.SURVEY, known, now, retire_others=False, origins=origins)
        import_definitions(tx, DefinitionKind.WORKFLOW, found, now, retire_others=False)
        return mistakes

    return with_files(database, config, read, work)


def _sound(folder: Path | None, parse: Parse) -> _Sound:
    """Slug → YAML of the files that are right, and what is wrong with the others."""
    bodies: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for file in _inside(folder) if folder is not None and folder.is_dir() else ():
        _read_one(file, parse, bodies, mistakes)
    return bodies, mistakes


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


def bodies_in(files: Iterable[Path], parse: Parse, source: str = "The files") -> dict[str, str]:
    """Slug → YAML of the files. Raises DefinitionError with the mistakes of all of them."""
    bodies: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for file in files:
        _read_one(file, parse, bodies, mistakes)
    if mistakes:
        raise DefinitionError(source, tuple(mistakes))
    return bodies


def _read(folder: Path | None, parse: Parse) -> dict[str, str]:
    if folder is None:
        return {}
    if not folder.is_dir():
        raise DefinitionError(str(folder), (Mistake("folder", "is not there.", "Make it, or correct ringback.yaml."),))
    return bodies_in(_inside(folder), parse, str(folder))


def _read_one(file: Path, parse: Parse, bodies: dict[str, str], mistakes: list[Mistake]) -> None:
    try:
        text = read_text(file)
        slug = parse(text, file.name).slug
    except DefinitionError as error:
        mistakes += [replace(each, path=f"{file.name}: {each.path}") for each in error.mistakes]
        return
    if slug in bodies:
        mistakes.append(Mistake(file.name, f"{slug} is defined in another file, too.", "Rename one of them."))
    bodies[slug] = text


def _inside(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in {".yaml", ".yml"})


def _refuse(file: Path, message: str, remedy: str) -> DefinitionError:
    return DefinitionError(str(file), (Mistake("file", message, remedy),))

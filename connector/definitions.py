"""From the folders of the configuration to the definitions in force: read, checked whole, then stored as versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connector.config.file import Config
from connector.feedback.surveys import files as surveys
from connector.storage.engine.database import Database
from connector.storage.stores import definitions
from connector.storage.stores.definitions import Change, DefinitionKind
from workflows import schema
from workflows.errors import DefinitionError, Mistake

Parse = Callable[[str, str], Any]


def read_workflows(config: Config) -> dict[str, str]:
    """slug → YAML of the workflows folder. Raises ``DefinitionError`` with the mistakes of all files."""
    return _read(config.workflows, schema.load)


def read_surveys(config: Config) -> dict[str, str]:
    """slug → YAML: the built-in surveys, and over them those of the surveys folder."""
    return {**surveys.built_in(), **_read(config.surveys, surveys.parse)}


def import_all(database: Database, config: Config, now: datetime) -> Mapping[DefinitionKind, list[Change]]:
    """Make the folders' files the definitions in force. Nothing changes when one of them is wrong."""
    found = {DefinitionKind.SURVEY: read_surveys(config), DefinitionKind.WORKFLOW: read_workflows(config)}
    retire = {
        DefinitionKind.SURVEY: True,
        DefinitionKind.WORKFLOW: config.workflows is not None,
    }  # no folder says nothing about any
    return database.transact(
        lambda tx: {
            kind: definitions.import_definitions(tx, kind, bodies, now, retire_others=retire[kind])
            for kind, bodies in found.items()
        }
    )


def _read(folder: Path | None, parse: Parse) -> dict[str, str]:
    if folder is None:
        return {}
    if not folder.is_dir():
        raise DefinitionError(str(folder), (Mistake("folder", "is not there.", "Make it, or correct ringback.yaml."),))
    bodies: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for file in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
        _read_one(file, parse, bodies, mistakes)
    if mistakes:
        raise DefinitionError(str(folder), tuple(mistakes))
    return bodies


def _read_one(file: Path, parse: Parse, bodies: dict[str, str], mistakes: list[Mistake]) -> None:
    text = file.read_text("utf-8-sig")
    try:
        slug = parse(text, file.name).slug
    except DefinitionError as error:
        mistakes += [Mistake(f"{file.name}: {m.path}", m.message, m.remedy) for m in error.mistakes]
        return
    if slug in bodies:
        mistakes.append(Mistake(file.name, f"{slug} is defined in another file, too.", "Rename one of them."))
    bodies[slug] = text

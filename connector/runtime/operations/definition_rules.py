"""What each kind of definition is held against when it is published, and where its files lie."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from connector.config.file import Config
from connector.definitions import parse_survey
from connector.feedback.messaging.translations import Catalogues
from connector.feedback.surveys import files as surveys
from connector.feedback.surveys.model import Survey
from connector.runtime.operations.definition_files import DefinitionFolder
from connector.storage.stores.definitions import DefinitionKind
from workflows import schema
from workflows.definitions import Workflow
from workflows.errors import Mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionRules:
    """``parse`` takes text and source, raises DefinitionError and gives a value with a ``slug``; ``lint`` finds what is
    allowed but odd, and mistakes that only this house can know. ``writes``: publishing writes the file."""

    parse: Callable[[str, str], Any]
    lint: Callable[[Any], Iterable[Mistake]]
    folder: DefinitionFolder | None = None
    writes: bool = False


def rules_of(
    config: Config, examine: Callable[[Workflow | Survey], Iterable[Mistake]]
) -> Mapping[DefinitionKind, DefinitionRules]:
    """The rules of this configuration. ``examine`` finds what the rest of the installation makes a mistake."""
    return {
        DefinitionKind.WORKFLOW: DefinitionRules(
            parse=schema.load,
            lint=lambda read: (*examine(read), *schema.lint(read)),
            folder=_folder(config.workflows, DefinitionKind.WORKFLOW),
            writes=config.workflows_write,
        ),
        DefinitionKind.SURVEY: DefinitionRules(
            parse=partial(parse_survey, Catalogues(config.translations)),
            lint=lambda read: (*examine(read), *surveys.lint(read)),
            folder=_folder(config.surveys, DefinitionKind.SURVEY),
            writes=config.surveys_write,
        ),
    }


def _folder(path: Path | None, kind: DefinitionKind) -> DefinitionFolder | None:
    return DefinitionFolder(path, kind.value) if path is not None else None

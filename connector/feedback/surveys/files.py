"""Surveys from YAML and back, every mistake with its place and its remedy.

A file is one survey::

    survey: after-support
    name: After a support ticket
    metric: nps                    # nps, nls, csat or ces; the first question is of this type
    languages: [en, nl]            # the first is for people whose language is not among them
    consent: "2026-11"             # the version of the consent wordings
    intro: {en: …, nl: …}          # every text is written once per language
    promise: {en: …, nl: …}
    mail: {subject: {…}, greeting: {…}, intro: {…}}    # Liquid: customer, agent, product, context
    questions:
      - {id: score, type: nps, text: {…}}
      - {id: reason, type: text, if: 'band != ""', text: {…}, text_by_band: {detractor: {…}}}
    thanks:
      promoter: {title: {…}, text: {…}, link: {url: https://…, text: {…}}}

The built-in ones in ``library`` show every key.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from connector.feedback.surveys.model import Survey
from connector.feedback.surveys.schema import KEYS, SurveySchema
from connector.feedback.surveys.validation import check, lint
from workflows.errors import DefinitionError, Mistake
from workflows.yaml_text import read

__all__ = ["Survey", "built_in", "from_dict", "lint", "parse", "to_dict"]

_LIBRARY = Path(__file__).parent / "library"


def built_in() -> dict[str, str]:
    """The surveys that come with the product: slug → YAML, to be used as they are or copied and changed."""
    return {path.stem: path.read_text("utf-8") for path in sorted(_LIBRARY.glob("*.yaml"))}


def parse(text: str, source: str) -> Survey:
    """A survey from its YAML text. Raises DefinitionError with every mistake."""
    return from_dict(read(text, source), source)


def from_dict(data: Any, source: str = "survey") -> Survey:
    """A survey from plain values. Raises DefinitionError with every mistake."""
    try:
        survey: Survey = SurveySchema().load(data)
    except ValidationError as error:
        raise DefinitionError(source, tuple(_mistakes("", error.messages))) from error
    if mistakes := tuple(check(survey)):
        raise DefinitionError(source, mistakes)
    return survey


def to_dict(survey: Survey) -> dict[str, Any]:
    """The plain values that ``from_dict`` reads back to an equal survey."""
    dumped: dict[str, Any] = SurveySchema().dump(survey)
    return dumped


def _mistakes(path: str, messages: Any) -> Iterator[Mistake]:
    """The messages of marshmallow's tree, each with its path."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from _mistakes(_join(path, key), inner)
    else:
        for message in messages:
            what, _, remedy = message.partition(" | ")
            yield Mistake(path or "file", f"{what}.", _did_you_mean(path, message) or remedy)


def _join(path: str, key: Any) -> str:
    if key in ("_schema", "key", "value"):  # marshmallow's own words for places inside a field
        return path
    return f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")


def _did_you_mean(path: str, message: str) -> str:
    if not message.startswith("it is not known"):
        return ""
    near = difflib.get_close_matches(path.rpartition(".")[2], KEYS, 1)
    return f"Did you mean {near[0]}?" if near else ""

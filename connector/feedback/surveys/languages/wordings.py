"""Every wording of a survey, wherever it stands: to be looked at, or to be replaced. Pure.

A wording is a field that holds text per language; a new field of the model that does is found here by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any

from connector.feedback.messaging.translations import TONES
from connector.feedback.surveys.model import Survey, Text


def texts(survey: Survey) -> Iterator[tuple[str, Text]]:
    """Every wording of the survey with its place; those left out are not among them."""
    return _within("", survey)


def mail_texts(survey: Survey) -> Iterator[tuple[str, Text]]:
    """The wordings of the mail and its reminders with their places: these are Liquid."""
    yield from _within("mail", survey.mail)
    yield from _within("reminders", survey.reminders)


def speaks_of_agent(survey: Survey) -> bool:
    """Whether its mail names the agent: it is about a contact with one, and comes first beside a ticket."""
    return any("{{ agent" in wording for _, text in mail_texts(survey) for wording in text.values())


def reworded(survey: Survey, change: Callable[[Text], Text]) -> Survey:
    """The same survey with every wording changed."""
    changed: Survey = _changed(change, survey)
    return changed


def language_and_tone(key: str) -> tuple[str, str]:
    """("nl", "informal") of "nl-informal"; ("nl-BE", "") of "nl-BE"."""
    language, _, tone = key.rpartition("-")
    return (language, tone) if tone in TONES else (key, "")


def _within(path: str, value: Any) -> Iterator[tuple[str, Text]]:
    if _is_text(value):
        yield path, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _within(f"{path}.{key}", each)
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from _within(f"{path}[{index}]", each)
    elif is_dataclass(value):
        for each in fields(value):
            yield from _within(f"{path}.{each.name}".lstrip("."), getattr(value, each.name))


def _changed(change: Callable[[Text], Text], value: Any) -> Any:
    if _is_text(value):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _changed(change, each) for key, each in value.items()}
    if isinstance(value, tuple):
        return tuple(map(partial(_changed, change), value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _changed(change, getattr(value, each.name)) for each in fields(value)})
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(each, str) for each in value.values())

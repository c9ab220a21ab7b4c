"""Wordings put into a survey's YAML where they belong: every other sign, comment and line stays as it was. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from connector.feedback.surveys.languages.wordings import language_and_tone

_PART = re.compile(r"[^.\[\]]+|\[\d+\]")


@dataclass(frozen=True, slots=True)
class _Edit:
    """``new`` in place of the text from ``start`` to ``end``."""

    start: int
    end: int
    new: str


def with_wordings(text: str, key: str, wordings: Mapping[str, str]) -> str:
    """The YAML with each wording under ``key`` ("ar", "nl-informal") at its place; the language joins ``languages``.

    Raises LookupError for a place that is not there. The result is to be read and compared: no writer of YAML can
    promise what every file of people's looks like.
    """
    root = yaml.compose(text, yaml.SafeLoader)
    edits = [_worded(text, _at(root, path), key, wording) for path, wording in wordings.items()]
    edits += _listed(text, root, language_and_tone(key)[0])
    for edit in sorted(edits, key=lambda each: each.start, reverse=True):
        text = text[: edit.start] + edit.new + text[edit.end :]
    return text


def _at(node: Any, path: str) -> yaml.MappingNode:
    for part in _PART.findall(path):
        if part.startswith("["):
            node = node.value[int(part[1:-1])]
        else:
            node = {key.value: value for key, value in node.value}[part]
    if not isinstance(node, yaml.MappingNode) or not node.value:
        raise LookupError(path)
    return node


def _worded(text: str, node: yaml.MappingNode, key: str, wording: str) -> _Edit:
    for name, value in node.value:
        if name.value == key:
            return _Edit(value.start_mark.index, _end(text, value), json.dumps(wording, ensure_ascii=False))
    last, entry = node.value[-1][1], f"{key}: {json.dumps(wording, ensure_ascii=False)}"
    if node.flow_style:
        return _inserted(_end(text, last), f", {entry}")
    indent = " " * node.value[0][0].start_mark.column
    return _inserted(_line_end(text, _end(text, last)), f"\n{indent}{entry}")


def _listed(text: str, root: Any, language: str) -> Iterator[_Edit]:
    languages = {key.value: value for key, value in root.value}["languages"]
    if language in [each.value for each in languages.value]:
        return
    last = languages.value[-1]
    if languages.flow_style:
        yield _inserted(_end(text, last), f", {language}")
    else:
        indent = " " * languages.start_mark.column
        yield _inserted(_line_end(text, _end(text, last)), f"\n{indent}- {language}")


def _end(text: str, node: yaml.Node) -> int:
    """Where a value ends: PyYAML counts the lines below a block text to it."""
    start, end = node.start_mark.index, node.end_mark.index
    return start + len(text[start:end].rstrip())


def _line_end(text: str, place: int) -> int:
    """The end of the line, so that a comment behind the value stays behind it."""
    found = text.find("\n", place)
    return len(text) if found < 0 else found


def _inserted(place: int, new: str) -> _Edit:
    return _Edit(place, place, new)

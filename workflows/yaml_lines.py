"""On which line of a YAML text a mistake is: from its path ("steps[2].on_timeout[0].if") to a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import yaml

from workflows.yaml_text import compose

_LINE = re.compile(r"line (\d+)")
_PART = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def liner(text: str) -> Callable[[str], int | None]:
    """Path → line, counted from 1; None where the path says nothing of a place. What a path names that is not in the
    text (a missing key) is at the nearest part around it that is."""
    root = compose(text)

    def line(path: str) -> int | None:
        if told := _LINE.match(path):
            return int(told[1])
        return _line(root, path) if root is not None else None

    return line


def _line(node: yaml.Node, path: str) -> int | None:
    found: int | None = None
    for part in _parts(path):
        step = _step(node, part)
        if step is None:
            break
        mark, node = step
        found = mark
    return found


def _step(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(part, int):
        inside = node.value if isinstance(node, yaml.SequenceNode) else []
        return (inside[part].start_mark.line + 1, inside[part]) if part < len(inside) else None
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next(((key.start_mark.line + 1, value) for key, value in pairs if key.value == part), None)


def _parts(path: str) -> Iterator[str | int]:
    for number, word in _PART.findall(path):
        yield int(number) if number else word

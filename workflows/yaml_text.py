"""YAML in and out, for texts that strangers may have written.

Only what JSON knows: texts, numbers, true/false, null, lists and mappings. So no anchors and aliases (a few lines
of them unfold to gigabytes), no dates, no tags, no doubled keys, and, unlike YAML 1.1, ``on``, ``no`` and ``10:30``
are plain texts.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from workflows.errors import DefinitionError, Mistake
from workflows.suggestions import shown

MAX_TEXT = 200_000  # bytes
MAX_DEPTH = 40  # lists and mappings inside each other
_ALLOWED_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map"))


class _Loader(yaml.SafeLoader):
    """A SafeLoader that refuses what the module's docstring names."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own interface
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's parser is untyped
        if getattr(event, "anchor", None) is not None:
            raise _complaint("an anchor or alias (& or *) is used", "Write the part out, or quote the text.", event)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _complaint("it is nested too deep", f"At most {MAX_DEPTH} levels are read.", event)
        node = super().compose_node(parent, index)
        self.depth -= 1
        if node is not None and node.tag not in _ALLOWED_TAGS:
            remedy = 'Put a text that begins with "!" in quotes.'
            raise _complaint(f'"{node.tag}" is a YAML tag', remedy, event)
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _complaint("a key is a list or a mapping", "Write a word as the key.", key)
            if key.value in seen:
                raise _complaint(f'the key "{key.value}" is there twice', "Keep one of them.", key)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _resolver(name: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(pattern), list(first))


_resolver("bool", r"^(?:true|false)$", "tf")
_resolver("null", r"^(?:~|null|)$", "~n")
_Loader.yaml_implicit_resolvers.setdefault("", []).append(("tag:yaml.org,2002:null", re.compile("^$")))
_resolver("int", r"^[-+]?(?:0|[1-9][0-9]{0,17})$", "-+0123456789")
_resolver("float", r"^[-+]?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]{1,3})?$", "-+0123456789")


class _Complaint(yaml.MarkedYAMLError):
    """What the loader refuses, with its remedy in ``note``."""


def _complaint(problem: str, remedy: str, place: Any) -> _Complaint:
    return _Complaint(problem=problem, problem_mark=place.start_mark, note=remedy)


def read(text: str, source: str) -> Any:
    """The text's one document as JSON values. Raises DefinitionError with line and column."""
    if len(text.encode("utf-8", "replace")) > MAX_TEXT:
        raise _refused(source, "file", f"It is larger than {MAX_TEXT // 1000} kB.", "Split it.")
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader, and stricter
    except yaml.MarkedYAMLError as error:
        raise _unreadable(source, error) from error
    except yaml.YAMLError as error:
        raise _refused(source, "file", "It holds a character that YAML does not allow.", "Remove it.") from error


def compose(text: str) -> yaml.Node | None:
    """The text's nodes, which know their lines; None where ``read`` refuses it."""
    if len(text.encode("utf-8", "replace")) > MAX_TEXT:
        return None
    try:
        node: yaml.Node | None = yaml.compose(text, _Loader)
    except yaml.YAMLError:
        return None
    return node


def write(data: Any) -> str:
    """The values as YAML that ``read`` gives back unchanged, in the order given."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Writes what ``_Loader`` reads: it never uses aliases, and quotes what YAML 1.1 would misread."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _float(dumper: yaml.SafeDumper, number: float) -> yaml.ScalarNode:
    """A float in the one form that both YAML versions take for a float."""
    text = repr(number)
    mantissa, sign, exponent = text.partition("e")
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    signed = exponent if not exponent or exponent[0] in "+-" else f"+{exponent}"
    return dumper.represent_scalar("tag:yaml.org,2002:float", f"{mantissa}{sign}{signed}")


_Dumper.add_representer(float, _float)


def _unreadable(source: str, error: yaml.MarkedYAMLError) -> DefinitionError:
    mark = error.problem_mark or error.context_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "file"
    line = shown(_line_of(mark)) if mark else ""
    remedy = error.note if isinstance(error, _Complaint) and error.note else _remedy(error, line)
    near = f' in "{line}"' if line else ""
    return _refused(source, place, f"This is no YAML: {error.problem or error.context}{near}.", remedy)


def _line_of(mark: Any) -> str:
    """The line at a mark; "" when the text is gone."""
    if mark.buffer is None:
        return ""
    text, place = str(mark.buffer), mark.pointer
    return text[text.rfind("\n", 0, place) + 1 :].partition("\n")[0].rstrip("\0").strip()


def _remedy(error: yaml.MarkedYAMLError, line: str) -> str:
    """What to do, by what people stumble over most: signs that mean something to YAML in a text without quotes."""
    told = f"{error.problem} {error.context}"
    if re.search(r"\{\{|\{%", line):
        return 'Put a text with {{ or {% in quotes: "Hello {{ customer.name }}".'
    if "flow" in told or "but got" in told or "'?'" in told:
        return 'Inside { } and [ ], put a text with ? : , or a bracket in quotes: {en: "How are you?"}.'
    if "mapping values are not allowed" in told:
        return 'Put a text with a colon in quotes: "Note: this".'
    if "cannot start any token" in told:
        return "Put a text that begins with this sign in quotes."
    return "Check indentation, quotes and colons."


def _refused(source: str, place: str, message: str, remedy: str) -> DefinitionError:
    return DefinitionError(source, (Mistake(place, message, remedy),))

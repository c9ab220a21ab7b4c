"""YAML as people write it, read strictly, with the environment's values put in.

Stricter than YAML 1.1, where it surprises: ``no`` and ``on`` are words, a date is text, ``010`` is not eight and
``12:30`` not 750, a key counts once, and there are no aliases (a small file of them can unfold to gigabytes).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import yaml

from workflows.errors import Mistake

_MOST = 1_000_000  # characters
_DEEPEST = 30  # levels
_VARIABLE = re.compile(
    r"\$(?:(?P<plain>\$)(?=\{)|\{(?P<name>[^}:]*)(?P<otherwise>:-(?P<default>[^}]*))?(?P<end>\}?))"
)
_NAME = re.compile(r"[A-Za-z_]\w*")
_TRUE_FALSE = re.compile(r"(?:true|True|TRUE|false|False|FALSE)$")
_OF_YAML_1_1 = {f"tag:yaml.org,2002:{name}" for name in ("bool", "timestamp", "int", "float", "merge", "value")}
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})$")
_FLOAT = re.compile(r"(?![-+]?[1-9][0-9]{0,2}\.[0-9]{3}$)[-+]?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]{1,3})?$")
"""10.000 stays text: whoever wrote it may have meant ten or ten thousand, and who reads the value must ask."""


class UnreadableError(Exception):
    """The text is no YAML we accept: ``mistake`` says where and why."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(str(mistake))
        self.mistake = mistake

_UNSET = "is not set."


def read_yaml(text: str) -> Any:
    """A YAML text's mappings, lists, text, numbers, true, false and null. Raises ``UnreadableError``."""
    if len(text) > _MOST:
        raise UnreadableError(
            Mistake("file", f"is longer than {_MOST} characters.", "Keep only the configuration in it.")
        )
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader, made stricter
    except yaml.MarkedYAMLError as error:
        raise UnreadableError(_mistake(error)) from error
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableError(
            Mistake("file", "holds characters that YAML does not allow.", "Save it as UTF-8.")
        ) from error


def put_in(value: Any, environ: Mapping[str, str]) -> tuple[Any, tuple[Mistake, ...]]:
    """``value`` with ``${NAME}`` and ``${NAME:-default}`` replaced from the environment, and the mistakes.

    ``$${`` stands for ``${``. What is put in stays text: it cannot become YAML. An empty variable is a
    missing one.
    """
    filler = _Filler(environ)
    return filler.fill(value, ""), tuple(filler.mistakes)


def is_unset(mistake: Mistake) -> bool:
    """Whether only the environment lacks a value, as where files are checked without the house's secrets."""
    return mistake.message.endswith(_UNSET)


def join(path: str, part: str | int) -> str:
    """The path of a part: ``connections.zendesk.auth``, ``holidays[2]``."""
    if isinstance(part, int):
        return f"{path}[{part}]"
    return f"{path}.{part}" if path else part


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader without aliases, repeated keys and the surprises of YAML 1.1."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise self._refusal("an alias (*) is not accepted: write the value out")
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._refusal(f"is nested deeper than {_DEEPEST} levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _refusal(self, problem: str) -> yaml.MarkedYAMLError:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # its stubs leave this one out
        return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key_node.value!r} is no text: put it in quotes",
                    problem_mark=key_node.start_mark,
                )
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key!r} is here a second time: keep one of them",
                    problem_mark=key_node.start_mark,
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _OF_YAML_1_1]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _TRUE_FALSE, list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789"))


def _mistake(error: yaml.MarkedYAMLError) -> Mistake:
    mark = error.problem_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "file"
    words = f"{error.problem or error.context or 'is not YAML'}"
    return Mistake(where, words + ("" if words.endswith(".") else "."), "")


class _Filler:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.mistakes: list[Mistake] = []

    def fill(self, value: Any, path: str) -> Any:
        if isinstance(value, str):
            return _VARIABLE.sub(self._replacer(path), value)
        if isinstance(value, dict):
            return {key: self.fill(each, join(path, key)) for key, each in value.items()}
        if isinstance(value, list):
            return [self.fill(each, join(path, place)) for place, each in enumerate(value)]
        return value

    def _replacer(self, path: str) -> Callable[[re.Match[str]], str]:
        def replace(found: re.Match[str]) -> str:
            return "$" if found["plain"] else self._value(found, path)

        return replace

    def _value(self, found: re.Match[str], path: str) -> str:
        name, default = found["name"], found["default"]
        if not found["end"] or not _NAME.fullmatch(name):
            remedy = "Write ${NAME} or ${NAME:-default}; a plain ${ is written $${."
            self.mistakes.append(Mistake(path, f"{found[0]!r} is no variable.", remedy))
            return ""
        value = self._environ.get(name, "").strip() or default  # a file's last line end is no part of a secret
        if value is None:
            remedy = f"Set it, or give a default: ${{{name}:-default}}."
            self.mistakes.append(Mistake(path, f"the environment variable {name} {_UNSET}", remedy))
        return value or ""

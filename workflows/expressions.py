"""Conditions and values: CEL over plain JSON names, with limits, and with the reason for every verdict.

CEL's own rules hold: ``event.missing`` is an error and never false, ``has(event.missing)`` asks for it, whole and
broken numbers compare by value. ``&&`` and ``||`` need only the side that decides: an error on the other side is
no error. The evaluator has no budget of its own and nested macros can keep it busy for minutes, hence the limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import cel

from workflows.errors import ConditionError
from workflows.expression_text import clauses, depth, equality, macros, references, tokens
from workflows.sentences import say
from workflows.templates import check_template, render, template_references

__all__ = [
    "Condition", "Value", "Verdict", "check_template", "condition", "equality", "references", "render",
    "template_references", "value",
]

MAX_LENGTH = 2_000  # characters
MAX_TOKENS = 500  # long chains of operators recurse in the evaluator
MAX_DEPTH = 20  # brackets
MAX_MACROS = 2  # one expression's exists, all, map, filter, together
MAX_MACRO_LENGTH = 500  # characters, of an expression with macros
MAX_LIST = {1: 500, 2: 100}  # items of a list that an expression with so many macros may see
MAX_LETTERS = {1: 100_000, 2: 5_000}  # of all texts that it may see: a macro may copy them once for each item
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a condition says, and the sentence that explains it in a run's history."""

    value: bool
    why: str


@dataclass(frozen=True, slots=True)
class Value:
    """A compiled expression. ``evaluate`` gives plain JSON; times come as RFC 3339 text, spans as seconds."""

    text: str
    program: Any
    fields: Mapping[str, frozenset[str] | None]  # what it reads, by outermost name; None: the whole of it
    macros: int

    def evaluate(self, names: Mapping[str, Any]) -> Any:
        """Its value. Raises ConditionError when a name is missing or types do not fit."""
        return _plain(self.text, self.run(self.context(names), names))

    def context(self, names: Mapping[str, Any]) -> Any:
        given = {root: _only(names[root], fields) for root, fields in self.fields.items() if root in names}
        if self.macros:
            _check_lists(self.text, given, MAX_LIST[self.macros], MAX_LETTERS[self.macros])
        try:
            return cel.Context(given)
        except Exception as error:
            raise _refused(self.text, "its names hold a value that is no plain JSON") from error

    def run(self, context: Any, names: Mapping[str, Any]) -> Any:
        try:
            return self.program.execute(context)
        except Exception as error:
            raise _refused(self.text, _reason(error, self.text, names)) from error


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled yes/no expression; ``clauses`` are the parts that must all be true, to name the one that is not."""

    text: str
    whole: Value
    clauses: tuple[Value, ...]

    def decide(self, names: Mapping[str, Any]) -> Verdict:
        """Whether it holds, and why. Raises ConditionError when that cannot be decided."""
        context = self.whole.context(names)
        result = self.whole.run(context, names)
        if not isinstance(result, bool):
            raise _refused(self.text, f"its result is {_kind(result)}, not true or false. Compare it with something")
        return Verdict(result, _explain(self, result, context, names))


@lru_cache(maxsize=4096)
def condition(text: str) -> Condition:
    """Compile a condition. Raises ConditionError with the position when it cannot be read, or is too large."""
    whole = value(text)
    parts = clauses(text)
    return Condition(text, whole, tuple(value(part) for part in parts) if len(parts) > 1 else (whole,))


@lru_cache(maxsize=4096)
def value(text: str) -> Value:
    """Compile an expression of any type. Raises ConditionError with the position when it cannot be read."""
    _check_size(text)
    try:
        program = cel.compile(text)
    except Exception as error:
        raise _refused(text, _single_sign(text) or _syntax(str(error)), "read") from error
    return Value(text, program, {root: _fields(text, root) for root in program.variables()}, macros(text))


def _fields(text: str, root: str) -> frozenset[str] | None:
    """The fields of ``root`` that are all it can read, if that can be told."""
    paths = [path.split(".") for path in references(text)]
    parts = [path[1:2] for path in paths if path[0] == root]
    return frozenset(part for (part,) in parts) if parts and all(parts) else None


def _only(item: Any, fields: frozenset[str] | None) -> Any:
    """An event has dozens of fields and a condition reads two: handing over the others would be most of the work."""
    if fields is None or not isinstance(item, Mapping):
        return item
    return {name: item[name] for name in fields if name in item}


def _check_size(text: str) -> None:
    for amount, limit, what in _sizes(text):
        if amount > limit:
            reason = f"it has {amount} {what}, and {limit} are allowed. Split it over several steps"
            raise _refused(text, reason, "read")


def _sizes(text: str) -> Iterator[tuple[int, int, str]]:
    yield len(text), MAX_LENGTH, "characters"
    yield len(tokens(text)), MAX_TOKENS, "words and signs"
    yield depth(text), MAX_DEPTH, "levels of brackets"
    found = macros(text)
    yield found, MAX_MACROS, "list macros (exists, all, map, filter)"
    if found:  # lists that grow while macros go through them
        yield len(text), MAX_MACRO_LENGTH, "characters beside a list macro"
        yield text.count("+"), 1, '"+" beside a list macro'


def _check_lists(text: str, given: Mapping[str, Any], limit: int, most_letters: int) -> None:
    """A macro's work grows with the lists and texts that events bring, so it is refused before it starts."""
    longest = max((len(item) for item in _collections(given)), default=0)
    if longest > limit:
        raise _refused(text, f"it would go through a list of {longest} items, and {limit} are allowed")


    letters = sum(map(len, _texts(given)))
    if letters > most_letters:
        raise _refused(text, f"it would go through texts of {letters} letters, and {most_letters} are allowed")


def _texts(item: Any) -> Iterator[str]:
    if isinstance(item, str):
        yield item
    elif isinstance(item, Mapping):
        for inner in item.values():
            yield from _texts(inner)
    elif isinstance(item, (list, tuple)):
        for inner in item:
            yield from _texts(inner)


def _collections(item: Any) -> Iterator[Any]:
    if isinstance(item, Mapping):
        yield item
        for inner in item.values():
            yield from _collections(inner)
    elif isinstance(item, (list, tuple)):
        yield item
        for inner in item:
            yield from _collections(inner)


def _refused(text: str, reason: str, done: str = "decided") -> ConditionError:
    line = " ".join(text.split())
    shown = line if len(line) <= 120 else line[:119] + "…"
    return ConditionError(f"The condition `{shown}` cannot be {done}: {reason}.")


def _single_sign(text: str) -> str:
    """What to say of one = where two are meant; "" where there is none."""
    sign = next((token for token in tokens(text) if token.text == "=" and text[token.start - 1] != "="), None)
    if sign is None:
        return ""
    before = text[: sign.start].split("\n")
    return f"line {len(before)}, column {len(before[-1]) + 1}: a single = compares nothing; use =="


def _syntax(message: str) -> str:
    """The first complaint of the parser, with its line and column."""
    found = re.search(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?(.*)", message)
    if found is None:
        return "it cannot be read; check its brackets and quotes"
    line, column, complaint = found.groups()
    complaint = re.sub(r" expecting \{.*", "; something is missing here", complaint)
    return f"line {line}, column {column}: {complaint.replace('<EOF>', 'the end')}"


def _reason(error: Exception, text: str, names: Mapping[str, Any]) -> str:
    """Why it could not be decided: names and types only, because reasons are logged and values may be personal."""
    missing = [path for path in sorted(references(text)) if lookup(names, path) is _MISSING]
    if isinstance(error, KeyError) and missing:
        path = next((path for path in missing if str(error.args[0]).strip("'\"") in path.split(".")), missing[0])
        return f"{path} is not there. Correct the name, or ask has({path}) first"
    if "Undefined variable or function" in str(error):
        unknown = str(error).partition("'")[2].partition("'")[0]
        return f"{unknown} is not known. Names are event, trigger, customer, steps, run and now"
    if isinstance(error, TypeError):
        kinds = ", ".join(f"{path} is {_kind(lookup(names, path))}" for path in sorted(references(text)))
        return f"its types do not fit ({kinds})" if kinds else "its types do not fit"
    return {IndexError: "an index is outside its list", ZeroDivisionError: "it divides by zero"}.get(
        type(error), "a value cannot be used the way it asks (a number too large, a text that is no time or number)"
    )


def lookup(names: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or a private mark that nothing equals."""
    found: Any = names
    for part in path.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return _MISSING
        found = found[part]
    return found


def _explain(judged: Condition, result: bool, context: Any, names: Mapping[str, Any]) -> str:
    if result:
        return _sentence(judged.text, True, names)
    for clause in judged.clauses:
        try:
            if clause.program.execute(context) is False:
                return _sentence(clause.text, False, names)
        except Exception:  # noqa: S112 - another clause decided: CEL takes that as false, too
            continue
    return _sentence(judged.text, False, names)


def _sentence(text: str, result: bool, names: Mapping[str, Any]) -> str:
    line = " ".join(text.split())
    shown = [f"{path} is {_shown(lookup(names, path))}" for path in sorted(references(text)) if path != line]
    if not shown:
        return say("condition.true" if result else "condition.false", condition=line)
    facts = ", ".join(shown[:4])
    return say("condition.true_for" if result else "condition.false_for", condition=line, facts=facts)


def _shown(item: Any) -> str:
    if item is _MISSING:
        return "missing"
    if isinstance(item, str):
        line = " ".join(item[:80].split())  # a reason is one line of history
        return f'"{line}"' if len(item) <= 60 else f'"{line[:59]}…"'
    if item is None or isinstance(item, bool):
        return {None: "null", True: "true", False: "false"}[item]
    if isinstance(item, (int, float)):
        return f"{item:.15g}"
    return f"{_kind(item)} of {len(item)}" if isinstance(item, (list, tuple, Mapping)) else str(item)


def _kind(item: Any) -> str:
    """The type in an admin's words."""
    if item is None:
        return "null"
    for types, word in (
        (bool, "true/false"), ((int, float), "a number"), (str, "text"), ((list, tuple), "a list"),
        (Mapping, "a group of fields"), (datetime, "a time"), (timedelta, "a span"),
    ):
        if isinstance(item, types):
            return word
    return "missing" if item is _MISSING else "something else"


def _plain(text: str, item: Any) -> Any:
    if item is None or isinstance(item, (bool, int, float, str)):
        return item
    if isinstance(item, list):
        return [_plain(text, each) for each in item]
    if isinstance(item, dict):
        return {str(key): _plain(text, each) for key, each in item.items()}
    if isinstance(item, datetime):
        return item.isoformat()
    if isinstance(item, timedelta):
        return item.total_seconds()
    raise _refused(text, f"its result is {_kind(item)}, which cannot be stored")

"""Conditions in words: "band is detractor" beside ``event.band == "detractor"``.

What is not of a plain form has no words: nothing is better than a sentence that says something else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from workflows.expression_text import clauses

_PATH = r"(?:event|trigger|customer|steps)(?:\.[A-Za-z_]\w*)+"
_VALUE = r"\"[^\"\\]*\"|'[^'\\]*'|-?\d+(?:\.\d+)?|true|false|null"
_LIST = rf"\[\s*(?:{_VALUE})(?:\s*,\s*(?:{_VALUE}))*\s*\]"
_COMPARES = re.compile(rf"({_PATH})\s*(==|!=|<=|>=|<|>|in)\s*({_VALUE}|{_LIST}|{_PATH})")
_IS_THERE = re.compile(rf"(!?)\s*has\(({_PATH})\)")
_IS_TRUE = re.compile(rf"(!?)\s*({_PATH})")
_CONTAINS = re.compile(rf"({_VALUE})\s+in\s+({_PATH})")
_WORDS: Mapping[str, str] = {
    "==": "is", "!=": "is not", "<=": "is at most", ">=": "is at least", "<": "is below", ">": "is above",
    "in": "is one of",
}  # fmt: skip
_STANDING: Mapping[str, str] = {"null": "nothing", "true": "yes", "false": "no"}


def in_words(condition: str) -> str:
    """The condition as a sentence without its end, in English; "" where it has no plain form."""
    parts = [_any(each) for each in clauses(condition)]
    return ", and ".join(parts) if all(parts) else ""


def _any(clause: str) -> str:
    parts = [_clause(each) for each in clauses(clause, "||")]
    return " or ".join(parts) if all(parts) else ""


def _clause(text: str) -> str:
    if found := _COMPARES.fullmatch(text):
        return f"{_name(found[1])} {_WORDS[found[2]]} {_value(found[3])}"
    if found := _IS_THERE.fullmatch(text):
        return f"{_name(found[2])} is {'not ' if found[1] else ''}known"
    if found := _CONTAINS.fullmatch(text):
        return f"{_value(found[1])} is among {_name(found[2])}"
    if found := _IS_TRUE.fullmatch(text):
        return f"{_name(found[2])} is {'no' if found[1] else 'yes'}"
    return ""


def _name(path: str) -> str:
    root, *rest = path.split(".")
    words = " ".join(rest).replace("_", " ")
    return f"the customer's {words}" if root == "customer" else words


def _value(text: str) -> str:
    if text.startswith("["):
        return ", ".join(_value(each) for each in re.findall(_VALUE, text))
    if re.fullmatch(_PATH, text):
        return _name(text)
    return _STANDING.get(text, text.strip("\"'"))

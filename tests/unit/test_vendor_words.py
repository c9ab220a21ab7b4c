"""Only a vendor's own folders speak its language. Elsewhere the house asks for roles, and speaks its own.

import-linter sees who imports whom; it does not see a vendor's name in a string, nor a vendor's dialect without its
name. What still stands elsewhere is on the list below, which may only shrink.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("connector", "webhooks", "integrations", "workflows")
WORDS = re.compile(r"zendesk|salesforce|sobject|HasOptedOut|DoNotCall|closed_by_merge", re.IGNORECASE)
SHORT_ID = re.compile(r"\[\s*:\s*15\s*\]")

AT_HOME = re.compile(
    r"(integrations|webhooks|connector/vendors)/(zendesk|salesforce)/"  # the vendors' own folders
    r"|connector/(demo/|cli/(demo|sandbox)\.py|cli/(init|provision|sync)/)"  # play and set up what they name
    r"|connector/vendors/registry\.py"  # the table of rows
    r"|connector/storage/migrations/"
)

ALLOWED = {
    "connector/config/schema.py": 6,  # examples in remedies: kinds that a person may write
    "workflows/events.py": 2,  # the catalogue's words on where events usually come from
}
"""File → places. A place that is gone leaves the list, too."""


def test_only_a_vendors_own_folders_speak_its_language() -> None:
    assert dict(_found()) == ALLOWED


def test_a_name_a_string_and_a_short_id_are_all_seen_and_prose_is_not() -> None:
    text = '"""Zendesk does."""\nkind = "zendesk"  # Zendesk\nsobject = value[:15]\nf(value[ : 15 ])\n'
    assert _count(text) == 4


def _found() -> Iterator[tuple[str, int]]:
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            name = file.relative_to(ROOT).as_posix()
            if not AT_HOME.match(name) and (count := _count(file.read_text("utf-8"))):
                yield name, count


def _count(text: str) -> int:
    """Places in code: names, strings that are no docstrings, and ids cut to a form of fifteen characters."""
    prose = _docstring_lines(ast.parse(text))
    places: Counter[str] = Counter()
    code = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and token.start[0] in prose):
            continue
        code.append(token.string)
        if token.type in (tokenize.NAME, tokenize.STRING):
            places["words"] += len(WORDS.findall(token.string))
    return places["words"] + len(SHORT_ID.findall("".join(code)))


def _docstring_lines(tree: ast.Module) -> set[int]:
    """The lines on which a string stands for itself: docstrings of modules, classes, functions and constants."""
    alone = (node for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    return {node.lineno for node in alone}

"""A mail as programs show it: light, dark, without pictures, without its style sheet, and by the rules of Word. Pure.

What Word leaves out is by Microsoft's "Word 2007 HTML and CSS Rendering Capabilities in Outlook 2007", which holds to
this day: Outlook for Windows draws with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

View = Callable[[str], str]

_STYLE_SHEET = re.compile(r"<style\b.*?</style>", re.DOTALL)
_DARK_ROOM = re.compile(r"@media\s*\(prefers-color-scheme:\s*dark\)")
_PICTURE = re.compile(r'(<img\b[^>]*?\bsrc=")[^"]*"')
_NOT_WORD = re.compile(r"<!--\[if !mso[^\]]*\]><!-->.*?<!--<!\[endif\]-->", re.DOTALL)
_FOR_WORD = re.compile(r"<!--\[if (?:mso|gte mso|\(mso)[^\]]*\]>(.*?)<!\[endif\]-->", re.DOTALL)
_STYLED = re.compile(r'<([a-z0-9]+)\b([^>]*?)\sstyle="([^"]*)"')

_NOWHERE = frozenset(
    ("border-radius", "box-shadow", "box-sizing", "display", "float", "max-height", "max-width", "min-height",
     "min-width", "opacity", "overflow", "position", "text-shadow", "word-break")
)  # fmt: skip
_TABLES_ONLY = frozenset(("height", "padding", "width"))
_TABLES = frozenset(("table", "td", "th", "img"))


def light(html: str) -> str:
    """As most programs show it."""
    return html


def dark(html: str) -> str:
    """In a dark room."""
    return _DARK_ROOM.sub("@media all", html)


def without_pictures(html: str) -> str:
    """As Outlook, and many others with strangers: none is fetched, and its alternative stands in its place."""
    return _PICTURE.sub(r'\1data:,"', html)


def without_style_sheet(html: str) -> str:
    """As Gmail shows it to accounts of others, and many mail servers pass it on."""
    return _STYLE_SHEET.sub("", html)


def by_word(html: str) -> str:
    """As Outlook for Windows draws it: its conditional parts, and no rule that Word does not know."""
    chosen = _FOR_WORD.sub(r"\1", _NOT_WORD.sub("", html))
    return _STYLED.sub(_known_to_word, _STYLE_SHEET.sub("", chosen))


def _known_to_word(found: re.Match[str]) -> str:
    tag, before, style = found.groups()
    rules = [rule.strip() for rule in style.split(";") if rule.strip() and _is_known(tag, rule)]
    return f'<{tag}{before} style="{";".join(rules)}"'


def _is_known(tag: str, rule: str) -> bool:
    name, _, value = (part.strip() for part in rule.partition(":"))
    if (name, value) == ("display", "none"):
        return True
    of_tables = name.partition("-")[0] in _TABLES_ONLY
    return name not in _NOWHERE and (not of_tables or tag in _TABLES)


VIEWS: Mapping[str, View] = {
    "light": light, "dark": dark, "without pictures": without_pictures, "without style sheet": without_style_sheet,
    "Word": by_word,
}  # fmt: skip

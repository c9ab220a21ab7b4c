"""What happens to the words of a comment: HTML is stripped, placeholders are expanded, excess is cut."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from html.parser import HTMLParser
from typing import Any

from liquid import Environment
from liquid.exceptions import LiquidError

COMMENT_BYTES = 64 * 1024 - 1
_BREAKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4"})
_SILENT = frozenset({"script", "style"})


class _Text(HTMLParser):
    """Collects the text of HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._silent += tag in _SILENT
        if tag in _BREAKS and self.parts:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT and self._silent > 0

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def strip_html(text: str) -> str:
    """The text without its tags; "5 < 7" stays what it is."""
    if "<" not in text:
        return text
    parser = _Text()
    parser.feed(text)
    parser.close()
    return "".join(parser.parts).strip()


def cut(text: str) -> str:
    """At most 64 kB of UTF-8, silently, never half a character."""
    return text.encode()[:COMMENT_BYTES].decode("utf-8", "ignore")


def as_html(text: str) -> str:
    """Plain text the way Zendesk shows it."""
    paragraphs = "".join(
        f'<p dir="auto">{escape(part).replace(chr(10), "<br>")}</p>' for part in text.split("\n\n")
    )
    return f'<div class="zd-comment" dir="auto">{paragraphs}</div>'


def expand(text: str, names: Mapping[str, Any]) -> str:
    """Fill in {{placeholders}}; what is unknown becomes empty, what is no Liquid stays as it is."""
    if "{{" not in text and "{%" not in text:
        return text
    try:
        return Environment().from_string(text).render(**names)
    except LiquidError:
        return text

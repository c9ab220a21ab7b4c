"""The text of a mail that has HTML alone, without what its program marks as quoted."""

from __future__ import annotations

from html.parser import HTMLParser

_DROPPED = frozenset({"script", "style", "head", "title", "template", "blockquote", "object", "noscript"})
_BREAKS = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "table", "hr", "ul", "ol", "pre"})
_VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "wbr", "area", "base", "col", "embed", "source"})
_QUOTES = ("gmail_quote", "gmail_extra", "yahoo_quoted", "moz-cite-prefix", "divrplyfwdmsg", "appendonsend",
           "olk_src_body", "protonmail_quote", "tutanota_quote", "zmail_extra")  # fmt: skip
"""Classes and ids under which mail programs put what they quote."""
_ENDS = ("divrplyfwdmsg", "appendonsend")
"""Outlook closes these at once; all that follows is quoted."""
_MOST_NESTED = 500


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self._open: list[tuple[str, bool]] = []  # tag, and whether what is in it is left out
        self._over = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        marks = " ".join(value or "" for name, value in attrs if name in ("class", "id")).lower()
        self._over = self._over or any(end in marks for end in _ENDS)
        if tag in _BREAKS:
            self.text.append("\n")
        if tag not in _VOID and len(self._open) < _MOST_NESTED:
            self._open.append((tag, tag in _DROPPED or any(mark in marks for mark in _QUOTES)))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BREAKS:
            self.text.append("\n")
        if any(each == tag for each, _ in self._open):
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._over and not any(left_out for _, left_out in self._open):
            self.text.append(" ".join(data.split()) if data.strip() else " ")


def text_of_html(html: str) -> str:
    """Its text, a line for each block."""
    reader = _Reader()
    try:
        reader.feed(html)
        reader.close()
    except (AssertionError, ValueError, RecursionError):  # broken on purpose; what was read so far counts
        pass
    lines = (" ".join(line.split()) for line in "".join(reader.text).split("\n"))
    return "\n".join(lines).strip()

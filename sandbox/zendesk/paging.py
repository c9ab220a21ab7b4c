"""Lists in pages: by offset (page, per_page) or by cursor (page[size], page[after]), as the caller asks."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from sandbox.zendesk.state import Json

_LARGEST = 100


def page(
    name: str, items: Sequence[Json], query: Mapping[str, str], url: str, *, by_offset: bool = False
) -> Json:
    """One page of ``items`` under ``name``, with the links to its neighbours; some know pages ``by_offset`` only."""
    if not by_offset and ("page[size]" in query or "page[after]" in query):
        return _by_cursor(name, items, query, url)
    return _by_offset(name, items, query, url)


def _by_offset(name: str, items: Sequence[Json], query: Mapping[str, str], url: str) -> Json:
    size, number = _number(query.get("per_page"), _LARGEST), _number(query.get("page"), 10_000, 1)
    start = (number - 1) * size
    more = start + size < len(items)
    rest = {key: value for key, value in query.items() if key != "page"}

    def link(to: int) -> str:
        return f"{url}?{urlencode({**rest, 'page': to})}"

    return {
        name: list(items[start : start + size]),
        "next_page": link(number + 1) if more else None,
        "previous_page": link(number - 1) if number > 1 else None,
        "count": len(items),
    }


def _by_cursor(name: str, items: Sequence[Json], query: Mapping[str, str], url: str) -> Json:
    size, start = _number(query.get("page[size]"), _LARGEST), _position(query.get("page[after]"))
    more = start + size < len(items)
    after = base64.b64encode(str(start + size).encode()).decode() if more else None
    rest = {key: value for key, value in query.items() if key != "page[after]"}
    link = f"{url}?{urlencode({**rest, 'page[after]': after})}" if more else None
    return {
        name: list(items[start : start + size]),
        "meta": {"has_more": more, "after_cursor": after, "before_cursor": None},
        "links": {"next": link, "prev": None},
    }


def _number(text: str | None, most: int, default: int = _LARGEST) -> int:
    return min(most, max(1, int(text))) if text and text.isdigit() else default


def _position(cursor: str | None) -> int:
    try:
        return max(0, int(base64.b64decode(cursor or "")))
    except ValueError:
        return 0

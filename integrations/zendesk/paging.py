"""Zendesk's lists, read to their end.

Source: Zendesk's API reference, "Pagination". Most lists have pages by cursor, which ``page[size]`` asks for; a list
that has none ignores that and answers by offset (``next_page``), or whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from integrations.errors import Transient
from integrations.http import VendorSession
from integrations.protocols import Json

SIZE = 100
"""Items a page; the most that Zendesk gives."""


def every(session: VendorSession, path: str, name: str, query: Mapping[str, Any] | None = None) -> Iterator[Json]:
    """Each item of the list ``name`` at ``/api/v2/<path>``, page after page. Raises the errors of ``errors.py``;
    Transient also for pages in a circle."""
    asked: Mapping[str, Any] = {**(query or {}), "page[size]": SIZE}
    before: list[Mapping[str, Any]] = []
    while asked and asked not in before:
        page = session.get(f"/api/v2/{path}", params=asked).json()
        yield from page.get(name) or ()
        before.append(asked)
        asked = _next(page, asked)
    if asked:
        raise Transient(f"Zendesk's list of {name} does not end: a page leads to one before it", code="unreadable")


def _next(page: Mapping[str, Any], asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """What to ask for the next page; empty at the end. A link is read for its query alone: the address stays ours."""
    meta, links = page.get("meta") or {}, page.get("links") or {}
    if meta.get("has_more") and meta.get("after_cursor"):
        return {**asked, "page[after]": meta["after_cursor"]}
    link = links.get("next") if meta.get("has_more") else page.get("next_page")
    return dict(parse_qsl(urlsplit(str(link)).query)) if link else {}

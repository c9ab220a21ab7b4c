"""Style and scripts of the pages: one file each, small, kept for good by browsers under a name with its digest.

Our own elements are one small module each in ``static/admin/``; they go out as one file. htmx was written by others:
npm brings it (``tools/npm_files.py``), and where it is not, the pages work by plain links and forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import brotli
import rcssmin
import rjsmin

from connector.web.survey.assets import File, named

_STATIC = Path(__file__).parents[1] / "static"
_OURS = _STATIC / "admin"
_HTMX = _STATIC / "vendor" / "htmx.min.js"
_SCRIPT = "text/javascript"


@lru_cache(maxsize=1)
def files() -> Mapping[str, File]:
    """What the pages ask for, by its plain name; ``htmx.js`` only where it was brought."""
    style = str(rcssmin.cssmin((_OURS / "admin.css").read_text("utf-8")))
    modules = [path.read_text("utf-8") for path in sorted(_OURS.glob("rb-*.js"))]
    script = str(rjsmin.jsmin("\n".join(f"{{\n{text}\n}}" for text in modules)))
    found = {
        "admin.css": named("admin.css", style.encode(), "text/css"),
        "admin.js": named("admin.js", script.encode(), _SCRIPT),
        "icon.svg": named("icon.svg", (_STATIC / "survey" / "icon.svg").read_bytes(), "image/svg+xml"),
    }
    if _HTMX.is_file():
        found["htmx.js"] = named("htmx.js", _HTMX.read_bytes(), _SCRIPT)
    return found


@lru_cache(maxsize=1)
def by_address() -> Mapping[str, File]:
    """The same, by the last part of their addresses."""
    return {each.name: each for each in files().values()}


@lru_cache(maxsize=8)
def small(name: str) -> bytes:
    """A file of ``by_address`` as brotli: as small as it gets, made once."""
    return bytes(brotli.compress(by_address()[name].content))

"""The sidebar app as the zip that Zendesk takes: filled in for one house, checked, the same bytes for the same words.

What Zendesk checks when an app is uploaded stands in ``app_rules.py``; here is what its pictures and our page must be.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from integrations.base_url import is_local
from integrations.protocols import Json
from integrations.zendesk.sidebar import app_rules
from integrations.zendesk.sidebar.bundling import bundle

_APP = Path(__file__).parents[1] / "app"
_ASSETS, _PAGE, _SCRIPT = "assets/", "assets/iframe.html", "assets/sidebar.js"
_ENTRY, _WORDS = "main.js", "words.js"
_AS_MODULES = f'<script type="module" src="{_ENTRY}"></script>'
_LOGOS = {"assets/logo.png": 320, "assets/logo-small.png": 128}  # pixels, square
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
_INLINE = re.compile(rb"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:", re.IGNORECASE)
_NAMED = re.compile(rb'<(?:script|link)\b[^>]* (?:src|href)="([^":]+)"')  # a file beside it, no address

Files = Mapping[str, bytes]
"""Path in the zip → content."""


class PackError(Exception):
    """An app that Zendesk would not take, or that could not work there: every mistake with its remedy."""

    def __init__(self, *mistakes: str) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


def pack(address: str, connection: str) -> bytes:
    """The zip for the house at ``address`` (its https URL), where the Zendesk account is called ``connection``.

    Raises ``PackError``.
    """
    files = app_files(address, connection)
    if mistakes := tuple(check(files)):
        raise PackError(*mistakes)
    return zipped(files)


def app_files(address: str, connection: str) -> Files:
    """What goes into the zip, by path. Raises ``PackError`` when Zendesk could not reach the address."""
    host = _host(address)
    files = {path.relative_to(_APP).as_posix(): path.read_bytes() for path in _APP.rglob("*") if path.is_file()}
    said = {path: json.loads(content) for path, content in files.items() if path.startswith("translations/")}
    files["manifest.json"] = _written(_filled(json.loads(files["manifest.json"]), address, host, connection))
    files |= {path: _written({"app": words["app"]}) for path, words in said.items()}
    words = {path.removeprefix("translations/").removesuffix(".json"): said[path]["sidebar"] for path in sorted(said)}
    return _joined(files, "export const WORDS = " + _written(words).decode().rstrip() + ";\n")


def _joined(files: dict[str, bytes], words: str) -> Files:
    """All scripts as one: a page that imports asks for a file, reads it, asks for the next, and an agent waits."""
    names = [path for path in files if path.startswith(_ASSETS) and path.endswith(".js")]
    modules = {path.removeprefix(_ASSETS): files.pop(path).decode() for path in names}
    page = files[_PAGE].decode()
    one = f'<script defer src="{_SCRIPT.removeprefix(_ASSETS)}"></script>'
    return {**files, _SCRIPT: bundle({**modules, _WORDS: words}, _ENTRY).encode(),
            _PAGE: page.replace(_AS_MODULES, one).encode()}  # fmt: skip


def zipped(files: Files) -> bytes:
    """The zip, without times and owners of its own."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            archive.writestr(entry, files[path])
    return kept.getvalue()


def _host(address: str) -> str:
    parts = urlsplit(address)
    if not parts.hostname:
        raise PackError(f"address {address!r} is no URL; set RINGBACK_BASE_URL to the public https address")
    if parts.scheme != "https" and not is_local(parts.hostname):
        raise PackError(f"address {address!r} is not https, and Zendesk sends the token nowhere else; set "
                        "RINGBACK_BASE_URL to the public https address")  # fmt: skip
    return parts.hostname


def _filled(manifest: dict[str, Any], address: str, host: str, connection: str) -> Json:
    """The token may go to this host alone: Zendesk's proxy holds to the list."""
    defaults = {"address": address.rstrip("/"), "connection": connection}
    given = [each | ({"default": defaults[each["name"]]} if each["name"] in defaults else {})
             for each in manifest["parameters"]]  # fmt: skip
    return {**manifest, "domainWhitelist": [host], "parameters": given}


def _written(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


# --- what Zendesk would refuse --------------------------------------------------------------------------------------


def check(files: Files) -> Iterator[str]:
    """Every reason for which Zendesk would not take these files, or the page would not be safe there."""
    manifest = _json(files, "manifest.json")
    if manifest is None:
        yield "manifest.json is missing or is no JSON object; write one"
        return
    yield from app_rules.twice(files["manifest.json"])
    yield from app_rules.manifest(manifest, files)
    found = {path: _json(files, path) for path in files if path.startswith("translations/")}
    yield from app_rules.translations(files, manifest, found)
    yield from app_rules.contents(files)
    yield from _logos(files)
    yield from (f"{path} holds a script or style in the page; move it into a file of its own"
                for path, content in files.items() if path.endswith(".html") and _INLINE.search(content))  # fmt: skip
    yield from _named_in_vain(files)


def _named_in_vain(files: Files) -> Iterator[str]:
    for path, content in files.items():
        named = _NAMED.findall(content) if path.endswith(".html") else []
        folder = path.rpartition("/")[0]
        yield from (f"{path} names {each.decode()}, which is not there; add it, or take it out"
                    for each in named if f"{folder}/{each.decode()}" not in files)  # fmt: skip


def _logos(files: Files) -> Iterator[str]:
    for path, side in _LOGOS.items():
        if _size(files.get(path, b"")) != (side, side):
            yield f"{path} is no PNG of {side} × {side} pixels; draw one"


def _size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG: they stand in its first chunk."""
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def _json(files: Files, path: str) -> dict[str, Any] | None:
    try:
        value = json.loads(files[path])
    except (KeyError, ValueError):
        return None
    return value if isinstance(value, dict) else None

"""Below which path of the public address we are: a proxy takes it off, and everything we write down has it again.

The setting alone says so. ``X-Forwarded-Prefix`` is not read: whoever sends it could bend the links of our pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from webhooks.asgi import App, Receive, Scope, Send

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

    Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

_OURS = frozenset(("s", "u", "api", "webhooks", "connect", "metrics", "healthz", "readyz", "tour", "admin"))


def path_of(base_url: str) -> str:
    """The path of our public address, "" or "/feedback", as a request's path begins."""
    return urlsplit(base_url).path.rstrip("/")


def mounted(pages: Wsgi, base_url: str) -> Wsgi:
    """``pages`` below the path of ``base_url``: their links begin with it (WSGI's SCRIPT_NAME, PEP 3333)."""
    prefix = path_of(base_url)
    if not prefix:
        return pages

    def below(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = without(prefix, str(environ.get("PATH_INFO", "")))
        return pages({**environ, "SCRIPT_NAME": prefix, "PATH_INFO": path}, start_response)

    return below


def mounted_door(door: App, base_url: str) -> App:
    """The same for the event loop, where webhooks come in."""
    prefix = path_of(base_url)
    if not prefix:
        return door

    async def below(scope: Scope, receive: Receive, send: Send) -> None:
        inside = {**scope, "path": without(prefix, scope["path"])} if scope["type"] == "http" else scope
        await door(inside, receive, send)

    return below


def without(prefix: str, path: str) -> str:
    """The path inside; a proxy that hands the whole path on is understood, too, unless it could be a path of ours."""
    if prefix.split("/")[1] in _OURS or not f"{path}/".startswith(f"{prefix}/"):
        return path
    return path[len(prefix) :] or "/"

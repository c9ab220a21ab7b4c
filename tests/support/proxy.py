"""A proxy that publishes a house below a path, as a company's own site does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from tests.support.http import Reply, Seen, Server, serving

_OWN = {"connection", "content-length", "transfer-encoding", "date", "server", "content-encoding", "host"}
_SECONDS = 30


@contextmanager
def published(house: str, prefix: str, *, takes_off: bool = True) -> Iterator[Server]:
    """Hands on what begins with ``prefix`` to the address ``house``, without it unless told otherwise; nobody is at
    other paths."""

    def handed_on(seen: Seen) -> Reply:
        if not seen.target.startswith(f"{prefix}/"):
            return Reply(404, b"the company's own site")
        target = seen.target[len(prefix) :] if takes_off else seen.target
        headers = {name: value for name, value in seen.headers.items() if name not in _OWN}
        told = requests.request(
            seen.method, f"{house}{target}", data=seen.body, headers=headers, allow_redirects=False, timeout=_SECONDS
        )
        kept = {name.title(): value for name, value in told.headers.items() if name.lower() not in _OWN}
        return Reply(told.status_code, told.content, kept)

    with serving(handed_on) as server:
        yield server

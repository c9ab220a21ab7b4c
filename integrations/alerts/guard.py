"""What apprise's plugins use of the world outside, with our rules: they call ``requests`` and ``ssl`` by themselves.

Certificates are always checked, no redirect is followed, an answer is bounded in bytes and time, and whether a request
may have happened is remembered, because a plugin says yes or no only.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import requests

from integrations.error_mapping import never_arrived
from integrations.transport import tls
from integrations.transport.bounded_http import NOTICE, plain_session

BOUND = NOTICE

_TIMEOUTS = (5.0, 15.0)  # seconds to connect, and between two bytes: the plugins' own four are too few for some
_GATEWAYS = frozenset({502, 504})
"""A gateway that says so has handed the request on."""


@dataclass(slots=True)
class Witness:
    """``unsure``: a request was sent, and nobody said what became of it."""

    unsure: bool = False


_witness: ContextVar[Witness | None] = ContextVar("witness", default=None)


@contextmanager
def witnessed() -> Iterator[Witness]:
    """What becomes of this thread's requests until the block ends."""
    seen = Witness()
    token = _witness.set(seen)
    try:
        yield seen
    finally:
        _witness.reset(token)


class _Http:
    """``requests`` as a plugin sees it: each request by our session and our rules."""

    def __getattr__(self, name: str) -> Any:
        return getattr(requests, name)

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        ours = {"verify": True, "allow_redirects": False, "timeout": _TIMEOUTS}
        try:
            with plain_session(BOUND) as session:
                response = session.request(method, url, **{**options, **ours})
        except requests.RequestException as error:
            _remember(unsure=not never_arrived(error))
            raise
        _remember(unsure=response.status_code in _GATEWAYS)
        return response

    def get(self, url: str, **options: Any) -> requests.Response:
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> requests.Response:
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> requests.Response:
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options: Any) -> requests.Response:
        return self.request("PATCH", url, **options)

    def delete(self, url: str, **options: Any) -> requests.Response:
        return self.request("DELETE", url, **options)


def _remember(*, unsure: bool) -> None:
    if (seen := _witness.get()) is not None and unsure:
        seen.unsure = True


class _Tls:
    """``ssl`` as a plugin sees it: its contexts are ours."""

    def __getattr__(self, name: str) -> Any:
        return getattr(ssl, name)

    def create_default_context(self, *_args: Any, **_options: Any) -> ssl.SSLContext:
        return tls.context()


_HTTP, _TLS = _Http(), _Tls()


def guard_plugins() -> None:
    """Put our rules into every plugin that is loaded. Doing it again changes nothing."""
    for name, module in list(sys.modules.items()):
        if name.startswith("apprise.plugins."):
            _guard(module)


def _guard(module: ModuleType) -> None:
    for name, ours in (("requests", _HTTP), ("ssl", _TLS)):
        if isinstance(getattr(module, name, None), ModuleType):
            setattr(module, name, ours)

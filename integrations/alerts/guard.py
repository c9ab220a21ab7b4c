"""What apprise's plugins use of the world outside, with our rules: they call ``requests`` and ``ssl`` by themselves."""

from __future__ import annotations

import ssl
import sys
from types import ModuleType
from typing import Any

import requests

from integrations.transport import tls
from integrations.transport.bounded_http import plain_session


class _Http:
    """``requests`` as a plugin sees it: each request by our session, certificates always checked."""

    def __getattr__(self, name: str) -> Any:
        return getattr(requests, name)

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        with plain_session() as session:
            return session.request(method, url, **{**options, "verify": True})

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

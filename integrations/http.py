"""The one session for all requests to vendors: one host, time-outs, credentials, idempotency key, clear errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import version
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict

from integrations import request_deadline
from integrations.base_url import Address
from integrations.error_mapping import Dialect, Limit, classify, unreadable
from integrations.transport.bounded_http import RECORDS, TABLE, Bound, BoundedAdapter

__all__ = ["TokenSource", "VendorSession", "classify"]

CONNECT_TIMEOUT = 5.0  # seconds
READ_TIMEOUT = 30.0  # seconds between two bytes
CONNECTIONS = 200  # kept open per session, once they were needed: as many as ``concurrency`` may allow

_CONTENT = ("params", "data", "json", "files")
"""What of a caller's options makes the request; the others (its time-outs, its redirects) are overruled."""

_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.:_/-]+")
"""An address in which nothing could have to be written otherwise."""

_USER_AGENT = f"ringback/{version('ringback')}"


class TokenSource(Protocol):
    """Who we are to the vendor, as the value of the Authorization header."""

    def header(self) -> str:
        """The current value; may ask the vendor for a token. Raises IntegrationError."""
        ...

    def renew(self, refused: str) -> str:
        """A value other than the refused one. Raises AuthFailed when there is none."""
        ...

    def accepted(self, header: str) -> None:
        """The vendor took this value."""
        ...


class VendorSession(requests.Session):
    """A ``requests.Session`` that goes to one address only, and answers with success or an IntegrationError.

    It may be handed to a vendor's library: whatever host that asks for is rewritten to ``base_url`` if it is
    the account's own host or one of ``aliases``, and refused otherwise, so credentials go nowhere else.
    Redirects are not followed. Nothing is repeated but a 401, once, with a fresh token: a request that was
    refused at the door did nothing. Threads may share it.
    """

    def __init__(
        self,
        base_url: str,
        dialect: Dialect,
        tokens: TokenSource | None = None,
        *,
        aliases: frozenset[str] = frozenset(),
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
        bound: Bound = RECORDS,
    ) -> None:
        """``bound`` is for one answer. Raises ValueError for a base URL that cannot be used."""
        super().__init__()
        self.address = Address.parse(base_url, aliases)
        self.dialect, self.tokens = dialect, tokens
        self.trust_env = False  # no proxy and no .netrc of the machine may see or change what we send
        self.headers["User-Agent"] = _USER_AGENT
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._timeouts, self._bound = (connect_timeout, read_timeout), bound
        self._key: ContextVar[str | None] = ContextVar("idempotency_key", default=None)
        self._limits: Mapping[str, Limit] = {}
        self._mount(BoundedAdapter(pool_connections=1, pool_maxsize=CONNECTIONS))

    def _mount(self, adapter: BoundedAdapter) -> None:
        self._adapter = adapter
        self.adapters.clear()
        self.mount(self.address.url, adapter)

    @property
    def limits(self) -> Mapping[str, Limit]:
        """What the vendor last said of its limits, by their names."""
        return self._limits

    @contextmanager
    def idempotent(self, key: str) -> Iterator[None]:
        """Send ``Idempotency-Key: key`` with every request of this thread until the block ends."""
        token = self._key.set(key)
        try:
            yield
        finally:
            self._key.reset(token)

    def request(  # type: ignore[override]  # the library's twenty parameters are passed on as they are
        self, method: str, url: str, **options: Any
    ) -> requests.Response:
        """Like ``requests``, but every answer that is no success is raised as an IntegrationError.

        ``url`` is a path ("/api/v2/users/me") or a whole URL. Caller's time-outs are overruled. ``as_text``: the
        success is no JSON but text, as a table is.
        """
        target = self.address.rewrite(url)
        response = self._authorised(method, target, options)
        self._observe(response)
        if not 200 <= response.status_code < 300:
            raise classify(response, method, target, self.dialect)
        if not options.get("as_text") and not _is_json(response):
            raise unreadable(response, method, target, self.dialect)
        _present_as(url, response)
        return response

    def _authorised(self, method: str, url: str, options: dict[str, Any]) -> requests.Response:
        if self.tokens is None:
            return self._once(method, url, options, None)
        credentials = self.tokens.header()
        response = self._once(method, url, options, credentials)
        if self.dialect.stale(response):
            credentials = self.tokens.renew(credentials)
            response = self._once(method, url, options, credentials)
        if response.status_code < 500 and not self.dialect.stale(response):
            self.tokens.accepted(credentials)
        return response

    def _once(self, method: str, url: str, options: dict[str, Any], credentials: str | None) -> requests.Response:
        request_deadline.check()
        try:
            bound = TABLE if options.get("as_text") else self._bound
            return self.send(self._prepared(method, url, options, credentials), bound=bound)
        except requests.RequestException as error:
            # "from None": the text of the cause holds the whole URL, and in it the e-mail someone looked for.
            raise classify(error, method, url, self.dialect) from None

    def send(
        self, request: requests.PreparedRequest, *, bound: Bound | None = None, **_options: Any
    ) -> requests.Response:
        """Straight to the adapter: what ``requests`` does before and after (cookies, hooks, redirects, proxies) has
        nothing to do here, and is a sixth of what a request costs."""
        return self._adapter.send(request, bound=bound or self._bound, timeout=self._timeouts)

    def _prepared(
        self, method: str, url: str, options: Mapping[str, Any], credentials: str | None
    ) -> requests.PreparedRequest:
        """The session has no parameters, cookies, hooks or proxies of its own, and looking for them to merge is a
        third of what a request costs."""
        headers = self._headers(options.get("headers"), credentials)
        content = {name: options[name] for name in _CONTENT if options.get(name) is not None}
        if isinstance(content.get("data"), bytes) and len(content) == 1 and _PLAIN_URL.fullmatch(url):
            return _plain(method, url, headers, content["data"])
        prepared = requests.PreparedRequest()
        prepared.prepare(method=method.upper(), url=url, headers=headers, **content)
        return prepared

    def _headers(self, given: Mapping[str, str] | None, credentials: str | None) -> dict[str, str | bytes]:
        told = {**self.headers, **(given or {})}
        headers: dict[str, str | bytes] = {name: v for name, v in told.items() if name.lower() != "authorization"}
        if credentials is not None:
            headers["Authorization"] = credentials
        if (key := self._key.get()) is not None:
            headers["Idempotency-Key"] = key
        return headers

    def _observe(self, response: requests.Response) -> None:
        if seen := self.dialect.limits(response.headers):
            self._limits = {**self._limits, **{limit.name: limit for limit in seen}}


def _plain(
    method: str, url: str, headers: Mapping[str, Any], body: bytes
) -> requests.PreparedRequest:
    """Bytes that go to a plain address need none of what ``prepare`` does to others: it is a fifth of their cost."""
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url, prepared.body = method.upper(), url, body
    prepared.headers = CaseInsensitiveDict({**headers, "Content-Length": str(len(body))})
    return prepared


def _present_as(asked: str, response: requests.Response) -> None:
    """Show the address that was asked for: zenpy looks in it for its own host before it reads an answer."""
    host = urlsplit(asked)
    if host.netloc:
        went = urlsplit(str(response.request.url))
        response.request.url = went._replace(scheme=host.scheme, netloc=host.netloc).geturl()


def _is_json(response: requests.Response) -> bool:
    if not response.content:
        return True
    try:
        json.loads(response.content)
    except (ValueError, RecursionError):  # a body of brackets alone is deeper than anybody can follow
        return False
    return True

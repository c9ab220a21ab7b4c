"""Credentials: fixed ones, and tokens that are asked for, shared by all threads and renewed in time."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import jwt

from integrations.errors import Ambiguous, AuthFailed, IntegrationError, Permanent, RateLimited, Transient
from integrations.http import VendorSession
from integrations.refusals import Dialect

Clock = Callable[[], float]  # seconds since the epoch

_EARLY = 60.0  # seconds before its end that a token is no longer used: a request must not outlive it
_ASSERTION_LIFE = 180  # seconds; Salesforce refuses assertions that live longer than 3 minutes


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. ``use_until`` is in seconds since the epoch; None: until it is refused."""

    value: str = field(repr=False)
    use_until: float | None = None

    @property
    def header(self) -> str:
        return f"Bearer {self.value}"


Grant = Callable[[], Token]


class TokenStore(Protocol):
    """Where the processes of one installation share a connection's token."""

    def get(self) -> Token | None: ...

    def put(self, token: Token, *, replacing: Token | None) -> Token:
        """Keep ``token`` if what is kept is still ``replacing``; → what is kept afterwards."""
        ...


class MemoryStore:
    """A store for one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token: Token | None = None

    def get(self) -> Token | None:
        return self._token

    def put(self, token: Token, *, replacing: Token | None) -> Token:
        with self._lock:
            if self._token == replacing or self._token is None:
                self._token = token
            return self._token


class FixedCredentials:
    """A header that never changes: when it is refused, only a person can mend it."""

    def __init__(self, header: str) -> None:
        self._header = header

    @classmethod
    def bearer(cls, token: str) -> FixedCredentials:
        return cls(f"Bearer {token}")

    @classmethod
    def zendesk_api_token(cls, email: str, token: str) -> FixedCredentials:
        """Zendesk's older way: basic authentication as "e-mail/token". It ends on 2027-04-30 (Zendesk)."""
        return cls("Basic " + base64.b64encode(f"{email}/token:{token}".encode()).decode())

    def header(self) -> str:
        return self._header

    def renew(self, refused: str) -> str:
        raise AuthFailed("the token is refused; put a new one into the connection's auth", status=401)


class SharedToken:
    """A token that all threads share; one of them asks for it while the others wait."""

    def __init__(self, grant: Grant, store: TokenStore | None = None, now: Clock = time.time) -> None:
        self._grant, self._store, self._now = grant, store or MemoryStore(), now
        self._lock = threading.Lock()
        self._token: Token | None = None

    def header(self) -> str:
        token = self._token
        return token.header if token and self._usable(token) else self._replace().header

    def renew(self, refused: str) -> str:
        return self._replace(refused).header

    def _replace(self, refused: str = "") -> Token:
        with self._lock:
            if self._token and self._usable(self._token, refused):
                return self._token  # another thread was faster
            shared = self._store.get()
            if shared is None or not self._usable(shared, refused):
                shared = self._store.put(self._grant(), replacing=shared)
            self._token = shared
            return shared

    def _usable(self, token: Token, refused: str = "") -> bool:
        return token.header != refused and (token.use_until is None or self._now() < token.use_until)


def zendesk_client_credentials(
    session: VendorSession, client_id: str, client_secret: str, scope: str = "read write", now: Clock = time.time
) -> Grant:
    """Zendesk's OAuth client credentials (``POST /oauth/tokens``); the token lives 30 minutes by default."""
    asked = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    return lambda: _token(_ask(session, "/oauth/tokens", json=asked | {"scope": scope}), now)


def salesforce_client_credentials(session: VendorSession, client_id: str, client_secret: str) -> Grant:
    """Salesforce's client credentials flow, at the org's own My Domain host; its answer names no end."""
    asked = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    return lambda: _token(_ask(session, "/services/oauth2/token", data=asked), time.time)


def salesforce_jwt(
    session: VendorSession, client_id: str, username: str, private_key: str, audience: str, now: Clock = time.time
) -> Grant:
    """Salesforce's JWT bearer flow (RFC 7523, RS256). ``private_key`` is PEM text."""

    def grant() -> Token:
        claims = {"iss": client_id, "sub": username, "aud": audience, "exp": int(now()) + _ASSERTION_LIFE}
        assertion = jwt.encode(claims, private_key, algorithm="RS256")
        asked = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
        return _token(_ask(session, "/services/oauth2/token", data=asked), now)

    return grant


def token_dialect(vendor: str) -> Dialect:
    """How an OAuth token endpoint refuses: by RFC 6749's codes, and a few of Salesforce's for passing trouble."""
    passing = dict.fromkeys(("unknown_error", "temporarily_unavailable", "server_error"), Transient)
    return Dialect(vendor, kinds={**passing, "rate_limit_exceeded": RateLimited}, rolls_back=True)


def _ask(session: VendorSession, path: str, **payload: Any) -> Mapping[str, Any]:
    vendor = session.dialect.vendor
    try:
        answer = session.post(path, **payload).json()
    except Ambiguous as error:  # asking twice for a token does no harm, and nothing else was done yet
        raise Transient(error.reason, code=error.code, status=error.status) from error
    except (Permanent, AuthFailed) as error:
        raise _refused(vendor, error) from error
    if not isinstance(answer, Mapping) or not answer.get("access_token"):
        raise Transient(f"{vendor} answered the request for a token without one", code="no_token")
    return answer


def _refused(vendor: str, error: IntegrationError) -> AuthFailed:
    said = error.code or f"status {error.status}"
    reason = f"{vendor} refused our credentials ({said}); check auth and base_url in the connection's settings"
    return AuthFailed(reason, code=error.code, status=error.status)


def _token(answer: Mapping[str, Any], now: Clock) -> Token:
    life = answer.get("expires_in")
    if not isinstance(life, (int, float)) or isinstance(life, bool) or life <= 0:
        return Token(str(answer["access_token"]))
    return Token(str(answer["access_token"]), now() + life - min(_EARLY, life / 2))

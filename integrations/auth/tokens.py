"""Credentials: fixed ones, and tokens that are asked for, shared by all threads and renewed in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from integrations.error_mapping import Dialect
from integrations.errors import Ambiguous, AuthFailed, IntegrationError, Permanent, RateLimited, Transient
from integrations.http import VendorSession

Clock = Callable[[], float]  # seconds since the epoch

_EARLY = 60.0  # seconds before its end that a token is no longer used: a request must not outlive it
_FRUITLESS = 2
"""Tokens asked for in a row of which none worked: the next is asked for no sooner than a minute after the last."""

_PATIENCE = 60.0  # seconds
_LEASE = 60.0  # seconds; longer than the slowest answer of a login server that we wait for
_LOOKS = 150
_LOOK = 0.1  # seconds between two looks for the token that another process is asking for


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. ``use_until`` is in seconds since the epoch; None: until it is refused.

    ``unproven`` counts the tokens in a row, this one included, that the vendor gave and that nobody has seen it take;
    0 once it took this one. ``asked_at`` is in seconds since the epoch. ``refresh`` is what gets the next one, up to
    ``refresh_until``; "" where the next one is asked for like the first.
    """

    value: str = field(repr=False)
    use_until: float | None = None
    unproven: int = 0
    asked_at: float = 0.0
    refresh: str = field(default="", repr=False)
    refresh_until: float | None = None

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

    def lease(self, seconds: float) -> bool:
        """Be the only one who asks for a new token, for so long. → whether nobody else is."""
        ...

    def release(self) -> None:
        """End the lease."""
        ...

    def count(self) -> None:
        """One more token is about to be asked for. Raises RateLimited when too many were lately."""
        ...


class MemoryStore:
    """A store for one process."""

    def __init__(self) -> None:
        self._lock, self._leased = threading.Lock(), threading.Lock()
        self._token: Token | None = None

    def lease(self, seconds: float) -> bool:
        return self._leased.acquire(blocking=False)

    def release(self) -> None:
        self._leased.release()

    def count(self) -> None:
        """A process alone asks so rarely that nothing needs to be counted."""

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

    def header(self) -> str:
        return self._header

    def renew(self, refused: str) -> str:
        raise AuthFailed("the token is refused; put a new one into the connection's auth", status=401)

    def accepted(self, header: str) -> None:
        """Nothing is learnt from that."""


class SharedToken:
    """A token that all threads and, by the store, all processes share; one of them asks for it while the others wait.

    A vendor that gives tokens and refuses them is asked for two, and after that for one a minute at most.
    """

    def __init__(
        self,
        grant: Grant,
        store: TokenStore | None = None,
        now: Clock = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._grant, self._store, self._now, self._sleep = grant, store or MemoryStore(), now, sleep
        self._lock = threading.Lock()
        self._token: Token | None = None

    def header(self) -> str:
        token = self._token
        return token.header if token and self._usable(token) else self._replace().header

    def renew(self, refused: str) -> str:
        return self._replace(refused).header

    def accepted(self, header: str) -> None:
        """The vendor took this token: the next refusal is one of a good token that came to its end."""
        token = self._token
        if token is None or not token.unproven or token.header != header:
            return
        with self._lock:
            if self._token is token:
                self._token = self._store.put(replace(token, unproven=0), replacing=token)

    def _replace(self, refused: str = "") -> Token:
        with self._lock:
            if self._token and self._usable(self._token, refused):
                return self._token  # another thread was faster
            shared = self._store.get()
            if shared is None or not self._usable(shared, refused):
                shared = self._asked_for(shared, refused)
            self._token = shared
            return shared

    def _asked_for(self, shared: Token | None, refused: str) -> Token:
        """A new token, or the one that another process has asked for meanwhile. Raises RateLimited when that one
        takes long: it may have died over it, and its lease must end before anybody can call."""
        for _ in range(_LOOKS):
            self._expect_use(shared)
            if self._store.lease(_LEASE):
                return self._granted(shared)
            self._sleep(_LOOK)
            shared = self._store.get()
            if shared is not None and self._usable(shared, refused):
                return shared
        said = "another process has been asking for a token for long; it is tried again"
        raise RateLimited(said, retry_after=_LOOKS * _LOOK, code="token", status=None)

    def _expect_use(self, before: Token | None) -> None:
        """Raises AuthFailed when the last tokens did not work, and it was a moment ago."""
        if before is None or before.unproven < _FRUITLESS or self._now() - before.asked_at >= _PATIENCE:
            return
        said = f"the vendor gave {before.unproven} tokens and refused each"
        raise AuthFailed(f"{said}; check what the connection's user and app may do", code="fruitless", status=401)

    def _granted(self, before: Token | None) -> Token:
        try:
            self._store.count()
            unproven = 1 + (before.unproven if before else 0)
            fresh = replace(self._grant(), unproven=unproven, asked_at=self._now())
            return self._store.put(fresh, replacing=before)
        finally:
            self._store.release()

    def _usable(self, token: Token, refused: str = "") -> bool:
        return token.header != refused and (token.use_until is None or self._now() < token.use_until)


def token_dialect(vendor: str) -> Dialect:
    """How an OAuth token endpoint refuses: by RFC 6749's codes, and a few that tell of passing trouble."""
    passing = dict.fromkeys(("unknown_error", "temporarily_unavailable", "server_error"), Transient)
    return Dialect(vendor, kinds={**passing, "rate_limit_exceeded": RateLimited}, rolls_back=True)


def ask_for_token(session: VendorSession, path: str, **payload: Any) -> Mapping[str, Any]:
    """What the vendor answers, if there is a token in it. Raises AuthFailed, Transient, RateLimited."""
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


def token_of(answer: Mapping[str, Any], now: Clock) -> Token:
    """The token in an answer, and for how long it, and what refreshes it, may be used."""
    life, refresh_life = _seconds(answer.get("expires_in")), _seconds(answer.get("refresh_token_expires_in"))
    use_until = None if life is None else now() + life - min(_EARLY, life / 2)
    refresh_until = None if refresh_life is None else now() + refresh_life
    refresh = str(answer.get("refresh_token") or "")
    return Token(str(answer["access_token"]), use_until, refresh=refresh, refresh_until=refresh_until)


def _seconds(life: Any) -> float | None:
    return float(life) if isinstance(life, (int, float)) and not isinstance(life, bool) and life > 0 else None

"""Who asks: OAuth tokens, and the e-mail/token pairs of before."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sandbox.zendesk import errors, people
from sandbox.zendesk.state import Json, State, is_staff

_CODE_LIVES = timedelta(minutes=2)
_SHORTEST, _LONGEST, _USUAL = 300, 172_800, 1_800  # seconds an access token may live


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A client of the account; its tokens act as the user ``user_id``."""

    client_id: str
    client_secret: str
    user_id: int


@dataclass(frozen=True, slots=True)
class Token:
    user_id: int
    scope: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Code:
    client: OAuthClient
    redirect_uri: str
    challenge: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Refresh:
    """``access`` is the access token it came with."""

    client: OAuthClient
    access: str
    expires_at: datetime


class Access:
    """Issues and checks credentials. Call it under the stand-in's lock."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._clients: dict[str, OAuthClient] = {}
        self._tokens: dict[str, Token] = {}
        self._codes: dict[str, _Code] = {}
        self._refreshes: dict[str, _Refresh] = {}
        self._grants: dict[str, Callable[[OAuthClient, Json], Json]] = {
            "client_credentials": self._new_token,
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh,
        }
        self._api_tokens: dict[
            str, str
        ] = {}  # token → the e-mail address it was made for; "" for any agent's

    def add_client(self, client: OAuthClient) -> None:
        self._clients[client.client_id] = client

    def add_api_token(self, token: str, email: str = "") -> None:
        self._api_tokens[token] = email

    def revoke_all(self) -> None:
        """Every access token stops working, as after a leak; clients can ask for new ones."""
        self._tokens.clear()

    def withdraw(self) -> None:
        """Whoever agreed agrees no longer: their access and refresh tokens are over."""
        self._tokens.clear()
        self._refreshes.clear()

    def issue(self, given: Json) -> Json:
        """POST /oauth/tokens. Raises 400 and 401."""
        grant = self._grants.get(str(given.get("grant_type")))
        if grant is None:
            raise errors.oauth("unsupported_grant_type", "The grant type is not supported.")
        client = self._clients.get(str(given.get("client_id")))
        if client is None or not secrets.compare_digest(
            client.client_secret, str(given.get("client_secret"))
        ):
            raise errors.invalid_client()
        return grant(client, given)

    def agree(self, given: Json) -> str:
        """Somebody opens the address at which one agrees, and does. → where the browser is sent. Raises 400."""
        client = self._clients.get(str(given.get("client_id")))
        if client is None or given.get("response_type") != "code" or not given.get("redirect_uri"):
            raise errors.oauth("invalid_request", "The request is missing a required parameter.")
        code = secrets.token_urlsafe(16)
        self._codes[code] = _Code(
            client, given["redirect_uri"], str(given.get("code_challenge") or ""), self._state.clock() + _CODE_LIVES
        )
        return f"{given['redirect_uri']}?{urlencode({'code': code, 'state': given.get('state', '')})}"

    def _by_code(self, client: OAuthClient, given: Json) -> Json:
        """A code works once, for two minutes, and only with the verifier of its challenge (PKCE)."""
        code = self._codes.pop(str(given.get("code")), None)
        if code is None or code.client is not client or code.expires_at <= self._state.clock():
            raise errors.oauth("invalid_grant", "The provided authorization grant is invalid or expired.")
        digest = hashlib.sha256(str(given.get("code_verifier") or "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if code.redirect_uri != given.get("redirect_uri") or code.challenge not in ("", challenge):
            raise errors.oauth("invalid_grant", "The provided authorization grant does not match.")
        return self._refreshable(client, given)

    def _by_refresh(self, client: OAuthClient, given: Json) -> Json:
        """A refresh token works once: with it go the access token it came with, and itself."""
        held = self._refreshes.pop(str(given.get("refresh_token")), None)
        if held is None or held.client is not client or held.expires_at <= self._state.clock():
            raise errors.oauth("invalid_grant", "The provided refresh token is invalid, expired or revoked.")
        self._tokens.pop(held.access, None)
        return self._refreshable(client, given)

    def _refreshable(self, client: OAuthClient, given: Json) -> Json:
        lives = int(given.get("refresh_token_expires_in") or 2_592_000)
        if not 604_800 <= lives < 7_776_000:
            raise errors.oauth("invalid_request", "refresh_token_expires_in is out of range")
        issued, refresh = self._new_token(client, given), secrets.token_hex(32)
        until = self._state.clock() + timedelta(seconds=lives)
        self._refreshes[refresh] = _Refresh(client, issued["access_token"], until)
        return {**issued, "refresh_token": refresh, "refresh_token_expires_in": lives}

    def _new_token(self, client: OAuthClient, given: Json) -> Json:
        lifetime = _lifetime(given.get("expires_in"))
        value, scope = secrets.token_hex(32), str(given.get("scope") or "read write")
        self._tokens[value] = Token(client.user_id, scope, self._state.clock() + timedelta(seconds=lifetime))
        return {"access_token": value, "token_type": "bearer", "scope": scope, "expires_in": lifetime}

    def who(self, header: str, method: str) -> Json | None:
        """The user behind an Authorization header; None without one. Raises 401 and 403."""
        kind, _, value = header.strip().partition(" ")
        if not kind:
            return None
        user = self._bearer(value, method) if kind.lower() == "bearer" else self._basic(kind, value)
        if not is_staff(user):
            raise errors.forbidden()
        return user

    def _bearer(self, value: str, method: str) -> Json:
        token = self._tokens.get(value.strip())
        if token is None or token.expires_at <= self._state.clock():
            raise errors.invalid_token()
        if method != "GET" and "write" not in token.scope.split():
            raise errors.forbidden()
        return self._state.user(token.user_id)

    def _basic(self, kind: str, value: str) -> Json:
        try:
            name, _, token = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise errors.unauthenticated() from None
        email, slash, word = name.rpartition("/")
        user = people.find(self._state, email=email)
        right = self._api_tokens.get(token) in ("", email)
        if kind.lower() != "basic" or (slash, word) != ("/", "token") or not right or user is None:
            raise errors.unauthenticated()
        return user


def _lifetime(asked: Any) -> int:
    if asked is None:
        return _USUAL
    if not isinstance(asked, int) or not _SHORTEST <= asked <= _LONGEST:
        raise errors.ApiError(
            400, {"error": "invalid_request", "error_description": "expires_in is out of range"}
        )
    return asked

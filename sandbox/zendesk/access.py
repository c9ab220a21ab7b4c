"""Who asks: OAuth tokens, and the e-mail/token pairs of before."""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.zendesk import errors, people
from sandbox.zendesk.state import Json, State, is_staff

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


class Access:
    """Issues and checks credentials. Call it under the stand-in's lock."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._clients: dict[str, OAuthClient] = {}
        self._tokens: dict[str, Token] = {}
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

    def issue(self, given: Json) -> Json:
        """POST /oauth/tokens. Raises 400 and 401."""
        if given.get("grant_type") != "client_credentials":
            raise errors.ApiError(
                400,
                {"error": "unsupported_grant_type", "error_description": "The grant type is not supported."},
            )
        client = self._clients.get(str(given.get("client_id")))
        if client is None or not secrets.compare_digest(
            client.client_secret, str(given.get("client_secret"))
        ):
            raise errors.invalid_client()
        return self._new_token(client, given)

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

"""Sessions: client credentials, JWT bearer, and how they end."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from sandbox.clock import Clock
from sandbox.salesforce.errors import ApiError, api_error

AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(slots=True)
class Access:
    """The connected app and its sessions. ``public_key`` (PEM): assertions must then be signed with its other half."""

    clock: Clock
    organization_id: str
    users: Mapping[str, Mapping[str, str]]  # username → {id, name, email}
    client_id: str
    client_secret: str
    run_as: str  # the username behind client credentials
    public_key: str | None = None
    base_url: str = "http://127.0.0.1"
    _sessions: dict[str, str] = field(default_factory=dict)  # token → username

    def issue(self, given: Mapping[str, str], header: str) -> dict[str, Any]:
        """POST /services/oauth2/token. Raises 400. There is no expires_in in the answer."""
        grant = given.get("grant_type", "")
        if grant == "client_credentials":
            return self.session(self._client(given, header))
        if grant == _JWT_BEARER:
            return self.session(self._assertion(given.get("assertion", "")))
        raise _oauth_error("unsupported_grant_type", "grant type not supported")

    def _client(self, given: Mapping[str, str], header: str) -> str:
        client_id, client_secret = given.get("client_id", ""), given.get("client_secret", "")
        if header.lower().startswith("basic "):
            client_id, client_secret = _basic(header)
        if client_id != self.client_id:
            raise _oauth_error("invalid_client_id", "client identifier invalid")
        if not secrets.compare_digest(client_secret, self.client_secret):
            raise _oauth_error("invalid_client", "invalid client credentials")
        return self.run_as

    def _assertion(self, assertion: str) -> str:
        claims = self._claims(assertion)
        if claims.get("iss") != self.client_id:
            raise _oauth_error("invalid_client_id", "client identifier invalid")
        if claims.get("aud") not in AUDIENCES:
            raise _oauth_error("invalid_grant", "audience is invalid")
        if not isinstance(claims.get("exp"), int | float) or claims["exp"] <= self.clock().timestamp():
            raise _oauth_error("invalid_grant", "expired authorization code")
        if claims.get("sub") not in self.users:
            raise _oauth_error("invalid_grant", "user hasn't approved this consumer")
        return str(claims["sub"])

    def _claims(self, assertion: str) -> dict[str, Any]:
        """The claims of a signed assertion. Time and audience are judged by our own clock, later."""
        options = {
            "verify_signature": self.public_key is not None,
            "verify_exp": False,
            "verify_aud": False,
            "verify_nbf": False,
            "verify_iat": False,
        }
        try:
            if jwt.get_unverified_header(assertion).get("alg") != "RS256":
                raise _oauth_error("invalid_grant", "algorithm is not RS256")
            return dict(jwt.decode(assertion, self.public_key or "", algorithms=["RS256"], options=options))  # type: ignore[arg-type]  # PyJWT's own type of its options is narrower than what it takes
        except jwt.PyJWTError:
            raise _oauth_error("invalid_grant", "invalid assertion") from None

    def session(self, username: str) -> dict[str, Any]:
        """A new session of the user, as the token endpoint answers it."""
        token = f"{self.organization_id[:15]}!{secrets.token_urlsafe(48)}"
        self._sessions[token] = username
        return {
            "access_token": token,
            "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
            "scope": "api",
            "instance_url": self.base_url,
            "id": self.identity(username),
            "token_type": "Bearer",
            "issued_at": str(int(self.clock().timestamp() * 1000)),
        }

    def identity(self, username: str) -> str:
        """The identity URL of a user."""
        return f"{self.base_url}/id/{self.organization_id}/{self.users[username]['id']}"

    def who(self, header: str) -> str:
        """The username behind an Authorization header. Raises 401 INVALID_SESSION_ID."""
        kind, _, token = header.partition(" ")
        if kind.lower() not in ("bearer", "oauth") or token.strip() not in self._sessions:
            raise api_error(401, "INVALID_SESSION_ID", "Session expired or invalid")
        return self._sessions[token.strip()]

    def expire_all(self) -> None:
        """End every session."""
        self._sessions.clear()


def _basic(header: str) -> tuple[str, str]:
    try:
        client_id, _, client_secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _oauth_error("invalid_client", "invalid client credentials") from None
    return client_id, client_secret


def _oauth_error(error: str, description: str) -> ApiError:
    return ApiError(400, {"error": error, "error_description": description})

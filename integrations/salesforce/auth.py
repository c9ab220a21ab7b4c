"""Who we are to Salesforce: OAuth client credentials, or a signed assertion (JWT bearer)."""

from __future__ import annotations

import time

import jwt

from integrations.auth.tokens import Clock, Grant, Token, ask_for_token, token_of
from integrations.http import VendorSession

_ASSERTION_LIFE = 180  # seconds; Salesforce refuses assertions that live longer than 3 minutes


def client_credentials(session: VendorSession, client_id: str, client_secret: str) -> Grant:
    """Salesforce's client credentials flow, at the org's own My Domain host; its answer names no end."""
    asked = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    return lambda: token_of(ask_for_token(session, "/services/oauth2/token", data=asked), time.time)


def jwt_bearer(
    session: VendorSession, client_id: str, username: str, private_key: str, audience: str, now: Clock = time.time
) -> Grant:
    """Salesforce's JWT bearer flow (RFC 7523, RS256). ``private_key`` is PEM text."""

    def grant() -> Token:
        claims = {"iss": client_id, "sub": username, "aud": audience, "exp": int(now()) + _ASSERTION_LIFE}
        assertion = jwt.encode(claims, private_key, algorithm="RS256")
        asked = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
        return token_of(ask_for_token(session, "/services/oauth2/token", data=asked), now)

    return grant

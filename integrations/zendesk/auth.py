"""Who we are to Zendesk: its OAuth client credentials, and its older API tokens."""

from __future__ import annotations

import base64
import time
from datetime import date

from integrations.auth.tokens import Clock, FixedCredentials, Grant, ask_for_token, token_of
from integrations.http import VendorSession

API_TOKENS_END = date(2027, 4, 30)
"""On this day Zendesk ends the last API tokens; none were made since 2026-10-27 (Zendesk, "Managing API tokens")."""


def api_token(email: str, token: str) -> FixedCredentials:
    """The older way: basic authentication as "e-mail/token". It ends on 2027-04-30 (Zendesk)."""
    return FixedCredentials("Basic " + base64.b64encode(f"{email}/token:{token}".encode()).decode())


def client_credentials(
    session: VendorSession, client_id: str, client_secret: str, scope: str = "read write", now: Clock = time.time
) -> Grant:
    """Zendesk's OAuth client credentials (``POST /oauth/tokens``); the token lives 30 minutes by default."""
    asked = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    return lambda: token_of(ask_for_token(session, "/oauth/tokens", json=asked | {"scope": scope}), now)

"""Tokens that a person agreed to once and that live on by being refreshed (authorisation code; RFC 6749, RFC 7636).

Zendesk ends both the access and the refresh token the moment it is refreshed: of two processes that refresh at once one
would lose the connection for good. So whoever refreshes holds the store's lease, which all processes share, and looks
again under it. A process that dies between Zendesk's answer and the store loses it, too: then somebody must agree anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from integrations.auth.tokens import Clock, SharedToken, Token, TokenStore, ask_for_token, token_of
from integrations.errors import AuthFailed
from integrations.http import VendorSession

ACCESS_SECONDS = 1_800
"""How long an access token shall live: Zendesk's own default for other grants."""

REFRESH_SECONDS = 7_700_000
"""And the refresh token, 89 days: Zendesk takes less than 7,776,000. It is renewed with each access token."""

_AGAIN = "`ringback connections authorize` makes a new one"


@dataclass(frozen=True, slots=True)
class Client:
    """The OAuth client that an admin made in Zendesk."""

    session: VendorSession  # without credentials of its own
    client_id: str
    client_secret: str
    scope: str = "read write"
    now: Clock = time.time

    def address(self, redirect_uri: str, state: str, challenge: str) -> str:
        """Where a person agrees. ``challenge`` is the SHA-256 of a verifier that ``exchange`` shows (PKCE)."""
        query = {
            "response_type": "code", "client_id": self.client_id, "redirect_uri": redirect_uri, "scope": self.scope,
            "state": state, "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{self.session.address.url}/oauth/authorizations/new?{urlencode(query)}"

    def exchange(self, code: str, redirect_uri: str, verifier: str) -> Token:
        """The tokens for a code, which lives for two minutes. Raises AuthFailed, Transient."""
        given = {"code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
        return self._asked("authorization_code", given)

    def refresh(self, token: Token) -> Token:
        """The tokens after ``token``, which is over from now on. Raises AuthFailed, Transient."""
        return self._asked("refresh_token", {"refresh_token": token.refresh})

    def _asked(self, grant: str, given: Mapping[str, str]) -> Token:
        lives = {"expires_in": ACCESS_SECONDS, "refresh_token_expires_in": REFRESH_SECONDS}
        login = {"client_id": self.client_id, "client_secret": self.client_secret, "scope": self.scope}
        answer = ask_for_token(self.session, "/oauth/tokens", json={"grant_type": grant, **login, **lives, **given})
        if not answer.get("refresh_token"):
            vendor = self.session.dialect.vendor
            raise AuthFailed(f"{vendor} gave no refresh token; is the OAuth client confidential?", code="no_refresh")
        return token_of(answer, self.now)


class RefreshedToken(SharedToken):
    """A ``TokenSource``: like any shared token, but that the next one is made of the last and nothing else."""

    def __init__(
        self, client: Client, store: TokenStore | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(_nobody_agreed, store, client.now, sleep)
        self._client = client

    def _granted(self, before: Token | None) -> Token:
        """Under the lease: what is kept may have changed before that was ours."""
        try:
            kept = self._store.get()
            if kept is None or not kept.refresh:
                return _nobody_agreed()
            if kept != before and self._usable(kept):
                return kept
            fresh = self._client.refresh(kept)
            return self._keep(replace(fresh, unproven=1 + kept.unproven, asked_at=self._now()), kept)
        finally:
            self._store.release()

    def _keep(self, fresh: Token, before: Token) -> Token:
        """Whatever is kept now: only notes about the last token may have been made meanwhile, and with the fresh one
        the connection would be lost."""
        while (kept := self._store.put(fresh, replacing=before)) != fresh:
            before = kept
        return fresh


def _nobody_agreed() -> Token:
    raise AuthFailed(f"nobody has agreed to this connection yet; {_AGAIN}", code="not_authorized")

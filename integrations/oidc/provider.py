"""The way to the provider and back (authorization code with PKCE, RFC 7636): an address to go to, and what its answer
is worth."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session

from integrations.oidc import claims
from integrations.oidc.claims import EndedThere, Expected, Identity
from integrations.oidc.errors import NotProvedError, ProviderAwayError
from integrations.oidc.keys import Published
from integrations.transport.bounded_http import TOKEN, BoundedAdapter


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are there. ``return_to`` is our address, to which the browser comes back."""

    issuer: str
    client_id: str
    client_secret: str
    return_to: str
    scopes: tuple[str, ...]
    groups: str


@dataclass(frozen=True, slots=True)
class Journey:
    """What the browser takes along, sealed by us, while its person is at the provider's."""

    state: str
    nonce: str
    verifier: str
    fresh: bool


class Provider:
    """One of them. ``now`` gives seconds."""

    def __init__(self, client: Client, now: Callable[[], float]) -> None:
        self._client, self._now = client, now
        self._published = Published(client.issuer, now)

    def depart(self, *, fresh: bool) -> tuple[str, Journey]:
        """→ the address to go to, and what to remember. ``fresh``: they prove anew who they are. Raises
        ProviderAwayError."""
        address = self._published.metadata()["authorization_endpoint"]
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        journey = Journey(state, nonce, verifier, fresh)
        more = {"prompt": "login", "max_age": 0} if fresh else {}
        with self._session() as session:
            url, _ = session.create_authorization_url(
                address, state=journey.state, code_verifier=journey.verifier, nonce=journey.nonce, **more
            )
        return str(url), journey

    def arrive(self, journey: Journey, state: str, code: str, issuer: str = "") -> Identity:
        """Who came back. ``issuer`` is what the answer says of itself (RFC 9207). Raises NotProvedError,
        ProviderAwayError."""
        if not hmac.compare_digest(journey.state.encode(), state.encode()) or not code:
            raise NotProvedError("the answer belongs to no sign-in of this browser")
        if issuer and issuer != self._client.issuer:
            raise NotProvedError("the answer is another provider's")
        token = self._exchanged(code, journey.verifier)
        expected, groups = self._expected(), self._client.groups
        return claims.identity(token, self._published, expected, journey.nonce, groups, fresh=journey.fresh)

    def ended(self, token: str) -> EndedThere:
        """What the provider says is over. Raises NotProvedError, ProviderAwayError."""
        return claims.ended(token, self._published, self._expected())

    def _expected(self) -> Expected:
        return Expected(self._client.issuer, self._client.client_id, self._now())

    def _exchanged(self, code: str, verifier: str) -> str:
        """The code for an ID token."""
        address = self._published.metadata()["token_endpoint"]
        try:
            with self._session() as session:
                answer = session.fetch_token(address, code=code, code_verifier=verifier, timeout=(5.0, 10.0))
        except AuthlibBaseError as error:
            raise NotProvedError(f"the provider takes the code for nothing ({error.error})") from error
        except (requests.RequestException, ValueError) as error:
            raise ProviderAwayError(f"the provider does not answer ({type(error).__name__})") from error
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise NotProvedError("the provider gave no ID token")
        return token

    def _session(self) -> OAuth2Session:
        ways = self._published.metadata().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        session = OAuth2Session(
            self._client.client_id, self._client.client_secret, scope=" ".join(self._client.scopes),
            redirect_uri=self._client.return_to, code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if "client_secret_basic" in ways else "client_secret_post",
        )  # fmt: skip
        session.trust_env, session.max_redirects = False, 0
        for scheme in ("http://", "https://"):
            session.mount(scheme, BoundedAdapter(TOKEN))
        return session

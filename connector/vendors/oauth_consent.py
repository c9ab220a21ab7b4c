"""Asking a person to agree, at a vendor's page, that we act for them (OAuth 2, authorisation code).

Nothing is stored in between: the state that the vendor hands back is signed, names the connection and ends after ten
minutes; the PKCE verifier is made from it. So the command that prints the address and the process to which the browser
comes back share nothing but the secret key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.secret_keys import SecretKeys

LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Agreement:
    """One asking. ``state`` goes through the browser; ``verifier`` only from us to the vendor."""

    state: str
    verifier: str

    @property
    def challenge(self) -> str:
        return _base64(hashlib.sha256(self.verifier.encode()).digest())


def begin(keys: SecretKeys, connection: str, now: datetime) -> Agreement:
    """A new one for the connection."""
    until = int((now + LASTS).timestamp())
    return _signed(keys.first, connection, f"{secrets.token_urlsafe(16)}.{until}")


def resume(keys: SecretKeys, connection: str, state: str, now: datetime) -> Agreement | None:
    """The one that the browser comes back with; None when it is not ours, not this connection's, or too old."""
    said, _, _ = state.rpartition(".")
    given = state.encode("utf-8", "replace")
    signed = (_signed(key, connection, said) for key in keys.every)
    known = next((each for each in signed if hmac.compare_digest(each.state.encode(), given)), None)
    if known is None:
        return None
    return known if now.timestamp() <= int(said.rpartition(".")[2]) else None


def return_address(base_url: str, connection: str) -> str:
    """Where the browser comes back to; the OAuth client at the vendor must name exactly this."""
    return f"{base_url}/connect/{connection}"


def _signed(secret_key: str, connection: str, said: str) -> Agreement:
    state = f"{said}.{_mac(secret_key, 'state', connection, said)}"
    return Agreement(state, _mac(secret_key, "verifier", connection, said))


def _mac(secret_key: str, purpose: str, connection: str, said: str) -> str:
    message = f"ringback agreement {purpose}\n{connection}\n{said}".encode()
    return _base64(hmac.digest(secret_key.encode(), message, "sha256"))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

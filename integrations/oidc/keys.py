"""What a provider publishes of itself: its addresses and its keys (OpenID Connect Discovery 1.0), kept for an hour."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.oidc.discovery import get_well_known_url
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from integrations.base_url import is_local
from integrations.oidc.errors import ProviderAwayError
from integrations.transport.bounded_http import NOTICE, plain_session

_KEPT = 3600.0  # seconds
_AGAIN = 60.0  # seconds: so often at most is a missing key asked for
_TIMEOUT = (5.0, 10.0)
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Published:
    """Of one provider; threads may share it. ``now`` gives seconds."""

    def __init__(self, issuer: str, now: Callable[[], float]) -> None:
        self._issuer, self._now = issuer, now
        self._lock = threading.Lock()
        self._metadata: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def metadata(self) -> Mapping[str, Any]:
        """Its addresses. Raises ProviderAwayError, also where it calls itself otherwise than we do."""
        with self._lock:
            if self._metadata is None or self._now() - self._metadata[0] >= _KEPT:
                self._metadata = (self._now(), self._discovered())
            return self._metadata[1]

    def keys(self, key_id: str | None) -> KeySet:
        """Its keys; fetched again where the one that is asked for is not among them. Raises ProviderAwayError."""
        address = self.metadata()["jwks_uri"]
        with self._lock:
            if self._keys is None or self._is_old(*self._keys, key_id):
                self._keys = (self._now(), _read(_fetched(address)))
            return self._keys[1]

    def _is_old(self, fetched_at: float, found: KeySet, key_id: str | None) -> bool:
        age = self._now() - fetched_at
        missing = key_id is not None and key_id not in {key.kid for key in found.keys}
        return age >= _KEPT or (missing and age >= _AGAIN)

    def _discovered(self) -> Mapping[str, Any]:
        found = _fetched(get_well_known_url(self._issuer, external=True))
        if found.get("issuer") != self._issuer:
            raise ProviderAwayError("the provider calls itself otherwise than the configuration's issuer")
        for name in _NEEDED:
            if not _is_safe(found.get(name)):
                raise ProviderAwayError(f"the provider's {name} is no https address")
        return found


def _fetched(address: str) -> dict[str, Any]:
    try:
        with plain_session(NOTICE) as session:
            answer = session.get(address, timeout=_TIMEOUT, allow_redirects=False)
        found = answer.json() if answer.status_code == 200 else None
    except (requests.RequestException, ValueError) as error:
        raise ProviderAwayError(f"the provider does not answer ({type(error).__name__})") from error
    if not isinstance(found, dict):
        raise ProviderAwayError(f"the provider answered {answer.status_code}, and with no JSON object")
    return found


def _read(found: Mapping[str, Any]) -> KeySet:
    """The keys that can prove something; others of the set are left alone."""
    kinds = [key for key in found.get("keys", []) if isinstance(key, dict) and key.get("kty") in {"RSA", "EC", "OKP"}]
    try:
        return KeySet.import_key_set({"keys": [key for key in kinds if key.get("use", "sig") == "sig"]})
    except (JoseError, ValueError, TypeError) as error:
        raise ProviderAwayError("the provider's keys cannot be read") from error


def _is_safe(address: Any) -> bool:
    if not isinstance(address, str):
        return False
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and is_local(parts.hostname or ""))

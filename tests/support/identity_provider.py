"""A small OpenID Connect provider on a port: discovery, keys, the way there and back with PKCE, and a test's lies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Flask, redirect, request
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from werkzeug import Response

from sandbox.serving import Server

CLIENT, SECRET = "ringback", "the provider's secret for us"
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass
class IdentityProvider:
    """Signs ``person`` in for whoever comes. ``lies`` replace claims, ``algorithm`` and ``key`` how they are signed."""

    clock: Callable[[], datetime]
    url: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    lies: dict[str, Any] = field(default_factory=dict)
    metadata_lies: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    published: list[RSAKey] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    key_requests: int = 0

    def app(self) -> Flask:
        app = Flask("provider")
        app.add_url_rule("/.well-known/openid-configuration", "discovery", self._discovery)
        app.add_url_rule("/keys", "keys", self._keys)
        app.add_url_rule("/authorize", "authorize", self._authorize)
        app.add_url_rule("/token", "token", self._token, methods=["POST"])
        return app

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token", "jwks_uri": f"{self.url}/keys", **self.metadata_lies,
        }  # fmt: skip

    def _keys(self) -> dict[str, Any]:
        self.key_requests += 1
        return dict(KeySet(self.published or [self.key]).as_dict(private=False))

    def _authorize(self) -> Response:
        self.asked.append(dict(request.args))
        code = secrets.token_urlsafe(16)
        self.codes[code] = dict(request.args)
        back = urlencode({"code": code, "state": request.args["state"]})
        return redirect(f"{request.args['redirect_uri']}?{back}")

    def _token(self) -> tuple[dict[str, Any], int]:
        asked = self.codes.pop(request.form.get("code", ""), None)
        known = request.authorization and (request.authorization.username, request.authorization.password)
        if known != (CLIENT, SECRET):
            return {"error": "invalid_client"}, 401
        if asked is None or request.form["redirect_uri"] != asked["redirect_uri"] or not _proves(asked):
            return {"error": "invalid_grant"}, 400
        now = int(self.clock().timestamp())
        claims = {"nonce": asked["nonce"], "auth_time": now, **self.person}
        return {"access_token": "at", "token_type": "Bearer", "id_token": self.signed(claims)}, 200

    def signed(self, claims: dict[str, Any]) -> str:
        """A token of ours, for them, now, with the lies."""
        now = int(self.clock().timestamp())
        whole = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, **claims, **self.lies}
        whole = {name: value for name, value in whole.items() if value is not None}
        if self.algorithm == "none":
            return f"{_part({'alg': 'none'})}.{_part(whole)}."
        if self.algorithm == "HS256":  # "signed" with what everybody can fetch
            content = f"{_part({'alg': 'HS256', 'kid': self.key.kid})}.{_part(whole)}"
            mac = hmac.digest(self.key.as_pem(private=False), content.encode(), hashlib.sha256)
            return f"{content}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
        return str(jwt.encode({"alg": self.algorithm, "kid": self.key.kid}, whole, self.key))

    def ended(self, **claims: Any) -> str:
        """A logout token."""
        return self.signed({"jti": secrets.token_urlsafe(8), "events": {LOGOUT: {}}, **claims})


def _proves(asked: dict[str, str]) -> bool:
    hashed = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(hashed).decode().rstrip("=")
    return asked.get("code_challenge_method") == "S256" and challenge == asked.get("code_challenge")


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@contextmanager
def an_identity_provider(clock: Callable[[], datetime]) -> Iterator[IdentityProvider]:
    provider = IdentityProvider(clock)
    server = Server(provider.app())
    provider.url = server.url
    try:
        yield provider
    finally:
        server.close()

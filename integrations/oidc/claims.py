"""What a provider's tokens say, once they are proved: an identity (OpenID Connect Core 1.0, 3.1.3.7), or that a session
is over (Back-Channel Logout 1.0, 2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError

from integrations.oidc.errors import NotProvedError
from integrations.oidc.keys import Published

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a key that only the provider has. Not ``none``, and no HS…, whose key would be ours as well."""

_LEEWAY = 60  # seconds that clocks may be apart
_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at the provider. ``email`` counts where it ``is_verified``; ``sid`` is their session there."""

    issuer: str
    subject: str
    email: str
    is_verified: bool
    name: str
    groups: tuple[str, ...]
    sid: str


@dataclass(frozen=True, slots=True)
class EndedThere:
    """A session, or all of a person's, is over. ``token_id`` and ``until`` (seconds) let it count once."""

    issuer: str
    subject: str
    sid: str
    token_id: str
    until: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say: by whom, for whom, and at which moment (seconds)."""

    issuer: str
    client_id: str
    now: float


def identity(token: str, published: Published, expected: Expected, nonce: str, groups: str, *, fresh: bool) -> Identity:
    """Whom an ID token names. ``groups`` is the claim that holds them; ``fresh``: they must have proved it there just
    now. Raises NotProvedError, ProviderAwayError."""
    header, claims = _signed(token, published)
    _valid(claims, header, expected, {"nonce": nonce, "client_id": expected.client_id, "max_age": fresh})
    if claims.get("iat", 0) > expected.now + _LEEWAY:
        raise NotProvedError("the token is from later than now")
    if fresh and claims["auth_time"] < expected.now - _LEEWAY:
        raise NotProvedError("the provider asked for no new sign-in")
    found = claims.get(groups, [])
    return Identity(
        issuer=expected.issuer,
        subject=_text(claims, "sub"),
        email=_text(claims, "email").strip().lower(),
        is_verified=claims.get("email_verified") is True,
        name=_text(claims, "name"),
        groups=tuple(str(each) for each in found) if isinstance(found, list) else (str(found),),
        sid=_text(claims, "sid"),
    )


def ended(token: str, published: Published, expected: Expected) -> EndedThere:
    """What a logout token says is over. Raises NotProvedError, ProviderAwayError."""
    header, claims = _signed(token, published)
    if header.get("typ", "JWT").lower() not in {"jwt", "logout+jwt"}:
        raise NotProvedError("the token is of another type")
    _valid({"sub": "-", **claims}, header, expected, {"client_id": expected.client_id})
    events = claims.get("events")
    if not isinstance(events, dict) or _LOGOUT not in events or "nonce" in claims:
        raise NotProvedError("the token is no logout token")
    subject, sid, token_id = (_text(claims, name) for name in ("sub", "sid", "jti"))
    if not token_id or not (subject or sid):
        raise NotProvedError("the token names nothing that could end")
    return EndedThere(expected.issuer, subject, sid, token_id, int(claims["exp"]))


def _signed(token: str, published: Published) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Its header and claims, by a key of the provider."""
    try:
        header = dict(jws.extract_compact(token.encode()).headers())
        if header.get("alg") not in _ALGORITHMS:
            raise NotProvedError("the token is signed by no algorithm that proves something")
        decoded = jwt.decode(token, published.keys(header.get("kid")), algorithms=_ALGORITHMS)
    except (JoseError, ValueError, TypeError) as error:
        raise NotProvedError(f"the token's signature is not right ({type(error).__name__})") from error
    return decoded.header, decoded.claims


def _valid(
    claims: Mapping[str, Any], header: Mapping[str, Any], expected: Expected, params: Mapping[str, Any]
) -> None:
    told = CodeIDToken(
        dict(claims), header,
        {"iss": {"essential": True, "value": expected.issuer}, "aud": {"essential": True, "value": expected.client_id}},
        dict(params),
    )  # fmt: skip
    try:
        told.validate(now=int(expected.now), leeway=_LEEWAY)
    except Exception as error:  # the library has a tree of its own for these, which is about to move
        raise NotProvedError(f"the token's claims are not right ({error})") from error


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name, "")
    return value[:500] if isinstance(value, str) else ""

"""The one cookie that opens the door: random, for this host alone, unseen by scripts, gone with the browser."""

from __future__ import annotations

from flask import Request
from werkzeug import Response as AnyResponse

from connector.config.settings import Settings
from connector.ids import digest


def secret_of(request: Request, settings: Settings) -> str:
    """What this browser holds; "" for nothing."""
    return request.cookies.get(name(settings), "")


def keep(response: AnyResponse, settings: Settings, secret: str) -> AnyResponse:
    """Give it to this browser. ``__Host-`` (RFC 6265bis, 4.1.3.2): no other host and nothing without https sets it."""
    response.set_cookie(name(settings), secret, path="/", secure=_is_secure(settings), httponly=True, samesite="Lax")
    return response


def drop(response: AnyResponse, settings: Settings) -> AnyResponse:
    response.delete_cookie(name(settings), path="/", secure=_is_secure(settings), httponly=True, samesite="Lax")
    return response


def lend(response: AnyResponse, settings: Settings, sealed: str, seconds: int) -> AnyResponse:
    """What a browser takes along to the provider and back; 0 seconds take it away."""
    name, secure = _lent_name(settings), _is_secure(settings)
    response.set_cookie(name, sealed, max_age=seconds, path="/", secure=secure, httponly=True, samesite="Lax")
    return response


def lent(request: Request, settings: Settings) -> str:
    return request.cookies.get(_lent_name(settings), "")


def form_token(secret: str) -> str:
    """What every form of this session carries: bound to it, and it cannot be made back into the cookie."""
    return digest(f"form {secret}") if secret else ""


def name(settings: Settings) -> str:
    """What it is called."""
    return "__Host-ringback" if _is_secure(settings) else "ringback-session"


def _lent_name(settings: Settings) -> str:
    return "__Host-ringback-journey" if _is_secure(settings) else "ringback-journey"


def _is_secure(settings: Settings) -> bool:
    return settings.base_url.startswith("https://")

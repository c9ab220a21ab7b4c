"""What was done, said once on the page that follows: in a cookie of ours that is signed, and gone when it was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Request, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

_COOKIE = "ringback-said"
_LASTS = 60  # seconds; a redirect takes one
_LONGEST = 600  # characters


@dataclass(frozen=True, slots=True)
class Told:
    """``kind``: done or warning."""

    kind: str
    text: str


def leave(response: Any, key: str, told: Told, path: str) -> None:
    """For the next page below ``path``."""
    value = _signer(key).dumps([told.kind, told.text[:_LONGEST]])
    response.set_cookie(_COOKIE, value, max_age=_LASTS, path=path, httponly=True, samesite="Lax")


def take(request: Request, key: str) -> Told | None:
    """What the page before left; None when nothing, or not by us."""
    try:
        kind, text = _signer(key).loads(request.cookies.get(_COOKIE, ""), max_age=_LASTS)
    except (BadSignature, ValueError):
        return None
    return Told(str(kind), str(text))


def forget(request: Request, response: Response, path: str) -> None:
    if _COOKIE in request.cookies:
        response.delete_cookie(_COOKIE, path=path)


def _signer(key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(key, salt="admin-said")

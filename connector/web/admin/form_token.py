"""A form is sent by our own page, in the session of whoever looks at it; anything else is refused.

Browsers say where a request comes from (``Sec-Fetch-Site``, else ``Origin``), and every form brings back the token of
its session. A page holds the token under a new mask each time: pages are compressed, and from lengths nothing that
changes with every answer can be guessed (BREACH).
"""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import urlsplit

from flask import Request

FIELD = "form_token"
PLACE = "~the-form-token~"
"""Stands in a page for the token until all else of it is known."""


def masked(token: str) -> str:
    """A new mask, and the token under it, as hexadecimal digits."""
    plain = token.encode()
    mask = secrets.token_bytes(len(plain))
    return mask.hex() + _under(plain, mask).hex()


def is_from_before(request: Request) -> bool:
    """Whether a page of ours sent it, as the browser says in so many words, with the token of another session: of one
    that ended while somebody was typing, and they signed in again in another window."""
    said = "Sec-Fetch-Site" in request.headers or "Origin" in request.headers
    return said and came_from_here(request) and bool(_unmasked(request.form.get(FIELD, "")))


def is_ours(request: Request, token: str) -> bool:
    """Whether a form was sent by a page of ours in this session."""
    return came_from_here(request) and hmac.compare_digest(_unmasked(request.form.get(FIELD, "")), token.encode())


def came_from_here(request: Request) -> bool:
    """Whether no page of a stranger's sent this, as the browser says."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


def _unmasked(text: str) -> bytes:
    try:
        both = bytes.fromhex(text)
    except ValueError:
        return b""
    half = len(both) // 2
    return _under(both[half:], both[:half])


def _under(plain: bytes, mask: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(plain, mask, strict=False))

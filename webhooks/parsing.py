"""What every source needs to read a body: JSON with care, ids as text, digests, excerpts for messages."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from webhooks.errors import Unreadable
from workflows.whole import whole

KEY_LENGTH = 200  # characters; what the key of a delivery or an event may measure
ID_LENGTH = 64  # characters; longer is no vendor's id of a record


def digest(body: bytes) -> str:
    """The key of a delivery whose sender gave it none: the same body is the same delivery."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def sane_key(text: str) -> str:
    """The sender's id of a delivery, or "" when it cannot be one (too long, or not printable ASCII)."""
    usable = len(text) <= KEY_LENGTH and text.isascii() and text.isprintable()
    return text.strip() if usable else ""


def declares_json(content_type: str) -> bool:
    """Whether a body declared so is JSON; a missing declaration is taken for it."""
    media = content_type.partition(";")[0].strip().lower()
    return media in ("", "application/json") or media.endswith("+json")


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in ``body`` (UTF-8, a byte order mark is allowed). Raises ``Unreadable``."""
    try:
        value = _DECODER.decode(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"the body is not JSON ({_where(error)})", remedy="send one JSON object") from error
    if not isinstance(value, dict):
        raise Unreadable(f"the body is a JSON {type(value).__name__}", remedy="send one JSON object")
    return storable(value) if _suspicious(body) else value


def identity(value: object) -> str | None:
    """A vendor's id as text, whether it came as a number (8055 or 8055.0) or as text; None for null, "" and 0 (nobody).

    What is longer than ``ID_LENGTH`` is no id: the first check keeps Python from writing out a giant number.
    """
    number = whole(value)
    if number is None and not isinstance(value, str):
        return None
    text = str(value).strip() if number is None else str(number) if abs(number) < 10**ID_LENGTH else ""
    return text if text not in ("", "0") and len(text) <= ID_LENGTH else None


def text_or_none(value: object) -> str | None:
    """The text, stripped; None when there is none or it is something else."""
    return value.strip() or None if isinstance(value, str) else None


def mapping(value: object) -> Mapping[str, Any]:
    """The object, or an empty one when it is missing or something else."""
    return value if isinstance(value, dict) else {}


def excerpt(value: object, length: int = 60) -> str:
    """A value as a message may show it: quoted, on one line, never long. Not for personal data.

    Of an object or a list it says only that it is one: what is inside may be personal.
    """
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    shown = repr(value[: length + 1] if isinstance(value, str) else value)
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    """1e999 is a JSON number and no number anywhere else: PostgreSQL refuses the infinity that Python makes of it."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def _where(error: Exception) -> str:
    """The error without the body's content, which may be personal."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, line {error.lineno} column {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else "a byte or number that JSON does not allow"


def _suspicious(body: bytes) -> bool:
    """Whether the body may hold escapes for characters that no database takes."""
    return b"\\u0000" in body or b"\\ud" in body or b"\\uD" in body


def lenient_json() -> json.JSONDecoder:
    """A reader that takes raw control characters inside texts, and null for numbers that JSON does not know."""
    return json.JSONDecoder(strict=False, parse_constant=lambda _name: None, parse_float=_finite_or_none)


def _finite_or_none(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def storable(value: Any) -> Any:
    """The value without NUL and with lone surrogates replaced: PostgreSQL refuses both."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [storable(each) for each in value]
    if isinstance(value, dict):
        return {storable(key): storable(each) for key, each in value.items()}
    return value

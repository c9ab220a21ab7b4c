"""What the routes have in common: reading the body, answering a page."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from flask import Response, g, jsonify, request

from sandbox.zendesk import errors, paging
from sandbox.zendesk.state import Json


def as_admin() -> None:
    """What only admins may do. Raises 403."""
    if g.user["role"] != "admin":
        raise errors.forbidden()


def body(name: str) -> Json:
    """The object that the request wraps in ``name``. Raises 400 and 422."""
    given = whole_body().get(name)
    if not isinstance(given, dict):
        raise errors.bad_attribute(name)
    return given


def whole_body() -> Json:
    """The request's JSON object. Raises 422."""
    given: Any = request.get_json(silent=True, force=True)
    if not isinstance(given, dict):
        raise errors.bad_json()
    return given


def listed(name: str, items: Sequence[Json], *, by_offset: bool = False) -> Response:
    """One page of ``items``."""
    url = request.base_url + ".json"
    return jsonify(paging.page(name, deepcopy(items), request.args.to_dict(), url, by_offset=by_offset))


def warn(keys: Sequence[str]) -> None:
    """Zendesk ignores keys it does not know, and says so in a header only."""
    if keys:
        g.headers["x-zendesk-api-warn"] = f"unpermitted_keys={list(keys)}"

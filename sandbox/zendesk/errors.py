"""What Zendesk answers instead of a result. Bodies as recorded or documented; one function per answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """An answer with a status of 400 or more; ``body`` is sent as JSON."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, body, dict(headers or {})


def not_found() -> ApiError:
    return ApiError(404, {"error": "RecordNotFound", "description": "Not found"})


def unauthenticated() -> ApiError:
    return ApiError(
        401, {"error": "Couldn't authenticate you"}, {"WWW-Authenticate": 'Basic realm="Web Password"'}
    )


def invalid_token() -> ApiError:
    description = "The access token provided is expired, revoked, malformed or invalid for other reasons."
    return ApiError(401, {"error": "invalid_token", "error_description": description})


def oauth(code: str, description: str) -> ApiError:
    return ApiError(400, {"error": code, "error_description": description})


def invalid_client() -> ApiError:
    return ApiError(401, {"error": "invalid_client", "error_description": "Client authentication failed."})


def forbidden() -> ApiError:
    message = "You do not have access to this page."
    return ApiError(403, {"error": {"title": "Forbidden", "message": message}})


def bad_attribute(name: str) -> ApiError:
    """The body lacks the object it should wrap everything in."""
    message = (
        f"You passed an invalid value for the {name} attribute. Invalid parameter: {name} must be an object"
    )
    return ApiError(400, {"error": {"title": "Invalid attribute", "message": message}})


def bad_json() -> ApiError:
    message = "The request body is not valid JSON."
    return ApiError(422, {"error": "Unprocessable Entity", "message": message})


def invalid(field: str, description: str, error: str | None = "InvalidValue") -> ApiError:
    """422 RecordInvalid about one field."""
    detail = {"description": description} | ({"error": error} if error else {})
    body = {"error": "RecordInvalid", "description": "Record validation errors", "details": {field: [detail]}}
    return ApiError(422, body)


def closed() -> ApiError:
    return invalid("status", "Status: closed prevents ticket update", error=None)


def update_conflict() -> ApiError:
    description = "Safe Update prevented the update due to outdated ticket data."
    return ApiError(409, {"error": "UpdateConflict", "description": description})


def key_reused() -> ApiError:
    description = (
        "The parameters of this request differ from those that the idempotency key was used with first."
    )
    return ApiError(400, {"error": "IdempotentRequestError", "description": description})


def too_many(description: str, retry_after: int) -> ApiError:
    body = {"error": "APIRateLimitExceeded", "description": description}
    return ApiError(429, body, {"Retry-After": str(retry_after)})

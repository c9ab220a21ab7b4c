"""The answers in JSON, for every sender but Salesforce."""

from __future__ import annotations

import json

from webhooks.delivery import Reply
from webhooks.errors import StoreDown, WebhookError

STORED = Reply(200, b'{"status": "stored"}')
DUPLICATE = Reply(200, b'{"status": "duplicate"}')

CODES = {
    400: "unreadable",
    401: "not_genuine",
    403: "not_allowed",
    404: "unknown_connection",
    405: "method_not_allowed",
    413: "too_large",
    415: "not_json",
    422: "unreadable",
    503: "try_again",
}


def accepted(stored: bool) -> Reply:
    """A duplicate is as welcome as the first: the sender must stop repeating it."""
    return STORED if stored else DUPLICATE


def refusal(error: Exception) -> Reply:
    """{"error": code, "message": …, "remedy": …} with the status the error asks for."""
    if isinstance(error, WebhookError):
        return problem(error.status, error.message, error.remedy)
    return problem(503, "nothing can be stored now", "send it again later", headers=retry_headers(error))


def problem(status: int, message: str, remedy: str, headers: dict[str, str] | None = None) -> Reply:
    """An error answer of the one shape."""
    body = {"error": CODES.get(status, "refused"), "message": message, "remedy": remedy}
    return Reply(status, json.dumps(body).encode(), headers=headers or {})


def retry_headers(error: Exception) -> dict[str, str]:
    """When the sender should come back."""
    return {"Retry-After": str(error.retry_after)} if isinstance(error, StoreDown) else {}

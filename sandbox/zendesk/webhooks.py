"""Webhooks out: signed, queued, tried again as Zendesk does, and written down."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import requests

from sandbox.clock import zulu
from sandbox.outbox import Outbox
from sandbox.zendesk import errors
from sandbox.zendesk.state import ACCOUNT_ID, Json, State

TRIGGER = "conditional_ticket_events"
_KINDS = {
    "json": "application/json; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
    "form_encoded": "application/x-www-form-urlencoded",
}
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32, of ULIDs
_MOST_RETRIES = {"timeout": 5, "conflict": 3, "asked to wait": 5}
_PATIENCE = 60  # seconds: a Retry-After of this or more is not honoured


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt. ``status`` is the receiver's answer; 0 when there was none, then ``failure`` says why."""

    at: datetime
    webhook: str
    invocation: str
    attempt: int
    headers: Mapping[str, str]
    body: str
    status: int
    failure: str = ""
    reply: str = ""

    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json.loads(self.body)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Zendesk's signature: the secret is UTF-8 text, and nothing stands between time and body."""
    digest = hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def ulid() -> str:
    """Looks like Zendesk's ids of webhooks and invocations."""
    return "01" + "".join(secrets.choice(_ALPHABET) for _ in range(24))


class Webhooks:
    """The subscriptions and their deliveries."""

    def __init__(self, state: State, outbox: Outbox, *, timeout: float = 12.0) -> None:
        self.timeout = timeout  # seconds
        self._state, self._outbox = state, outbox
        self._log: list[Delivery] = []
        self._session = requests.Session()
        self._session.trust_env = False  # never through somebody's proxy

    def close(self) -> None:
        self._session.close()

    def create(self, creator: Json, given: Any) -> Json:
        """Subscribe. Raises 400."""
        if not isinstance(given, dict):
            raise errors.bad_attribute("webhook")
        _check(given)
        webhook = _shown(given) | {
            "id": ulid(),
            "created_at": self._state.now(),
            "created_by": str(creator["id"]),
        }
        self._state.webhooks[webhook["id"]] = webhook
        self._state.secrets[webhook["id"]] = base64.b64encode(secrets.token_bytes(32)).decode()
        return webhook

    def change(self, webhook_id: str, given: Json) -> None:
        """Write what is given over what is there. Raises 400 and 404."""
        webhook = self.get(webhook_id)
        _check({**webhook, **given})
        webhook.update(_shown({**webhook, **given}) | {"updated_at": self._state.now()})

    def get(self, webhook_id: str) -> Json:
        """Raises 404."""
        if webhook_id not in self._state.webhooks:
            raise errors.not_found()
        return self._state.webhooks[webhook_id]

    def secret(self, webhook_id: str) -> str:
        """What deliveries of this webhook are signed with. Raises 404."""
        return self._state.secrets[self.get(webhook_id)["id"]]

    def rotate(self, webhook_id: str, secret: str | None = None) -> str:
        """A new secret, in use at once. → the secret."""
        self.get(webhook_id)
        self._state.secrets[webhook_id] = secret or base64.b64encode(secrets.token_bytes(32)).decode()
        return self._state.secrets[webhook_id]

    def publish(self, envelope: Json) -> None:
        """Send an event to everyone who subscribed to its type."""
        body = json.dumps(envelope, ensure_ascii=False).encode()
        for webhook in list(self._state.webhooks.values()):
            if webhook["status"] == "active" and envelope["type"] in webhook["subscriptions"]:
                self.send(webhook, body)

    def send(self, webhook: Json, body: bytes, invocation: str | None = None) -> str:
        """Queue one invocation. → its id, the same for all its attempts."""
        sending = _Sending(self, webhook["id"], body, invocation or ulid())
        self._outbox.put(sending)
        return sending.invocation

    def again(self, delivery: Delivery) -> None:
        """Deliver the same once more, as an at-least-once sender does now and then."""
        self.send(self.get(delivery.webhook), delivery.body.encode(), delivery.invocation)

    @property
    def log(self) -> tuple[Delivery, ...]:
        """Every attempt so far, oldest first."""
        with self._state.lock:
            return tuple(self._log)

    def attempt(self, sending: _Sending) -> Delivery | None:
        """One try. → what became of it; None when the webhook is gone meanwhile."""
        with self._state.lock:
            webhook = self._state.webhooks.get(sending.webhook)
            headers = self._headers(webhook, sending) if webhook else {}
        if webhook is None:
            return None
        delivery = self._call(webhook, sending, headers)
        with self._state.lock:
            self._log.append(delivery)
        return delivery

    def _headers(self, webhook: Json, sending: _Sending) -> dict[str, str]:
        timestamp = zulu(self._state.clock())
        return {
            "Content-Type": _KINDS[webhook["request_format"]],
            "User-Agent": "Zendesk Webhook",
            "X-Zendesk-Account-Id": str(ACCOUNT_ID),
            "X-Zendesk-Webhook-Id": webhook["id"],
            "X-Zendesk-Webhook-Invocation-Id": sending.invocation,
            "X-Zendesk-Webhook-Signature": sign(self._state.secrets[webhook["id"]], timestamp, sending.body),
            "X-Zendesk-Webhook-Signature-Timestamp": timestamp,
        }

    def _call(self, webhook: Json, sending: _Sending, headers: dict[str, str]) -> Delivery:
        invocation, attempt, body = sending.invocation, sending.attempts, sending.body
        tried = Delivery(self._state.clock(), webhook["id"], invocation, attempt, headers, body.decode(), 0)
        method, url = webhook["http_method"], webhook["endpoint"]
        try:
            answer = self._session.request(
                method, url, data=body, headers=headers, timeout=self.timeout, allow_redirects=False
            )
        except requests.Timeout:
            return replace(tried, failure="timeout")
        except requests.RequestException as error:
            return replace(tried, failure=type(error).__name__)
        sending.retry_after = answer.headers.get("Retry-After")
        return replace(tried, status=answer.status_code, reply=answer.text[:2000])


class _Sending:
    """An invocation on its way, with how often it was tried again and why."""

    def __init__(self, webhooks: Webhooks, webhook: str, body: bytes, invocation: str) -> None:
        self._webhooks = webhooks
        self.webhook, self.body, self.invocation = webhook, body, invocation
        self.attempts = 0
        self.retry_after: str | None = None
        self._retries = dict.fromkeys(_MOST_RETRIES, 0)

    def __call__(self) -> float | None:
        """The outbox's job: → the pause before the next attempt, in seconds, or None."""
        self.attempts += 1
        self.retry_after = None
        delivery = self._webhooks.attempt(self)
        reason, pause = self._reason(delivery) if delivery else ("", 0.0)
        if not reason or self._retries[reason] >= _MOST_RETRIES[reason]:
            return None
        self._retries[reason] += 1
        return pause

    def _reason(self, delivery: Delivery) -> tuple[str, float]:
        """Why to try again, and after how long. A plain 500 is no reason: that event is gone."""
        if delivery.failure == "timeout":
            return "timeout", 1.0
        if delivery.status == 409:
            return "conflict", 1.0
        wait = self.retry_after or ""
        if delivery.status in (429, 503) and wait.isdigit() and int(wait) < _PATIENCE:
            return "asked to wait", float(wait)
        return "", 0.0


def _check(given: Json) -> None:
    missing = [
        key for key in ("name", "endpoint", "http_method", "request_format", "status") if not given.get(key)
    ]
    subscriptions = given.get("subscriptions") or []
    if missing:
        raise _refused(f"{missing[0]} is missing")
    if given["request_format"] not in _KINDS:
        raise _refused(f"request_format {given['request_format']} is not one of {', '.join(_KINDS)}")
    if TRIGGER in subscriptions and len(subscriptions) > 1:
        raise _refused("conditional_ticket_events cannot be combined with other subscriptions")
    plain = given["http_method"] == "POST" and given["request_format"] == "json"
    if TRIGGER not in subscriptions and not plain:
        raise _refused("event subscriptions use POST and json")


def _refused(why: str) -> errors.ApiError:
    return errors.ApiError(
        400, {"errors": [{"code": "InvalidWebhook", "title": "Invalid webhook", "detail": why}]}
    )


def _shown(given: Json) -> Json:
    keys = ("name", "description", "endpoint", "http_method", "request_format", "status")
    shown = {key: given[key] for key in keys if key in given}
    if isinstance(given.get("authentication"), dict):
        # Passwords and tokens can be written, never read.
        shown["authentication"] = {
            key: value for key, value in given["authentication"].items() if key != "data"
        }
    return shown | {"subscriptions": list(given.get("subscriptions") or [])}

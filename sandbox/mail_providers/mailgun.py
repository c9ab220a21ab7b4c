"""Mailgun, as far as it tells of returned mail: webhooks in its format, signed as it signs.

Simpler than Mailgun: it takes no mail and repeats nothing but by ``again``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import requests
from flask import Flask

from sandbox.clock import Clock, system_clock
from sandbox.mail_providers.page import sent_page
from sandbox.serving import Server


@dataclass
class MailgunFaults:
    """What goes wrong with the next webhooks."""

    signing_key: str = ""
    """In place of the right one."""
    seconds_old: int = 0


class MailgunStandIn:
    """``signing_key`` is what its customers read under API security."""

    signing_key = "mailgun-signs-with-this"

    def __init__(self, clock: Clock = system_clock) -> None:
        self.clock, self.faults = clock, MailgunFaults()
        self.sent: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self._numbers = count(1)
        self._server = Server(self._app())
        self.url = self._server.url

    def close(self) -> None:
        self._server.close()

    def failed(self, endpoint: str, address: str, sender: str, **detail: Any) -> int:
        """A mail was not delivered. ``detail`` replaces fields of the event."""
        status = {"attempt-no": 1, "code": 550, "message": "5.1.1 user unknown", "description": "", "utf8": True}
        told = {"event": "failed", "severity": "permanent", "reason": "bounce", "delivery-status": status, **detail}
        return self.tell(endpoint, address, sender, told)

    def complained(self, endpoint: str, address: str, sender: str) -> int:
        return self.tell(endpoint, address, sender, {"event": "complained"})

    def unsubscribed(self, endpoint: str, address: str, sender: str) -> int:
        return self.tell(endpoint, address, sender, {"event": "unsubscribed"})

    def tell(self, endpoint: str, address: str, sender: str, told: Mapping[str, Any]) -> int:
        """Any event. → what the endpoint answered."""
        number = next(self._numbers)
        event = {
            "id": f"event-{number}", "timestamp": self.clock().timestamp(), "log-level": "error",
            "recipient": address, "envelope": {"sender": sender, "targets": address, "transport": "smtp"},
            "message": {"headers": {"to": address, "message-id": f"{number}@elsewhere.example"}, "size": 341},
            "flags": {"is-test-mode": False}, **told,
        }  # fmt: skip
        return self._post(endpoint, {"signature": self._signature(number), "event-data": event})

    def again(self, endpoint: str) -> int:
        """The last webhook once more, with the same token."""
        return self._post(endpoint, self.sent[-1])

    def _signature(self, number: int) -> dict[str, str]:
        """Mailgun, "Securing webhooks": HMAC-SHA256 of timestamp and token, in hexadecimal digits."""
        stamp = str(int(self.clock().timestamp()) - self.faults.seconds_old)
        token = hashlib.sha256(str(number).encode()).hexdigest()[:50]
        key = self.faults.signing_key or self.signing_key
        made = hmac.digest(key.encode(), f"{stamp}{token}".encode(), "sha256").hex()
        return {"timestamp": stamp, "token": token, "signature": made}

    def _post(self, endpoint: str, body: dict[str, Any]) -> int:
        self.sent.append(body)
        headers = {"Content-Type": "application/json"}
        answer = requests.post(endpoint, data=json.dumps(body), headers=headers, timeout=30)
        self.answers.append(answer.status_code)
        return answer.status_code

    def _app(self) -> Flask:
        app = Flask("mailgun")
        app.add_url_rule("/", "sent", lambda: sent_page("Mailgun", self.sent, self.answers))
        return app

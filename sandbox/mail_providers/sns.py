"""Amazon SNS with SES behind it: signs as SNS does, with a certificate of its own, and tells of bounces and complaints.

It posts to an endpoint, offers its certificate and its confirmations, and has a page of what it sent. Simpler than
Amazon: one topic; nothing is repeated but by ``again``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlencode

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from flask import Flask, Response, request

from sandbox.clock import Clock, system_clock
from sandbox.mail_providers.page import sent_page
from sandbox.serving import Server

TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-events"
AMAZON = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE = "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"

_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SUBSCRIPTION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


@dataclass
class SnsFaults:
    """What goes wrong with the next messages."""

    signature: str = ""
    """In place of the right one."""
    certificate_url: str = ""
    topic: str = ""
    tamper: Mapping[str, str] = field(default_factory=dict)
    """Fields that are changed after signing."""


class SnsStandIn:
    """``url`` is where it is served; messages name Amazon's own addresses, as SNS's do."""

    def __init__(self, clock: Clock = system_clock, *, version: str = "2", valid_from: datetime | None = None) -> None:
        self.clock, self.version, self.faults = clock, version, SnsFaults()
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.certificate = _certificate(self._key, valid_from or clock())
        self.sent: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.confirmed: list[str] = []
        self._numbers = count(1)
        self._server = Server(self._app())
        self.url = self._server.url

    def close(self) -> None:
        self._server.close()

    # --- what it sends

    def subscribe(self, endpoint: str) -> int:
        """Ask the endpoint whether it wants our messages. → what it answered."""
        query = urlencode({"Action": "ConfirmSubscription", "TopicArn": TOPIC, "Token": "a-token"})
        more = {"Token": "a-token", "SubscribeURL": f"{AMAZON}/?{query}"}
        return self._post(endpoint, self._message("SubscriptionConfirmation", "You have chosen to subscribe.", more))

    def bounce(self, endpoint: str, address: str, source: str, **detail: Any) -> int:
        """SES tells that a mail bounced. ``detail`` replaces fields of the bounce."""
        person = {"emailAddress": address, "action": "failed", "status": detail.pop("status", "5.1.1"),
                  "diagnosticCode": detail.pop("diagnosticCode", "smtp; 550 5.1.1 user unknown")}  # fmt: skip
        bounce = {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [person],
                  "timestamp": self._now(), "feedbackId": f"feedback-{next(self._numbers)}", **detail}  # fmt: skip
        mail = self._mail(address, source)
        return self.notify(endpoint, {"notificationType": "Bounce", "bounce": bounce, "mail": mail})

    def complaint(self, endpoint: str, address: str, source: str, kind: str = "abuse") -> int:
        """SES tells that somebody complained."""
        told = {"complainedRecipients": [{"emailAddress": address}], "complaintFeedbackType": kind,
                "timestamp": self._now(), "feedbackId": f"feedback-{next(self._numbers)}"}  # fmt: skip
        return self.notify(endpoint, {"eventType": "Complaint", "complaint": told, "mail": self._mail(address, source)})

    def notify(self, endpoint: str, told: Mapping[str, Any]) -> int:
        """Publish what SES tells. → what the endpoint answered."""
        return self._post(endpoint, self._message("Notification", json.dumps(told), {}))

    def again(self, endpoint: str) -> int:
        """The last message once more, as it was."""
        return self._post(endpoint, self.sent[-1])

    # --- how

    def _mail(self, address: str, source: str) -> dict[str, Any]:
        headers = [{"name": "From", "value": "Acme <feedback@acme.example>"}, {"name": "To", "value": address}]
        return {"timestamp": self._now(), "source": source, "messageId": f"ses-{next(self._numbers)}",
                "destination": [address], "headersTruncated": False, "headers": headers}  # fmt: skip

    def _now(self) -> str:
        return self.clock().strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def _message(self, kind: str, text: str, more: Mapping[str, str]) -> dict[str, Any]:
        message = {"Type": kind, "MessageId": f"message-{next(self._numbers)}",
                   "TopicArn": self.faults.topic or TOPIC, "Message": text, "Timestamp": self._now(),
                   "SignatureVersion": self.version, **more}  # fmt: skip
        message["Signature"] = self.faults.signature or self._signature(message)
        message["SigningCertURL"] = self.faults.certificate_url or f"{AMAZON}{CERTIFICATE}"
        return {**message, **self.faults.tamper}

    def _signature(self, message: Mapping[str, str]) -> str:
        names = _NOTIFICATION if message["Type"] == "Notification" else _SUBSCRIPTION
        text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
        hash_ = hashes.SHA1() if self.version == "1" else hashes.SHA256()  # noqa: S303 - as version 1 has it
        return base64.b64encode(self._key.sign(text.encode(), padding.PKCS1v15(), hash_)).decode()

    def _post(self, endpoint: str, message: dict[str, Any]) -> int:
        """With the content type that SNS gives its JSON."""
        self.sent.append(message)
        headers = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": message["Type"]}
        answer = requests.post(endpoint, data=json.dumps(message), headers=headers, timeout=30)
        self.answers.append(answer.status_code)
        return answer.status_code

    def _app(self) -> Flask:
        app = Flask("sns")

        @app.get(CERTIFICATE)
        def certificate() -> Response:
            return Response(self.certificate, content_type="application/x-x509-ca-cert")

        @app.get("/")
        def root() -> str:
            if request.args.get("Action") == "ConfirmSubscription":
                self.confirmed.append(request.args.get("TopicArn", ""))
                return "<ConfirmSubscriptionResponse/>"
            return sent_page("Amazon SNS", self.sent, self.answers)

        return app


def _certificate(key: rsa.RSAPrivateKey, now: datetime) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    start, end = now - timedelta(days=1), now + timedelta(days=365)
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), start, end)
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

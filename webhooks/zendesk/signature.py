"""Zendesk's signature of its webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from webhooks.signatures import expect_fresh, expect_match, header, hmac_sha256, usable
from webhooks.timestamps import moment


def zendesk_signature(secret: str, timestamp: str, body: bytes) -> str:
    """Zendesk's signature: base64(HMAC-SHA256(secret as UTF-8 text, timestamp + raw body)).

    Source: Zendesk, "Verifying webhook authenticity". The secret looks like base64 but is used as it stands.
    """
    return hmac_sha256(secret.encode(), timestamp.encode() + body)


def verify_zendesk(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:
    """Raises ``Refused`` unless one of ``secrets`` signed ``body`` within five minutes of ``now`` (aware).

    ``headers`` has lower-case names. The timestamp is that of the attempt, not of the event.
    """
    given = header(headers, "x-zendesk-webhook-signature")
    stamp = header(headers, "x-zendesk-webhook-signature-timestamp")
    expected = [zendesk_signature(secret, stamp, body) for secret in usable(secrets)]
    expect_match([given], expected, "x-zendesk-webhook-signature")
    expect_fresh("x-zendesk-webhook-signature-timestamp", _moment(stamp), now)


def _moment(text: str) -> datetime | None:
    try:
        return moment(text)
    except ValueError:
        return None

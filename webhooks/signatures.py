"""Signatures: is it really them? Raw bytes in, silence or ``Refused`` out.

The signature is checked before its age, so that only a genuine sender learns about clocks. No message holds
a secret or the signature that would have been right.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from webhooks.errors import Refused
from webhooks.timestamps import moment

WINDOW = timedelta(minutes=5)  # how far a signature's time may lie from ours, on both sides


def zendesk_signature(secret: str, timestamp: str, body: bytes) -> str:
    """Zendesk's signature: base64(HMAC-SHA256(secret as UTF-8 text, timestamp + raw body)).

    Source: Zendesk, "Verifying webhook authenticity". The secret looks like base64 but is used as it stands.
    """
    return _signature(secret.encode(), timestamp.encode() + body)


def verify_zendesk(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:
    """Raises ``Refused`` unless one of ``secrets`` signed ``body`` within five minutes of ``now`` (aware).

    ``headers`` has lower-case names. The timestamp is that of the attempt, not of the event.
    """
    given = _header(headers, "x-zendesk-webhook-signature")
    stamp = _header(headers, "x-zendesk-webhook-signature-timestamp")
    expected = [zendesk_signature(secret, stamp, body) for secret in _usable(secrets)]
    _expect_match([given], expected, "x-zendesk-webhook-signature")
    _expect_fresh("x-zendesk-webhook-signature-timestamp", _iso(stamp), now)


def standard_signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """The signature of Standard Webhooks 1.0: base64(HMAC-SHA256(key, "id.timestamp.body")), without "v1,".

    Raises ValueError when ``secret`` ("whsec_" and base64) cannot be decoded.
    """
    return _signature(standard_key(secret), f"{message_id}.{timestamp}.".encode() + body)


def standard_key(secret: str) -> bytes:
    """The key in a "whsec_…" secret; padding may be missing. Raises ValueError when it is not base64 or empty."""
    text = secret.removeprefix("whsec_")
    key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    if not key:
        raise ValueError("the secret is empty")
    return key


def verify_standard(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:
    """Raises ``Refused`` unless one of ``secrets`` made one of the signatures, within five minutes of ``now``.

    While a secret rotates a sender may sign with several ("v1,… v1,…") and a receiver accept several.
    """
    given = _header(headers, "webhook-signature")
    message_id, stamp = _header(headers, "webhook-id"), _header(headers, "webhook-timestamp")
    expected = _standard_signatures(_usable(secrets), message_id, stamp, body)
    versions = (part.partition(",") for part in given.split())
    signatures = [signature for version, _, signature in versions if version == "v1"]
    _expect_match(signatures, expected, "webhook-signature")
    _expect_fresh("webhook-timestamp", _unix(stamp), now)


def token_matches(given: str, tokens: Iterable[str]) -> bool:
    """Whether ``given`` is one of our tokens, in constant time; an empty token never matches."""
    shown = given.encode("utf-8", "replace")
    matches = [hmac.compare_digest(shown, token.encode()) for token in tokens if token]
    return any(matches)


def _signature(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.digest(key, message, "sha256")).decode()


def _standard_signatures(secrets: Sequence[str], message_id: str, stamp: str, body: bytes) -> Iterable[str]:
    try:
        return [standard_signature(secret, message_id, stamp, body) for secret in secrets]
    except ValueError:
        raise Refused("this connection's webhook_secret is not base64",
                      remedy='write it as "whsec_" and the base64 that the sender shows') from None


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "").strip()
    if not value:
        raise Refused(f"the header {name} is missing", remedy="sign the request")
    return value


def _usable(secrets: Sequence[str]) -> Sequence[str]:
    """The secrets that are one: with an empty key anybody can sign."""
    usable = [secret for secret in secrets if secret]
    if not usable:
        raise Refused("this connection has no webhook_secret", remedy="set it in the connection's settings")
    return usable


def _expect_match(given: Sequence[str], right: Iterable[str], header: str) -> None:
    """Compare every pair: how long it takes says nothing about which secret was near."""
    shown = [signature.encode("utf-8", "replace") for signature in given]
    pairs = [hmac.compare_digest(one, other.encode()) for other in right for one in shown]
    if not any(pairs):
        raise Refused(f"{header} does not match the body",
                      remedy="check that both sides have the same secret and nothing rewrites the request")


def _expect_fresh(header: str, signed: datetime | None, now: datetime) -> None:
    if signed is None:
        raise Refused(f"{header} is not a moment", remedy="send the time of this attempt")
    age = now - signed
    if abs(age) > WINDOW:
        raise Refused(f"{header} is {_span(abs(age))} {'old' if age > WINDOW else 'ahead'}",
                      remedy="check the sender's clock, and ours")


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"


def _iso(text: str) -> datetime | None:
    try:
        return moment(text)
    except ValueError:
        return None


def _unix(text: str) -> datetime | None:
    """Whole seconds since 1970; at most 11 digits, which is far enough."""
    digits = text.isascii() and text.isdigit() and len(text) <= 11
    return datetime.fromtimestamp(int(text), UTC) if digits else None

"""The signature of Amazon SNS (its developer guide, "Verifying the signatures of Amazon SNS messages"): RSA over some
of the fields, by a certificate that the message names. So the address of the certificate is what everything hangs on:
it must be Amazon's own, over https, in the topic's region.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from webhooks.errors import Refused, StoreDown
from webhooks.timestamps import moment

Certificates = Callable[[str], bytes | None]
"""The certificate at an address, in PEM; None: it is being fetched, and will be there in a moment."""

NOTIFICATION, CONFIRMATION, FAREWELL = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"

_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    **dict.fromkeys(
        (CONFIRMATION, FAREWELL), ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    ),
}
_HASHES = {"1": SHA1, "2": SHA256}
_ARN = re.compile(r"arn:(aws|aws-cn|aws-us-gov):sns:([a-z0-9-]{4,30}):\d{12}:[A-Za-z0-9_.-]{1,256}")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-f]{8,64}\.pem")

OLDEST = timedelta(hours=2)
"""SNS repeats a message for an hour at most ("Amazon SNS message delivery retries"); older is a replay."""
_AHEAD = timedelta(minutes=5)


def is_topic(arn: object) -> bool:
    """Whether it is the ARN of an SNS topic."""
    return isinstance(arn, str) and _ARN.fullmatch(arn) is not None


def host_of(arn: str) -> str:
    """Amazon's own host for the topic's region."""
    found = _ARN.fullmatch(arn)
    partition, region = found.groups() if found else ("", "")
    return f"sns.{region}.amazonaws.com{'.cn' if partition == 'aws-cn' else ''}"


def verify(message: Mapping[str, Any], certificates: Certificates, now: datetime) -> None:
    """Raises ``Refused`` unless SNS signed it lately; ``StoreDown`` while the certificate is fetched."""
    address = str(message.get("SigningCertURL") or "")
    expect_certificate_address(address, str(message.get("TopicArn") or ""))
    pem = certificates(address)
    if pem is None:
        raise StoreDown("the certificate of the sender is being fetched", retry_after=5)
    _expect_signature(message, _key(pem, now))
    _expect_fresh(message, now)


def expect_certificate_address(address: str, arn: str) -> None:
    """Raises ``Refused`` unless it is Amazon's, for the region of the topic."""
    parts = _parts(address)
    plain = not (parts.query or parts.fragment or parts.username or parts.port)
    if not (parts.scheme == "https" and parts.netloc == host_of(arn) and _CERTIFICATE.fullmatch(parts.path) and plain):
        raise Refused("SigningCertURL is not Amazon's for this topic", remedy="send messages of SNS as they are")


def expect_confirmation_address(address: str, arn: str) -> None:
    """Raises ``Refused`` unless visiting it confirms this subscription at Amazon, and does nothing else."""
    parts = _parts(address)
    asked = parse_qs(parts.query)
    meant = asked.get("Action") == ["ConfirmSubscription"] and asked.get("TopicArn") == [arn]
    if not (parts.scheme == "https" and parts.netloc == host_of(arn) and parts.path in ("", "/") and meant):
        raise Refused("SubscribeURL is not Amazon's for this topic", remedy="send messages of SNS as they are")


def _parts(address: str) -> Any:
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _key(pem: bytes, now: datetime) -> RSAPublicKey:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise Refused("the sender's certificate is none", remedy="send it again later") from error
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Refused("the sender's certificate is not valid now", remedy="check our clock, or send it again later")
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise Refused("the sender's certificate holds no RSA key", remedy="send messages of SNS as they are")
    return key


def _expect_signature(message: Mapping[str, Any], key: RSAPublicKey) -> None:
    made = _HASHES.get(str(message.get("SignatureVersion")))
    if made is None:
        raise Refused("SignatureVersion is neither 1 nor 2", remedy="send messages of SNS as they are")
    try:
        signature = base64.b64decode(str(message.get("Signature") or ""), validate=True)
        key.verify(signature, signed_text(message).encode(), PKCS1v15(), made())
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise Refused("Signature does not match the message", remedy="send messages of SNS as they are") from error


def signed_text(message: Mapping[str, Any]) -> str:
    """What is signed: name and value of each field on a line of its own, a Subject only where there is one."""
    names = _SIGNED.get(str(message.get("Type")), ())
    return "".join(f"{name}\n{message[name]}\n" for name in names if message.get(name) is not None)


def _expect_fresh(message: Mapping[str, Any], now: datetime) -> None:
    try:
        age = now - moment(message.get("Timestamp"))
    except ValueError:
        raise Refused("Timestamp is no moment", remedy="send messages of SNS as they are") from None
    if age > OLDEST or age < -_AHEAD:
        raise Refused("Timestamp is too far from our time", remedy="check our clock; an old message is not repeated")

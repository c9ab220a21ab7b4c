"""Amazon SNS: verify and keep its messages; what SES tells in them is in ``notifications``.

A confirmation of a subscription is kept like any message; who visits Amazon's address to confirm it is the house.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webhooks import replies
from webhooks.delivery import Account, Delivery, Reply, Request, Source, Translation
from webhooks.errors import Refused, Unreadable
from webhooks.mail import events, forgeries
from webhooks.parsing import digest, json_object, sane_key
from webhooks.ses import notifications
from webhooks.ses.signature import (
    CONFIRMATION,
    FAREWELL,
    NOTIFICATION,
    Certificates,
    expect_confirmation_address,
    verify,
)

TYPE = "x-sns-type"
"""A header of kept deliveries: what kind of message it is."""


class SesSource(events.TellsOfMail):
    """``certificates`` gives the certificate at an address that was found to be Amazon's."""

    def __init__(self, certificates: Certificates) -> None:
        self._certificates = certificates

    def of(self, content_type: str) -> Source:
        return self

    def verify(self, request: Request, account: Account) -> Delivery:
        """The delivery, kept under its MessageId, which stays the same when SNS repeats it.

        Raises ``Refused`` for another topic's, ``Unreadable`` for what is no message of SNS or was not signed by it,
        ``StoreDown`` while the certificate is fetched: SNS comes back.
        """
        message = json_object(request.body)
        _expect_topic(message, account)
        try:
            verify(message, self._certificates, request.received_at)
            if message.get("Type") == CONFIRMATION:
                expect_confirmation_address(str(message.get("SubscribeURL") or ""), str(message["TopicArn"]))
        except Refused as refused:
            raise forgeries.example(request, refused) from refused
        key = sane_key(str(message.get("MessageId") or "")) or digest(request.body)
        return Delivery(account.connection, key, request.received_at, request.content_type,
                        {TYPE: str(message.get("Type"))}, request.body)  # fmt: skip

    def translate(self, delivery: Delivery, account: Account) -> Translation:
        """The bounces or complaints it tells. Raises ``Unreadable``."""
        forgeries.expect_genuine(delivery)
        message = json_object(delivery.body)
        if message.get("Type") == CONFIRMATION:
            return Translation(ignored="SNS asks whether we want these messages; we answer it")
        if message.get("Type") == FAREWELL:
            return Translation(ignored="SNS says that it sends no more; subscribe again if that was not meant")
        found, mark = notifications.read(json_object(str(message.get("Message") or "").encode()))
        at = delivery.received_at
        return events.translation(found, account.connection, at, mark or delivery.key, proved=True)

    def answer(self, stored: bool) -> Reply:
        return replies.accepted(stored)

    def refuse(self, error: Exception) -> Reply:
        """SNS repeats what is answered with a 5xx, and gives up on a 4xx."""
        return replies.refusal(error)


def _expect_topic(message: Mapping[str, Any], account: Account) -> None:
    """Anybody may have a topic at Amazon, and it signs for all of them."""
    given = account.options.get("topic_arn") or ()
    topics = [given] if isinstance(given, str) else list(given)
    if message.get("Type") not in (NOTIFICATION, CONFIRMATION, FAREWELL):
        raise Unreadable("Type is none of SNS's", remedy="switch off raw message delivery for the subscription")
    if message.get("TopicArn") not in topics:
        raise Refused("the message is of another topic", status=403, remedy="name its ARN as topic_arn")

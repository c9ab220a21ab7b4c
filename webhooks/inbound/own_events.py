"""Our own pages and features: their events enter by the same door, in the inbound format, but never over HTTP."""

from __future__ import annotations

from webhooks import replies
from webhooks.delivery import Account, Delivery, Reply, Request, Source, Translation
from webhooks.errors import Refused
from webhooks.inbound.source import read_event


class OwnEventsSource:
    """The connection "ringback": deliveries that we wrote into the inbox ourselves."""

    def of(self, content_type: str) -> Source:
        return self

    def verify(self, request: Request, account: Account) -> Delivery:
        """Always raises ``Refused`` (404): nobody outside can be genuine here."""
        raise Refused("there is no such connection", status=404, remedy="check the last part of the URL")

    def translate(self, delivery: Delivery, account: Account) -> Translation:
        """The one event. ``data.customer.id`` is our own id of the customer. Raises ``Unreadable``."""
        return Translation((read_event(delivery, account),))

    def answer(self, stored: bool) -> Reply:
        return replies.accepted(stored)

    def refuse(self, error: Exception) -> Reply:
        return replies.refusal(error)

"""What a provider did not sign: an example of it is kept and shown, so that an admin sees a wrong secret, and whoever
knocks does not fill the disk. It never means anything."""

from __future__ import annotations

from webhooks.delivery import Delivery, Request
from webhooks.errors import Refused, Unreadable
from webhooks.parsing import digest

_KEY = "not-genuine"
_EXAMPLES = 1  # signs of the digest in the key: sixteen an hour at most


def example(request: Request, refused: Refused) -> Unreadable:
    """The same refusal, kept under a key that few requests of an hour have."""
    hour = request.received_at.strftime("%Y-%m-%dT%H")
    mark = digest(request.body).partition(":")[2][:_EXAMPLES]
    key = f"{_KEY}:{hour}:{mark}"
    return Unreadable(refused.message, status=refused.status, key=key, remedy=refused.remedy)


def expect_genuine(delivery: Delivery) -> None:
    """Raises ``Unreadable`` for such an example, should somebody replay it."""
    if delivery.key.startswith(f"{_KEY}:"):
        raise Unreadable("it was not signed by who it seems to be from", remedy="leave it; it is kept to be looked at")

"""Errors of the room.

WebhookError
├── Refused         not genuine (forged, stale, wrong account, too large): answered with ``status``, not kept
│   └── OutOfTime   genuine, but signed at another time than ours
└── Unreadable      genuine, but it cannot be read: kept with the reason, and shown

StoreDown           the inbox cannot be written now: the sender is asked to come back
"""

from __future__ import annotations

from datetime import timedelta


class WebhookError(Exception):
    """Anything wrong with a delivery; ``reason`` names the part, what it held, and the remedy.

    ``message`` is the reason without the remedy. Neither may hold a secret or anything of a person: they are
    logged, and told to the sender.
    """

    status = 400

    def __init__(self, reason: str, *, status: int | None = None, remedy: str = "") -> None:
        self.message, self.remedy = reason, remedy
        self.reason = f"{reason}; {remedy}" if remedy else reason
        self.status = status or type(self).status
        super().__init__(self.reason)


class Refused(WebhookError):  # noqa: N818 (a verdict, and the name the room uses)
    status = 401


class OutOfTime(Refused):
    """Genuine, and signed at another time than ours: a replay, or one of the two clocks is wrong. ``apart`` is how much
    ours is before theirs."""

    def __init__(self, reason: str, *, apart: timedelta, remedy: str = "") -> None:
        super().__init__(reason, remedy=remedy)
        self.apart = apart


class Unreadable(WebhookError):  # noqa: N818 (a verdict, as above)
    status = 400

    def __init__(self, reason: str, *, status: int | None = None, key: str = "", remedy: str = "") -> None:
        super().__init__(reason, status=status, remedy=remedy)
        self.key = key  # what the delivery is kept under; "": a digest of its body


class StoreDown(Exception):  # noqa: N818 (a state of the house)
    """Nothing can be kept now. The receiver answers 503 with ``Retry-After: retry_after``.

    Zendesk repeats a 503 only when that header says less than 60 seconds; a plain 500 loses the event.
    """

    def __init__(self, reason: str, *, retry_after: int = 30) -> None:
        super().__init__(reason)
        self.retry_after = retry_after

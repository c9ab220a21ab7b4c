"""Errors of the room.

WebhookError
├── Refused         not genuine (forged, stale, wrong account, too large): answered with ``status``, not kept
└── Unreadable      genuine, but it cannot be read: kept with the reason, and shown
"""

from __future__ import annotations


class WebhookError(Exception):
    """Anything wrong with a delivery; ``reason`` names the part, what it held, and the remedy."""

    status = 400

    def __init__(self, reason: str, *, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status or type(self).status


class Refused(WebhookError):
    status = 401


class Unreadable(WebhookError):
    status = 400

    def __init__(self, reason: str, *, status: int | None = None, key: str = "") -> None:
        super().__init__(reason, status=status)
        self.key = key  # what the delivery is kept under

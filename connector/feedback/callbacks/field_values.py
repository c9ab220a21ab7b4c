"""The values of a callback ticket's own fields, by our keys (``integrations.callback_fields``). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.feedback.callbacks.state_machine import SHOWN, CallbackStatus
from connector.feedback.messaging.text import plain
from integrations.callback_fields import BAND, COMMENT, CONSENT, LOOP_STATUS, METRIC, SCORE

_SHORTENED = 30_000  # characters; helpdesks' fields take twice as many, and the comment has the words whole


def field_values(event: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the callback's own ticket fields, by our keys; what is not known is left out."""
    if event.get("score") is None:
        return {LOOP_STATUS: SHOWN[CallbackStatus.OPEN]}
    comment = plain(str(event.get("comment") or ""))
    told = {
        SCORE: event["score"],
        METRIC: event.get("metric"),
        BAND: event.get("band"),
        COMMENT: comment if len(comment) <= _SHORTENED else comment[: _SHORTENED - 1] + "…",
        CONSENT: event.get("contact_consent") is True,
        LOOP_STATUS: SHOWN[CallbackStatus.OPEN],
    }
    return {key: value for key, value in told.items() if value not in (None, "")}

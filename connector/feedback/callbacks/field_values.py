"""The values of a callback ticket's own fields, by our keys (``integrations.callback_fields``). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.config.customer_value import value_of
from connector.feedback.callbacks.briefing import Brief
from connector.feedback.callbacks.state_machine import SHOWN, CallbackStatus
from connector.feedback.messaging.text import plain
from integrations.callback_fields import BAND, COMMENT, CONSENT, LOOP_STATUS, METRIC, PHONE, SCORE, VALUE, WORDS

_IN_A_VIEW = 120  # characters, on one line
_SHORTENED = 30_000  # characters; helpdesks' fields take twice as many, and the comment has the words whole


def field_values(brief: Brief) -> dict[str, Any]:
    """The values of the callback's own ticket fields, by our keys; what is not known is left out."""
    event = brief.event
    worth = str(value_of(brief.customer, event) or "")
    told = {PHONE: brief.reach, VALUE: worth, LOOP_STATUS: SHOWN[CallbackStatus.OPEN]}
    if event.get("score") is not None:
        told |= _of_answer(event)
    return {key: value for key, value in told.items() if value not in (None, "")}


def _of_answer(event: Mapping[str, Any]) -> dict[str, Any]:
    comment = plain(str(event.get("comment") or ""))
    return {
        SCORE: event["score"],
        METRIC: event.get("metric"),
        BAND: event.get("band"),
        COMMENT: comment if len(comment) <= _SHORTENED else comment[: _SHORTENED - 1] + "…",
        WORDS: _on_a_line(comment),
        CONSENT: event.get("contact_consent") is True,
    }


def _on_a_line(comment: str) -> str:
    line = " ".join(comment.split())
    return line if len(line) <= _IN_A_VIEW else line[: _IN_A_VIEW - 1] + "…"

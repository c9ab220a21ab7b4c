"""The log of deliveries, as Zendesk's API shows it: invocations and their attempts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sandbox.clock import parse, zulu
from sandbox.zendesk.state import Json
from sandbox.zendesk.webhooks import Delivery

KEPT_FOR = timedelta(days=7)


def invocations(log: Sequence[Delivery], webhook_id: str, now: datetime) -> list[Json]:
    """One line per invocation with its latest attempt, newest first."""
    latest = {
        each.invocation: each for each in log if each.webhook == webhook_id and now - each.at < KEPT_FOR
    }
    shown = [
        {"id": each.invocation, **_outcome(each), "latest_completed_at": zulu(each.at)}
        for each in latest.values()
    ]
    return shown[::-1]


def sifted(shown: Sequence[Json], query: Mapping[str, str]) -> list[Json]:
    """By the query's filters (status, from, to) and in its order; newest first where it names none."""
    wanted, since = query.get("filter[status]"), query.get("filter[from_ts]", "")
    until = query.get("filter[to_ts]", "")
    kept = [
        each
        for each in shown
        if wanted in (None, each["status"])
        and (not since or parse(each["latest_completed_at"]) >= parse(since))
        and (not until or parse(each["latest_completed_at"]) <= parse(until))
    ]
    return kept[::-1] if query.get("sort") == "latest_completed_at" else kept


def attempts(log: Sequence[Delivery], webhook_id: str, invocation_id: str) -> list[Json]:
    """Every attempt of one invocation, newest first, with the whole request."""
    return [
        _attempt(each)
        for each in reversed(log)
        if (each.webhook, each.invocation) == (webhook_id, invocation_id)
    ]


def _attempt(delivery: Delivery) -> Json:
    headers = [{"key": key, "value": value} for key, value in delivery.headers.items()]
    return {
        "id": delivery.webhook,
        "invocation_id": delivery.invocation,
        **_outcome(delivery),
        "request": {"headers": headers, "payload": delivery.body},
        "response": {"headers": [], "payload": delivery.reply},
        "completed_at": zulu(delivery.at),
    }


def _outcome(delivery: Delivery) -> Json:
    if not delivery.status:
        return {"status": "timeout" if delivery.failure == "timeout" else "failed"}
    status = (
        "success" if delivery.status < 300 else "client error" if delivery.status < 500 else "server error"
    )
    return {"status_code": delivery.status, "status": status}

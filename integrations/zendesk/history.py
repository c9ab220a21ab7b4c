"""What Zendesk remembers of its own doings: which webhooks it sent, which tickets changed, how tickets stand now.

Each method is one request, so that whoever asks can keep to the account's rate. Sources: Zendesk's API reference,
"Webhook invocations", "Incremental exports", "Tickets", "Side-loading".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from integrations.errors import Permanent, Transient
from integrations.http import VendorSession
from integrations.protocols import Json

MOST_TICKETS = 100
"""Tickets that one request of ``tickets`` may ask for (Zendesk, "Show multiple tickets")."""

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Invocation:
    """One sending of a webhook, with all its attempts. ``at`` is when the latest attempt ended."""

    id: str
    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """The request of one attempt. Header names are lower case."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Invocations, the oldest first; ``after`` continues the list, None at its end."""

    invocations: tuple[Invocation, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Tickets as they stand after their latest change, and up to where they were read. ``solved_at`` by ticket id."""

    tickets: tuple[Json, ...]
    solved_at: Mapping[str, datetime]
    cursor: str
    more: bool


class ZendeskHistory:
    """Reads. Every method may raise the errors of ``errors.py``."""

    def __init__(self, session: VendorSession) -> None:
        self._session = session

    def invocations(self, webhook: str, since: datetime, after: str | None = None) -> HistoryPage:
        """``GET /api/v2/webhooks/{id}/invocations``: Zendesk knows those of seven days."""
        query = {"page[size]": str(_PAGE), "sort": "latest_completed_at", "filter[from_ts]": _iso(since)}
        if after:
            query["page[after]"] = after
        answer = self._get(f"webhooks/{webhook}/invocations", query)
        found = [
            Invocation(str(each["id"]), str(each.get("status")), _moment(each["latest_completed_at"]))
            for each in answer.get("invocations") or ()
            if each.get("latest_completed_at")
        ]
        meta = answer.get("meta") or {}
        return HistoryPage(tuple(found), meta.get("after_cursor") if meta.get("has_more") else None)

    def sent(self, webhook: str, invocation: str) -> Sent | None:
        """What was sent, from any attempt that still knows it (throttled ones do not)."""
        answer = self._get(f"webhooks/{webhook}/invocations/{invocation}/attempts", {})
        for attempt in answer.get("attempts") or ():
            request = attempt.get("request") or {}
            if isinstance(request.get("payload"), str):
                headers = {str(each["key"]).lower(): str(each["value"]) for each in request.get("headers") or ()}
                return Sent(request["payload"].encode(), headers)
        return None

    def changes(self, cursor: str | None, since: datetime) -> Changes:
        """``GET /api/v2/incremental/tickets/cursor``; without a cursor it begins at ``since``.

        For admins, ten times a minute. What changed within the last minute is left out by Zendesk.
        """
        place = {"cursor": cursor} if cursor else {"start_time": str(int(since.timestamp()))}
        answer = self._get("incremental/tickets/cursor", {**place, "include": "metric_sets"})
        solved = {
            str(each.get("ticket_id")): _moment(each["solved_at"])
            for each in answer.get("metric_sets") or ()
            if each.get("solved_at")
        }
        reached, more = str(answer.get("after_cursor") or cursor or ""), answer.get("end_of_stream") is False
        return Changes(tuple(answer.get("tickets") or ()), solved, reached, more)

    def tickets(self, ids: Sequence[str]) -> Mapping[str, Json]:
        """``GET /api/v2/tickets/show_many``: those that are there, by id; at most ``MOST_TICKETS``."""
        answer = self._get("tickets/show_many", {"ids": ",".join(ids)})
        return {str(each["id"]): each for each in answer.get("tickets") or ()}

    def is_gone(self, ticket: str) -> bool:
        """Whether Zendesk says that there is no such ticket, and not only that we may not see it."""
        try:
            self._get(f"tickets/{int(ticket)}", {})
        except Permanent as error:
            return error.status == 404
        return False

    def _get(self, path: str, query: Mapping[str, str]) -> Json:
        answer = self._session.get(f"/api/v2/{path}", params=query).json()
        if not isinstance(answer, Mapping):
            raise Transient("Zendesk's answer cannot be read: it is no object", code="unreadable")
        return answer


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: object) -> datetime:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError as error:
        raise Transient("Zendesk's answer cannot be read: a time is none", code="unreadable") from error

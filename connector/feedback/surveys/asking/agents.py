"""Who the agent of a ticket is: the name and the photo that the invitation shows, read from the helpdesk.

Events hold an agent's id alone. Each is asked for once a day and process; a helpdesk that does not answer costs the
mail its name and never more: nobody's invitation waits for it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.feedback.base.actions import Clients, Intent, NotPossibleError
from connector.feedback.messaging.mail_names import harmless_name
from integrations.errors import IntegrationError
from integrations.roles import Role

log = logging.getLogger(__name__)

STAGE = 2
"""The call of ``survey.send`` that asks for the agent, before its mail is made."""

GOOD_FOR = timedelta(days=1)
_AGAIN_AFTER = timedelta(minutes=10)  # a helpdesk that failed
_MOST = 10_000  # agents that are remembered


@dataclass(frozen=True, slots=True)
class _Seen:
    told: Mapping[str, str]
    until: datetime


class Agents:
    """The agents of all helpdesks, remembered."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._guard = threading.Lock()
        self._seen: dict[tuple[str, str], _Seen] = {}

    def first(self, request: Mapping[str, Any], customer_id: str, now: datetime) -> Intent | Mapping[str, Any]:
        """The request with the agent's name in its context; or the call that asks for it first. That call counts as one
        of the mail connection's: were it the helpdesk's, a mail would wait there for a name."""
        whose = self._whose(request)
        if whose is None:
            return request
        if (told := self._known(whose, now)) is not None:
            return named(request, told)
        via, _ = self._clients.messenger(request["via"])
        return Intent(via, {**request, "of_customer": customer_id}, reads_only=True, stage=STAGE)

    def look(self, request: Mapping[str, Any], now: datetime) -> Mapping[str, str]:
        """What the helpdesk says of the request's agent; nothing when it cannot say."""
        whose = self._whose(request)
        if whose is None:
            return {}
        told, good_for = self._asked(whose)
        with self._guard:
            if len(self._seen) >= _MOST:
                self._seen.clear()
            self._seen[whose] = _Seen(told, now + good_for)
        return told

    def _whose(self, request: Mapping[str, Any]) -> tuple[str, str] | None:
        """(connection, id) of an agent whom nobody has named yet."""
        connection, agent = str(request.get("ticket_of") or ""), request.get("agent")
        if not agent or request["context"].get("agent") or "asked_agent" in request:
            return None
        return (connection, agent) if self._clients.has(connection, Role.HELPDESK) else None

    def _known(self, whose: tuple[str, str], now: datetime) -> Mapping[str, str] | None:
        with self._guard:
            seen = self._seen.get(whose)
        return seen.told if seen and now < seen.until else None

    def _asked(self, whose: tuple[str, str]) -> tuple[Mapping[str, str], timedelta]:
        connection, agent = whose
        try:
            user = self._clients.helpdesk(connection).get_user(agent)
        except (IntegrationError, NotPossibleError) as error:
            log.warning("%s did not say who agent %s is: %s", connection, agent, error)
            return {}, _AGAIN_AFTER
        told = {"agent": harmless_name(user.alias or user.name), "agent_photo": user.photo or ""} if user else {}
        return {name: value for name, value in told.items() if value}, GOOD_FOR


def named(request: Mapping[str, Any], told: Mapping[str, str]) -> dict[str, Any]:
    """The request, its agent named as far as that was told; nobody is asked again."""
    return {**request, "context": {**told, **request["context"]}, "asked_agent": True}

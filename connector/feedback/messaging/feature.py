"""Messaging as a feature: words to customers and to teams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import Row, select

from connector.config.file import Team
from connector.feedback.base.actions import Clients, Handler
from connector.feedback.base.feature import Feature
from connector.feedback.base.timeline_source import TimelineSource
from connector.feedback.messaging.actions import Post, SendAlert, SendMessage
from connector.feedback.messaging.way_out import WayOut
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.schema.tables import effects, runs
from integrations.messaging import Alerter


class MessageWriter(Protocol):
    """Who makes of a plain message what is the brand's business."""

    def message(self, subject: str, text: str, locale: str | None, workflow: str, leave: str) -> Mapping[str, Any]: ...


class MessagingParts(Protocol):
    """What messages need of the house."""

    @property
    def database(self) -> Database: ...

    @property
    def clients(self) -> Clients: ...

    @property
    def mailer(self) -> MessageWriter: ...

    @property
    def alerter(self) -> Alerter: ...

    @property
    def teams(self) -> Mapping[str, Team]: ...

    @property
    def secret_keys(self) -> SecretKeys: ...


def _actions(parts: MessagingParts) -> Mapping[str, Handler]:
    post, way_out = Post(parts.clients, parts.secret_keys), WayOut(parts.secret_keys)
    return {
        "alert.send": SendAlert(parts.clients, post, parts.alerter, parts.teams),
        "message.send": SendMessage(parts.database, parts.clients, post, parts.mailer.message, way_out),
    }


def _message(row: Row[Any]) -> dict[str, Any]:
    """A mail that a workflow wrote to the customer."""
    return {"subject": (row.request.get("mail") or {}).get("subject", ""), "workflow": row.workflow}


FEATURE: Feature[MessagingParts] = Feature(
    name="messaging",
    actions=_actions,
    timeline=(
        TimelineSource(
            "message", select(effects).join(runs, runs.c.id == effects.c.run_id)
            .where(effects.c.action == "message.send", effects.c.status == "done"),
            runs.c.customer_id, effects.c.ended_at, effects.c.id, _message,
        ),
    ),
)  # fmt: skip

"""Connections: how each is doing, pausing one, letting it go on, asking its vendor whether it works; and the alerts."""

from __future__ import annotations

from datetime import timedelta

from flask.typing import ResponseReturnValue
from marshmallow import Schema

from connector.observe import usage
from connector.runtime.operations.validation import LONGEST_REASON
from connector.storage.flow_control import api_usage
from connector.storage.stores import page_queries
from connector.vendors import health_checks
from connector.web.admin import rendering
from connector.web.admin.forms import line
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.rendering import labels
from connector.web.admin.running import statuses
from connector.web.admin.words import later

_ALERTS = 100
_DAY = timedelta(hours=24)


class HoldSchema(Schema):
    """Why no calls are made."""

    reason = line(LONGEST_REASON, load_default="")


def _list(visit: AdminVisit) -> ResponseReturnValue:
    found = visit.services.switches.health()
    return rendering.page(visit, "admin/connections.html", found=found,
                          statuses=labels(visit.say, statuses.CONNECTION))  # fmt: skip


def _show(visit: AdminVisit, tested: object = None) -> ResponseReturnValue:
    name = visit.path["name"]
    health = visit.services.switches.health_of(name)
    with visit.services.database.read() as tx:
        seen = [row for row in api_usage.seen(tx).get(name, ()) if visit.now - row.seen_at <= _DAY]
    reserve = visit.services.connections.daily_reserve(name) if health.kind else 0.0
    account = visit.services.accounts(name) if health.kind else None
    return rendering.page(
        visit, "admin/connection.html", health=health, tested=tested, section="connections", usage=seen,
        forecast=usage.forecast(name, seen, reserve, visit.now),
        webhook=f"{visit.services.settings.base_url.rstrip('/')}/webhooks/{name}" if account else "",
        statuses=labels(visit.say, statuses.CONNECTION),
    )  # fmt: skip


def _pause(visit: AdminVisit) -> ResponseReturnValue:
    name = visit.path["name"]
    visit.services.switches.pause(name, visit.by, visit.given["reason"])
    told = visit.say("{connection} makes no calls until somebody lets it go on.", connection=name)
    return rendering.back(visit, told, "connection", name=name)


def _resume(visit: AdminVisit) -> ResponseReturnValue:
    name = visit.path["name"]
    visit.services.switches.resume(name)
    told = visit.say("{connection} makes calls again.", connection=name)
    return rendering.back(visit, told, "connection", name=name)


def _test(visit: AdminVisit) -> ResponseReturnValue:
    """Ask the vendor who we are. It changes nothing, and so its answer is shown at once."""
    name = visit.path["name"]
    configured = visit.services.config.connections.get(name)
    found = health_checks.check_connections(visit.services.connections, [configured]) if configured else []
    return _show(visit, tested=found[0] if found else "none")


def _alerts(visit: AdminVisit) -> ResponseReturnValue:
    with visit.services.database.read() as tx:
        rows = page_queries.alerts(tx, limit=_ALERTS)
    return rendering.page(visit, "admin/alerts.html", rows=rows, section="connections",
                          statuses=labels(visit.say, statuses.CALL))  # fmt: skip


_ONE = "/connections/<name>"

PAGES = (
    Page("GET", "/connections", "connections", "connections:read", _list, title=later("Connections"), group="house",
         icon="connections"),
    Page("GET", _ONE, "connection", "connections:read", _show),
    Page("POST", f"{_ONE}/pause", "connection_pause", "connections:write", _pause, takes=HoldSchema(), back=_show),
    Page("POST", f"{_ONE}/resume", "connection_resume", "connections:write", _resume, back=_show),
    Page("POST", f"{_ONE}/test", "connection_test", "connections:read", _test, back=_show),
    Page("GET", "/alerts", "alerts", "connections:read", _alerts),
)  # fmt: skip

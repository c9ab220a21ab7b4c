"""The system: what the doctor finds without calling anybody, the jobs, and the versions."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from connector.config.settings import masked
from connector.feedback.mail_feedback import complaint_share
from connector.observe import complaints, machine, stored, usage
from connector.observe.backlog import read_backlog
from connector.observe.findings import Finding, Verdict
from connector.storage.schema.migrate import newest_revision
from connector.vendors import health_checks
from connector.web.admin import rendering
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.words import later

_WORST_FIRST = (Verdict.BROKEN, Verdict.WARNING, Verdict.OK)


def _show(visit: AdminVisit) -> ResponseReturnValue:
    services = visit.services
    findings = sorted(_findings(visit), key=lambda each: _WORST_FIRST.index(each.verdict))
    versions = (
        ("Ringback", _version()), ("Python", platform.python_version()),
        (visit.say("Database"), services.database.engine.dialect.name), (visit.say("Shape"), newest_revision()),
    )  # fmt: skip
    return rendering.page(visit, "admin/system.html", findings=findings, jobs=services.jobs, versions=versions)


def _findings(visit: AdminVisit) -> Iterator[Finding]:
    """Those of the doctor that need no call to a vendor."""
    services, settings = visit.services, visit.services.settings
    yield machine.check_python()
    yield health_checks.check_address(settings.base_url)
    yield from stored.check_database(services.database, masked(settings.database_url))
    yield stored.check_clock(services.database, services.clock)
    with services.database.read() as tx:
        yield from _work(visit, tx)


def _work(visit: AdminVisit, tx: Connection) -> Sequence[Finding]:
    connections, now = visit.services.connections, visit.now
    backlog = read_backlog(tx, connections.kinds, connections.budget, now)
    forecasts = usage.forecasts(tx, lambda name: _reserve(visit, name), now)
    return [
        *stored.check_work(backlog, now), *stored.paused(tx, backlog, now), *usage.check_usage(forecasts),
        complaints.check_complaints(complaint_share.measure(tx, now)),
    ]  # fmt: skip


def _reserve(visit: AdminVisit, name: str) -> float:
    known = name in visit.services.connections.kinds
    return visit.services.connections.daily_reserve(name) if known else 0.0


def _version() -> str:
    try:
        return version("ringback")
    except PackageNotFoundError:
        return "?"


PAGES = (
    Page("GET", "/system", "system", "system:read", _show, title=later("System"), group="house", icon="system"),
)

"""Every element in every state, on one page: what a new page is made of, and what a test looks at."""

from __future__ import annotations

from typing import Any

from connector.runtime.operations.errors import RefusedError
from connector.web.admin import rendering
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.words import later

STATES = ("succeeded", "waiting", "ready", "queued", "needs_review", "failed", "dead", "cancelled", "dismissed",
          "active", "paused", "held", "open-circuit", "stopped", "new", "ignored", "unreadable", "ok", "warning",
          "broken")  # fmt: skip


def _show(visit: AdminVisit) -> Any:
    wrong = visit.again(faults={"wrong": visit.say("This is what a mistake looks like. Mend it like this.")},
                        typed={"wrong": "2026-13-01"})  # fmt: skip
    refused = visit.again(refused=RefusedError("Run 01ABC is succeeded: retry is not possible.", "restart"))
    return rendering.page(visit, "admin/design.html", states=STATES, wrong=wrong, refused=refused, section="system")


PAGES = (
    Page("GET", "/design", "design", "system:read", _show, title=later("Elements")),
)

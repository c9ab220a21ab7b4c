"""Who did what, newest first, and all of it as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response
from flask.typing import ResponseReturnValue
from marshmallow import fields, validate

from connector.access import users
from connector.access.audit import USER, AuditEntry, AuditLine, exported
from connector.web.admin import lists, rendering
from connector.web.admin.entry import current
from connector.web.admin.lists import ROWS, CursorSchema
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.words import later


class AuditQuerySchema(CursorSchema):
    """Which rows."""

    action = fields.String(load_default="", validate=validate.Length(max=60))
    actor = fields.String(load_default="", validate=validate.Length(max=100))
    object = fields.String(load_default="", validate=validate.Length(max=200))


def _list(visit: AdminVisit) -> Response:
    before = visit.given.get("before", "")
    with visit.services.database.read() as tx:
        rows = visit.services.access.audit.listed(
            tx, before=int(before) if before.isdecimal() else None, limit=ROWS + 1, **_narrowed(visit)
        )
        people = users.names(tx, [each.actor for each in rows] + [each.object for each in rows])
    found = lists.listing(rows, lambda row: row.seq)
    return rendering.page(visit, "admin/people/audit.html", list=found, people=people, kinds=_kinds(visit))


def _export(visit: AdminVisit) -> ResponseReturnValue:
    """Every row, oldest first, one line of JSON each; that it was taken is a row itself."""
    log, narrowed = visit.services.access.audit, _narrowed(visit)
    log.note(current.actor(), AuditEntry(action="audit.export", object_kind="audit", after=narrowed), visit.now)
    response = Response(_lines(log.all_of(**narrowed)), mimetype="application/x-ndjson")
    response.headers["Content-Disposition"] = 'attachment; filename="ringback-audit.jsonl"'
    return response


def _lines(found: Iterator[AuditLine]) -> Iterator[str]:
    for line in found:
        yield f"{exported(line)}\n"


def _narrowed(visit: AdminVisit) -> dict[str, str]:
    names = ("action", "actor", "object")
    return {name: visit.given[name] for name in names if visit.given.get(name)}


def _kinds(visit: AdminVisit) -> dict[str, Any]:
    say = visit.say
    return {
        USER: say("user"), "token": say("token"), "command": say("command"), "system": say("by itself"),
        "nobody": say("somebody unknown"),
    }  # fmt: skip


PAGES = (
    Page("GET", "/audit", "audit", "audit:read", _list, title=later("Audit log"), group="house", icon="audit",
         takes=AuditQuerySchema()),
    Page("GET", "/audit/export", "audit_export", "audit:read", _export, recent=True, takes=AuditQuerySchema()),
)  # fmt: skip

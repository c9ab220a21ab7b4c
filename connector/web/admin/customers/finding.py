"""Customers, found by a part of their name or address, or by a whole number or id."""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement

from connector.feedback.customers import directory
from connector.feedback.messaging.brands import home_country
from connector.web.admin import audited, rendering
from connector.web.admin.customers import sentences
from connector.web.admin.forms import line
from connector.web.admin.lists import ROWS, CursorSchema, listing
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.rendering import labels
from connector.web.admin.words import later


class CustomerListSchema(CursorSchema):
    """Who."""

    q = line(320)


def _list(visit: AdminVisit) -> ResponseReturnValue:
    before, asked = visit.given.get("before") or "", (visit.given.get("q") or "").strip()
    with visit.services.database.read() as tx:
        found = directory.listed(tx, limit=ROWS + 1, before=before, where=_meant(visit, asked) if asked else None)
        theirs = directory.belongings(tx, [each.id for each in found[:ROWS]])
    if asked:
        audited.searched(visit, "customers", asked)
    return rendering.page(
        visit, "admin/customers/customers.html", list=listing(found, lambda each: each.id), asked=asked, theirs=theirs,
        quadrants=labels(visit.say, sentences.QUADRANTS),
    )  # fmt: skip


def _meant(visit: AdminVisit, asked: str) -> ColumnElement[bool]:
    """Whoever may not see names cannot find by a part of one: what is found would tell it."""
    connections = list(visit.services.config.connections)
    if not visit.viewer.sees_personal_data:
        return directory.known_by(asked, connections)
    return directory.matching(asked, connections, home_country(visit.services.mailer.brands))


PAGES = (
    Page("GET", "/customers", "customers", "customers:read", _list, title=later("Customers"), group="people",
         icon="people", takes=CustomerListSchema()),
)  # fmt: skip

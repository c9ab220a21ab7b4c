"""What the frame tells the audit log by itself: refusals, what was changed, and whose customer's record was read.

A row of the table that is ``audited`` writes more than the frame can know, in the transaction of its change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask import request

from connector.access.audit import USER, Actor, AuditEntry, object_of
from connector.web.admin.page import AdminVisit, Page
from connector.web.survey.visitor import network_of

_CODE = re.compile(r"[A-Za-z0-9_.:-]{0,60}")
_OF_CUSTOMERS = frozenset({"customer_id", "case_id", "callback_id"})
"""What addresses name whose page shows a customer's record."""


def refused(visit: AdminVisit, why: str) -> None:
    """Somebody wanted what is not theirs to do."""
    entry = AuditEntry(action="refused", object_kind="page", object=visit.name, after={"why": why, **dict(visit.path)})
    visit.services.access.audit.note(_who(visit), entry, visit.now)


def done(visit: AdminVisit, page: Page) -> None:
    """An action was done, or a customer's record was looked at."""
    reads = request.method == "GET"
    if page.audited or (reads and _OF_CUSTOMERS.isdisjoint(visit.path)):
        return
    kind, object_ = object_of(page.rule, visit.path)
    action = "customer.read" if reads else page.name
    entry = AuditEntry(action=action, object_kind=kind, object=object_, after={} if reads else _told(visit))
    visit.services.access.audit.note(_who(visit), entry, visit.now)


def note(visit: AdminVisit, entry: AuditEntry) -> None:
    """What a view knows better than the frame."""
    visit.services.access.audit.note(_who(visit), entry, visit.now)


def searched(visit: AdminVisit, what: str, asked: str) -> None:
    """Somebody looked for people; what they wrote is kept by its fingerprint."""
    mark = visit.services.access.audit.fingerprint
    entry = AuditEntry(action=f"{what}.searched", object_kind="page", object=visit.name, after={"q": mark(asked)})
    note(visit, entry)


def _told(visit: AdminVisit) -> Mapping[str, str]:
    """What the form said: words of ours as they are, what people wrote by its fingerprint."""
    mark = visit.services.access.audit.fingerprint
    return {name: value if _CODE.fullmatch(value) else mark(value) for name, value in sorted(visit.typed.items())}


def _who(visit: AdminVisit) -> Actor:
    return Actor(USER, visit.viewer.user_id, network_of(request))

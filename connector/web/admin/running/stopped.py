"""Runs that stopped, by their causes: what each cause is, what mends it, and one action for all that stopped by it."""

from __future__ import annotations

from collections.abc import Mapping

from flask.typing import ResponseReturnValue
from marshmallow import Schema

from connector.runtime.operations.errors import UnknownError
from connector.storage.stores import page_queries, run_queries
from connector.storage.stores.page_queries import StoppedGroup
from connector.web.admin import rendering
from connector.web.admin.forms import line, one_of
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.rendering import labels
from connector.web.admin.running import by_hand, statuses
from connector.web.admin.words import later

_DOUBT = later("Nobody knows whether this call happened. Look at {connection} whether it did, then say so.")
_REMEDIES: Mapping[str, str] = {
    "transient": later("{connection} did not work for so long that the tries were used up. See that it works, then "
                       "retry."),
    "permanent": later("{connection} refused this call. Mend what it complains of, there or in the workflow, then "
                       "retry; after a change of the workflow restart."),
    "auth": later("{connection} refused our credentials. Mend them, then retry."),
    "ambiguous": _DOUBT,
}  # fmt: skip
_DEAD = later("It could not go on by an error of ours or of its workflow. Mend the workflow and restart, or retry.")
_FAILED = later("The step could not be done as the workflow says. Mend the workflow, then restart; or skip the step.")


class CauseActionSchema(Schema):
    """One action for all. ``until``: the newest run that the person saw."""

    action = one_of(by_hand.BY_NAME, required=True, error_messages={"required": later("Choose what to do.")})
    until = line(26, load_default="")
    reason = line(500, load_default="")


def remedy(visit: AdminVisit, group: StoppedGroup) -> str:
    """What mends it, in a sentence or two."""
    where = group.connection or visit.say("the vendor")
    if group.status == "needs_review":
        return visit.say(_DOUBT, connection=where)
    if group.error_kind in _REMEDIES:
        return visit.say(_REMEDIES[group.error_kind], connection=where)
    return visit.say(_DEAD if group.status == "dead" else _FAILED)


def _list(visit: AdminVisit) -> ResponseReturnValue:
    with visit.services.database.read() as tx:
        found = page_queries.stopped(tx)
    remedies = {group.cause: remedy(visit, group) for group in found.groups}
    return rendering.page(visit, "admin/stopped.html", found=found, remedies=remedies,
                          statuses=labels(visit.say, statuses.RUN))  # fmt: skip


def _show(visit: AdminVisit) -> ResponseReturnValue:
    with visit.services.database.read() as tx:
        group = page_queries.stopped(tx).group(visit.path["cause"])
        if group is None:
            raise UnknownError("cause", visit.path["cause"][:60], "")
        ids = [id_ for id_, _ in page_queries.stopped_by(tx, group.cause, limit=50)]
        rows = run_queries.list_runs(tx, limit=50, where=[page_queries.is_one_of(ids)])
        names = page_queries.names(tx, (row.customer_id for row in rows))
    return rendering.page(
        visit, "admin/stopped_group.html", group=group, rows=rows, remedy=remedy(visit, group), section="stopped",
        names={id_: visit.shown(name) for id_, name in names.items()}, at_once=by_hand.AT_ONCE,
        actions=by_hand.possible_in(group.status), statuses=labels(visit.say, statuses.RUN),
    )  # fmt: skip


def _act(visit: AdminVisit) -> ResponseReturnValue:
    cause, given = visit.path["cause"], visit.given
    with visit.services.database.read() as tx:
        ids = [id_ for id_, _ in page_queries.stopped_by(tx, cause, limit=by_hand.AT_ONCE + 1, until=given["until"])]
    if not ids:
        raise UnknownError("cause", cause[:60], "")
    lines = by_hand.do(visit, given["action"], ids[: by_hand.AT_ONCE], given["reason"])
    said, warning = by_hand.outcome(visit, lines)
    if len(ids) > by_hand.AT_ONCE:
        return rendering.back(visit, f"{said} {visit.say('There are more: go on with those.')}", "stopped_group",
                              warning=True, cause=cause)  # fmt: skip
    return rendering.back(visit, said, "stopped", warning=warning)


PAGES = (
    Page("GET", "/stopped", "stopped", "runs:read", _list, title=later("Stopped"), group="running", icon="stopped"),
    Page("GET", "/stopped/<cause>", "stopped_group", "runs:read", _show),
    Page("POST", "/stopped/<cause>", "stopped_act", "runs:write", _act, takes=CauseActionSchema(), back=_show),
)

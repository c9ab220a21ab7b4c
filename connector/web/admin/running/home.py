"""The first page: what needs this person now, each with the way to where it is put right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Response, url_for
from sqlalchemy import Connection

from connector.access.rights import HOME
from connector.feedback.agent import call_list
from connector.runtime.operations.drafts import drafts_of
from connector.storage.stores import definition_states, page_queries
from connector.storage.stores.definitions import DefinitionKind
from connector.web.admin import rendering
from connector.web.admin.customers.callbacks import scope_of
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.words import later

_WITHHELD = ("paused", "open", "probing", "stopped")


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person: how much of it, in words, and where it is put right."""

    icon: str
    title: str
    count: int
    text: str
    address: str
    link: str


def _home(visit: AdminVisit) -> Response:
    with visit.services.database.read() as tx:
        needs = [each for find in _FINDERS for each in find(visit, tx)]
    return rendering.page(visit, "admin/home.html", needs=needs)


def _stopped(visit: AdminVisit, tx: Connection) -> Iterator[Need]:
    if not visit.may("runs:read"):
        return
    for group in page_queries.stopped(tx).groups[:5]:
        text = visit.say("{workflow}, step {step}", workflow=group.workflow, step=group.step or "–")
        yield Need("stopped", visit.say.plural("{number} run stopped", "{number} runs stopped", group.count),
                   group.count, text, url_for("admin.stopped"), visit.say("See the cause"))  # fmt: skip


def _connections(visit: AdminVisit, tx: Connection) -> Iterator[Need]:
    if not visit.may("connections:read"):
        return
    for line in page_queries.withheld(tx, _WITHHELD):
        text = visit.say.plural("{number} call waits", "{number} calls wait", line.due)
        title = visit.say("{connection} makes no calls", connection=line.name)
        address = url_for("admin.connection", name=line.name)
        yield Need("connections", title, line.due, text, address, visit.say("See why"))


def _deliveries(visit: AdminVisit, tx: Connection) -> Iterator[Need]:
    count = page_queries.set_aside(tx) if visit.may("deliveries:read") else 0
    if count:
        title = visit.say.plural("{number} delivery was set aside", "{number} deliveries were set aside", count)
        text = visit.say("It could not be read or processed. Its content is kept.")
        address = url_for("admin.deliveries", status="aside")
        yield Need("inbox", title, count, text, address, visit.say("See what arrived"))


def _callbacks(visit: AdminVisit, tx: Connection) -> Iterator[Need]:
    count = call_list.count_overdue(tx, scope_of(visit), visit.now) if visit.may("callbacks:read") else 0
    if count:
        title = visit.say.plural("{number} callback is overdue", "{number} callbacks are overdue", count)
        text = visit.say("Customers were promised a call that was not made in time.")
        address = url_for("admin.callbacks", overdue="yes")
        yield Need("callbacks", title, count, text, address, visit.say("See whom to call"))


def _cases(visit: AdminVisit, tx: Connection) -> Iterator[Need]:
    count = page_queries.open_cases(tx) if visit.may("reviews:read") else 0
    if count:
        title = visit.say.plural("{number} case to review", "{number} cases to review", count)
        text = visit.say("The systems do not agree who somebody is.")
        yield Need("review", title, count, text, url_for("admin.reviews"), visit.say("See the cases"))


def _differing(visit: AdminVisit, tx: Connection) -> Iterator[Need]:
    """Where file and browser both changed, and a person must decide."""
    for kind in DefinitionKind:
        found = definition_states.differing(tx, kind) if visit.may(f"{kind}s:write") else []
        for slug in found:
            title = visit.say("{name}: file and browser differ", name=slug)
            text = visit.say("Both were changed, so nothing was replaced. Somebody must decide.")
            address = url_for(f"admin.{kind}_both", slug=slug)
            yield Need("workflows", title, 1, text, address, visit.say("See the difference and decide"))


def _drafts(visit: AdminVisit, tx: Connection) -> Iterator[Need]:
    for kind in DefinitionKind:
        for slug in drafts_of(tx, visit.viewer.user_id, kind) if visit.may(f"{kind}s:write") else ():
            address = url_for(f"admin.{kind}_edit", slug=slug) if slug else url_for(f"admin.{kind}_new")
            title = visit.say("Your draft of {name}", name=slug) if slug else visit.say("Your draft of something new")
            text, link = visit.say("It is not published yet."), visit.say("Go on with it")
            yield Need("workflows", title, 1, text, address, link)


_FINDERS: tuple[Callable[[AdminVisit, Connection], Iterator[Need]], ...] = (
    _callbacks, _stopped, _connections, _deliveries, _cases, _differing, _drafts,
)  # fmt: skip

PAGES = (
    Page("GET", "/", "home", HOME, _home, title=later("What needs you now"), group="now", icon="home"),
)

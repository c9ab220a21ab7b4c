"""The list, and one definition with its text, versions, runs and decisions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from flask.typing import ResponseReturnValue

from connector.runtime.operations.drafts import drafts_of
from connector.runtime.operations.workflow_runs import LATEST, decisions, figures
from connector.storage.stores import run_queries
from connector.storage.stores.definitions import Definition, DefinitionKind
from connector.web.admin import rendering
from connector.web.admin.making.kinds import KINDS, ORIGINS, STANDINGS, PageKind
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.rendering import labels
from connector.web.admin.running.statuses import RUN
from workflows.errors import DefinitionError, Mistake

_RUNS = 10
"""Of a workflow on its page; all of them are a link away."""

_VERSIONS = 20


def _list(kind: PageKind, visit: AdminVisit) -> ResponseReturnValue:
    lines = visit.services.definition_reader.overview(kind.kind)
    with visit.services.database.read() as tx:
        drafts = drafts_of(tx, visit.viewer.user_id, kind.kind)
        runs = figures(tx, [each.slug for each in lines]) if _has_runs(kind, visit) else {}
    return rendering.page(visit, "admin/definitions.html", kind=kind, lines=lines, runs=runs, drafts=drafts,
                          with_runs=_has_runs(kind, visit), latest=LATEST, **_words(visit))  # fmt: skip


def show(kind: PageKind, visit: AdminVisit) -> ResponseReturnValue:
    """One definition; also where a form on its page could not be done."""
    newest, line, state = visit.services.definition_reader.one(kind.kind, visit.path["slug"])
    versions = visit.services.definition_reader.versions(kind.kind, newest.slug)
    return rendering.page(visit, "admin/definition.html", kind=kind, newest=newest, line=line, state=state,
                          versions=versions[:_VERSIONS], more=len(versions) - _VERSIONS, section=kind.many,
                          warnings=_warnings(visit, newest), **_runs(kind, visit, newest.slug),
                          **_words(visit))  # fmt: skip


def _runs(kind: PageKind, visit: AdminVisit, slug: str) -> dict[str, Any]:
    if not _has_runs(kind, visit):
        return {"with_runs": False}
    with visit.services.database.read() as tx:
        return {
            "with_runs": True,
            "figures": figures(tx, [slug]).get(slug),
            "runs": run_queries.list_runs(tx, workflow=slug, limit=_RUNS),
            "decisions": decisions(tx, slug) if visit.may("deliveries:read") else (),
            "latest": LATEST,
        }


def _has_runs(kind: PageKind, visit: AdminVisit) -> bool:
    return kind.kind is DefinitionKind.WORKFLOW and visit.may("runs:read")


def _warnings(visit: AdminVisit, newest: Definition) -> tuple[Mistake, ...]:
    """What is odd about it today: what was right when it was published may name something that is no more."""
    try:
        return visit.services.definitions.check(DefinitionKind(newest.kind), newest.body, newest.slug)[1]
    except DefinitionError as error:
        return error.mistakes


def _words(visit: AdminVisit) -> dict[str, Any]:
    tables = {"statuses": RUN, "standings": STANDINGS, "origins": ORIGINS}
    return {name: labels(visit.say, table) for name, table in tables.items()}


def pages() -> Iterator[Page]:
    for kind in KINDS:
        yield Page("GET", f"/{kind.many}", kind.many, kind.reading, partial(_list, kind), title=kind.title,
                   group="making", icon=kind.icon)  # fmt: skip
        yield Page("GET", f"/{kind.many}/<slug>", kind.one, kind.reading, partial(show, kind))


PAGES = tuple(pages())

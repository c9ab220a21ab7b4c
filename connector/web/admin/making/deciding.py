"""Which counts, where file and browser differ; switching a workflow off and on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, validate

from connector.runtime.operations.definitions import Side
from connector.runtime.operations.validation import LONGEST_REASON
from connector.web.admin import rendering
from connector.web.admin.making import overview
from connector.web.admin.making.kinds import KINDS, PageKind
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.words import later
from workflows.sentences import told


class TakeSchema(Schema):
    """Which counts, and the file's text that was looked at."""

    take = fields.String(required=True, validate=validate.OneOf([each.value for each in Side]))
    seen = fields.String(load_default="", validate=validate.Length(max=64))


class SwitchOffSchema(Schema):
    """Why."""

    reason = fields.String(
        load_default="",
        validate=validate.Length(max=LONGEST_REASON, error=later("This is too long. Shorten it.")),
    )


def _both(kind: PageKind, visit: AdminVisit) -> ResponseReturnValue:
    slug = visit.path["slug"]
    newest, line, state = visit.services.definition_reader.one(kind.kind, slug)
    found = visit.services.definition_reader.difference(kind.kind, slug)
    return rendering.page(visit, "admin/definition_both.html", kind=kind, newest=newest, line=line, state=state,
                          found=found, section=kind.many)  # fmt: skip


def _resolve(kind: PageKind, visit: AdminVisit) -> ResponseReturnValue:
    slug, take = visit.path["slug"], Side(visit.given["take"])
    done = visit.services.definitions.resolve(kind.kind, slug, take, visit.by, visit.given["seen"] or None)
    said = visit.say("The file counts.") if take is Side.FILE else visit.say("What was published here counts.")
    trouble = told(done.trouble, visit.say) or done.trouble
    return rendering.back(visit, f"{said} {trouble}".strip(), kind.one, warning=bool(done.trouble), slug=slug)


def _off(visit: AdminVisit) -> ResponseReturnValue:
    visit.services.definitions.switch_off(visit.path["slug"], visit.by, visit.given["reason"])
    said = visit.say("It starts nothing more. Its runs go on.")
    return rendering.back(visit, said, "workflow", slug=visit.path["slug"])


def _on(visit: AdminVisit) -> ResponseReturnValue:
    visit.services.definitions.switch_on(visit.path["slug"])
    return rendering.back(visit, visit.say("It starts again."), "workflow", slug=visit.path["slug"])


def pages() -> Iterator[Page]:
    for kind in KINDS:
        both = partial(_both, kind)
        yield Page("GET", f"/{kind.many}/<slug>/both", f"{kind.one}_both", kind.writing, both)
        yield Page("POST", f"/{kind.many}/<slug>/both", f"{kind.one}_resolve", kind.writing, partial(_resolve, kind),
                   takes=TakeSchema(), back=both)  # fmt: skip


_BACK = partial(overview.show, KINDS[0])

PAGES = (
    *pages(),
    Page("POST", "/workflows/<slug>/off", "workflow_off", "workflows:write", _off, takes=SwitchOffSchema(), back=_BACK),
    Page("POST", "/workflows/<slug>/on", "workflow_on", "workflows:write", _on, back=_BACK),
)

"""One version, and the difference of two."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from flask.typing import ResponseReturnValue
from marshmallow import Schema, validate

from connector.runtime.operations.errors import UnknownError
from connector.web.admin import rendering
from connector.web.admin.making.kinds import KINDS, ORIGINS, PageKind
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.rendering import labels
from workflows.whole import Whole

_NUMBER = validate.Range(1, 2**31 - 1)


class ComparedSchema(Schema):
    """Which two versions; none: the last change, or file and browser."""

    before = Whole(validate=_NUMBER)
    after = Whole(validate=_NUMBER)


def _version(kind: PageKind, visit: AdminVisit) -> ResponseReturnValue:
    number = visit.path["version"]
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise UnknownError("version", number[:60], "")
    found = visit.services.definition_reader.version(kind.kind, visit.path["slug"], int(number))
    return rendering.page(visit, "admin/definition_version.html", kind=kind, version=found, section=kind.many,
                          origins=labels(visit.say, ORIGINS))  # fmt: skip


def _difference(kind: PageKind, visit: AdminVisit) -> ResponseReturnValue:
    slug, given = visit.path["slug"], visit.given
    found = visit.services.definition_reader.difference(kind.kind, slug, given.get("before"), given.get("after"))
    return rendering.page(
        visit, "admin/definition_difference.html", kind=kind, slug=slug, found=found, section=kind.many
    )


def pages() -> Iterator[Page]:
    for kind in KINDS:
        one = f"/{kind.many}/<slug>"
        yield Page("GET", f"{one}/versions/<version>", f"{kind.one}_version", kind.reading, partial(_version, kind))
        yield Page("GET", f"{one}/difference", f"{kind.one}_difference", kind.reading, partial(_difference, kind),
                   takes=ComparedSchema())  # fmt: skip


PAGES = tuple(pages())

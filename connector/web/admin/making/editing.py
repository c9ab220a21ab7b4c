"""A text in a plain field: checked, kept as a draft, published, with every mistake at its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from flask import url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, validate

from connector.access.audit import AuditEntry
from connector.runtime.operations.definition_overview import Compared
from connector.runtime.operations.definitions import Publication, unix
from connector.runtime.operations.drafts import Drafts, TextDraft
from connector.runtime.operations.errors import ConflictError
from connector.runtime.operations.validation import LONGEST_REASON
from connector.storage.stores.definitions import DefinitionOrigin
from connector.web.admin import audited, rendering
from connector.web.admin.making.kinds import KINDS, PageKind
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.words import later
from workflows.errors import DefinitionError, Mistake
from workflows.library import library_texts
from workflows.sentences import told
from workflows.whole import Whole
from workflows.yaml_lines import liner

_CONTEXT = 2
"""Lines shown around one with a mistake."""


class StartSchema(Schema):
    """What a text begins with: a built-in workflow, or what the file says, to be edited together."""

    library = fields.String(load_default="", validate=validate.Length(max=100))
    both = fields.Boolean(load_default=False)


class TextSchema(Schema):
    """A text, and what is to be done with it."""

    text = fields.String(load_default="")
    based_on = Whole(load_default=0, validate=validate.Range(0, 2**31 - 1))
    settles = fields.String(load_default="", validate=validate.Length(max=64))
    note = fields.String(
        load_default="",
        validate=validate.Length(max=LONGEST_REASON, error=later("This is too long. Shorten it.")),
    )
    do = fields.String(load_default="check", validate=validate.OneOf(["check", "keep", "publish"]))


@dataclass(frozen=True, slots=True)
class PlacedMistake:
    """A mistake with its line, and the lines around it: number and text each. No line: it is about the whole."""

    mistake: Mistake
    line: int | None
    around: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EditSheet:
    """What the page with the field shows. ``file`` is the file's text, where both are edited together."""

    text: str
    based_on: int
    settles: str = ""
    file: str | None = None
    draft: TextDraft | None = None
    mistakes: tuple[PlacedMistake, ...] = ()
    warnings: tuple[PlacedMistake, ...] = ()
    checked: bool = False
    conflict: Compared | None = None
    newest: int = 0


def placed(mistakes: tuple[Mistake, ...], text: str) -> tuple[PlacedMistake, ...]:
    """Each at its line, in the order of the text; those of the whole come first."""
    line_of, lines = liner(text), text.splitlines()
    found = [_placed(each, line_of(each.path), lines) for each in mistakes]
    return tuple(sorted(found, key=lambda each: each.line or 0))


def _placed(mistake: Mistake, line: int | None, lines: list[str]) -> PlacedMistake:
    if line is None or not 1 <= line <= len(lines):
        return PlacedMistake(mistake, None)
    first = max(line - _CONTEXT, 1)
    around = tuple(enumerate(lines[first - 1 : line + _CONTEXT], first))
    return PlacedMistake(mistake, line, around)


def _edit(kind: PageKind, visit: AdminVisit) -> ResponseReturnValue:
    return _page(kind, visit, _beginning(kind, visit))


def _beginning(kind: PageKind, visit: AdminVisit) -> EditSheet:
    """The draft that they left, else the newest version."""
    slug = visit.path.get("slug", "")
    draft = _drafts(visit).find(visit.viewer.user_id, kind.kind, slug)
    if not slug:
        text = library_texts().get(f"{visit.given.get('library', '')}.yaml", kind.start)
        return EditSheet(text=draft.body if draft else text, based_on=0, draft=draft)
    newest, _line, state = visit.services.definition_reader.one(kind.kind, slug)
    sheet = EditSheet(text=newest.body, based_on=newest.version, newest=newest.version)
    if visit.given.get("both") and state.waiting is not None:
        file = visit.services.definition_reader.difference(kind.kind, slug).file
        sheet = replace(sheet, file=state.waiting, settles=file or "")
    return replace(sheet, text=draft.body, based_on=draft.based_on, draft=draft) if draft else sheet


def _send(kind: PageKind, visit: AdminVisit) -> ResponseReturnValue:
    """Keep it first: whatever becomes of it, nothing typed is lost."""
    given, slug = visit.given, visit.path.get("slug", "")
    draft = _drafts(visit).keep(visit.viewer.user_id, kind.kind, slug, given["text"], given["based_on"])
    sheet = replace(_sent(kind, visit), draft=draft)
    if given["do"] == "keep":
        said = visit.say("Your draft is kept; nobody else sees it.")
        return rendering.leave_for(visit, said, _here(kind, slug))
    try:
        if given["do"] == "publish":
            return _publish(kind, visit, slug)
        _slug, warnings = visit.services.definitions.check(kind.kind, given["text"], slug or "text")
    except DefinitionError as error:
        return _page(kind, visit, replace(sheet, mistakes=placed(error.mistakes, sheet.text)), status=422)
    return _page(kind, visit, replace(sheet, warnings=placed(warnings, sheet.text), checked=True))


def _publish(kind: PageKind, visit: AdminVisit, slug: str) -> ResponseReturnValue:
    given = visit.given
    wish = Publication(
        text=given["text"], by=visit.by, origin=DefinitionOrigin.BROWSER, note=given["note"],
        based_on=given["based_on"], slug=slug, settles=given["settles"],
    )  # fmt: skip
    done = visit.services.definitions.publish(kind.kind, wish)
    entry = AuditEntry(
        action=f"{kind.one}.publish", object_kind=kind.one, object=done.slug, before={"version": given["based_on"]},
        after={"version": done.version, "what": done.what.value},
    )  # fmt: skip
    audited.note(visit, entry)
    _drafts(visit).drop(visit.viewer.user_id, kind.kind, slug)
    said = visit.say("Version {version} is in force.", version=done.version)
    written = visit.say("Its file was written.") if done.file else told(done.trouble, visit.say) or done.trouble
    where = url_for(f"admin.{kind.one}", slug=done.slug)
    return rendering.leave_for(visit, f"{said} {written}".strip(), where, warning=bool(done.trouble))


def _again(kind: PageKind, visit: AdminVisit) -> ResponseReturnValue:
    """What was sent could not be used: their text, and where somebody else was quicker what changed meanwhile."""
    sheet = _sent(kind, visit)
    if isinstance(visit.refused, ConflictError) and visit.path.get("slug"):
        newest, _line, _state = visit.services.definition_reader.one(kind.kind, visit.path["slug"])
        compared = visit.services.definition_reader.compare(newest, sheet.text, visit.say("your text"))
        sheet = replace(sheet, conflict=compared, newest=newest.version)
    return _page(kind, visit, sheet)


def _sent(kind: PageKind, visit: AdminVisit) -> EditSheet:
    """As it came. Its file is shown again, where both are edited together."""
    given, slug = visit.given, visit.path.get("slug", "")
    sheet = EditSheet(text=unix(given["text"]), based_on=given["based_on"], settles=given["settles"])
    if not slug:
        return sheet
    newest, _line, state = visit.services.definition_reader.one(kind.kind, slug)
    return replace(sheet, newest=newest.version, file=state.waiting if given["settles"] else None)


def _page(kind: PageKind, visit: AdminVisit, sheet: EditSheet, status: int = 0) -> ResponseReturnValue:
    slug = visit.path.get("slug", "")
    action = url_for(f"admin.{kind.one}_publish", slug=slug) if slug else url_for(f"admin.{kind.one}_create")
    names = [] if slug or kind.one != "workflow" else [name.removesuffix(".yaml") for name in library_texts()]
    return rendering.page(visit, "admin/definition_edit.html", status=status, kind=kind, slug=slug, sheet=sheet,
                          action=action, library=[(name, name) for name in names], section=kind.many)  # fmt: skip


def _throw_away(kind: PageKind, visit: AdminVisit) -> ResponseReturnValue:
    slug = visit.path.get("slug", "")
    _drafts(visit).drop(visit.viewer.user_id, kind.kind, slug)
    where = url_for(f"admin.{kind.one}", slug=slug) if slug else url_for(f"admin.{kind.many}")
    return rendering.leave_for(visit, visit.say("Your draft is thrown away."), where)


def _here(kind: PageKind, slug: str) -> str:
    return url_for(f"admin.{kind.one}_edit", slug=slug) if slug else url_for(f"admin.{kind.one}_new")


def _drafts(visit: AdminVisit) -> Drafts:
    return Drafts(visit.services.database, visit.services.clock)


def pages() -> Iterator[Page]:
    """What is published the view tells the audit log itself; a draft is nobody else's business."""
    for kind in KINDS:
        new, one = f"/new/{kind.one}", f"/{kind.many}/<slug>/edit"
        edit, send, again = partial(_edit, kind), partial(_send, kind), partial(_again, kind)
        drop = partial(_throw_away, kind)
        yield Page("GET", new, f"{kind.one}_new", kind.writing, edit, takes=StartSchema())
        yield Page("POST", new, f"{kind.one}_create", kind.writing, send, takes=TextSchema(), back=again,
                   audited=True)  # fmt: skip
        yield Page("POST", f"{new}/draft", f"{kind.one}_new_drop", kind.writing, drop, audited=True)
        yield Page("GET", one, f"{kind.one}_edit", kind.writing, edit, takes=StartSchema())
        yield Page("POST", one, f"{kind.one}_publish", kind.writing, send, takes=TextSchema(), back=again,
                   audited=True)  # fmt: skip
        yield Page("POST", f"{one}/draft", f"{kind.one}_drop", kind.writing, drop, audited=True)


PAGES = tuple(pages())

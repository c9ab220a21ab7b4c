"""A ticket's life: created, changed, commented, merged, deleted; each with its audit and its events."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from sandbox.zendesk import errors, events, fields, texts
from sandbox.zendesk.events import Happening
from sandbox.zendesk.shapes import new_audit, new_comment, new_ticket, via
from sandbox.zendesk.state import Json, Notice, State, is_staff

Announce = Callable[[Json, Json, list[Happening]], None]


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, and through what: ``channel`` is "api" or "web", ``client`` the user agent."""

    user: Json
    channel: str = "api"
    client: str = ""


class Tickets:
    """The rules of tickets. ``announce`` hears what happened; every method runs under the state's lock."""

    def __init__(self, state: State, announce: Announce) -> None:
        self._state, self._announce = state, announce

    def create(self, writer: Writer, given: Any) -> tuple[Json, Json]:
        """→ the ticket and its first audit. Raises 400 and 422."""
        given = _object(given)
        comment = self._first_comment(given)
        source = self._followed_up(given)
        wanted = fields.read(self._state, given)
        ticket = self._blank(writer, given, wanted, source)
        audit = self._audit(writer, ticket, given)
        self._add_comment(writer, ticket, audit, comment)
        self._apply(writer.user, ticket, audit, wanted, given, created=True)
        self._state.tickets[ticket["id"]] = ticket
        self._announce(writer.user, ticket, [Happening("created")])
        return deepcopy(ticket), deepcopy(audit)

    def update(self, writer: Writer, ticket_id: int, given: Any) -> tuple[Json, Json]:
        """→ the ticket and the audit of this change. Raises 400, 404, 409 and 422."""
        given, ticket = _object(given), self._state.ticket(ticket_id)
        _guard(ticket, given)
        wanted = fields.read(self._state, given)
        audit = self._audit(writer, ticket, given)
        if given.get("comment"):
            self._add_comment(writer, ticket, audit, _comment(given["comment"]))
            _reopen_on_reply(writer.user, ticket, wanted)
        happened = self._apply(writer.user, ticket, audit, wanted, given)
        ticket["updated_at"] = self._state.now()
        self._announce(writer.user, ticket, events.of_comments(self._state, audit) + happened)
        return deepcopy(ticket), deepcopy(audit)

    def change_tags(
        self, writer: Writer, ticket_id: int, given: Json, change: Callable[[set[str], set[str]], set[str]]
    ) -> list[str]:
        """Add, set or remove tags. → all tags. Raises 404, 409 and 422."""
        ticket = self._state.ticket(ticket_id)
        named = set(fields.tags(given.get("tags")))
        tags = sorted(change(set(ticket["tags"]), named))
        guard = {key: given[key] for key in ("safe_update", "updated_stamp") if key in given}
        return list(self.update(writer, ticket_id, {"tags": tags, **guard})[0]["tags"])

    def delete(self, writer: Writer, ticket_id: int) -> None:
        """Soft deletion: the ticket answers 404 from now on. Raises 404."""
        ticket = self._state.ticket(ticket_id)
        previous, ticket["status"] = ticket["status"], "deleted"
        self._state.deleted[ticket_id] = previous
        ticket["updated_at"] = self._state.now()
        change = events.changed("status", previous, "deleted")
        self._announce(writer.user, ticket, [*change, Happening("soft_deleted")])

    def announce(self, actor: Json, ticket: Json, happened: list[Happening]) -> None:
        """Tell subscribers of what was done to the ticket elsewhere."""
        self._announce(actor, ticket, happened)

    def merge(self, writer: Writer, source_id: int, target_id: int) -> None:
        """Merge ``source_id`` into ``target_id``: the source is closed. Raises 404 and 422."""
        _guard(self._state.ticket(target_id), {})
        _guard(self._state.ticket(source_id), {})
        tags = [*self._state.ticket(source_id)["tags"], "closed_by_merge"]
        self._announce(writer.user, self._state.ticket(source_id), [events.merged(target_id)])
        word = f"This request was closed and merged into request #{target_id}."
        self.update(
            writer, source_id, {"status": "closed", "tags": tags, "comment": {"body": word, "public": False}}
        )
        word = f"Request #{source_id} was closed and merged into this request."
        self.update(writer, target_id, {"comment": {"body": word, "public": False}})

    def _first_comment(self, given: Json) -> Json:
        """The one thing a new ticket cannot do without; ``description`` is its older name."""
        comment = _comment(given.get("comment") or {"body": given.get("description")})
        if not any(str(comment.get(key) or "").strip() for key in ("body", "html_body")):
            raise errors.invalid("base", "Description: cannot be blank", "BlankValue")
        return comment

    def _followed_up(self, given: Json) -> Json | None:
        if "via_followup_source_id" not in given:
            return None
        source = self._state.tickets.get(given["via_followup_source_id"])
        if source is None or source["status"] != "closed":
            raise errors.invalid("base", "Follow-up: the source ticket is not closed", None)
        return source

    def _blank(self, writer: Writer, given: Json, wanted: Json, source: Json | None) -> Json:
        requester = int(wanted.get("requester_id") or writer.user["id"])
        ticket = new_ticket(self._state, requester, int(given.get("submitter_id") or writer.user["id"]))
        ticket["via"] = via(writer.channel)
        ticket["organization_id"] = self._state.users[requester]["organization_id"]
        if source is not None:
            ticket["via"] = via(
                writer.channel, "follow_up", {"ticket_id": source["id"], "subject": source["subject"]}
            )
            source["followup_ids"].append(ticket["id"])
        return ticket

    def _audit(self, writer: Writer, ticket: Json, given: Json) -> Json:
        metadata, author = given.get("metadata"), writer.user["id"]
        audit = new_audit(self._state, ticket["id"], author, metadata, writer.channel, writer.client)
        self._state.audits.setdefault(ticket["id"], []).append(audit)
        return audit

    def _add_comment(self, writer: Writer, ticket: Json, audit: Json, given: Json) -> None:
        author = self._state.users.get(int(given.get("author_id") or 0), writer.user)
        public = given.get("public", True) is not False or not is_staff(author)
        text, html = self._words(author, ticket, given)
        comment = new_comment(self._state, audit["id"], author["id"], text, html, public)
        audit["events"].append(comment)
        told = self._state.comments.setdefault(ticket["id"], [])
        told.append(comment)
        ticket["description"] = told[0]["body"]
        ticket["is_public"] = any(each["public"] for each in told)
        self._notify(author, ticket, public)

    def _words(self, author: Json, ticket: Json, given: Json) -> tuple[str, str]:
        """Text and HTML. Placeholders are expanded in what staff writes, whoever's words they quote."""
        html = given.get("html_body")
        raw = texts.strip_html(str(html or given.get("body") or ""))
        if is_staff(author):
            names = events.placeholders(self._state, ticket, author)
            raw, html = texts.expand(raw, names), html and texts.expand(html, names)
        text = texts.cut(raw)
        return text, f'<div class="zd-comment" dir="auto">{texts.cut(html)}</div>' if html else texts.as_html(
            text
        )

    def _notify(self, author: Json, ticket: Json, public: bool) -> None:
        requester = self._state.users[ticket["requester_id"]]
        if public and is_staff(author) and requester is not author and requester["email"]:
            self._state.notices.append(Notice(requester["email"], "public comment", ticket["id"]))

    def _apply(
        self, actor: Json, ticket: Json, audit: Json, wanted: Json, given: Json, *, created: bool = False
    ) -> list[Happening]:
        """Write the fields. → what subscribers hear about it."""
        wanted = fields.settle(self._state, actor, ticket, wanted)
        happened: list[Happening] = []
        for field, value in wanted.items():
            if created or ticket[field] != value:
                self._record(audit, field, ticket[field], value, created)
                happened += events.changed(field, ticket[field], value)
                ticket[field] = value
        ticket.update(fields.derived(ticket))
        return happened + self._apply_custom(ticket, audit, given, created)

    def _apply_custom(self, ticket: Json, audit: Json, given: Json, created: bool) -> list[Happening]:
        happened: list[Happening] = []
        held = {item["id"]: item for item in ticket["custom_fields"]}
        for field_id, value in fields.custom_values(self._state, given).items():
            item = held.get(field_id)
            if item is None:
                item = {"id": field_id, "value": None}
                ticket["custom_fields"].append(item)
            if item["value"] != value:
                self._record(audit, str(field_id), item["value"], value, created)
                happened.append(
                    events.custom_field(self._state.ticket_fields[field_id], item["value"], value)
                )
                item["value"] = value
        ticket["fields"] = deepcopy(ticket["custom_fields"])
        return happened

    def _record(self, audit: Json, field: str, previous: Any, value: Any, created: bool) -> None:
        event = {
            "id": self._state.next_id(),
            "type": "Create" if created else "Change",
            "value": _audited(value),
            "field_name": field,
        }
        audit["events"].append(event if created else {**event, "previous_value": _audited(previous)})


def _audited(value: Any) -> Any:
    """Audits hold ids as text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _object(given: Any) -> Json:
    if not isinstance(given, dict):
        raise errors.bad_attribute("ticket")
    return given


def _comment(given: Any) -> Json:
    if not isinstance(given, dict):
        raise errors.bad_attribute("comment")
    return given


def _guard(ticket: Json, given: Json) -> None:
    """Refuse what is closed, and what was read before someone else wrote."""
    if ticket["status"] == "closed":
        raise errors.closed()
    if given.get("safe_update") and given.get("updated_stamp") != ticket["updated_at"]:
        raise errors.update_conflict()


def _reopen_on_reply(author: Json, ticket: Json, wanted: Json) -> None:
    """A customer's reply opens the ticket again."""
    if not is_staff(author) and ticket["status"] in ("solved", "pending", "hold"):
        wanted.setdefault("status", "open")

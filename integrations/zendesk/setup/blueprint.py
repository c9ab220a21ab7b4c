"""What Ringback wants to find in a Zendesk account: every field, view, macro, webhook and trigger. Pure.

The bodies are those of Zendesk's API ("Ticket fields", "User fields", "Views", "Macros", "Webhooks", "Triggers",
"Conditions reference", "Actions reference"). What refers to another thing holds a ``Ref`` in place of its id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from integrations import callback_fields
from integrations.callback_fields import CallbackField, chosen
from integrations.protocols import Json
from integrations.provisioning import Place
from integrations.scores import FieldMap
from integrations.zendesk.setup import words
from integrations.zendesk.setup.words import Text

TICKET_FIELD, USER_FIELD, ORGANIZATION_FIELD = "ticket_field", "user_field", "organization_field"
VIEW, MACRO, WEBHOOK, TRIGGER = "view", "macro", "webhook", "trigger"

CALLBACK_TAG = "ringback_callback"
"""Every callback ticket has it from the moment it is opened."""

_OF_USERS = ("merged", "deleted", "active_changed")
_OF_TICKETS = (
    "created", "status_changed", "comment_added", "agent_assignment_changed", "group_assignment_changed", "merged",
    "soft_deleted", "permanently_deleted", "undeleted", "marked_as_spam", "requester_changed", "csat_received",
)  # fmt: skip
SUBSCRIPTIONS = (
    *(f"zen:event-type:user.{kind}" for kind in _OF_USERS), *(f"zen:event-type:ticket.{kind}" for kind in _OF_TICKETS),
)  # fmt: skip
"""The events that ``webhooks/zendesk/source.py`` has a meaning for; a test holds the two against each other."""

WEBHOOK_KEYS = ("events", "triggers")
"""Under which of the two a webhook is known tells how it is called."""

BY_TRIGGER = "conditional_ticket_events"
"""The subscription of a webhook that triggers call. Zendesk lets it stand with no other."""

_TYPES = {
    "number": "integer", "text": "textarea", "line": "text", "choice": "tagger", "yes_no": "checkbox", "date": "date",
}  # fmt: skip
_SCORE_TYPES = {"score": "integer", "responses": "integer", "answered_at": "date", "comment": "textarea"}  # else "text"
_SCORE_KEYS = ("score", "band", "answered_at", "comment", "loop_status")
_ORGANIZATION_KEYS = tuple(f"ringback_{name}" for name in ("score", "responses", "answered_at"))


@dataclass(frozen=True, slots=True)
class Ref:
    """Stands for the vendor's id of another thing; ``before`` is pasted in front of it."""

    kind: str
    key: str
    before: str = ""

    @property
    def place(self) -> Place:
        return self.kind, self.key


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that shall be there. ``titles`` are its names in all our languages, to recognise it by."""

    kind: str
    key: str
    title: str
    titles: tuple[str, ...]
    body: Json

    @property
    def place(self) -> Place:
        return self.kind, self.key

    @property
    def needs(self) -> tuple[Place, ...]:
        """What must be there before."""
        return tuple(dict.fromkeys(ref.place for ref in _refs(self.body)))


@dataclass(frozen=True, slots=True)
class AccountNames:
    """What differs from account to account. ``endpoint`` is where its webhooks shall go."""

    language: str
    endpoint: str
    fields: FieldMap
    loyalty: str = ""  # the user field of the loyalty quadrant; "" for none
    by_trigger: bool = False  # for plans that have no event subscriptions


def mark(key: str) -> str:
    """What we put into descriptions, so that a thing is known as ours without any memory."""
    return f"(ringback provision: {key})"


def blueprint(account: AccountNames) -> tuple[Wanted, ...]:
    """Everything, in an order in which it can be made: what is referred to comes first."""
    return (
        *_ticket_fields(account.language),
        *_user_fields(account),
        *_organization_fields(account.language),
        *_views(account.language),
        *_macros(account.language),
        *_way_out(account),
    )


def resolved(body: Any, ids: Mapping[Place, str]) -> Any:
    """``body`` with ids in place of every ``Ref``. One that is not known stays as the text "?"."""
    if isinstance(body, Ref):
        known = ids.get(body.place, "?")
        return f"{body.before}{known}" if body.before or not known.isdigit() else int(known)
    if isinstance(body, Mapping):
        return {key: resolved(value, ids) for key, value in body.items()}
    if isinstance(body, list | tuple):
        return [resolved(each, ids) for each in body]
    return body


def _refs(body: Any) -> Iterator[Ref]:
    if isinstance(body, Ref):
        yield body
    elif isinstance(body, Mapping):
        for each in body.values():
            yield from _refs(each)
    elif isinstance(body, list | tuple):
        for each in body:
            yield from _refs(each)


def _wanted(kind: str, key: str, text: Text, language: str, body: Json) -> Wanted:
    title = text.title[language]
    named = {"title": title, "description": f"{text.description[language]} {mark(key)}"}
    return Wanted(kind, key, title, tuple(text.title.values()), {**named, **body})


# --- fields ---------------------------------------------------------------------------------------------------------


def _ticket_fields(language: str) -> Iterator[Wanted]:
    for field in callback_fields.FIELDS:
        more = {"type": _TYPES[field.kind], "active": True, "visible_in_portal": False, **_options(field, language)}
        yield _wanted(TICKET_FIELD, field.key, words.FIELDS[field.key], language, more)


def _options(field: CallbackField, language: str) -> dict[str, Any]:
    if field.kind == "yes_no":
        return {"tag": field.key}
    if not field.choices:
        return {}
    named = [{"name": words.CHOICES[each][language], "value": chosen(field.key, each)} for each in field.choices]
    return {"custom_field_options": named}


def _user_fields(account: AccountNames) -> Iterator[Wanted]:
    """A field for everything that the connection's ``fields`` name, under the keys they name."""
    seen: set[str] = set()
    for metric, fields in account.fields.items():
        for name in _SCORE_KEYS:
            key = getattr(fields, name)
            if key and key not in seen:
                seen.add(key)
                text = _of_metric(words.FIELDS[f"ringback_{name}"], metric, key)
                kind = _SCORE_TYPES.get(name, "text")
                body = {"key": key, "type": kind, "active": True}
                yield _wanted(USER_FIELD, key, text, account.language, body)
    if key := account.loyalty:
        body = {"key": key, "type": "text", "active": True}
        yield _wanted(USER_FIELD, key, words.FIELDS["ringback_loyalty"], account.language, body)


def _of_metric(text: Text, metric: str, key: str) -> Text:
    """Fields that are not the usual ones say whose score they hold."""
    if key.startswith("ringback_"):
        return text
    return Text({each: f"{title} ({metric.upper()})" for each, title in text.title.items()}, text.description)


def _organization_fields(language: str) -> Iterator[Wanted]:
    for key in _ORGANIZATION_KEYS:
        kind = _SCORE_TYPES.get(key.removeprefix("ringback_"), "text")
        body = {"key": key, "type": kind, "active": True}
        yield _wanted(ORGANIZATION_FIELD, key, words.ORGANIZATION_FIELDS[key], language, body)


# --- for agents -----------------------------------------------------------------------------------------------------

_UNSOLVED = {"field": "status", "operator": "less_than", "value": "solved"}
_SOLVED = {"field": "status", "operator": "is", "value": "solved"}


def _tagged(tag: str, operator: str = "includes") -> Json:
    return {"field": "current_tags", "operator": operator, "value": tag}


def _status_tag(status: str) -> str:
    """A choice of a dropdown is a tag of the ticket as well, and views may look at tags only."""
    return chosen(callback_fields.LOOP_STATUS, status)


_IN_VIEWS = (
    callback_fields.SCORE, callback_fields.WORDS, callback_fields.PHONE, callback_fields.VALUE,
    callback_fields.LOOP_STATUS,
)  # fmt: skip


def _views(language: str) -> Iterator[Wanted]:
    not_taken = _tagged(_status_tag("contacted"), "not_includes")
    soon: list[Json] = [
        {"field": "until_due_date", "operator": "less_than", "value": "24"},
        {"field": "due_date", "operator": "greater_than", "value": "0"},
    ]
    yield _view("call_now", language, [_UNSOLVED, _tagged(CALLBACK_TAG), not_taken], [], "due_date")
    yield _view("due_today", language, [_UNSOLVED, _tagged(CALLBACK_TAG)], soon, "due_date")
    retention = [_SOLVED, _tagged(_status_tag("waiting_for_retention"))]
    yield _view("waiting_for_retention", language, retention, [], "updated")


def _view(key: str, language: str, every: list[Json], some: list[Json], sort: str) -> Wanted:
    columns = ["due_date", "priority", "requester", "assignee"]
    shown = [Ref(TICKET_FIELD, key) for key in _IN_VIEWS]
    output = {"columns": [*columns, *shown], "sort_by": sort, "sort_order": "asc"}
    body = {"active": True, "all": every, "any": some, "output": output}
    return _wanted(VIEW, key, words.VIEWS[key], language, body)


def _macros(language: str) -> Iterator[Wanted]:
    internal = {"field": "comment_mode_is_public", "value": "false"}
    guide = [internal, {"field": "comment_value_html", "value": words.GUIDE[language]}]
    outcome = Ref(TICKET_FIELD, callback_fields.OUTCOME, before="custom_fields_")
    in_vain = [
        internal,
        {"field": "comment_value_html", "value": words.NOT_REACHED[language]},
        {"field": outcome, "value": chosen(callback_fields.OUTCOME, "not_reached")},
    ]
    for key, actions in (("callback_guide", guide), ("not_reached", in_vain)):
        yield _wanted(MACRO, key, words.MACROS[key], language, {"active": True, "actions": actions})


# --- the way out ----------------------------------------------------------------------------------------------------


def _way_out(account: AccountNames) -> Iterator[Wanted]:
    """The webhook, switched off until its secret is kept; and where triggers call it, those."""
    key = WEBHOOK_KEYS[account.by_trigger]
    body = {
        "name": "Ringback", "description": f"Ringback {mark(key)}", "endpoint": account.endpoint,
        "http_method": "POST", "request_format": "json", "status": "active",
        "subscriptions": [BY_TRIGGER] if account.by_trigger else list(SUBSCRIPTIONS),
    }  # fmt: skip
    yield Wanted(WEBHOOK, key, "Ringback", ("Ringback",), body)
    if account.by_trigger:
        yield from _triggers(account.language)


_STATUS = "status"
_WHEN: Mapping[str, Iterable[Json]] = {
    "created": ({"field": "update_type", "operator": "is", "value": "Create"},),
    "solved": ({"field": _STATUS, "operator": "value", "value": "solved"},),
    "reopened": ({"field": _STATUS, "operator": "value_previous", "value": "solved"}, _UNSOLVED),
    "assigned": ({"field": "assignee_id", "operator": "changed"}, _UNSOLVED),
    "commented": (
        {"field": "update_type", "operator": "is", "value": "Change"},
        {"field": "comment_is_public", "operator": "is", "value": "not_relevant"},  # public or private
    ),
}

_TOLD = {
    "ticket_id": "{{ticket.id}}", "time": "{{ticket.updated_at_with_timestamp}}", "tags": "{{ticket.tags}}",
    "external_id": "{{ticket.external_id}}", "requester_id": "{{ticket.requester.id}}",
    "requester_locale": "{{ticket.requester.locale}}", "requester_role": "{{ticket.requester.role}}",
    "organization_id": "{{ticket.organization.id}}",
    "status": "{{ticket.status}}", "priority": "{{ticket.priority}}", "channel": "{{ticket.via}}",
    "brand_id": "{{ticket.brand.id}}", "brand_name": "{{ticket.brand.name | escape}}",
    "form_name": "{{ticket.ticket_form | escape}}",
    "group_id": "{{ticket.group.id}}", "group_name": "{{ticket.group.name | escape}}",
    "assignee_id": "{{ticket.assignee.id}}", "actor_id": "{{current_user.id}}",
}  # fmt: skip
"""What a trigger tells: what conditions may look at. Of brand, form and group Zendesk promises only the name; what it
does not know stays empty. No texts that customers wrote, and names escaped: a quotation mark would break the JSON."""


def _triggers(language: str) -> Iterator[Wanted]:
    for key, when in _WHEN.items():
        told: dict[str, Any] = {"type": f"ticket.{key}", **_TOLD}
        if key == "solved":
            told["status"] = "solved"
        if key == "commented":
            told |= {"public": "{{ticket.latest_comment.is_public}}", "actor_role": "{{current_user.role}}"}
        action = {"field": "notification_webhook", "value": [Ref(WEBHOOK, "triggers"), json.dumps(told)]}
        conditions = {"all": list(when), "any": []}
        body = {"active": True, "conditions": conditions, "actions": [action]}
        yield _wanted(TRIGGER, key, words.TRIGGERS[key], language, body)


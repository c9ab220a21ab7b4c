"""Business rules that call a webhook with a body that an admin wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.zendesk import errors, events, texts
from sandbox.zendesk.events import Happening
from sandbox.zendesk.shapes import told_actions, told_conditions
from sandbox.zendesk.state import Json, State
from sandbox.zendesk.webhooks import Webhooks

Check = Callable[[Json, list[Happening], Any], bool]


_ORDER = ("new", "open", "pending", "hold", "solved", "closed")


def _came_from(_ticket: Json, happened: list[Happening], value: Any) -> bool:
    return str(value).upper() in [each.event["previous"] for each in happened if each.kind == "status_changed"]


def _below(ticket: Json, _happened: list[Happening], value: Any) -> bool:
    return ticket["status"] in _ORDER[: _ORDER.index(str(value))]


def _assigned(_ticket: Json, happened: list[Happening], _value: Any) -> bool:
    return any(each.kind == "agent_assignment_changed" for each in happened)


def _status_changed(_ticket: Json, happened: list[Happening], value: Any) -> bool:
    news = [each.event["current"] for each in happened if each.kind == "status_changed"]
    return bool(news) if value in (None, "") else str(value).upper() in news


CHECKS: dict[tuple[str, str], Check] = {
    ("status", "is"): lambda ticket, _happened, value: bool(ticket["status"] == value),
    ("status", "is_not"): lambda ticket, _happened, value: bool(ticket["status"] != value),
    ("status", "value"): _status_changed,
    ("status", "changed"): _status_changed,
    ("status", "value_previous"): _came_from,
    ("status", "less_than"): _below,
    ("assignee_id", "changed"): _assigned,
    ("priority", "is"): lambda ticket, _happened, value: bool(ticket["priority"] == value),
    ("group_id", "is"): lambda ticket, _happened, value: str(ticket["group_id"]) == str(value),
    ("current_tags", "includes"): lambda ticket, _h, value: not set(value.split()).isdisjoint(ticket["tags"]),
    ("current_tags", "not_includes"): lambda ticket, _h, value: set(value.split()).isdisjoint(ticket["tags"]),
    ("update_type", "is"): lambda _t, happened, value: _is_new(happened) == (value == "Create"),
    ("comment_is_public", "is"): lambda _t, happened, value: _commented(happened, str(value).lower()),
}


def _is_new(happened: list[Happening]) -> bool:
    return any(each.kind == "created" for each in happened)


def _commented(happened: list[Happening], which: str) -> bool:
    """"not_relevant" is any comment, public or private."""
    if which == "not_relevant":
        return any(each.kind == "comment_added" for each in happened)
    return _public(happened) == (which == "true")


def _public(happened: list[Happening]) -> bool:
    return any(each.kind == "comment_added" and each.event["comment"]["is_public"] for each in happened)


class Triggers:
    """The rules, and the moment at which they fire."""

    def __init__(self, state: State, webhooks: Webhooks) -> None:
        self._state, self._webhooks = state, webhooks

    def create(self, given: Json) -> Json:
        """Raises 422."""
        trigger = self._shown(given, _conditions(given))
        self._state.triggers[trigger["id"]] = trigger
        return trigger

    def change(self, trigger_id: int, given: Json) -> Json:
        """Raises 404 and 422."""
        trigger = self._get(trigger_id)
        if given.keys() & {"conditions", "all", "any"}:
            trigger["conditions"] = _conditions(given)
        trigger.update({key: given[key] for key in ("title", "description", "active", "actions") if key in given})
        trigger.update({"raw_title": trigger["title"], "updated_at": self._state.now()})
        trigger["actions"] = told_actions(trigger["actions"])
        return trigger

    def remove(self, trigger_id: int) -> None:
        """Raises 404."""
        del self._state.triggers[self._get(trigger_id)["id"]]

    def _get(self, trigger_id: int) -> Json:
        if trigger_id not in self._state.triggers:
            raise errors.not_found()
        return self._state.triggers[trigger_id]

    def _shown(self, given: Json, conditions: Json) -> Json:
        trigger_id, now = self._state.next_id(), self._state.now()
        title = given.get("title") or "Untitled"
        return {
            "url": self._state.url(f"triggers/{trigger_id}"),
            "id": trigger_id,
            "title": title,
            "active": given.get("active", True),
            "updated_at": now,
            "created_at": now,
            "default": False,
            "actions": told_actions(given.get("actions")),
            "conditions": conditions,
            "description": given.get("description"),
            "position": len(self._state.triggers) + 1,
            "raw_title": title,
            "category_id": given.get("category_id", "360000000121"),
        }

    def fire(self, actor: Json, ticket: Json, happened: list[Happening]) -> None:
        """Call the webhooks of every rule that matches."""
        for trigger in self._state.triggers.values():
            if trigger["active"] and _matches(trigger["conditions"], ticket, happened):
                for action in trigger["actions"]:
                    self._act(action, actor, ticket)

    def _act(self, action: Json, actor: Json, ticket: Json) -> None:
        if action.get("field") != "notification_webhook":
            return
        webhook_id, body = action["value"][0], action["value"][1] if len(action["value"]) > 1 else ""
        webhook = self._state.webhooks.get(webhook_id)
        if webhook is not None and webhook["status"] == "active":
            words = texts.expand(body, events.placeholders(self._state, ticket, actor))
            self._webhooks.send(webhook, words.encode())


def _conditions(given: Json) -> Json:
    """In "conditions", or flat beside the rest; both are taken. Raises 422."""
    nested = given.get("conditions") or {key: given.get(key, []) for key in ("all", "any")}
    conditions = {key: told_conditions(nested.get(key)) for key in ("all", "any")}
    for condition in (*conditions["all"], *conditions["any"]):
        if (condition.get("field"), condition.get("operator")) not in CHECKS:
            raise errors.invalid("conditions", f"Conditions: {condition.get('field')} is invalid")
    return conditions


def _matches(conditions: Json, ticket: Json, happened: list[Happening]) -> bool:
    def holds(condition: Json) -> bool:
        check = CHECKS[condition["field"], condition["operator"]]
        return check(ticket, happened, condition.get("value"))

    return all(map(holds, conditions["all"])) and (
        not conditions["any"] or any(map(holds, conditions["any"]))
    )

"""The account's furniture: fields, views and macros, as an admin makes, changes and removes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.zendesk import errors
from sandbox.zendesk.shapes import (
    new_macro,
    new_organization_field,
    new_ticket_field,
    new_user_field,
    new_view,
    told_actions,
)
from sandbox.zendesk.state import Json, State

_MOST_COLUMNS = 10
_ANCHORS = frozenset({"status", "type", "group_id", "assignee_id", "requester_id"})
"""A view must look at one of these, in the conditions that must all hold."""

_TICKET_TYPES = (
    "text", "textarea", "checkbox", "date", "integer", "decimal", "regexp", "partialcreditcard", "multiselect",
    "tagger", "lookup",
)  # fmt: skip
_CUSTOM_TYPES = (
    "text", "textarea", "checkbox", "date", "integer", "decimal", "regexp", "dropdown", "multiselect", "lookup",
)  # fmt: skip
_CHOSEN = ("tagger", "multiselect", "dropdown")
_FIELD_KEYS = (
    "title", "description", "active", "position", "tag", "required", "visible_in_portal", "agent_description",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of furniture: Zendesk's word for one of it, where it is kept, and its rules."""

    one: str
    many: str
    make: Callable[[State, Json], Json]
    change: Callable[[State, Json, Json], None]


class Furniture:
    """Makes, changes and removes. Call it under the state's lock."""

    def __init__(self, state: State) -> None:
        self._state = state

    def listed(self, kind: Kind) -> list[Json]:
        return list(getattr(self._state, kind.many).values())

    def get(self, kind: Kind, item: int) -> Json:
        """Raises 404."""
        held: dict[int, Json] = getattr(self._state, kind.many)
        if item not in held:
            raise errors.not_found()
        return held[item]

    def create(self, kind: Kind, given: Json) -> Json:
        """Raises 422."""
        made = kind.make(self._state, given)
        getattr(self._state, kind.many)[made["id"]] = made
        return made

    def change(self, kind: Kind, item: int, given: Json) -> Json:
        """Raises 404 and 422."""
        held = self.get(kind, item)
        kind.change(self._state, held, given)
        held["updated_at"] = self._state.now()
        return held

    def remove(self, kind: Kind, item: int) -> None:
        """Raises 404, and 422 for what belongs to the system."""
        if self.get(kind, item).get("removable") is False:
            raise errors.invalid("base", "This field cannot be removed", None)
        del getattr(self._state, kind.many)[item]
        if kind is TICKET_FIELD:
            self._forget_values(item)

    def _forget_values(self, field: int) -> None:
        """With a field goes what stands in it, on every ticket."""
        for ticket in self._state.tickets.values():
            for name in ("custom_fields", "fields"):
                ticket[name] = [each for each in ticket[name] if each["id"] != field]


# --- fields ---------------------------------------------------------------------------------------------------------


def _make_ticket_field(state: State, given: Json) -> Json:
    _check_field(given, _TICKET_TYPES)
    return new_ticket_field(state, _with_option_ids(state, given))


def _make_user_field(state: State, given: Json) -> Json:
    _check_custom(state.user_fields, given)
    field = new_user_field(state, _with_option_ids(state, given))
    for user in state.users.values():
        user["user_fields"].setdefault(field["key"], None)
    return field


def _make_organization_field(state: State, given: Json) -> Json:
    _check_custom(state.organization_fields, given)
    return new_organization_field(state, _with_option_ids(state, given))


def _check_custom(held: dict[int, Json], given: Json) -> None:
    _check_field(given, _CUSTOM_TYPES, "key")
    if any(field["key"] == given["key"] for field in held.values()):
        raise errors.invalid("key", f"Key: {given['key']} is already taken", "DuplicateValue")


def _check_field(given: Json, types: tuple[str, ...], *required: str) -> None:
    for name in ("title", "type", *required):
        if not given.get(name):
            raise errors.invalid(name, f"{name.capitalize()}: cannot be blank", "BlankValue")
    if given["type"] not in types:
        raise errors.invalid("type", f"Type: {given['type']} is not valid")
    if given["type"] in _CHOSEN:
        _check_options(given.get("custom_field_options") or [])


def _check_options(options: list[Json]) -> None:
    values = [option.get("value") for option in options]
    if not values or not all(values) or len(set(values)) != len(values):
        raise errors.invalid("custom_field_options", "Field options: each needs a tag of its own")


def _with_option_ids(state: State, given: Json) -> Json:
    options = given.get("custom_field_options")
    if options is None:
        return given
    numbered = [
        {"id": option.get("id") or state.next_id(), "name": option["name"], "raw_name": option["name"],
         "value": option["value"], "default": False}
        for option in options
    ]  # fmt: skip
    return {**given, "custom_field_options": numbered}


def _change_field(state: State, held: Json, given: Json) -> None:
    """The type stays as it is; choices that are left out are gone."""
    if "custom_field_options" in given:
        _check_options(given["custom_field_options"])
        held["custom_field_options"] = _with_option_ids(state, given)["custom_field_options"]
    held.update({key: given[key] for key in _FIELD_KEYS if key in given})
    held["raw_title"], held["raw_description"] = held["title"], held["description"]


# --- views and macros -----------------------------------------------------------------------------------------------


def _make_view(state: State, given: Json) -> Json:
    _check_title(given)
    _check_view(given, given)
    return new_view(state, given)


def _change_view(state: State, held: Json, given: Json) -> None:
    if given.keys() & {"all", "any"}:
        _check_view(given, given)
    fresh = new_view(state, {**_as_given(held), **given})
    held.update({key: fresh[key] for key in fresh if key not in ("id", "url", "created_at", "position")})


def _as_given(view: Json) -> Json:
    execution = view["execution"]
    output = {key: execution[key] for key in ("sort_by", "sort_order", "group_by", "group_order")}
    columns = [column["id"] for column in execution["columns"]]
    plain = {key: view[key] for key in ("title", "description", "active", "restriction")}
    return {**plain, **view["conditions"], "output": {**output, "columns": columns}}


def _check_view(given: Json, conditions: Json) -> None:
    if not any(each.get("field") in _ANCHORS for each in conditions.get("all") or []):
        raise errors.invalid("base", f"Conditions: one of {', '.join(sorted(_ANCHORS))} must be checked", None)
    columns = (given.get("output") or {}).get("columns") or []
    if len(columns) > _MOST_COLUMNS:
        raise errors.invalid("base", f"Output: at most {_MOST_COLUMNS} columns", None)


def _make_macro(state: State, given: Json) -> Json:
    _check_title(given)
    if not given.get("actions"):
        raise errors.invalid("base", "Actions: there must be one", "BlankValue")
    return new_macro(state, given)


def _change_macro(_state: State, held: Json, given: Json) -> None:
    writable = ("title", "description", "active", "actions", "restriction")
    held.update({key: given[key] for key in writable if key in given})
    held["actions"] = told_actions(held["actions"])
    held["raw_title"] = held["title"]


def _check_title(given: Json) -> None:
    if not str(given.get("title") or "").strip():
        raise errors.invalid("title", "Title: cannot be blank", "BlankValue")


TICKET_FIELD = Kind("ticket_field", "ticket_fields", _make_ticket_field, _change_field)
USER_FIELD = Kind("user_field", "user_fields", _make_user_field, _change_field)
ORGANIZATION_FIELD = Kind("organization_field", "organization_fields", _make_organization_field, _change_field)
VIEW = Kind("view", "views", _make_view, _change_view)
MACRO = Kind("macro", "macros", _make_macro, _change_macro)
KINDS: tuple[Kind, ...] = (TICKET_FIELD, USER_FIELD, ORGANIZATION_FIELD, VIEW, MACRO)


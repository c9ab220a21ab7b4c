"""How a thing in Zendesk differs from what we want it to be. Pure.

Zendesk answers with more than was asked, orders some lists anew, and writes numbers as texts; that is no difference.
What an admin may well choose for themselves (further choices of a dropdown, who sees a view) is none either.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.protocols import Json
from integrations.zendesk.setup import blueprint, words
from integrations.zendesk.setup.blueprint import (
    MACRO,
    ORGANIZATION_FIELD,
    TICKET_FIELD,
    TRIGGER,
    USER_FIELD,
    VIEW,
    WEBHOOK,
)

_NAMES = ("title", "description", "name")
"""What an admin who made the thing by hand may call it as they like."""

_OTHERWISE = {
    "all": "its conditions differ", "any": "its alternatives differ", "conditions": "its conditions differ",
    "actions": "what it does differs", "output": "its columns or their order differ",
}  # fmt: skip
_HOPELESS = "Zendesk cannot change a type: delete the field there, and run this again"
_LONG = 40  # characters of a value that are worth showing


@dataclass(frozen=True, slots=True)
class Drift:
    """``says`` in words, ``change`` as the body that mends it, ``hopeless`` what no request can mend."""

    says: tuple[str, ...] = ()
    change: Json = field(default_factory=dict)
    hopeless: str = ""


def drift(kind: str, shown: Json, wanted: Json, *, ours: bool) -> Drift:
    """Compare ``shown``, Zendesk's record, with ``wanted``, the body that would make it. ``ours``: we made it, so its
    names are ours, too."""
    if "type" in wanted and shown.get("type") != wanted["type"]:
        return Drift(hopeless=f"is of type {shown.get('type')}, and Ringback needs {wanted['type']}; " + _HOPELESS)
    read = _READ[kind](shown)
    compared = [name for name in wanted if name in read and (ours or name not in _NAMES)]
    differing = [name for name in compared if not _same(name, read[name], wanted[name])]
    if not differing:
        return Drift()
    change = {name: _mended(name, read[name], wanted[name]) for name in differing}
    title = wanted if ours else shown
    said = tuple(_said(name, read[name], wanted[name]) for name in differing)
    return Drift(said, _whole(kind, change, wanted, title.get("title")))


def _whole(kind: str, change: Json, wanted: Json, title: Any) -> Json:
    """With what Zendesk wants to have beside: it replaces a view's conditions together, and takes a macro or trigger
    only with its title and all that it does."""
    if kind == VIEW and change.keys() & {"all", "any"}:
        return {**change, "all": wanted["all"], "any": wanted["any"]}
    if kind in (MACRO, TRIGGER):
        needed = {name: wanted[name] for name in ("conditions", "actions") if name in wanted}
        return {**change, **needed, "title": title}
    return change


# --- Zendesk's records, as the bodies that would make them ----------------------------------------------------------


def _field(shown: Json) -> Json:
    """The raw title and description: the others may be translations, where dynamic content stands in them."""
    raw = {name: shown.get(f"raw_{name}", shown.get(name)) for name in ("title", "description")}
    plain = {name: shown[name] for name in ("active", "tag", "visible_in_portal") if name in shown}
    return {**raw, **plain, "custom_field_options": shown.get("custom_field_options") or []}


def _view(shown: Json) -> Json:
    conditions, execution = shown.get("conditions") or {}, shown.get("execution") or {}
    sort = execution.get("sort") or {}
    output = {
        "columns": [column.get("id") for column in execution.get("columns") or []],
        "sort_by": execution.get("sort_by") or sort.get("id"),
        "sort_order": str(execution.get("sort_order") or sort.get("order") or "").lower(),
    }
    return {**_plain(shown), "all": conditions.get("all") or [], "any": conditions.get("any") or [], "output": output}


def _macro(shown: Json) -> Json:
    return {**_plain(shown), "actions": shown.get("actions") or []}


def _trigger(shown: Json) -> Json:
    conditions = shown.get("conditions") or {}
    both = {name: conditions.get(name) or [] for name in ("all", "any")}
    return {**_macro(shown), "conditions": both}


def _webhook(shown: Json) -> Json:
    names = ("name", "description", "endpoint", "http_method", "request_format", "status", "subscriptions")
    return {name: shown.get(name) for name in names}


def _plain(shown: Json) -> Json:
    return {
        "title": shown.get("raw_title", shown.get("title")), "description": shown.get("description"),
        "active": shown.get("active"),
    }  # fmt: skip


_READ: Mapping[str, Callable[[Json], Json]] = {
    TICKET_FIELD: _field, USER_FIELD: _field, ORGANIZATION_FIELD: _field, VIEW: _view, MACRO: _macro, TRIGGER: _trigger,
    WEBHOOK: _webhook,
}  # fmt: skip


# --- comparing ------------------------------------------------------------------------------------------------------


def _same(name: str, shown: Any, wanted: Any) -> bool:
    if name == "subscriptions":
        return _events(shown) == _events(wanted)
    if name in _COMPARED:
        return bool(_COMPARED[name](shown) == _COMPARED[name](wanted))
    if name == "custom_field_options":
        return not _missing(shown, wanted) and not _foreign(shown, wanted)
    return bool(_texts(shown) == _texts(wanted))


_TOLD_AS = {"description": "subject", "locale_id": "locale"}
"""Columns that Zendesk takes under one name and tells under another (its API reference, "Views", and its examples)."""


def _column(value: Any) -> str:
    name = str(value).removeprefix("custom_fields_")
    return _TOLD_AS.get(name, name)


def _output(output: Json) -> Json:
    columns = [_column(each) for each in output.get("columns") or ()]
    return {**_texts(output), "columns": columns, "sort_by": _column(output.get("sort_by"))}


def _unordered(conditions: Any) -> Any:
    """All of them must hold, or any: their order says nothing."""
    if isinstance(conditions, Mapping):
        return {name: _unordered(each) for name, each in conditions.items()}
    return sorted((_texts(each) for each in conditions or ()), key=repr)


def _actions(actions: Any) -> Any:
    return [{**_texts(each), "value": _said_by(each.get("value"))} for each in actions or ()]


def _said_by(value: Any) -> Any:
    """What an action writes. Zendesk names the channels in front of a comment, and writes HTML in its own way."""
    if isinstance(value, list | tuple) and len(value) == 2 and str(value[0]).startswith("channel:"):
        return _said_by(value[1])
    if isinstance(value, str) and "<" in value:
        return " ".join(html.unescape(value).replace("><", "> <").split())
    return _texts(value)


_COMPARED: Mapping[str, Callable[[Any], Any]] = {
    "output": _output, "all": _unordered, "any": _unordered, "conditions": _unordered, "actions": _actions,
}  # fmt: skip
"""How what Zendesk tells is made like what it was sent."""


def _events(subscriptions: Any) -> set[str]:
    """Zendesk writes some types with a slash where others have a colon."""
    return {str(each).replace("zen:event-type/", "zen:event-type:") for each in subscriptions or ()}


def _missing(shown: Sequence[Json], wanted: Sequence[Json]) -> list[Json]:
    """Choices of ours that are gone. Further ones are the admin's, and so is what they call ours."""
    there = {option.get("value") for option in shown}
    return [option for option in wanted if option["value"] not in there]


def _foreign(shown: Sequence[Json], wanted: Sequence[Json]) -> dict[Any, Any]:
    """Choices that bear our own word in another language: value → the word that is wanted."""
    named = {option["value"]: option["name"] for option in wanted}
    return {
        option["value"]: named[option["value"]]
        for option in shown
        if option.get("value") in named and words.same_choice(option.get("name"), named[option["value"]])
    }


def _mended(name: str, shown: Any, wanted: Any) -> Any:
    """All choices that shall be there: Zendesk takes away those that are not sent, and their values from tickets."""
    if name != "custom_field_options":
        return wanted
    renamed = _foreign(shown, wanted)
    kept = [
        {key: option[key] for key in ("id", "value") if key in option}
        | {"name": renamed.get(option["value"], option.get("name"))}
        for option in shown
    ]
    return [*kept, *_missing(shown, wanted)]


def _texts(value: Any) -> Any:
    """Numbers as texts, and nothing as nothing, wherever they stand."""
    if isinstance(value, Mapping):
        return {key: _texts(each) for key, each in value.items() if each not in (None, "")}
    if isinstance(value, list | tuple):
        return [_texts(each) for each in value]
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _said(name: str, shown: Any, wanted: Any) -> str:
    if name == "custom_field_options":
        lost = ", ".join(repr(option["name"]) for option in _missing(shown, wanted))
        return f"these choices are gone: {lost}" if lost else "the choices are in another language"
    if name == "subscriptions":
        return _said_of_events(_events(shown), _events(wanted))
    if isinstance(wanted, str | bool | int) and len(str(wanted)) <= _LONG:
        return f"{name} is {_short(shown)}, and should be {_short(wanted)}"
    return _OTHERWISE.get(name, f"{name} differs")


def _said_of_events(shown: set[str], wanted: set[str]) -> str:
    parts = [("not subscribed to", wanted - shown), ("needlessly subscribed to", shown - wanted)]
    told = [f"{what} {', '.join(sorted(_kind(each) for each in events))}" for what, events in parts if events]
    return "; ".join(told)


def _kind(subscription: str) -> str:
    return subscription.removeprefix("zen:event-type:")


def _short(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"


def is_marked(shown: Json, key: str) -> bool:
    """Whether its description says that we made it."""
    return blueprint.mark(key) in str(shown.get("raw_description") or shown.get("description") or "")

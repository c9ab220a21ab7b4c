"""Custom fields as workflows name them: our own by key, others by the vendor's id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from connector.feedback.base.actions import NotPossibleError
from integrations.callback_fields import BY_KEY, choice, chosen

FieldIdsOf = Callable[[str], Mapping[str, str]]
"""Connection → our key → the vendor's id of the field, for those that there are."""

_PREFIX = "ringback_"


def by_id(given: Any, known: Mapping[str, str]) -> dict[str, Any]:
    """Values by the vendor's field ids. ``given`` names a field by id ("360001"), or one of ours by its key
    ("ringback_outcome" or "outcome"); one of ours that the account does not have is left out.

    Raises ``NotPossibleError`` for any other name.
    """
    if not (given is None or isinstance(given, Mapping)):
        remedy = "Write field ids, or our keys, with their values."
        raise NotPossibleError(f"custom_fields: {given!r} is no mapping. {remedy}")
    named = {str(name): value for name, value in (given or {}).items()}
    ids = {name: name if name.isdigit() else known.get(_key(name)) for name in named}
    return {id_: _kept(name, named[name]) for name, id_ in ids.items() if id_ is not None}


def our_values(custom_fields: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    """A ticket's values by our keys, choices in our words; a choice that an admin added reads as it is kept."""
    held = {key: custom_fields[id_] for key, id_ in known.items() if id_ in custom_fields}
    return {key: choice(key, value) or value for key, value in held.items()}


def _kept(name: str, value: Any) -> Any:
    """A choice of ours in the form in which the helpdesk keeps it."""
    if name.isdigit():
        return value
    field = BY_KEY[_key(name)]
    return chosen(field.key, str(value)) if str(value) in field.choices else value


def _key(name: str) -> str:
    key = name if name.startswith(_PREFIX) else f"{_PREFIX}{name}"
    if key not in BY_KEY:
        near = get_close_matches(key, BY_KEY, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"Write a field's id, or one of {', '.join(BY_KEY)}."
        raise NotPossibleError(f"custom_fields: {name!r} is no field of ours and no id. {remedy}")
    return key

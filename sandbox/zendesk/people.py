"""Users: found, created, changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.zendesk import errors
from sandbox.zendesk.shapes import new_user, photo
from sandbox.zendesk.state import Json, Notice, State

_WRITABLE = (
    "name",
    "external_id",
    "phone",
    "alias",
    "details",
    "notes",
    "time_zone",
    "locale",
    "organization_id",
    "verified",
    "suspended",
    "role",
    "signature",
    "tags",
    "default_group_id",
)
_IANA = {
    "Amsterdam": "Europe/Amsterdam",
    "Eastern Time (US & Canada)": "America/New_York",
    "Kathmandu": "Asia/Kathmandu",
    "London": "Europe/London",
    "Sydney": "Australia/Sydney",
}
"""Zendesk's own names of zones, and the IANA's that it shows beside them, which cannot be written."""

_ROLES = ("end-user", "agent", "admin")


def find(state: State, *, email: str | None = None, external_id: str | None = None) -> Json | None:
    """The user with this e-mail address (in any case, first or further) or external id."""
    for user in state.users.values():
        if email and email.lower() in addresses(state, user):
            return user
        if external_id and user["external_id"] == external_id:
            return user
    return None


def addresses(state: State, user: Json) -> list[str]:
    """All of a user's, in small letters, the first one first."""
    return [each.lower() for each in (user["email"], *state.further.get(user["id"], ())) if each]


def identities(state: State, user: Json) -> list[Json]:
    """What a user is known by, as the API lists it."""
    return [
        {"id": user["id"] * 10 + place, "user_id": user["id"], "type": "email", "value": each, "verified": True,
         "primary": each == (user["email"] or "").lower(), "created_at": user["created_at"],
         "url": state.url(f"users/{user['id']}/identities/{user['id'] * 10 + place}")}
        for place, each in enumerate(addresses(state, user))
    ]  # fmt: skip


def merge(state: State, gone_id: int, stays_id: int) -> tuple[Json, Json]:
    """Merge an end user into another: tickets and addresses become the other's, what else they had is lost. → who is
    gone, and who stays. Raises 404 and 422."""
    gone, stays = state.user(gone_id), state.user(stays_id)
    if gone is stays or any(each["role"] != "end-user" or not each["active"] for each in (gone, stays)):
        raise errors.invalid("base", "Only two different active end users can be merged", None)
    moved = addresses(state, gone)
    state.further.pop(gone_id, None)
    remove(state, gone)
    stays["email"] = stays["email"] or next(iter(moved), None)
    state.further.setdefault(stays_id, []).extend(each for each in moved if each != (stays["email"] or "").lower())
    stays["updated_at"] = state.now()
    for ticket in state.tickets.values():
        for role in ("requester_id", "submitter_id"):
            ticket[role] = stays_id if ticket[role] == gone_id else ticket[role]
    return gone, stays


def remove(state: State, user: Json) -> None:
    """Deleted users are still shown, as inactive and without an address."""
    user.update(active=False, email=None, updated_at=state.now())
    state.further.pop(user["id"], None)


def search(state: State, query: str, external_id: str | None) -> list[Json]:
    """The search's subset: an e-mail address, "email:…", "external_id:…", or words of the name."""
    if external_id:
        return [user for user in state.users.values() if user["external_id"] == external_id]
    field, _, wanted = query.rpartition(":")
    wanted = wanted.strip('" ').lower()
    if field.strip() == "email" or (not field and "@" in wanted):
        return [user for user in state.users.values() if wanted in addresses(state, user)]
    return [user for user in state.users.values() if wanted and _matches(user, field.strip(), wanted)]


def _matches(user: Json, field: str, wanted: str) -> bool:
    values = (
        [user[field]]
        if field in ("email", "external_id", "name", "phone", "role")
        else [
            user["name"],
            user["email"],
            user["phone"],
            user["external_id"],
        ]
    )
    exact = field in ("email", "external_id", "role") or "@" in wanted
    texts = [str(value).lower() for value in values if value]
    return wanted in texts if exact else any(wanted in text for text in texts)


def create(state: State, given: Json) -> Json:
    """A new user. Raises 422 for a missing name or an address in use."""
    email = given.get("email") or None
    if not str(given.get("name") or "").strip():
        raise errors.invalid("name", "Name: is too short (minimum is one character)", "ValueTooShort")
    if email and find(state, email=email):
        raise _in_use(email)
    user = new_user(state, _role(str(given.get("role") or "end-user")), given["name"].strip(), email)
    state.users[user["id"]] = user
    change(state, user, {key: value for key, value in given.items() if key not in ("email", "role")})
    if email and not given.get("skip_verify_email") and not given.get("verified"):
        state.notices.append(Notice(email, "verify"))
    return user


def change(state: State, user: Json, given: Json) -> Json:
    """Write what may be written; unknown user fields are dropped, as Zendesk does. Raises 422."""
    fields = _checked_fields(state, given.get("user_fields") or {})
    email = given.get("email") or user["email"]
    holder = find(state, email=email) if email else None
    if holder is not None and holder is not user:
        raise _in_use(email)
    _role(str(given.get("role", user["role"])))
    user.update({key: given[key] for key in _WRITABLE if key in given})
    if given.get("remote_photo_url"):
        user["photo"] = photo(state, str(given["remote_photo_url"]))
    user["iana_time_zone"] = _IANA.get(user["time_zone"], user["iana_time_zone"])
    user["email"], user["updated_at"] = email, state.now()
    user["user_fields"].update(fields)
    return user


def create_or_update(state: State, given: Json) -> tuple[Json, bool]:
    """Match on e-mail **or** external id. → the user, and whether it is new."""
    external_id = given.get("external_id")
    found = find(state, email=given.get("email")) or find(state, external_id=external_id)
    return (create(state, given), True) if found is None else (change(state, found, given), False)


def requester(state: State, given: Any) -> Json:
    """The user that a ticket's ``requester`` names; created when the address is new. Raises 422."""
    if not isinstance(given, dict) or not (given.get("email") or given.get("name")):
        raise errors.invalid("requester", "Requester: is invalid", None)
    found = find(state, email=given.get("email"))
    return found or create(state, {**given, "skip_verify_email": True})


def not_suspended(user: Json) -> Json:
    """The user, if tickets may be opened for them. Raises 422."""
    if user["suspended"]:
        raise errors.invalid("requester", f"Requester: {user['name']} is suspended.", None)
    return user


def unpermitted(given: Iterable[str]) -> list[str]:
    """Keys of a user that Zendesk ignores, for its warning header."""
    known = {*_WRITABLE, "email", "user_fields", "skip_verify_email", "identities", "remote_photo_url"}
    return sorted(f"user.{key}" for key in set(given) - known)


def _role(role: str) -> str:
    if role not in _ROLES:
        raise errors.invalid("role", f"Role: {role} is not a valid role")
    return role


def _in_use(email: str) -> errors.ApiError:
    return errors.invalid("email", f"Email: {email} is already being used by another user", "DuplicateValue")


def _checked_fields(state: State, given: Json) -> Json:
    types = {field["key"]: field for field in state.user_fields.values()}
    return {key: _checked(types[key], value) for key, value in given.items() if key in types}


def _checked(field: Json, value: Any) -> Any:
    """The value as the field keeps it. Raises 422 when it is of another type."""
    if value is None or field["type"] in ("text", "textarea", "regexp", "date", "lookup"):
        return value
    if field["type"] == "checkbox":
        return bool(value)
    if field["type"] == "dropdown":
        return _option(field, value)
    try:
        return int(value) if field["type"] == "integer" else float(value)
    except (TypeError, ValueError):
        raise errors.invalid(
            field["key"], f"{field['title']}: {value} is not a valid {field['type']}"
        ) from None


def _option(field: Json, value: Any) -> Any:
    options = [option["value"] for option in field.get("custom_field_options", [])]
    if value not in options:
        raise errors.invalid(field["key"], f"{field['title']}: {value} is not one of its options")
    return value

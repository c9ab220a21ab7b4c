"""Blank records with every key that Zendesk sends (recorded traffic of 2023, the keys of tickets and users)."""

from __future__ import annotations

from typing import Any

from sandbox.zendesk.state import BRAND_ID, CUSTOM_STATUS, FORM_ID, Json, State


def via(channel: str = "api", rel: str | None = None, source: Json | None = None) -> Json:
    return {"channel": channel, "source": {"from": source or {}, "to": {}, "rel": rel}}


def new_user(state: State, role: str, name: str, email: str | None) -> Json:
    """A user as Zendesk shows it. End users start unverified."""
    user_id, now, staff = state.next_id(), state.now(), role != "end-user"
    return {
        "id": user_id,
        "url": state.url(f"users/{user_id}"),
        "name": name,
        "email": email,
        "created_at": now,
        "updated_at": now,
        "time_zone": "Amsterdam",
        "iana_time_zone": "Europe/Amsterdam",
        "phone": None,
        "shared_phone_number": None,
        "photo": None,
        "locale_id": 1,
        "locale": "en-US",
        "organization_id": None,
        "role": role,
        "verified": staff,
        "external_id": None,
        "tags": [],
        "alias": None,
        "active": True,
        "shared": False,
        "shared_agent": False,
        "last_login_at": None,
        "two_factor_auth_enabled": False,
        "signature": None,
        "details": None,
        "notes": None,
        "role_type": None,
        "custom_role_id": None,
        "moderator": staff,
        "ticket_restriction": None if staff else "requested",
        "only_private_comments": False,
        "restricted_agent": not staff,
        "suspended": False,
        "default_group_id": None,
        "report_csv": False,
        "user_fields": {field["key"]: None for field in state.user_fields.values()},
    }


def photo(state: State, address: str) -> Json:
    """A profile picture as Zendesk shows it, an attachment; the stand-in leaves it where it is."""
    number = state.next_id()
    return {
        "id": number, "url": state.url(f"attachments/{number}"), "file_name": address.rpartition("/")[2],
        "content_url": address, "mapped_content_url": address, "content_type": "image/png", "size": 1_024,
        "inline": False, "deleted": False, "thumbnails": [],
    }  # fmt: skip


def new_organization(state: State, name: str) -> Json:
    """An organisation as Zendesk shows it."""
    organization_id, now = state.next_id(), state.now()
    return {
        "id": organization_id,
        "url": state.url(f"organizations/{organization_id}"),
        "name": name,
        "shared_tickets": False,
        "shared_comments": False,
        "external_id": None,
        "created_at": now,
        "updated_at": now,
        "domain_names": [],
        "details": None,
        "notes": None,
        "group_id": None,
        "tags": [],
        "organization_fields": {},
    }


def new_ticket(state: State, requester_id: int, submitter_id: int) -> Json:
    """A ticket as Zendesk shows it, before anything is written on it."""
    ticket_id, now = state.next_ticket_id(), state.now()
    return {
        "url": state.url(f"tickets/{ticket_id}"),
        "id": ticket_id,
        "external_id": None,
        "via": via(),
        "created_at": now,
        "updated_at": now,
        "type": None,
        "subject": None,
        "raw_subject": None,
        "description": None,
        "priority": None,
        "status": "new",
        "recipient": None,
        "requester_id": requester_id,
        "submitter_id": submitter_id,
        "assignee_id": None,
        "organization_id": None,
        "group_id": None,
        "collaborator_ids": [],
        "follower_ids": [],
        "email_cc_ids": [],
        "forum_topic_id": None,
        "problem_id": None,
        "has_incidents": False,
        "is_public": True,
        "due_at": None,
        "tags": [],
        "custom_fields": _blank_fields(state),
        "satisfaction_rating": None,
        "sharing_agreement_ids": [],
        "custom_status_id": CUSTOM_STATUS["new"],
        "fields": _blank_fields(state),
        "followup_ids": [],
        "ticket_form_id": FORM_ID,
        "brand_id": BRAND_ID,
        "allow_channelback": False,
        "allow_attachments": True,
        "from_messaging_channel": False,
    }


def _blank_fields(state: State) -> list[Json]:
    return [
        {"id": field_id, "value": None}
        for field_id, field in state.ticket_fields.items()
        if field["removable"]
    ]


def new_group(state: State, name: str) -> Json:
    group_id, now = state.next_id(), state.now()
    return {
        "url": state.url(f"groups/{group_id}"),
        "id": group_id,
        "is_public": True,
        "name": name,
        "description": "",
        "default": False,
        "deleted": False,
        "created_at": now,
        "updated_at": now,
    }


def new_ticket_field(state: State, given: Json) -> Json:
    """A custom ticket field. The fields of the system have ``removable`` false."""
    field = _new_field(state, "ticket_fields", given)
    seen = given.get("visible_in_portal", False)
    portal = {"agent_description": None, "visible_in_portal": seen, "editable_in_portal": False}
    required = {"required": False, "required_in_portal": False, "collapsed_for_agents": False}
    title = {"title_in_portal": field["title"], "raw_title_in_portal": field["title"]}
    return {**field, **portal, **required, **title, "tag": given.get("tag"), "removable": True}


def new_user_field(state: State, given: Json) -> Json:
    """A custom user field; its ``key`` is the name under ``user_fields``."""
    field = _new_field(state, "user_fields", given)
    return {**field, "key": given["key"], "system": False, "tag": given.get("tag")}


def new_organization_field(state: State, given: Json) -> Json:
    """A custom field of organisations: like a user's."""
    field = _new_field(state, "organization_fields", given)
    return {**field, "key": given["key"], "system": False, "tag": given.get("tag")}


def new_view(state: State, given: Json) -> Json:
    """A view. It is written with "output" and read as "execution"."""
    output, view = given.get("output") or {}, _new_rule(state, "views", given)
    order = {key: output.get(key) for key in ("group_by", "group_order", "sort_by", "sort_order")}
    columns = [_column(state, each) for each in output.get("columns") or ("description", "requester", "created")]
    conditions = {key: told_conditions(given.get(key)) for key in ("all", "any")}
    sort = order["sort_by"] and {"id": order["sort_by"], "title": order["sort_by"], "order": order["sort_order"]}
    execution = {**order, "columns": columns, "sort": sort, "group": None}
    return {**view, "conditions": conditions, "execution": execution}


def told_conditions(given: Any) -> list[Json]:
    """Values are told as texts, whatever they were sent as; where an operator needs none, an empty one."""
    return [{**each, "value": _told_value(each.get("value"))} for each in given or ()]


def told_actions(given: Any) -> list[Json]:
    return [{**each, "value": _told_value(each.get("value"))} for each in given or ()]


def _told_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_told_value(each) for each in value]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith("<"):
        return value.replace("&quot;", '"')
    return value if value is None else str(value)


_TOLD_AS = {"description": "subject", "locale_id": "locale"}
"""Columns that are written under one name and told under another."""


def _column(state: State, asked: Any) -> Json:
    """By name, or a field by its id."""
    asked = _TOLD_AS.get(asked, asked)
    field = state.ticket_fields.get(int(asked)) if str(asked).isdigit() else None
    if field is None:
        return {"id": asked, "title": str(asked).replace("_", " ").capitalize()}
    return {"id": field["id"], "title": field["title"], "type": field["type"], "url": field["url"]}


def new_macro(state: State, given: Json) -> Json:
    return {**_new_rule(state, "macros", given), "actions": told_actions(given["actions"])}


def _new_rule(state: State, kind: str, given: Json) -> Json:
    rule_id, now = state.next_id(), state.now()
    return {
        "url": state.url(f"{kind}/{rule_id}"),
        "id": rule_id,
        "title": given["title"],
        "raw_title": given["title"],
        "description": given.get("description"),
        "active": given.get("active", True),
        "default": False,
        "position": 9999,
        "restriction": given.get("restriction"),
        "created_at": now,
        "updated_at": now,
    }


def _new_field(state: State, kind: str, given: Json) -> Json:
    field_id, now = state.next_id(), state.now()
    return {
        "url": state.url(f"{kind}/{field_id}"),
        "id": field_id,
        "type": given["type"],
        "title": given["title"],
        "raw_title": given["title"],
        "description": given.get("description", ""),
        "raw_description": given.get("description", ""),
        "position": 9999,
        "active": True,
        "regexp_for_validation": None,
        "created_at": now,
        "updated_at": now,
        **(
            {"custom_field_options": given["custom_field_options"]} if "custom_field_options" in given else {}
        ),
    }


def new_comment(state: State, audit_id: int, author_id: int, text: str, html: str, public: bool) -> Json:
    """A comment as it stands in an audit; ``listed_comment`` adds what the list of comments shows."""
    return {
        "id": state.next_id(),
        "type": "Comment",
        "author_id": author_id,
        "body": text,
        "html_body": html,
        "plain_body": text,
        "public": public,
        "attachments": [],
        "audit_id": audit_id,
    }


def listed_comment(comment: Json, audit: Json) -> Json:
    return {**comment, "via": audit["via"], "created_at": audit["created_at"], "metadata": audit["metadata"]}


def new_audit(state: State, ticket_id: int, author_id: int, metadata: Any, channel: str, client: str) -> Json:
    return {
        "id": state.next_id(),
        "ticket_id": ticket_id,
        "created_at": state.now(),
        "author_id": author_id,
        "metadata": {"system": {"client": client, "ip_address": "127.0.0.1"}, "custom": metadata or {}},
        "events": [],
        "via": via(channel),
    }

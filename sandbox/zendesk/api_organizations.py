"""/api/v2/organizations, batches of users and organisations, and the jobs that do them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.zendesk import errors, people
from sandbox.zendesk.asking import body, listed, whole_body
from sandbox.zendesk.desk import Desk
from sandbox.zendesk.state import Json, State

_WRITABLE = ("name", "notes", "details", "tags", "external_id", "domain_names", "group_id")


def organization_routes(blueprint: Blueprint, desk: Desk) -> None:
    """Add the routes of organisations and jobs."""
    _one(blueprint, desk)
    _many(blueprint, desk)


def _one(blueprint: Blueprint, desk: Desk) -> None:
    state = desk.state

    @blueprint.get("/api/v2/organizations")
    def organizations() -> Response:
        with state.lock:
            return listed("organizations", list(state.organizations.values()))

    @blueprint.get("/api/v2/organizations/<int:organization_id>")
    def organization(organization_id: int) -> Response:
        with state.lock:
            return jsonify(organization=_organization(state, organization_id))

    @blueprint.post("/api/v2/organizations")
    def create_organization() -> ResponseReturnValue:
        with state.lock:
            return jsonify(organization=desk.add_organization(**body("organization"))), 201

    @blueprint.put("/api/v2/organizations/<int:organization_id>")
    def update_organization(organization_id: int) -> Response:
        with state.lock:
            return jsonify(organization=_change(state, {**body("organization"), "id": organization_id}))


def _many(blueprint: Blueprint, desk: Desk) -> None:
    state = desk.state

    @blueprint.get("/api/v2/users/show_many")
    def show_many_users() -> Response:
        ids = [int(each) for each in request.args.get("ids", "").split(",") if each.strip().isdigit()]
        with state.lock:
            return listed("users", [state.users[each] for each in ids[:100] if each in state.users])

    @blueprint.put("/api/v2/users/update_many")
    def update_many_users() -> Response:
        given = whole_body().get("users")
        with state.lock:
            desk.limiter.user_update("many", state.clock())
            return jsonify(job_status=desk.jobs.begin("users", given, lambda item: _change_user(state, item)))

    @blueprint.put("/api/v2/organizations/update_many")
    def update_many_organizations() -> Response:
        given = whole_body().get("organizations")
        with state.lock:
            told = desk.jobs.begin("organizations", given, lambda item: _change(state, item))
            return jsonify(job_status=told)

    @blueprint.get("/api/v2/job_statuses/<job_id>")
    def job_status(job_id: str) -> Response:
        with state.lock:
            return jsonify(job_status=desk.jobs.look(job_id))


def _change_user(state: State, item: Json) -> Json:
    return people.change(state, state.user(int(item.get("id") or 0)), item)


def _organization(state: State, organization_id: int) -> Json:
    if organization_id not in state.organizations:
        raise errors.not_found()
    return state.organizations[organization_id]


def _change(state: State, item: Json) -> Json:
    organization = _organization(state, int(item.get("id") or 0))
    organization.update({key: item[key] for key in _WRITABLE if key in item})
    fields: Any = item.get("organization_fields") or {}
    known = {each["key"] for each in state.organization_fields.values()}
    organization["organization_fields"] |= {key: value for key, value in fields.items() if key in known}
    organization["updated_at"] = state.now()
    return organization

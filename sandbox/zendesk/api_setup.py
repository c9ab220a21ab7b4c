"""What an admin sets up: fields, groups, webhooks and triggers."""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.zendesk import errors, paging
from sandbox.zendesk.asking import body, listed
from sandbox.zendesk.desk import Desk
from sandbox.zendesk.invocations import attempts, invocations
from sandbox.zendesk.state import Json


def setup_routes(blueprint: Blueprint, desk: Desk) -> None:
    """Add the routes of the account's furniture."""
    _groups_and_triggers(blueprint, desk)
    _fields(blueprint, desk)
    _webhooks(blueprint, desk)
    _deliveries(blueprint, desk)


def _groups_and_triggers(blueprint: Blueprint, desk: Desk) -> None:
    state = desk.state

    @blueprint.get("/api/v2/groups")
    def groups() -> Response:
        with state.lock:
            return listed("groups", list(state.groups.values()))

    @blueprint.get("/api/v2/triggers")
    def triggers() -> Response:
        with state.lock:
            return listed("triggers", list(state.triggers.values()))

    @blueprint.post("/api/v2/triggers")
    def create_trigger() -> ResponseReturnValue:
        with state.lock:
            return jsonify(trigger=desk.triggers.create(body("trigger"))), 201


def _fields(blueprint: Blueprint, desk: Desk) -> None:
    state = desk.state

    @blueprint.get("/api/v2/ticket_fields")
    def ticket_fields() -> Response:
        with state.lock:
            return listed("ticket_fields", list(state.ticket_fields.values()))

    @blueprint.post("/api/v2/ticket_fields")
    def create_ticket_field() -> ResponseReturnValue:
        given = _field(body("ticket_field"))
        with state.lock:
            kind = given.pop("type")
            return jsonify(ticket_field=desk.add_ticket_field(given.pop("title"), kind, **given)), 201

    @blueprint.get("/api/v2/user_fields")
    def user_fields() -> Response:
        with state.lock:
            return listed("user_fields", list(state.user_fields.values()))

    @blueprint.post("/api/v2/user_fields")
    def create_user_field() -> ResponseReturnValue:
        given = _field(body("user_field"), "key")
        with state.lock:
            if any(field["key"] == given["key"] for field in state.user_fields.values()):
                raise errors.invalid("key", f"Key: {given['key']} is already taken", "DuplicateValue")
            key, title, kind = given.pop("key"), given.pop("title"), given.pop("type")
            return jsonify(user_field=desk.add_user_field(key, title, kind, **given)), 201


def _field(given: Json, *required: str) -> Json:
    for name in ("title", "type", *required):
        if not given.get(name):
            raise errors.invalid(name, f"{name.capitalize()}: cannot be blank", "BlankValue")
    return dict(given)


def _webhooks(blueprint: Blueprint, desk: Desk) -> None:
    state = desk.state

    @blueprint.get("/api/v2/webhooks")
    def webhooks() -> Response:
        wanted = request.args.get("filter[name_contains]", "")
        with state.lock:
            return _cursored("webhooks", [each for each in state.webhooks.values() if wanted in each["name"]])

    @blueprint.post("/api/v2/webhooks")
    def create_webhook() -> ResponseReturnValue:
        with state.lock:
            return jsonify(webhook=desk.webhooks.create(g.user, body("webhook"))), 201

    @blueprint.get("/api/v2/webhooks/<webhook_id>")
    def webhook(webhook_id: str) -> Response:
        with state.lock:
            return jsonify(webhook=desk.webhooks.get(webhook_id))

    @blueprint.delete("/api/v2/webhooks/<webhook_id>")
    def delete_webhook(webhook_id: str) -> ResponseReturnValue:
        with state.lock:
            del state.webhooks[desk.webhooks.get(webhook_id)["id"]]
        return "", 204

    @blueprint.get("/api/v2/webhooks/<webhook_id>/signing_secret")
    def signing_secret(webhook_id: str) -> Response:
        with state.lock:
            return jsonify(signing_secret={"secret": desk.webhooks.secret(webhook_id), "algorithm": "SHA256"})


def _deliveries(blueprint: Blueprint, desk: Desk) -> None:
    @blueprint.get("/api/v2/webhooks/<webhook_id>/invocations")
    def listed_invocations(webhook_id: str) -> Response:
        with desk.state.lock:
            webhook = desk.webhooks.get(webhook_id)
            return _cursored("invocations", invocations(desk.webhooks.log, webhook["id"], desk.state.clock()))

    @blueprint.get("/api/v2/webhooks/<webhook_id>/invocations/<invocation_id>/attempts")
    def listed_attempts(webhook_id: str, invocation_id: str) -> Response:
        with desk.state.lock:
            webhook = desk.webhooks.get(webhook_id)
            return jsonify(attempts=attempts(desk.webhooks.log, webhook["id"], invocation_id))


def _cursored(name: str, items: list[Json]) -> Response:
    """Webhooks know pages by cursor only."""
    query = {"page[size]": "100", **request.args.to_dict()}
    return jsonify(paging.page(name, items, query, request.base_url))

"""What an admin sets up: fields, groups, webhooks and triggers."""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.zendesk import paging
from sandbox.zendesk.asking import as_admin, body, listed
from sandbox.zendesk.desk import Desk
from sandbox.zendesk.furniture import KINDS, MACRO, VIEW, Kind
from sandbox.zendesk.invocations import attempts, invocations, sifted
from sandbox.zendesk.state import Json


def setup_routes(blueprint: Blueprint, desk: Desk) -> None:
    """Add the routes of the account's furniture."""
    _groups_and_triggers(blueprint, desk)
    for kind in KINDS:
        _furniture(blueprint, desk, kind)
    _reading(blueprint, desk)
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
        as_admin()
        with state.lock:
            return listed("triggers", list(state.triggers.values()))

    @blueprint.post("/api/v2/triggers")
    def create_trigger() -> ResponseReturnValue:
        as_admin()
        with state.lock:
            return jsonify(trigger=desk.triggers.create(body("trigger"))), 201

    @blueprint.put("/api/v2/triggers/<int:trigger_id>")
    def change_trigger(trigger_id: int) -> Response:
        as_admin()
        with state.lock:
            return jsonify(trigger=desk.triggers.change(trigger_id, body("trigger")))

    @blueprint.delete("/api/v2/triggers/<int:trigger_id>")
    def remove_trigger(trigger_id: int) -> ResponseReturnValue:
        as_admin()
        with state.lock:
            desk.triggers.remove(trigger_id)
        return "", 204


def _furniture(blueprint: Blueprint, desk: Desk, kind: Kind) -> None:
    """The five requests that Zendesk has for each kind."""
    state, furniture, path = desk.state, desk.furniture, f"/api/v2/{kind.many}"

    def every() -> Response:
        with state.lock:
            return listed(kind.many, furniture.listed(kind))

    def create() -> ResponseReturnValue:
        as_admin()
        with state.lock:
            made = jsonify({kind.one: furniture.create(kind, body(kind.one))})
        return made, 200 if kind in (VIEW, MACRO) else 201

    def show(item: int) -> Response:
        with state.lock:
            return jsonify({kind.one: furniture.get(kind, item)})

    def change(item: int) -> Response:
        as_admin()
        with state.lock:
            return jsonify({kind.one: furniture.change(kind, item, body(kind.one))})

    def remove(item: int) -> ResponseReturnValue:
        as_admin()
        with state.lock:
            furniture.remove(kind, item)
        return "", 204

    for name, rule, method, view in (
        ("list", path, "GET", every), ("create", path, "POST", create), ("show", f"{path}/<int:item>", "GET", show),
        ("change", f"{path}/<int:item>", "PUT", change), ("remove", f"{path}/<int:item>", "DELETE", remove),
    ):  # fmt: skip
        blueprint.add_url_rule(rule, f"{name}_{kind.many}", view, methods=[method])


def _reading(blueprint: Blueprint, desk: Desk) -> None:
    """What is only read here."""
    state = desk.state

    @blueprint.get("/api/v2/ticket_forms")
    def ticket_forms() -> Response:
        with state.lock:
            return listed("ticket_forms", list(state.ticket_forms.values()))

    @blueprint.get("/api/v2/slas/policies")
    def sla_policies() -> Response:
        as_admin()
        with state.lock:
            return listed("sla_policies", list(state.sla_policies.values()))

    @blueprint.get("/api/v2/locales/current")
    def locale() -> Response:
        with state.lock:
            return jsonify(locale={"id": 1, "locale": state.locale, "name": state.locale})


def _webhooks(blueprint: Blueprint, desk: Desk) -> None:
    state = desk.state

    @blueprint.get("/api/v2/webhooks")
    def webhooks() -> Response:
        as_admin()
        wanted = request.args.get("filter[name_contains]", "")
        with state.lock:
            return _cursored("webhooks", [each for each in state.webhooks.values() if wanted in each["name"]])

    @blueprint.post("/api/v2/webhooks")
    def create_webhook() -> ResponseReturnValue:
        as_admin()
        with state.lock:
            return jsonify(webhook=desk.webhooks.create(g.user, body("webhook"))), 201

    @blueprint.get("/api/v2/webhooks/<webhook_id>")
    def webhook(webhook_id: str) -> Response:
        with state.lock:
            return jsonify(webhook=desk.webhooks.get(webhook_id))

    @blueprint.patch("/api/v2/webhooks/<webhook_id>")
    def change_webhook(webhook_id: str) -> ResponseReturnValue:
        as_admin()
        with state.lock:
            desk.webhooks.change(webhook_id, body("webhook"))
        return "", 204

    @blueprint.delete("/api/v2/webhooks/<webhook_id>")
    def delete_webhook(webhook_id: str) -> ResponseReturnValue:
        as_admin()
        with state.lock:
            del state.webhooks[desk.webhooks.get(webhook_id)["id"]]
        return "", 204

    @blueprint.get("/api/v2/webhooks/<webhook_id>/signing_secret")
    def signing_secret(webhook_id: str) -> Response:
        as_admin()
        with state.lock:
            return jsonify(signing_secret={"secret": desk.webhooks.secret(webhook_id), "algorithm": "SHA256"})


def _deliveries(blueprint: Blueprint, desk: Desk) -> None:
    @blueprint.get("/api/v2/webhooks/<webhook_id>/invocations")
    def listed_invocations(webhook_id: str) -> Response:
        with desk.state.lock:
            webhook = desk.webhooks.get(webhook_id)
            known = invocations(desk.webhooks.log, webhook["id"], desk.state.clock())
            return _cursored("invocations", sifted(known, request.args))

    @blueprint.get("/api/v2/webhooks/<webhook_id>/invocations/<invocation_id>/attempts")
    def listed_attempts(webhook_id: str, invocation_id: str) -> Response:
        with desk.state.lock:
            webhook = desk.webhooks.get(webhook_id)
            return jsonify(attempts=attempts(desk.webhooks.log, webhook["id"], invocation_id))


def _cursored(name: str, items: list[Json]) -> Response:
    """Webhooks know pages by cursor only."""
    query = {"page[size]": "100", **request.args.to_dict()}
    return jsonify(paging.page(name, items, query, request.base_url))

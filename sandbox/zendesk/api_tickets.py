"""/api/v2/tickets"""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.zendesk import fields
from sandbox.zendesk.asking import as_admin, body, listed, warn, whole_body
from sandbox.zendesk.desk import Desk
from sandbox.zendesk.export import changes
from sandbox.zendesk.metrics import metric_set
from sandbox.zendesk.shapes import listed_comment
from sandbox.zendesk.state import Json
from sandbox.zendesk.tickets import Writer


def ticket_routes(blueprint: Blueprint, desk: Desk) -> None:
    """Add the routes of tickets."""
    _reading(blueprint, desk)
    _writing(blueprint, desk)
    _tags(blueprint, desk)


def _writer() -> Writer:
    return Writer(g.user, "api", request.headers.get("User-Agent", ""))


def _reading(blueprint: Blueprint, desk: Desk) -> None:
    state = desk.state

    @blueprint.get("/api/v2/tickets")
    def tickets() -> Response:
        wanted = request.args.get("external_id")
        with state.lock:
            alive = [ticket for ticket in state.tickets.values() if ticket["status"] != "deleted"]
            return listed(
                "tickets", [each for each in alive if wanted is None or each["external_id"] == wanted]
            )

    @blueprint.get("/api/v2/tickets/show_many")
    def show_many() -> Response:
        ids = {int(part) for part in request.args.get("ids", "").split(",") if part.strip().isdigit()}
        with state.lock:
            alive = [ticket for ticket in state.tickets.values() if ticket["status"] != "deleted"]
            return listed("tickets", [ticket for ticket in alive if ticket["id"] in ids])

    @blueprint.get("/api/v2/incremental/tickets/cursor")
    def incremental() -> Response:
        as_admin()
        with state.lock:
            desk.limiter.export(state.clock())
            return jsonify(changes(state, request.args))

    @blueprint.get("/api/v2/tickets/<int:ticket_id>")
    def ticket(ticket_id: int) -> Response:
        with state.lock:
            beside = request.args.get("include", "").split(",")
            metrics = {"metric_set": metric_set(state, ticket_id)} if "metric_sets" in beside else {}
            return jsonify(ticket={**state.ticket(ticket_id), **metrics})

    @blueprint.get("/api/v2/tickets/<int:ticket_id>/audits")
    def audits(ticket_id: int) -> Response:
        with state.lock:
            return listed("audits", state.audits[state.ticket(ticket_id)["id"]])

    @blueprint.get("/api/v2/tickets/<int:ticket_id>/comments")
    def comments(ticket_id: int) -> Response:
        with state.lock:
            by_id = {audit["id"]: audit for audit in state.audits[state.ticket(ticket_id)["id"]]}
            told = [listed_comment(each, by_id[each["audit_id"]]) for each in state.comments[ticket_id]]
            newest_first = (
                request.args.get("sort_order") == "desc" or request.args.get("sort") == "-created_at"
            )
            return listed("comments", told[::-1] if newest_first else told)


def _writing(blueprint: Blueprint, desk: Desk) -> None:
    state = desk.state

    @blueprint.post("/api/v2/tickets")
    def create_ticket() -> ResponseReturnValue:
        key = request.headers.get("Idempotency-Key")
        with state.lock:
            desk.limiter.ticket_creation(state.clock())
            known = desk.keys.look_up(key, request.get_data()) if key else None
            answer = known or _created(desk, body("ticket"))
            if key:
                g.headers["x-idempotency-lookup"] = "hit" if known else "miss"
                desk.keys.keep(key, request.get_data(), answer) if not known else None
            return jsonify(answer), 201, {"Location": answer["ticket"]["url"]}

    @blueprint.put("/api/v2/tickets/<int:ticket_id>")
    def update_ticket(ticket_id: int) -> Response:
        given = body("ticket")
        with state.lock:
            g.headers.update(desk.limiter.ticket_update(g.user["id"], ticket_id, state.clock()))
            ticket, audit = desk.tickets.update(_writer(), ticket_id, given)
            warn(fields.unpermitted(given))
            return jsonify(ticket=ticket, audit=audit)

    @blueprint.delete("/api/v2/tickets/<int:ticket_id>")
    def delete_ticket(ticket_id: int) -> ResponseReturnValue:
        with state.lock:
            desk.tickets.delete(_writer(), ticket_id)
        return "", 204


def _created(desk: Desk, given: Json) -> Json:
    ticket, audit = desk.tickets.create(_writer(), given)
    warn(fields.unpermitted(given))
    return {"ticket": ticket, "audit": audit}


def _tags(blueprint: Blueprint, desk: Desk) -> None:
    changes = {"PUT": set.union, "POST": lambda _old, new: new, "DELETE": set.difference}

    @blueprint.route("/api/v2/tickets/<int:ticket_id>/tags", methods=list(changes))
    def change_tags(ticket_id: int) -> ResponseReturnValue:
        given = whole_body()
        with desk.state.lock:
            g.headers.update(desk.limiter.ticket_update(g.user["id"], ticket_id, desk.state.clock()))
            tags = desk.tickets.change_tags(_writer(), ticket_id, given, changes[request.method])
        return jsonify(tags=tags), 201 if request.method == "POST" else 200

    @blueprint.get("/api/v2/tickets/<int:ticket_id>/tags")
    def tags(ticket_id: int) -> Response:
        with desk.state.lock:
            return jsonify(tags=desk.state.ticket(ticket_id)["tags"])

"""People's side: pages where an agent works, and the same actions as JSON for tests and the demo."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from sandbox.zendesk import life, people
from sandbox.zendesk.desk import Desk
from sandbox.zendesk.errors import ApiError
from sandbox.zendesk.state import Json
from sandbox.zendesk.tickets import Writer

Action = Callable[[Desk, int, Json], None]


def _change(**fields: Any) -> Action:
    """An agent's change, with the comment that came with it."""

    def act(desk: Desk, ticket_id: int, given: Json) -> None:
        _update(desk, desk.as_agent(given.get("agent")), ticket_id, given, fields)

    return act


def _assign(desk: Desk, ticket_id: int, given: Json) -> None:
    writer = desk.as_agent(given.get("agent"))
    _update(desk, writer, ticket_id, given, {"assignee_id": given.get("assignee", writer.user["id"])})


def _reply(desk: Desk, ticket_id: int, given: Json) -> None:
    _update(desk, desk.as_requester(ticket_id), ticket_id, given, {})


def _merge(desk: Desk, ticket_id: int, given: Json) -> None:
    desk.tickets.merge(desk.as_agent(given.get("agent")), ticket_id, int(given["into"]))


def _update(desk: Desk, writer: Writer, ticket_id: int, given: Json, fields: Json) -> None:
    comment = (
        {"body": given["comment"], "public": given.get("public", False)} if given.get("comment") else None
    )
    filled = {"custom_fields": given["custom_fields"]} if given.get("custom_fields") else {}
    desk.tickets.update(writer, ticket_id, {**fields, **filled, **({"comment": comment} if comment else {})})


ACTIONS: dict[str, Action] = {
    "solve": _change(status="solved"),
    "reopen": _change(status="open"),
    "pend": _change(status="pending"),
    "close": _change(status="closed"),
    "comment": _change(),
    "assign": _assign,
    "reply": _reply,
    "merge": _merge,
    **life.ACTIONS,
    "delete": lambda desk, ticket_id, given: desk.tickets.delete(
        desk.as_agent(given.get("agent")), ticket_id
    ),
}


def act(desk: Desk, action: str, ticket_id: int, **given: Any) -> Json:
    """Do one of ``ACTIONS`` as a person would. → the ticket afterwards. Raises ApiError."""
    with desk.state.lock:
        ACTIONS[action](desk, ticket_id, given)
        return deepcopy(desk.state.tickets[ticket_id])


def write_in(desk: Desk, name: str, email: str, subject: str, body: str, **more: Any) -> Json:
    """A customer sends a new ticket by e-mail. → the ticket."""
    with desk.state.lock:
        customer = people.requester(desk.state, {"name": name, "email": email})
        given = {"subject": subject, "comment": {"body": body}, **more}
        return desk.tickets.create(Writer(customer, "email", ""), given)[0]


def control_routes(blueprint: Blueprint, desk: Desk) -> None:
    """The account's own part of /sandbox."""

    @blueprint.errorhandler(ApiError)
    def refuse(error: ApiError) -> ResponseReturnValue:
        return jsonify(error.body), error.status

    @blueprint.get("/state")
    def state() -> Response:
        return jsonify(desk.state.snapshot())

    @blueprint.get("/deliveries")
    def deliveries() -> Response:
        return jsonify(deliveries=[dataclasses.asdict(each) for each in desk.webhooks.log])

    @blueprint.get("/notices")
    def notices() -> Response:
        with desk.state.lock:
            return jsonify(notices=[dataclasses.asdict(each) for each in desk.state.notices])

    @blueprint.post("/webhooks")
    def subscribe() -> ResponseReturnValue:
        given = request.get_json()
        webhook = desk.subscribe(
            given["endpoint"], given.get("events", ()), given.get("secret"), given.get("name")
        )
        return jsonify(webhook=webhook), 201

    @blueprint.post("/tickets")
    def ticket() -> ResponseReturnValue:
        return jsonify(ticket=write_in(desk, **request.get_json())), 201

    @blueprint.post("/tickets/<int:ticket_id>/<any({}):action>".format(",".join(ACTIONS)))
    def ticket_action(ticket_id: int, action: str) -> Response:
        return jsonify(ticket=act(desk, action, ticket_id, **(request.get_json(silent=True) or {})))


def agent_blueprint(desk: Desk) -> Blueprint:
    """/agent: the list of tickets, and a ticket with its buttons."""
    blueprint = Blueprint("agent", __name__)
    buttons = ("solve", "reopen", "comment", "assign", "close")

    @blueprint.get("/")
    @blueprint.get("/agent/tickets")
    def tickets() -> str:
        known = desk.state.snapshot()
        shown = [each for each in reversed(known["tickets"]) if each["status"] != "deleted"]
        return render_template("zendesk/tickets.html", tickets=shown, **_names(known))

    @blueprint.get("/agent/tickets/<int:ticket_id>")
    def ticket(ticket_id: int) -> ResponseReturnValue:
        known = desk.state.snapshot()
        shown = next((each for each in known["tickets"] if each["id"] == ticket_id), None)
        if shown is None:
            return render_template("zendesk/missing.html", ticket_id=ticket_id), 404
        comments = known["comments"][ticket_id]
        choices = [each for each in known["ticket_fields"] if each.get("custom_field_options")]
        held = {each["id"]: each["value"] for each in shown["custom_fields"]}
        return render_template(
            "zendesk/ticket.html", ticket=shown, comments=comments, choices=choices, held=held, **_names(known)
        )

    @blueprint.post("/agent/tickets/<int:ticket_id>/<any({}):action>".format(",".join(buttons)))
    def press(ticket_id: int, action: str) -> ResponseReturnValue:
        given = {"comment": request.form.get("comment", ""), "public": request.form.get("public") == "yes"}
        given["custom_fields"] = [
            {"id": int(name.removeprefix("field-")), "value": value or None}
            for name, value in request.form.items()
            if name.removeprefix("field-").isdecimal()
        ]
        try:
            act(desk, action, ticket_id, **given)
        except ApiError as error:
            return render_template("zendesk/refused.html", ticket_id=ticket_id, error=error), error.status
        return redirect(f"/agent/tickets/{ticket_id}", 303)

    return blueprint


def _names(known: Json) -> Json:
    """What the pages look names up in."""
    return {
        "users": {user["id"]: user for user in known["users"]},
        "groups": {group["id"]: group["name"] for group in known["groups"]},
        "fields": {field["id"]: field["title"] for field in known["ticket_fields"]},
    }

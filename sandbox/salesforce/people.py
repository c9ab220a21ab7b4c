"""People's side: the record page that sales looks at, and a user's changes as JSON for tests and the demo."""

from __future__ import annotations

import dataclasses
from copy import deepcopy

from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from sandbox.salesforce import record_page
from sandbox.salesforce.errors import ApiError, Problem, RecordError
from sandbox.salesforce.org import SALES, USERS, Org
from sandbox.salesforce.records import Record, Refusal
from sandbox.salesforce.schema import in_json


def control_routes(blueprint: Blueprint, org: Org) -> None:
    """The organisation's own part of /sandbox."""

    @blueprint.errorhandler(RecordError)
    def refuse(error: RecordError) -> ResponseReturnValue:
        return jsonify([error.problem.alone()]), error.status

    @blueprint.get("/state")
    def state() -> Response:
        rows = {
            name: [_plain(row) for row in org.records.all(name, deleted=True)] for name in org.records.objects
        }
        with org.records.lock:
            writes = deepcopy(org.records.writes)
        return jsonify(**rows, writes=[dataclasses.asdict(write) for write in writes])

    @blueprint.get("/deliveries")
    def deliveries() -> Response:
        return jsonify(deliveries=[dataclasses.asdict(each) for each in list(org.outbound.log)])

    @blueprint.post("/contacts")
    def create() -> ResponseReturnValue:
        row = org.records.create("Contact", request.get_json(), USERS[SALES]["id"])
        return jsonify(_plain(row)), 201

    @blueprint.post("/contacts/<record_id>")
    def change(record_id: str) -> Response:
        return jsonify(_plain(org.by_a_user([(record_id, request.get_json())])[0]))

    @blueprint.post("/outbound")
    def configure() -> Response:
        given = request.get_json()
        org.outbound.endpoint = given.get("endpoint", org.outbound.endpoint)
        org.outbound.fields = tuple(given.get("fields", org.outbound.fields))
        return jsonify(endpoint=org.outbound.endpoint, fields=list(org.outbound.fields))

    @blueprint.post("/records/<record_id>/faults")
    def refuse_writes(record_id: str) -> ResponseReturnValue:
        given = request.get_json()
        problem = Problem(
            given["statusCode"], given.get("message", "refused"), tuple(given.get("fields", ()))
        )
        org.records.refuse(Refusal(record_id, problem, given.get("times", 1)))
        return "", 204

    @blueprint.post("/usage")
    def usage() -> Response:
        given = request.get_json()
        org.usage.most, org.usage.used = given.get("most", org.usage.most), given.get("used", org.usage.used)
        return jsonify(most=org.usage.most, used=org.usage.used)


def _plain(row: Record) -> Record:
    return {name: in_json(value) for name, value in row.items()}


def page_blueprint(org: Org) -> Blueprint:
    """/lightning: the list of contacts, and a contact's record."""
    blueprint = Blueprint("lightning", __name__)

    @blueprint.get("/")
    @blueprint.get("/lightning/o/Contact/list")
    def contacts() -> str:
        return render_template("salesforce/contacts.html", contacts=org.records.all("Contact"))

    @blueprint.get("/lightning/r/<kind>/<record_id>/view")
    def record(kind: str, record_id: str) -> ResponseReturnValue:
        try:
            row = org.records.get(kind, record_id)
        except (RecordError, ApiError):
            return render_template("salesforce/missing.html", record_id=record_id), 404
        with org.records.lock:
            writes = [deepcopy(write) for write in reversed(org.records.writes) if write.record == row["Id"]]
        accounts = {account["Id"]: account["Name"] for account in org.records.all("Account")}
        names = {user["id"]: user["name"] for user in USERS.values()}
        shown = {"row": row, "kind": kind, "writes": writes, "accounts": accounts, "names": names}
        section = {"voice": record_page.voice(org, kind, row), "belongs": record_page.belongs}
        return render_template("salesforce/record.html", **section, **shown)

    return blueprint

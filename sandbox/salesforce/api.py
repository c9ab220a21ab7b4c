"""The REST API's frame: sessions, limits, errors. The routes of records are in ``api_records``."""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from sandbox.salesforce.api_records import record_routes
from sandbox.salesforce.api_setup import setup_routes
from sandbox.salesforce.bulk import bulk_routes
from sandbox.salesforce.errors import ApiError, RecordError
from sandbox.salesforce.org import ORGANIZATION_ID, USERS, Org

_CODES = {400: "JSON_PARSER_ERROR", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
_VERSIONS = tuple(f"{number}.0" for number in range(50, 63))


def api_blueprint(org: Org) -> Blueprint:
    """All of /services."""
    blueprint = Blueprint("api", __name__)

    @blueprint.before_request
    def admit() -> None:
        if request.path in ("/services/oauth2/token", "/services/data", "/services/data/"):
            return
        g.username = org.access.who(request.headers.get("Authorization", ""))
        g.user_id = USERS[g.username]["id"]
        if request.path.startswith("/services/data"):
            org.usage.count()

    @blueprint.after_request
    def finish(response: Response) -> Response:
        if request.path.startswith("/services/data"):
            response.headers["Sforce-Limit-Info"] = org.usage.header
        if response.mimetype == "application/json":
            response.headers["Content-Type"] = "application/json;charset=UTF-8"
        return response

    @blueprint.errorhandler(ApiError)
    def refuse(error: ApiError) -> ResponseReturnValue:
        return jsonify(error.body), error.status

    @blueprint.errorhandler(RecordError)
    def refuse_record(error: RecordError) -> ResponseReturnValue:
        return jsonify([error.problem.alone()]), error.status

    _oauth(blueprint, org)
    _versions(blueprint, org)
    setup_routes(blueprint, org)
    bulk_routes(blueprint, org.jobs)
    record_routes(blueprint, org)
    return blueprint


def _oauth(blueprint: Blueprint, org: Org) -> None:
    @blueprint.post("/services/oauth2/token")
    def token() -> Response:
        return jsonify(org.access.issue(request.form.to_dict(), request.headers.get("Authorization", "")))

    @blueprint.get("/services/oauth2/userinfo")
    def userinfo() -> Response:
        user = USERS[g.username]
        return jsonify(
            sub=org.access.identity(g.username),
            user_id=user["id"],
            organization_id=ORGANIZATION_ID,
            preferred_username=g.username,
            nickname=g.username.split("@")[0],
            name=user["name"],
            email=user["email"],
            email_verified=True,
            active=True,
            user_type="STANDARD",
            language="en_US",
            locale="nl_NL",
            zoneinfo="Europe/Amsterdam",
        )


def _versions(blueprint: Blueprint, org: Org) -> None:
    @blueprint.get("/services/data/")
    def versions() -> Response:
        return jsonify(
            [{"label": each, "url": f"/services/data/v{each}", "version": each} for each in _VERSIONS]
        )

    @blueprint.get("/services/data/v<version>/")
    def resources(version: str) -> Response:
        names = ("sobjects", "query", "queryAll", "limits", "composite")
        return jsonify({name: f"/services/data/v{version}/{name}" for name in names})

    @blueprint.get("/services/data/v<version>/limits")
    @blueprint.get("/services/data/v<version>/limits/")
    def limits(version: str) -> Response:
        left = {"Max": org.usage.most, "Remaining": org.usage.most - org.usage.used}
        others = {"DailyBulkApiRequests": 5000, "DataStorageMB": 5, "FileStorageMB": 20, "SingleEmail": 15}
        return jsonify(
            {"DailyApiRequests": left} | {name: {"Max": n, "Remaining": n} for name, n in others.items()}
        )


def unknown_path(error: HTTPException) -> ResponseReturnValue:
    """What the API says to a path or method it does not have."""
    if not request.path.startswith("/services/"):
        return error
    code = _CODES.get(error.code or 0, "UNKNOWN_EXCEPTION")
    message = "The requested resource does not exist" if error.code == 404 else error.name
    return jsonify([{"errorCode": code, "message": message}]), error.code or 500

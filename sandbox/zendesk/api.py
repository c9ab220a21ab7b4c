"""The REST API's frame: who asks, how often, and how errors are told. The routes are in the files beside it."""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from sandbox.zendesk import errors
from sandbox.zendesk.api_organizations import organization_routes
from sandbox.zendesk.api_setup import setup_routes
from sandbox.zendesk.api_tickets import ticket_routes
from sandbox.zendesk.api_users import user_routes
from sandbox.zendesk.desk import Desk
from sandbox.zendesk.errors import ApiError
from sandbox.zendesk.talk import talk_routes

_OPEN = frozenset({"/oauth/tokens", "/oauth/authorizations/new", "/api/v2/users/me"})
"""No credentials are needed there; "me" is then nobody."""



def api_blueprint(desk: Desk) -> Blueprint:
    """All of /oauth and /api/v2."""
    blueprint = Blueprint("api", __name__)

    @blueprint.before_request
    def admit() -> None:
        g.headers = {"x-zendesk-api-version": "v2"}
        with desk.state.lock:
            g.user = desk.access.who(request.headers.get("Authorization", ""), request.method)
            if g.user is None and request.path not in _OPEN:
                raise errors.unauthenticated()
            g.headers.update(desk.limiter.request(desk.state.clock()))

    @blueprint.after_request
    def finish(response: Response) -> Response:
        response.headers.update(g.get("headers", {}))
        return response

    @blueprint.errorhandler(ApiError)
    def refuse(error: ApiError) -> ResponseReturnValue:
        return jsonify(error.body), error.status, error.headers

    @blueprint.post("/oauth/tokens")
    def token() -> Response:
        given = request.get_json(silent=True) or request.form.to_dict()
        with desk.state.lock:
            return jsonify(desk.access.issue(given))

    @blueprint.get("/oauth/authorizations/new")
    def agree() -> ResponseReturnValue:
        """The user whom the client belongs to is signed in, reads, and agrees at once."""
        with desk.state.lock:
            return redirect(desk.access.agree(request.args.to_dict()))

    ticket_routes(blueprint, desk)
    organization_routes(blueprint, desk)
    user_routes(blueprint, desk)
    setup_routes(blueprint, desk)
    talk_routes(blueprint, desk)
    return blueprint


def unknown_path(error: HTTPException) -> ResponseReturnValue:
    """What the API says to a path or method it does not have."""
    if not request.path.startswith(("/api/", "/oauth/")):
        return error
    title = {404: "InvalidEndpoint"}.get(error.code or 0, error.name)
    return jsonify(error=title, description=error.name), error.code or 500

"""/api/v2/users"""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.zendesk import people
from sandbox.zendesk.asking import body, listed, warn
from sandbox.zendesk.desk import Desk
from sandbox.zendesk.state import Json

_NOBODY: Json = {"id": None, "name": "Anonymous user", "email": "invalid@example.com", "role": "end-user"}


def user_routes(blueprint: Blueprint, desk: Desk) -> None:
    """Add the routes of users."""
    _reading(blueprint, desk)
    _writing(blueprint, desk)
    _leaving(blueprint, desk)


def _reading(blueprint: Blueprint, desk: Desk) -> None:
    state = desk.state

    @blueprint.get("/api/v2/users")
    def users() -> Response:
        role = request.args.get("role")
        with state.lock:
            return listed("users", [user for user in state.users.values() if role in (None, user["role"])])

    @blueprint.get("/api/v2/users/me")
    def me() -> Response:
        with state.lock:
            return jsonify(user=g.user or _NOBODY)

    @blueprint.get("/api/v2/users/search")
    def search() -> Response:
        with state.lock:
            found = people.search(state, request.args.get("query", ""), request.args.get("external_id"))
            return listed("users", found, by_offset=True)

    @blueprint.get("/api/v2/users/<int:user_id>")
    def user(user_id: int) -> Response:
        with state.lock:
            return jsonify(user=state.user(user_id))


    @blueprint.get("/api/v2/users/<int:user_id>/identities")
    def identities(user_id: int) -> Response:
        with state.lock:
            return listed("identities", people.identities(state, state.user(user_id)))


def _leaving(blueprint: Blueprint, desk: Desk) -> None:
    state = desk.state

    @blueprint.put("/api/v2/users/<int:user_id>/merge")
    def merge(user_id: int) -> Response:
        """Into the user whom the body names."""
        with state.lock:
            return jsonify(user=desk.merge_users(user_id, int(body("user").get("id") or 0)))

    @blueprint.delete("/api/v2/users/<int:user_id>")
    def delete(user_id: int) -> Response:
        with state.lock:
            return jsonify(user=desk.delete_user(user_id))


def _writing(blueprint: Blueprint, desk: Desk) -> None:
    state = desk.state

    @blueprint.post("/api/v2/users")
    def create_user() -> ResponseReturnValue:
        given = body("user")
        with state.lock:
            user = people.create(state, given)
            warn(people.unpermitted(given))
            return jsonify(user=user), 201, {"Location": user["url"]}

    @blueprint.post("/api/v2/users/create_or_update")
    def create_or_update() -> ResponseReturnValue:
        given = body("user")
        with state.lock:
            desk.limiter.user_update(given.get("email") or given.get("external_id"), state.clock())
            user, created = people.create_or_update(state, given)
            warn(people.unpermitted(given))
            return jsonify(user=user), 201 if created else 200, {"Location": user["url"]}

    @blueprint.put("/api/v2/users/<int:user_id>")
    def update_user(user_id: int) -> Response:
        given = body("user")
        with state.lock:
            desk.limiter.user_update(user_id, state.clock())
            user = people.change(state, state.user(user_id), given)
            warn(people.unpermitted(given))
            return jsonify(user=user)

"""/api/v2/channels/voice: the queue of customers who want to be called back (Zendesk Talk)."""

from __future__ import annotations

import re

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue

from sandbox.zendesk import errors
from sandbox.zendesk.asking import body
from sandbox.zendesk.desk import Desk

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def talk_routes(blueprint: Blueprint, desk: Desk) -> None:
    """Add the routes of Talk. An account without a line (``desk.add_line``) has no Talk."""
    state = desk.state

    @blueprint.post("/api/v2/channels/voice/callback_requests")
    def request_callback() -> ResponseReturnValue:
        given = body("callback_request")
        with state.lock:
            if not state.lines:
                raise errors.forbidden()
            desk.limiter.callback_request(state.clock())
            if given.get("phone_number_id") not in state.lines:
                raise errors.invalid("phone_number_id", "Phone number: is invalid")
            if not _E164.fullmatch(str(given.get("requester_phone_number"))):
                raise errors.invalid("requester_phone_number", "Requester phone number: is invalid")
            state.calls.append({**given, "created_at": state.now()})
        return Response(status=201)

    @blueprint.get("/api/v2/channels/voice/phone_numbers")
    def lines() -> Response:
        with state.lock:
            return jsonify(phone_numbers=[{"id": id_, "number": number} for id_, number in state.lines.items()])

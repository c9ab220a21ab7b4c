"""The control API that every stand-in has under /sandbox: what was asked of it, and what shall go wrong."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.json.provider import DefaultJSONProvider
from flask.typing import ResponseReturnValue

from sandbox.faults import fault_from_json
from sandbox.gateway import Gateway


class JsonWithMoments(DefaultJSONProvider):
    """Dates as ISO 8601 and keys in the order we wrote them, as the vendors do."""

    sort_keys = False

    @staticmethod
    def default(o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else DefaultJSONProvider.default(o)


def control_blueprint(gateway: Gateway) -> Blueprint:
    """GET/DELETE /sandbox/requests and GET/POST/DELETE /sandbox/faults."""
    blueprint = Blueprint("control", __name__, url_prefix="/sandbox")

    @blueprint.get("/requests")
    def requests_seen() -> Response:
        return jsonify(requests=[dataclasses.asdict(seen) for seen in gateway.requests])

    @blueprint.delete("/requests")
    def forget_requests() -> ResponseReturnValue:
        gateway.forget()
        return "", 204

    @blueprint.get("/faults")
    def faults_pending() -> Response:
        return jsonify(faults=[dataclasses.asdict(fault) for fault in gateway.faults.pending])

    @blueprint.post("/faults")
    def add_fault() -> ResponseReturnValue:
        try:
            fault = fault_from_json(request.get_json())
        except (ValueError, TypeError) as error:
            return jsonify(error=str(error)), 400
        gateway.faults.add(fault)
        return jsonify(fault=dataclasses.asdict(fault)), 201

    @blueprint.delete("/faults")
    def clear_faults() -> ResponseReturnValue:
        gateway.faults.clear()
        return "", 204

    return blueprint

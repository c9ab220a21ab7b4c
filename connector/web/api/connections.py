"""Connections: how they are doing, stopping one, letting it go on."""

from __future__ import annotations

from typing import Any

from connector.runtime.operations.connections import Health
from connector.web.api import schemas
from connector.web.api.operation import Call, Operation


def _list(call: Call) -> dict[str, Any]:
    return {"items": call.parts.switches.health()}


def _show(call: Call) -> Health:
    return call.parts.switches.health_of(call.path["name"])


def _pause(call: Call) -> Health:
    return call.parts.switches.pause(call.path["name"], call.by, call.given["reason"])


def _resume(call: Call) -> Health:
    return call.parts.switches.resume(call.path["name"])


_READ, _WRITE, _ONE = "connections:read", "connections:write", "/connections/<name>"

OPERATIONS = (
    Operation("GET", "/connections", "listConnections", "Every connection and how it is doing", _READ, _list,
              schemas.ConnectionsSchema()),
    Operation("GET", _ONE, "getConnection", "How one connection is doing", _READ, _show,
              schemas.ConnectionSchema(), can=(404,)),
    Operation("POST", f"{_ONE}/pause", "pauseConnection", "Make no more calls until someone resumes it", _WRITE,
              _pause, schemas.ConnectionSchema(), schemas.PauseSchema(), can=(404,)),
    Operation("POST", f"{_ONE}/resume", "resumeConnection", "Make calls again", _WRITE, _resume,
              schemas.ConnectionSchema(), can=(404,)),
)  # fmt: skip

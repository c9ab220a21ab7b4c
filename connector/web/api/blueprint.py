"""The routes, made from the table of operations: let in, read, do, answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from connector.access.masked_fields import without_personal
from connector.access.rights import AGENT, PERSONAL, may
from connector.runtime.operations.errors import ControlError
from connector.storage.engine.database import AWAY
from connector.storage.stores.api_tokens import ApiToken
from connector.web.api import (
    access,
    agent,
    connections,
    customers,
    deliveries,
    doubtful,
    openapi,
    problems,
    runs,
    surveys,
)  # fmt: skip
from connector.web.api.definitions import operations as definitions
from connector.web.api.operation import Call, Operation, Parts
from connector.web.api.problems import ProblemError
from connector.web.api.reading import read
from workflows.errors import WorkflowError

log = logging.getLogger(__name__)

PREFIX = "/api/v1"

OPERATIONS: tuple[Operation, ...] = (
    *runs.OPERATIONS, *deliveries.OPERATIONS, *connections.OPERATIONS, *agent.OPERATIONS,
    *customers.OPERATIONS, *doubtful.OPERATIONS, *surveys.OPERATIONS, *definitions.OPERATIONS,
)  # fmt: skip


def blueprint(parts: Parts) -> Blueprint:
    """``/api/v1`` over these parts."""
    routes = Blueprint("api", __name__, url_prefix=PREFIX)
    for operation in OPERATIONS:
        view = _view(operation, parts)
        routes.add_url_rule(operation.path, operation.name, view, methods=[operation.method])
    routes.add_url_rule("/openapi.json", "openapi", _described, methods=["GET"])
    routes.register_error_handler(ProblemError, problems.response)
    routes.register_error_handler(ControlError, lambda error: problems.response(problems.of_control(error)))
    routes.register_error_handler(WorkflowError, _broken)
    for error in AWAY:
        routes.register_error_handler(error, _away)
    routes.app_errorhandler(404)(_outside)
    routes.app_errorhandler(405)(_outside)
    routes.register_error_handler(HTTPException, lambda error: problems.response(problems.of_http(error)))
    return routes


def _view(operation: Operation, parts: Parts) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        request.max_content_length = operation.largest
        token = access.caller(request, parts, operation)
        call = Call(parts, f"{token.name} (API)", path, read(request, operation.takes))
        answer = operation.gives.dump(operation.view(call))
        access.tell(operation, call, token)
        return _json(json.dumps(_as_seen_by(token, operation, answer), ensure_ascii=False))

    return view


def _as_seen_by(token: ApiToken, operation: Operation, answer: dict[str, Any]) -> dict[str, Any]:
    """Whoever stands beside an agent sees the customer before them; else personal data is a right of its own."""
    if operation.scope == AGENT or may(token, PERSONAL):
        return answer
    return without_personal(operation.gives, answer)


def _described() -> Response:
    return _json(_description(request.script_root))


@cache
def _description(mount: str) -> str:
    return json.dumps(openapi.describe(OPERATIONS, PREFIX, mount))


def _json(text: str) -> Response:
    return Response(text, headers={"Cache-Control": "no-store"}, content_type="application/json")


def _broken(error: WorkflowError) -> Response:
    """A stored version that this program cannot read."""
    return problems.response(ProblemError(409, "refused", str(error)))


def _away(error: Exception) -> Response:
    """The database does not answer; nothing was done, and the same request may be made again."""
    log.error("the database does not answer (%s)", type(error).__name__)
    detail = "The database does not answer now. Nothing was changed; ask again."
    return problems.response(ProblemError(503, "unavailable", detail, headers={"Retry-After": "10"}))


def _outside(error: HTTPException) -> Any:
    """Paths that no route of ours takes: below our prefix they are problems, elsewhere what they were."""
    inside = request.path.startswith(f"{PREFIX}/")
    return problems.response(problems.of_http(error)) if inside else error

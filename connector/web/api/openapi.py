"""The OpenAPI 3.1 description, made from the table of operations and the schemas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from connector.web.api import schemas
from connector.web.api.operation import Operation

_ALWAYS = (401, 403)
_MEANINGS = {
    400: "The body cannot be read.",
    401: "There is no valid token.",
    403: "The token lacks the scope.",
    404: "There is no such thing.",
    409: "Its state does not allow it; `possible` names what can be done instead.",
    415: "The body is not JSON.",
    422: "A value cannot be used; `errors` names field, value and remedy.",
}


def describe(operations: Iterable[Operation], prefix: str, mount: str = "") -> dict[str, Any]:
    """The whole description as JSON values. ``mount`` is the path of our public address, as "/feedback"."""
    spec = APISpec(
        title="Ringback", version=version("ringback"), openapi_version="3.1.0", plugins=[MarshmallowPlugin()],
        info={"description": "Runs, deliveries and connections in people's and programs' hands."},
        servers=[{"url": mount or "/"}],
    )  # fmt: skip
    scheme = {"type": "http", "scheme": "bearer", "description": "A token of `ringback token create`."}
    spec.components.security_scheme("token", scheme)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(_path(operation, prefix), {})[operation.method.lower()] = _operation(operation)
    for path, methods in paths.items():
        spec.path(path=path, operations=methods)
    described: dict[str, Any] = spec.to_dict()
    return described


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.scope.partition(":")[0]],
        "security": [{"token": [operation.scope]}],
        "parameters": [_named(name) for name in _names(operation.path)],
        "responses": {"200": _json("Done.", operation.gives), **_problems(operation)},
    }
    if operation.takes is not None and operation.method == "GET":
        described["parameters"].append({"in": "query", "schema": operation.takes})
    elif operation.takes is not None:
        needed = any(field.required for field in operation.takes.fields.values())
        described["requestBody"] = {
            "required": needed,
            "content": {"application/json": {"schema": operation.takes}},
        }
    return described


def _problems(operation: Operation) -> Mapping[str, Any]:
    codes = {*_ALWAYS, *operation.can, *((422,) if operation.takes or operation.method == "POST" else ())}
    codes |= {400, 415} if operation.method == "POST" else set()
    return {
        str(code): _json(_MEANINGS[code], schemas.ProblemSchema(), "application/problem+json")
        for code in sorted(codes)
    }


def _json(description: str, schema: Any, media: str = "application/json") -> dict[str, Any]:
    return {"description": description, "content": {media: {"schema": schema}}}


def _named(name: str) -> dict[str, Any]:
    return {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}


def _names(path: str) -> list[str]:
    return re.findall(r"<(\w+)>", path)


def _path(operation: Operation, prefix: str) -> str:
    return prefix + re.sub(r"<(\w+)>", r"{\1}", operation.path)

"""Hold a request against Zendesk's published OpenAPI description: method, path and JSON body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.oracles import oracle_path

_UNREAD = ("tag:yaml.org,2002:value", "tag:yaml.org,2002:timestamp")  # a bare "=", and dates as JSON has them


class _Loader(yaml.CSafeLoader):
    """By libyaml: the description has 50,000 lines."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # how the library wants it
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _UNREAD]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


@cache
def support_api() -> dict[str, Any]:
    """Zendesk's Support API; the test is skipped where the description is not at hand."""
    text = oracle_path("zendesk/support-api.openapi.yaml").read_text(encoding="utf-8")
    description: dict[str, Any] = yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader with fewer resolvers
    schemas = description["components"]["schemas"]
    _as_json_schema(schemas)
    # It takes custom fields' values for their definitions here; where it shows a ticket it has them right.
    schemas["TicketUpdateInput"]["properties"]["custom_fields"] = _properties("TicketObject", schemas)["custom_fields"]
    schemas["TicketObject"]["properties"]["custom_fields"]["items"]["properties"]["value"] = {}
    return description


@cache
def webhooks_api() -> dict[str, Any]:
    """Zendesk's webhooks API; its paths begin below /api/v2."""
    description: dict[str, Any] = yaml.load(oracle_path("zendesk/webhooks-api.openapi.yaml").read_text(), _Loader)  # noqa: S506
    description["paths"] = {f"/api/v2{path}": each for path, each in description["paths"].items()}
    _as_json_schema(description["components"]["schemas"])
    return description


def check_request(method: str, path: str, body: Any = None) -> None:
    """Fail, naming every mistake, when Zendesk's description knows no such request or another body."""
    description = webhooks_api() if path.startswith("/api/v2/webhooks") else support_api()
    operation = _operation(description, method.lower(), path.removesuffix(".json"))
    schema = _schema(operation, body)
    if schema is None:
        return
    registry = _registry(path.startswith("/api/v2/webhooks"))
    found = list(_mistakes(Draft202012Validator(_anchored(schema), registry=registry), body))
    assert not found, f"{method} {path}: {'; '.join(found)}"


@cache
def _registry(webhooks: bool) -> Registry[Any]:
    """Where references lead to."""
    description = webhooks_api() if webhooks else support_api()
    resource = Resource.from_contents(description, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:zendesk", resource)
    return registry


_UNDESCRIBED = {
    "ticket_field": ("TicketFieldObject", ()), "user_field": ("CustomFieldObject", ()),
    "organization_field": ("CustomFieldObject", ()), "view": ("ViewObject", ("all", "any", "output")),
}  # fmt: skip
"""What the description shows only as answers: the same objects are sent. A view is also written in other words than it
is read with, as the description says in prose."""


def _schema(operation: dict[str, Any], body: Any) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        schema: dict[str, Any] = content["application/json"]["schema"]
        return schema
    one = next((name for name in _UNDESCRIBED if isinstance(body, dict) and name in body), None)
    if one is None:
        return None
    name, more = _UNDESCRIBED[one]
    known = _properties(name, support_api()["components"]["schemas"]) | {key: {} for key in more}
    inside = {"type": "object", "properties": known, "additionalProperties": False}
    return {"type": "object", "properties": {one: inside}}


def _anchored(node: Any) -> Any:
    """References, as they stand in another place than the description itself."""
    if isinstance(node, list):
        return [_anchored(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {key: f"urn:zendesk{each}" if key == "$ref" else _anchored(each) for key, each in node.items()}


def _mistakes(validator: Draft202012Validator, body: Any) -> Iterator[str]:
    for error in validator.iter_errors(body):
        yield f"{error.json_path}: {error.message}"
    if isinstance(body, dict) and "ticket" in body:
        # The description allows any other name; a field that Zendesk does not know is silently lost there.
        yield from (f"$.ticket.{name}: unknown" for name in body["ticket"].keys() - _ticket_fields())


@cache
def _ticket_fields() -> frozenset[str]:
    schemas = support_api()["components"]["schemas"]
    names = ("TicketObject", "TicketUpdateInput", "TicketCreateInput")
    return frozenset(each for name in names for each in _properties(name, schemas))


def _properties(name: str, schemas: dict[str, Any]) -> dict[str, Any]:
    schema = schemas[name]
    parts = [schema, *schema.get("allOf", ())]
    return {key: value for part in parts for key, value in part.get("properties", {}).items()}


def _operation(description: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """The most literal path that fits: /users/me before /users/{user_id}."""
    paths = description["paths"]
    fitting = [name for name in paths if method in paths[name] and _pattern(name).fullmatch(path)]
    assert fitting, f"Zendesk knows no {method.upper()} {path}"
    operation: dict[str, Any] = paths[min(fitting, key=lambda name: name.count("{"))][method]
    return operation


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))


def _as_json_schema(node: Any) -> None:
    """OpenAPI 3.0 says ``nullable`` where JSON Schema has the type null."""
    if isinstance(node, list):
        for each in node:
            _as_json_schema(each)
    if not isinstance(node, dict):
        return
    if node.get("nullable") is True and isinstance(node.get("type"), str):
        node["type"] = [node["type"], "null"]
    for each in node.values():
        _as_json_schema(each)

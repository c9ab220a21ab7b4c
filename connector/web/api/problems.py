"""Problems as RFC 9457 writes them (application/problem+json), with the field, its value and the remedy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from flask import Response
from marshmallow import Schema
from werkzeug.exceptions import HTTPException

from connector.runtime.operations.errors import ConflictError, ControlError, InputError, RefusedError, UnknownError
from workflows.errors import DefinitionError
from workflows.yaml_lines import liner

_LONGEST_VALUE = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, what was given (shortened), and what to do about it."""

    field: str
    value: str
    problem: str
    remedy: str
    line: int | None = None  # of a text that was sent


class ProblemError(Exception):
    """An answer other than success. ``kind`` is stable and for programs."""

    def __init__(
        self, status: int, kind: str, detail: str, *,
        faults: Sequence[Fault] = (), possible: Sequence[str] = (), headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail
        self.faults, self.possible, self.headers = faults, possible, headers or {}
        self.more = more or {}


def response(error: ProblemError) -> Response:
    """The problem as an HTTP answer."""
    body: dict[str, Any] = {
        "type": f"urn:ringback:problem:{error.kind}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.detail,
    }
    if error.faults:
        body["errors"] = [_as_json(fault) for fault in error.faults]
    if error.possible:
        body["possible"] = list(error.possible)
    body |= error.more
    headers = {"Cache-Control": "no-store", **error.headers}
    return Response(json.dumps(body), error.status, headers, content_type="application/problem+json")


def of_control(error: ControlError) -> ProblemError:
    """What the controls refused."""
    if isinstance(error, UnknownError):
        fault = Fault(error.what, shown(error.name), f"There is no such {error.what}.", error.remedy)
        return ProblemError(404, "not-found", str(error), faults=[fault])
    if isinstance(error, InputError):
        return ProblemError(
            422, "invalid", str(error), faults=[Fault(error.field, "", error.trouble, error.remedy)]
        )
    if isinstance(error, ConflictError):
        more = {"version": error.version, "difference": error.difference}
        return ProblemError(409, "conflict", str(error), possible=error.possible, more=more)
    possible = error.possible if isinstance(error, RefusedError) else ()
    return ProblemError(409, "refused", str(error), possible=possible)


def of_definition(error: DefinitionError, text: str) -> ProblemError:
    """Every mistake in a workflow or survey, each at its line."""
    line = liner(text)
    faults = [Fault(each.path, "", each.message, each.remedy, line(each.path)) for each in error.mistakes]
    return ProblemError(422, "invalid", str(error), faults=faults)


def _as_json(fault: Fault) -> dict[str, Any]:
    return {name: value for name, value in asdict(fault).items() if value is not None}


def of_http(error: HTTPException) -> ProblemError:
    """What Flask refused: an unknown path, a method that is not there, a body that is too long."""
    status = error.code or 500
    kind = HTTPStatus(status).phrase.lower().replace(" ", "-")
    allowed = sorted(getattr(error, "valid_methods", None) or ())
    return ProblemError(
        status, kind, error.description or "", headers={"Allow": ", ".join(allowed)} if allowed else {}
    )


def of_fields(messages: Any, given: Mapping[str, Any], schema: Schema) -> ProblemError:
    """What a schema refused."""
    faults = [_fault(path, text, given, schema) for path, text in _flat(messages, ())]
    names = ", ".join(dict.fromkeys(fault.field for fault in faults))
    return ProblemError(422, "invalid", f"{names}: see errors.", faults=faults)


def shown(value: Any) -> str:
    """A value of the caller's own, short and in one line."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = "".join(sign if sign.isprintable() else "�" for sign in text)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _fault(path: tuple[str, ...], text: str, given: Mapping[str, Any], schema: Schema) -> Fault:
    value: Any = given
    for part in path:
        value = value.get(part, "") if isinstance(value, Mapping) else value
    known = schema.fields.get(path[0]) if path else None
    remedy = (
        known.metadata.get("description", "")
        if known
        else f"Leave it out; known are: {', '.join(schema.fields)}."
    )
    return Fault(".".join(path) or "body", shown(value), text, remedy)


def _flat(messages: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(messages, Mapping):
        for name, each in messages.items():
            yield from _flat(each, path if name == "_schema" else (*path, shown(str(name))))
    else:
        yield from ((path, str(text)) for text in messages)

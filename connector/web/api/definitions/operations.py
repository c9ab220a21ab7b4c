"""Workflows and surveys: list, versions, difference, publish, decide between file and browser, switch off and on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connector.runtime.operations.definitions import Publication, Side
from connector.runtime.operations.errors import UnknownError
from connector.storage.stores.definitions import DefinitionKind, DefinitionOrigin
from connector.web.api.definitions import schemas
from connector.web.api.operation import Call, Operation
from connector.web.api.problems import of_definition
from workflows.errors import DefinitionError

LARGEST = 1_000_000
"""Bytes of a body: the loader's own limit says more than ours would."""


class _Kind:
    """The operations of one kind of definition."""

    def __init__(self, kind: DefinitionKind) -> None:
        self.kind = kind
        self.all = f"/{kind.value}s"
        self.one = f"{self.all}/<slug>"
        self.reading, self.writing = f"{kind.value}s:read", f"{kind.value}s:write"

    def list(self, call: Call) -> dict[str, Any]:
        return {"items": call.parts.definition_reader.overview(self.kind)}

    def versions(self, call: Call) -> dict[str, Any]:
        return {"items": call.parts.definition_reader.versions(self.kind, call.path["slug"])}

    def version(self, call: Call) -> Any:
        number = call.path["version"]
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            raise UnknownError("version", number[:60], f"GET /api/v1{self.all}/…/versions shows those there are.")
        return call.parts.definition_reader.version(self.kind, call.path["slug"], int(number))

    def difference(self, call: Call) -> Any:
        before, after = call.given.get("before"), call.given.get("after")
        return call.parts.definition_reader.difference(self.kind, call.path["slug"], before, after)

    def publish(self, call: Call) -> Any:
        wish = Publication(by=call.by, origin=DefinitionOrigin.API, slug=call.path["slug"], **call.given)
        try:
            return call.parts.definitions.publish(self.kind, wish)
        except DefinitionError as error:
            raise of_definition(error, wish.text) from error

    def resolve(self, call: Call) -> Any:
        take, seen = Side(call.given["take"]), call.given["seen"]
        return call.parts.definitions.resolve(self.kind, call.path["slug"], take, call.by, seen)

    def operations(self) -> Iterator[Operation]:
        word, name = self.kind.value, self.kind.value.capitalize()
        yield Operation("GET", self.all, f"list{name}s", f"The newest version of every {word}", self.reading, self.list,
                        schemas.DefinitionListSchema())  # fmt: skip
        yield Operation("GET", f"{self.one}/versions", f"list{name}Versions", f"Every version of a {word}",
                        self.reading, self.versions, schemas.VersionsSchema(), can=(404,))  # fmt: skip
        yield Operation("GET", f"{self.one}/versions/<version>", f"get{name}Version", "One version with its text",
                        self.reading, self.version, schemas.WholeVersionSchema(), can=(404,))  # fmt: skip
        yield Operation("GET", f"{self.one}/difference", f"compare{name}", "In which lines two versions differ",
                        self.reading, self.difference, schemas.DifferenceSchema(), schemas.DifferenceQuerySchema(),
                        can=(404,))  # fmt: skip
        yield Operation("POST", f"{self.one}/versions", f"publish{name}", "Make a text the version in force",
                        self.writing, self.publish, schemas.PublishedSchema(), schemas.PublishSchema(), can=(409,),
                        largest=LARGEST)  # fmt: skip
        yield Operation("POST", f"{self.one}/resolve", f"resolve{name}", "Decide where file and browser differ",
                        self.writing, self.resolve, schemas.PublishedSchema(), schemas.ResolveSchema(),
                        can=(404, 409))  # fmt: skip


def _off(call: Call) -> Any:
    return call.parts.definitions.switch_off(call.path["slug"], call.by, call.given["reason"])


def _on(call: Call) -> Any:
    return call.parts.definitions.switch_on(call.path["slug"])


OPERATIONS = (
    *_Kind(DefinitionKind.WORKFLOW).operations(),
    Operation("POST", "/workflows/<slug>/off", "switchWorkflowOff", "Let it start nothing more; its runs go on",
              "workflows:write", _off, schemas.SwitchedSchema(), schemas.SwitchSchema(), can=(404,)),
    Operation("POST", "/workflows/<slug>/on", "switchWorkflowOn", "Let it start again", "workflows:write", _on,
              schemas.SwitchedSchema(), can=(404, 409)),
    *_Kind(DefinitionKind.SURVEY).operations(),
)  # fmt: skip

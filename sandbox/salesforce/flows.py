"""The flows that were deployed: whether one of them sends a message about a change, and where to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.salesforce.deployments import Deployments
from sandbox.salesforce.formula import Facts, holds
from sandbox.salesforce.metadata_zip import text_of, texts_of
from sandbox.salesforce.records import Record
from sandbox.salesforce.security import Security


class Flows:
    """Active flows that start when a record was saved, and whose one action is an outbound message."""

    def __init__(self, deployments: Deployments, security: Security) -> None:
        self._deployments, self._security = deployments, security

    def about(self, kind: str) -> str:
        """The outbound message of the active flow on this object; "" when there is none."""
        for name in self._deployments.active_flows():
            flow = self._deployments.components["Flow", name]
            if text_of(flow, "start/object") == kind:
                return text_of(flow, "actionCalls/actionName")
        return ""

    def sends(self, message: str, row: Record, by: str, written: Iterable[str], *, created: bool) -> bool:
        """Whether the condition of the message's flow is true of this change."""
        flow = next(each for (kind, _), each in self._deployments.components.items()
                    if kind == "Flow" and text_of(each, "actionCalls/actionName") == message)  # fmt: skip
        changed = frozenset(written)
        facts = Facts(row.get, changed.__contains__, self._permission(by), created)
        return holds(text_of(flow, "start/filterFormula"), facts)

    def address(self, message: str) -> tuple[str, tuple[str, ...]]:
        """Where a message goes, and the fields in it."""
        element = self._deployments.components["WorkflowOutboundMessage", message]
        return text_of(element, "endpointUrl"), tuple(texts_of(element, "fields"))

    def _permission(self, user_id: str) -> Callable[[str], Any]:
        return lambda name: self._security.permits(user_id, name)

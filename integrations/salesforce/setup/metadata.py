"""Salesforce's Metadata API over REST: hand in a package, follow the deployment, and understand what became of it.

Source: Salesforce's Metadata API guide, "Deploy metadata using REST resources" and "DeployResult" (the JSON has the
names of the WSDL's types).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.errors import IntegrationError, Permanent, Transient
from integrations.http import VendorSession
from integrations.salesforce.record_ids import record_id
from integrations.salesforce.setup.bundle import Component

Progress = Callable[[int, int], None]
"""Told how many components are done, and of how many."""

PAUSE, LONGEST_PAUSE = 1.0, 5.0  # seconds between two looks at a deployment
PATIENCE = 1800.0  # seconds; an org deploys one package at a time, so ours may wait for somebody else's


@dataclass(frozen=True, slots=True)
class Message:
    """What became of one component. ``problem`` is Salesforce's own sentence; empty when there is none."""

    component: Component
    created: bool = False
    changed: bool = False
    deleted: bool = False
    problem: str = ""
    warning: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """How far a deployment is. ``trouble`` is what went wrong with it as a whole."""

    id: str
    done: bool
    succeeded: bool
    status: str
    deployed: int
    total: int
    messages: tuple[Message, ...] = ()
    trouble: str = ""

    @property
    def refused(self) -> tuple[Message, ...]:
        """The components that Salesforce refused; warnings are none."""
        return tuple(each for each in self.messages if each.problem and not each.warning)


class MetadataApi:
    """``sleep`` waits between two looks at a deployment; ``progress`` hears of each look."""

    def __init__(
        self,
        session: VendorSession,
        api_version: str,
        *,
        sleep: Callable[[float], None],
        progress: Progress = lambda _done, _of: None,
    ) -> None:
        self._session, self._sleep, self._progress = session, sleep, progress
        self._path = f"/services/data/v{api_version}/metadata/deployRequest"

    def validate(self, package: bytes) -> Deployment:
        """What a deployment would do. Nothing is changed in the org."""
        return self._run(package, check_only=True)

    def deploy(self, package: bytes, *, ignore_warnings: bool = False) -> Deployment:
        """All of the package or, when one component is refused, nothing of it."""
        return self._run(package, check_only=False, ignore_warnings=ignore_warnings)

    def _run(self, package: bytes, *, check_only: bool, ignore_warnings: bool = False) -> Deployment:
        started = self._start(package, _options(check_only=check_only, ignore_warnings=ignore_warnings))
        waited, pause = 0.0, PAUSE
        while True:
            found = self._look(started)
            self._progress(found.deployed, found.total)
            if found.done:
                return found
            if waited >= PATIENCE:
                reason = f"the deployment {started} is {found.status or 'not done'} after half an hour"
                raise Transient(f"{reason}; look at Setup → Deployment Status, and try again", code="deploy_slow")
            self._sleep(pause)
            waited, pause = waited + pause, min(LONGEST_PAUSE, pause * 1.5)

    def _start(self, package: bytes, options: Mapping[str, Any]) -> str:
        parts: dict[str, tuple[str | None, str | bytes, str]] = {
            "json": (None, json.dumps({"deployOptions": options}), "application/json"),
            "file": ("deploy.zip", package, "application/zip"),
        }
        try:
            answer = self._session.post(self._path, files=parts).json()
        except IntegrationError as error:
            raise _explained(error) from error
        try:
            return record_id("the deployment's id", answer["id"])
        except (LookupError, TypeError) as error:
            raise Transient("Salesforce took the package and named no deployment", code="unreadable") from error

    def _look(self, deployment: str) -> Deployment:
        answer = self._session.get(f"{self._path}/{deployment}", params={"includeDetails": "true"}).json()
        try:
            return read_deployment(deployment, answer["deployResult"])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise Transient("what Salesforce says of the deployment cannot be read", code="unreadable") from error


def read_deployment(deployment: str, result: Mapping[str, Any]) -> Deployment:
    """A ``DeployResult``. Lists of one arrive as the one thing in some versions, and numbers as text."""
    details = result.get("details") or {}
    messages = [*_many(details.get("componentSuccesses")), *_many(details.get("componentFailures"))]
    return Deployment(
        id=deployment,
        done=_true(result.get("done")),
        succeeded=_true(result.get("success")),
        status=str(result.get("status") or ""),
        deployed=int(result.get("numberComponentsDeployed") or 0),
        total=int(result.get("numberComponentsTotal") or 0),
        messages=tuple(_message(each) for each in messages),
        trouble=str(result.get("errorMessage") or ""),
    )


def remedy(message: Message) -> str:
    """What an admin can do about a refused component, by what Salesforce says of it; "" when we do not know."""
    said = message.problem.lower()
    return next((advice for mark, advice in _REMEDIES if mark in said), "")


def refusal(deployment: Deployment) -> str:
    """Why the whole deployment failed, component by component, each with its remedy."""
    lines = [told(each) for each in deployment.refused]
    return "; ".join([*lines, *filter(None, [deployment.trouble])]) or f"the deployment ended as {deployment.status}"


def told(message: Message) -> str:
    """One refused component in a sentence."""
    advice = remedy(message)
    component = " ".join(filter(None, [message.component.kind, message.component.name]))
    return f"{component}: {message.problem}{f' → {advice}' if advice else ''}"


_REMEDIES: Sequence[tuple[str, str]] = (
    ("no user named", "outbound messages are sent as the integration user: is that user active in this org?"),
    ("maximum number of custom fields", "delete fields that nobody uses, or raise the org's limit with Salesforce"),
    ("cannot change the type", "a field of this name is of another type: rename it, or name another under fields:"),
    ("duplicate", "something of this name is there already: rename it in Setup, then run this again"),
    (
        "history limit",
        "the recycle bin holds a field of this name: erase it in Setup → Object Manager → Deleted Fields",
    ),
    ("is active", "switch the flow off in Setup → Flows, then run this again"),
    ("referenced elsewhere", "something of yours uses it: take it out there first (Setup names where)"),
    ("in use", "something of yours uses it: take it out there first (Setup names where)"),
    ("not available", "the org's edition does not have it"),
    ("unknown user permission", "the org's edition does not have it"),
    ("insufficient", "the deploying user needs Modify Metadata Through Metadata API Functions"),
)
"""Words of Salesforce's problems, in lower case → what to do. The first that fits."""

_NEEDS_METADATA = (
    "the user may not deploy metadata; give it the permission Modify Metadata Through Metadata API Functions for the "
    "time of the set-up, or deploy with an admin's token (--admin-token-file)"
)


def _options(*, check_only: bool, ignore_warnings: bool) -> Mapping[str, Any]:
    """DeployOptions, all that the WSDL requires. No Apex is in the package, so there is nothing to test."""
    return {
        "allowMissingFiles": False,
        "autoUpdatePackage": False,
        "checkOnly": check_only,
        "ignoreWarnings": ignore_warnings,
        "performRetrieve": False,
        "purgeOnDelete": False,
        "rollbackOnError": True,
        "singlePackage": True,
        "testLevel": "NoTestRun",
    }


def _explained(error: IntegrationError) -> IntegrationError:
    if error.code in ("INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY"):
        return Permanent(f"{error.reason}: {_NEEDS_METADATA}", code=error.code, status=error.status)
    return error


def _message(given: Mapping[str, Any]) -> Message:
    return Message(
        component=Component(str(given.get("componentType") or ""), str(given.get("fullName") or "")),
        created=_true(given.get("created")),
        changed=_true(given.get("changed")),
        deleted=_true(given.get("deleted")),
        problem=str(given.get("problem") or ""),
        warning=given.get("problemType") == "Warning",
        id=str(given.get("id") or ""),
    )


def _many(value: Any) -> Sequence[Mapping[str, Any]]:
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


def _true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"

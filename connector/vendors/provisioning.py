"""Carrying out a plan: step by step, each remembered as soon as the vendor has answered.

A step that the vendor refuses stops those that need it and no others. Trouble with the connection itself ends the run:
what was done is known, so the next run goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from connector.clock import Clock
from connector.storage.engine.database import Database
from connector.storage.engine.encryption import Box
from connector.storage.stores import provisioned
from connector.storage.stores.provisioned import Made
from connector.storage.stores.webhook_secrets import renewed
from integrations.errors import IntegrationError, Permanent, RateLimited
from integrations.provisioning import Known, Performed, Place, Provisioner, Step, Verb

PATIENCE = 120.0
"""Seconds that a vendor may ask us to wait; beyond that the run ends and is to be started again later."""

_WAITS = 5  # for one step


@dataclass(frozen=True, slots=True)
class StepResult:
    """What became of a step. ``trouble`` is empty when it succeeded."""

    step: Step
    vendor_id: str = ""
    trouble: str = ""

    @property
    def ok(self) -> bool:
        return not self.trouble


@dataclass(frozen=True, slots=True)
class ProvisioningOutcome:
    """A whole run. ``broken_off`` is the reason why the rest was not tried."""

    told: tuple[StepResult, ...]
    broken_off: str = ""

    @property
    def ok(self) -> bool:
        return not self.broken_off and all(each.ok for each in self.told)

    def count(self, verb: Verb) -> int:
        """How many steps of this kind succeeded."""
        return sum(each.ok and each.step.verb is verb for each in self.told)


class ProvisioningMemory:
    """What we made on one connection. ``box`` seals webhooks' secrets. Read once: an org has a hundred steps."""

    def __init__(self, database: Database, connection: str, box: Box, clock: Clock) -> None:
        self._database, self._connection, self._box, self._clock = database, connection, box, clock
        self._read: dict[Place, Made] | None = None

    def known(self) -> list[Known]:
        return [Known(each.kind, each.key, each.vendor_id, each.made) for each in self._rows().values()]

    def keep(self, step: Step, done: Performed) -> None:
        """Write down that the thing is there. Without a new secret the one that is kept stays."""
        now, before = self._clock(), self._rows().get(step.place)
        fresh = Made(step.kind, step.key, done.vendor_id, step.made, now, now)
        if before is not None and before.vendor_id == done.vendor_id:
            fresh = replace(fresh, made=before.made, made_at=before.made_at, secret=before.secret)
        if done.secret:
            fresh = replace(fresh, secret=renewed(self._box, fresh.secret, done.secret))
        self._database.transact(lambda tx: provisioned.remember(self._database, tx, self._connection, fresh))
        self._rows()[step.place] = fresh

    def drop(self, step: Step) -> None:
        self._database.transact(lambda tx: provisioned.forget(tx, self._connection, step.kind, step.key))
        self._rows().pop(step.place, None)

    def _rows(self) -> dict[Place, Made]:
        if self._read is None:
            with self._database.read() as tx:
                rows = provisioned.of_connection(tx, self._connection)
            self._read = {(each.kind, each.key): each for each in rows}
        return self._read


def carry_out(
    steps: Sequence[Step],
    provisioner: Provisioner,
    memory: ProvisioningMemory,
    tell: Callable[[StepResult], None],
    sleep: Callable[[float], None],
) -> ProvisioningOutcome:
    """Do the steps in their order; ``tell`` hears of each as it ends. Never raises for what a vendor says."""
    told: list[StepResult] = []
    ids = {each.place: each.vendor_id for each in memory.known()}
    failed: set[Place] = set()
    for step in steps:
        try:
            heard = _one(step, provisioner, memory, ids, failed, sleep)
        except IntegrationError as error:
            return ProvisioningOutcome(tuple(told), f"{step.kind} {step.key}: {error.reason}")
        if not heard.ok:
            failed.add(step.place)
        told.append(heard)
        tell(heard)
    return ProvisioningOutcome(tuple(told))


def _one(
    step: Step,
    provisioner: Provisioner,
    memory: ProvisioningMemory,
    ids: dict[Place, str],
    failed: set[Place],
    sleep: Callable[[float], None],
) -> StepResult:
    missing = [" ".join(place) for place in step.needs if place in failed]
    if missing:
        return StepResult(step, trouble=f"not tried: it needs {', '.join(missing)}")
    try:
        done = _patiently(step, provisioner, ids, sleep)
    except Permanent as error:
        return StepResult(step, trouble=error.reason)
    if step.verb in (Verb.REMOVE, Verb.FORGET):
        memory.drop(step)
        ids.pop(step.place, None)
    elif step.verb is not Verb.TELL:
        memory.keep(step, done)
        ids[step.place] = done.vendor_id
    return StepResult(step, done.vendor_id)


def _patiently(
    step: Step, provisioner: Provisioner, ids: Mapping[Place, str], sleep: Callable[[float], None]
) -> Performed:
    """An admin at the keyboard would rather wait a minute than start again."""
    for _ in range(_WAITS):
        try:
            return provisioner.perform(step, ids)
        except RateLimited as error:
            if (error.retry_after or 0) > PATIENCE:
                raise
            sleep(error.retry_after or 5.0)
    return provisioner.perform(step, ids)

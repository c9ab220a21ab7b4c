"""Figures of one process that another can read, and the page that shows both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector


class Family(NamedTuple):
    """One metric with its samples, as plain values that JSON keeps: (name, labels, value) each."""

    name: str
    says: str
    kind: str
    samples: list[tuple[str, dict[str, str], float]]


def told(registry: CollectorRegistry) -> list[Family]:
    """What a registry holds now. When each series was made is left out: another process has no use for it."""
    return [
        Family(each.name, each.documentation, each.type,
               [(s.name, dict(s.labels), s.value) for s in each.samples if not s.name.endswith("_created")])
        for each in registry.collect()
    ]  # fmt: skip


class Shown(Collector):
    """What this process counted; where two share the work, what the other did, too, each under its name."""

    def __init__(self, own: CollectorRegistry) -> None:
        self._own = own
        self._name = self._other_name = ""
        self._other: Callable[[], list[Any]] | None = None

    def beside(self, name: str, other_name: str, other: Callable[[], list[Any]]) -> None:
        """From now on with the label ``process``. ``other`` asks for the other's families; [] if it is silent."""
        self._name, self._other_name, self._other = name, other_name, other

    def collect(self) -> Iterator[Metric]:
        if self._other is None:
            yield from self._own.collect()
            return
        families: dict[str, Metric] = {}
        for process, figures in ((self._name, told(self._own)), (self._other_name, self._other())):
            for name, says, kind, samples in figures:
                family = families.setdefault(name, Metric(name, says, kind))
                for sample, labels, value in samples:
                    family.add_sample(sample, {**labels, "process": process}, value)
        yield from families.values()

"""Figures of one process that another can read, and the page that shows all."""

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


Figures = list[tuple[str, list[Any]]]
"""Families by the process that counted them."""


class Shown(Collector):
    """What this process counted; where several share the work, what the others did, too, each under its name."""

    def __init__(self, own: CollectorRegistry) -> None:
        self._own, self._name = own, ""
        self._others: Callable[[], Figures] | None = None

    def beside(self, name: str, others: Callable[[], Figures]) -> None:
        """From now on with the label ``process``. ``others`` asks for the others' figures; whoever is silent is left
        out."""
        self._name, self._others = name, others

    def mine(self) -> Figures:
        """What this process tells the others."""
        return [(self._name, told(self._own))]

    def collect(self) -> Iterator[Metric]:
        if self._others is None:
            yield from self._own.collect()
            return
        families: dict[str, Metric] = {}
        for process, figures in (*self.mine(), *self._others()):
            for name, says, kind, samples in figures:
                family = families.setdefault(name, Metric(name, says, kind))
                for sample, labels, value in samples:
                    family.add_sample(sample, {**labels, "process": process}, value)
        yield from families.values()

"""Setting up a vendor's account: a plan of steps, made by comparing what is wanted with what is there.

Whoever implements ``Provisioner`` knows one vendor's furniture. It plans by looking and performs one step at a time;
it remembers nothing itself, so that a run that broke off goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

Place = tuple[str, str]
"""(kind, key): a thing's name in the house, the same in every account."""


class Verb(StrEnum):
    MAKE = "make"  # it is not there
    ADOPT = "adopt"  # it is there and ours, or as good as ours, and was not known
    MEND = "mend"  # it is there, and somebody changed it
    KEEP = "keep"  # it is as it should be
    REMOVE = "remove"
    FORGET = "forget"  # it stays at the vendor or is gone there; only our note of it goes
    TELL = "tell"  # nothing that can be done from here; ``says`` tells the admin
    BLOCKED = "blocked"  # the vendor would refuse it: ``says`` tells why, and nothing is done until it is mended


CHANGING = frozenset({Verb.MAKE, Verb.MEND, Verb.REMOVE})
"""The verbs that write at the vendor's."""


@dataclass(frozen=True, slots=True)
class Known:
    """A thing that we know of. ``made``: by us, so that we may take it away."""

    kind: str
    key: str
    vendor_id: str
    made: bool = True

    @property
    def place(self) -> Place:
        return self.kind, self.key


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan. ``title`` is what people read at the vendor's, ``says`` why (differences, or a remark).

    ``body`` is what goes to the vendor, for the vendor's own ``perform``; ``needs`` are the places whose ids it
    refers to, which must have succeeded before.
    """

    verb: Verb
    kind: str
    key: str
    title: str
    vendor_id: str = ""
    made: bool = True
    says: tuple[str, ...] = ()
    needs: tuple[Place, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def place(self) -> Place:
        return self.kind, self.key


@dataclass(frozen=True, slots=True)
class Performed:
    """What came of a step: the vendor's id, and a secret that must be kept (a webhook's)."""

    vendor_id: str
    secret: str = field(default="", repr=False)


class Provisioner(Protocol):
    """One vendor's account. All methods may raise the errors of ``errors.py``; the plans only read."""

    def plan(self, known: Sequence[Known]) -> Sequence[Step]:
        """What is to be done so that everything is there, in an order in which it can be done."""
        ...

    def plan_removal(self, known: Sequence[Known]) -> Sequence[Step]:
        """What is to be done so that nothing of ours is there. Things that we did not make stay."""
        ...

    def perform(self, step: Step, ids: Mapping[Place, str]) -> Performed:
        """Do one step. ``ids`` holds the vendor's ids of everything that is there by now."""
        ...

"""How large a seed's world is: mostly a handful of answers in much trouble, now and then a busy quarter."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Size:
    """What makes a world large or small, and how much befalls it."""

    answers: int  # given by customers of their own accord
    people: int  # who give them; few people meet in the same runs
    more: float  # the chance of each further workflow to be switched on
    busy: float  # how much the agents do
    trouble: float  # how often processes freeze or die and the weather turns
    steps: int  # at least, while anything is left to do


_BUSIEST, _BUSY = Size(40, 6, 0.7, 5, 1, 0), Size(12, 6, 0.7, 5, 1, 0)


def size_of(seed: int, chance: Random) -> Size:
    """Many small worlds find more than few large ones; but some mistakes need a crowd."""
    if seed % 20 == 0:
        return _BUSIEST if seed % 100 == 0 else _BUSY
    return Size(chance.choice((1, 1, 2, 3)), 3, 0.35, 1, 1.5, 100)

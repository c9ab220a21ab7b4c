"""Every kind of trouble that seeds make. It is counted, for in fair weather everything would hold anyway."""

from __future__ import annotations

from collections import Counter
from enum import Enum


class Fate(Enum):
    """How a call ends."""

    DONE = "calls that were done"
    REFUSED = "calls refused, nothing done (503)"
    LIMITED = "calls refused for a rate limit (429)"
    IMPOSSIBLE = "calls refused for good (422)"
    LOST = "calls done whose answer was lost"
    VANISHED = "calls not done and never answered"
    LATE = "calls done after we had given up on them"


class Trouble(Enum):
    """What else happens."""

    DOWN = "calls to a vendor that was down"
    AUTH = "calls whose credentials were refused"
    FROZEN = "processes that froze"
    DEAD = "processes that died"
    DEAD_AT_WORK = "processes that died with calls in their hands"
    LEASE_ENDED = "leases that ended before the outcome was written"
    TOO_LATE = "outcomes of calls that somebody else had taken over"
    RING_LOST = "rings that were lost"
    RING_DOUBLED = "rings that were doubled"
    RING_DELAYED = "rings that later ones overtook"
    SENT_TWICE = "deliveries sent again under their key"
    TOLD_TWICE = "deliveries sent again under another key"
    OVERTAKEN = "deliveries that later ones overtook"
    DELAYED = "deliveries that took more than an hour"
    LEAP = "leaps of the clock of more than an hour"
    LOOKED_BACK = "waits met by an event that was there before them"
    MET = "waits met by an event that came after them"
    TIMED_OUT = "waits that timed out"


KINDS: tuple[Enum, ...] = (*Fate, *Trouble)

Tally = Counter[Enum]
"""How often each kind occurred."""

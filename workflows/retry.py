"""After a failure: error class and attempt in, decision out. The worker applies it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workflows.definitions import Retry

UNTOLD = 60.0  # seconds to wait for a limit whose end the vendor did not tell
LONGEST_LIMIT = 86_400.0  # seconds; a vendor's wish beyond a day is asked for again after a day


@dataclass(frozen=True, slots=True)
class Again:
    """Try again after a pause (seconds); ``counts``: the try that failed used up an attempt."""

    after_seconds: float
    counts: bool


@dataclass(frozen=True, slots=True)
class Park:
    """Give up and keep it, visible, with the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Nobody knows whether it happened: find out first, or follow the delivery rule."""


@dataclass(frozen=True, slots=True)
class PauseConnection:
    """The credentials are refused: nothing more on this connection until someone mends them."""


RetryDecision = Again | Park | Reconcile | PauseConnection


def decide(
    kind: str, attempt: int, policy: Retry, retry_after: float | None, random: Callable[[], float]
) -> RetryDecision:
    """What to do about a failure of class ``kind`` (see ``integrations.errors``) on try number ``attempt`` (from 1).

    ``retry_after`` is the vendor's wish in seconds, if it told one; ``random`` gives a number from 0 to below 1.
    """
    match kind:
        case "transient":
            return _later(attempt, policy, retry_after, random)
        case "rate_limited":
            return Again(_limit(retry_after), counts=False)
        case "ambiguous":
            return Reconcile()
        case "auth":
            return PauseConnection()
        case "permanent":
            return Park("The vendor refuses it, and trying again will not help.")
    return Park(f'The failure is of an unknown class, "{kind}".')


def _later(attempt: int, policy: Retry, retry_after: float | None, random: Callable[[], float]) -> RetryDecision:
    if attempt >= policy.attempts:
        return Park(f"It failed {attempt} time{'s' * (attempt != 1)}, and the policy allows no more.")
    pause = random() * min(policy.longest, policy.first * 2.0 ** min(attempt - 1, 60))
    return Again(max(pause, _limit(retry_after) if retry_after is not None else 0.0), counts=True)


def _limit(retry_after: float | None) -> float:
    wish = UNTOLD if retry_after is None else retry_after
    return min(max(wish, 1.0), LONGEST_LIMIT)

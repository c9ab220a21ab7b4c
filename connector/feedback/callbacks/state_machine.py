"""The life of a callback: what its ticket's events make of it, in whatever order and however often they come. Pure.

Times are the helpdesk's own and are compared with each other only, never with ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

NOT_REACHED, NOT_REACHED_TAG = "not_reached", "ringback_not_reached"
"""The outcome of a call that nobody answered, and the tag that says so where an account has no field for it."""

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Before any event."""


class CallbackStatus(StrEnum):
    """Where a callback stands."""

    ASKED = "asked"  # the ticket is about to be opened
    OPEN = "open"
    TAKEN = "taken"  # an agent has it
    CONTACTED = "contacted"  # an agent wrote on it
    SOLVED = "solved"
    UNREACHED = "not_reached"  # solved without having reached the customer
    RECOVERED = "recovered"  # the customer's second answer says so
    UNRECOVERED = "not_recovered"  # the customer's second answer says so
    CLOSED = "closed"  # ended without a second answer
    REOPENED = "reopened"
    MERGED = "merged"
    DELETED = "deleted"
    SPAM = "spam"


SOLVED = frozenset(
    {
        CallbackStatus.SOLVED,
        CallbackStatus.UNREACHED,
        CallbackStatus.RECOVERED,
        CallbackStatus.UNRECOVERED,
        CallbackStatus.CLOSED,
    }
)
GONE = frozenset({CallbackStatus.MERGED, CallbackStatus.DELETED, CallbackStatus.SPAM})
SHOWN: Mapping[str, str] = {
    CallbackStatus.OPEN: "to_call",
    CallbackStatus.TAKEN: "to_call",
    CallbackStatus.REOPENED: "to_call",
    CallbackStatus.CONTACTED: "contacted",
    CallbackStatus.UNREACHED: "not_reached",
    CallbackStatus.SOLVED: "waiting_for_retention",
    CallbackStatus.RECOVERED: "recovered",
    CallbackStatus.UNRECOVERED: "not_recovered",
    CallbackStatus.CLOSED: "closed",
}
"""What the ticket's field ``ringback_loop_status`` shows (``integrations.callback_fields``); of a ticket that is gone
nothing."""

_UNTOUCHED = (CallbackStatus.ASKED, CallbackStatus.OPEN)


@dataclass(frozen=True, slots=True)
class CallbackState:
    """A callback's state. ``cycle`` counts solves, ``tries`` those that did not reach the customer; ``changed_at`` is
    the helpdesk's time of the latest change of the status that we know."""

    status: str
    cycle: int = 0
    tries: int = 0
    changed_at: datetime = LONG_AGO
    taken_at: datetime | None = None
    contacted_at: datetime | None = None
    solved_at: datetime | None = None


def after(life: CallbackState, event: str, at: datetime, data: Mapping[str, Any]) -> CallbackState:
    """The life after an event ("ticket.solved") that happened ``at``; the same life when it changes nothing."""
    rule = _RULES.get(event)
    return life if rule is None else rule(life, at, data)


def _solved(life: CallbackState, at: datetime, data: Mapping[str, Any]) -> CallbackState:
    """A solve of a solved ticket is no new one, nor is one that was told before."""
    if _was_told(life, at) or at < life.changed_at or life.status in GONE:
        return life
    if life.status in SOLVED:  # its reopening is on its way, or lost: it is older, and changes nothing any more
        return replace(life, changed_at=at, solved_at=at)
    counted = replace(life, cycle=life.cycle + 1, changed_at=at, solved_at=at, taken_at=life.taken_at or at)
    if NOT_REACHED_TAG in (data.get("tags") or ()):
        return unreached(counted)
    return replace(counted, status=CallbackStatus.SOLVED, contacted_at=life.contacted_at or at)


def _was_told(life: CallbackState, at: datetime) -> bool:
    """Whether this solve is the one that we know. One after a reopening that was told is not, however quick it came."""
    if life.solved_at is None:
        return False
    is_again = life.status == CallbackStatus.REOPENED and life.solved_at < life.changed_at < at
    return not is_again and _second(at) <= _second(life.solved_at)


def answered(life: CallbackState, *, is_recovered: bool) -> CallbackState:
    """The customer said how satisfied they are with the solution."""
    if life.status in GONE:
        return life
    return replace(life, status=CallbackStatus.RECOVERED if is_recovered else CallbackStatus.UNRECOVERED)


def unreached(life: CallbackState) -> CallbackState:
    """The solve was none: nobody was reached."""
    return replace(life, status=CallbackStatus.UNREACHED, tries=life.tries + 1)


def _second(moment: datetime) -> datetime:
    """Events have fractions of a second, what one reads of a ticket has not: the same solve must be the same."""
    return moment.replace(microsecond=0)


def read(life: CallbackState, *, status: str, cycle: int | None, solved_at: datetime | None) -> CallbackState:
    """The life after a look at the ticket itself, which knows more than the events that reached us.

    ``status`` is the helpdesk's; ``cycle`` how often it was solved by the helpdesk's count, and when last.
    """
    if status not in ("solved", "closed"):
        return replace(life, status=CallbackStatus.REOPENED) if life.status in SOLVED else life
    if solved_at is None or cycle is None or _second(solved_at) <= _second(life.solved_at or LONG_AGO):
        return life
    status = life.status if life.status in SOLVED | GONE else CallbackStatus.SOLVED
    cycle = max(cycle, life.cycle)
    return replace(life, status=status, cycle=cycle, solved_at=solved_at, changed_at=max(life.changed_at, solved_at))


def _closed(life: CallbackState, at: datetime, data: Mapping[str, Any]) -> CallbackState:
    """Zendesk closes a solved ticket for good, days later: nothing more is to come. When its solve was never told, this
    tells it."""
    told_its_solve = life.solved_at is not None and _second(at) == _second(life.solved_at)
    if life.status == CallbackStatus.SOLVED and at >= life.changed_at and not told_its_solve:
        return replace(life, status=CallbackStatus.CLOSED, changed_at=at)
    return life if life.status in SOLVED else _solved(life, at, data)


def _reopened(life: CallbackState, at: datetime, _: Mapping[str, Any]) -> CallbackState:
    if at < life.changed_at or life.status in GONE:
        return life
    return replace(life, status=CallbackStatus.REOPENED, changed_at=at)


def _merged(life: CallbackState, at: datetime, _: Mapping[str, Any]) -> CallbackState:
    """What was merged stays so, whatever else is told, and whenever."""
    return replace(life, status=CallbackStatus.MERGED, changed_at=max(at, life.changed_at))


def _gone(status: CallbackStatus) -> _Rule:
    def rule(life: CallbackState, at: datetime, _: Mapping[str, Any]) -> CallbackState:
        """Spam is deleted as well, and both are told."""
        known = GONE - {CallbackStatus.DELETED} if status is CallbackStatus.SPAM else GONE
        if at < life.changed_at or life.status in known:
            return life
        return replace(life, status=status, changed_at=at)

    return rule


def _restored(life: CallbackState, at: datetime, data: Mapping[str, Any]) -> CallbackState:
    """Taken back from the deleted ones, as it was; a solve that was counted is not counted again."""
    if at < life.changed_at or life.status not in (CallbackStatus.DELETED, CallbackStatus.SPAM):
        return life
    is_solved = data.get("status") in ("solved", "closed") and life.cycle > 0
    status = CallbackStatus.SOLVED if is_solved else CallbackStatus.REOPENED if life.cycle else CallbackStatus.OPEN
    return replace(life, status=status, changed_at=at)


def _assigned(life: CallbackState, at: datetime, data: Mapping[str, Any]) -> CallbackState:
    """A person gave it to an agent, or took it. What Zendesk's own routing does touches nobody."""
    if not data.get("agent") or data.get("by_person") is False or life.taken_at is not None:
        return life
    return replace(life, taken_at=at, status=CallbackStatus.TAKEN if life.status in _UNTOUCHED else life.status)


def _commented(life: CallbackState, at: datetime, data: Mapping[str, Any]) -> CallbackState:
    """An agent's comment, public or not: a call leaves no other trace."""
    if not data.get("by_staff"):
        return life
    touched = replace(life, taken_at=life.taken_at or at, contacted_at=life.contacted_at or at)
    in_hand = life.status in (*_UNTOUCHED, CallbackStatus.TAKEN)
    return replace(touched, status=CallbackStatus.CONTACTED) if in_hand else touched


_Rule = Callable[[CallbackState, datetime, Mapping[str, Any]], CallbackState]
_RULES: Mapping[str, _Rule] = {
    "ticket.assigned": _assigned,
    "ticket.commented": _commented,
    "ticket.solved": _solved,
    "ticket.closed": _closed,
    "ticket.reopened": _reopened,
    "ticket.merged": _merged,
    "ticket.deleted": _gone(CallbackStatus.DELETED),
    "ticket.spam": _gone(CallbackStatus.SPAM),
    "ticket.restored": _restored,
}

"""Which share of eligible customers was not asked, by agent or by team: signs of picking whom to ask (A8).

Looked at are solved tickets of customers, each once, that are no callbacks. Who could not be asked by any choice of
ours (no address, opted out, a colleague, a ticket that the customer never saw) is not eligible and counted apart.
"no_workflow" are tickets for which no workflow asked: a tag, or a condition of its trigger, kept them out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, select

from connector.storage.schema.tables import events, invitations, runs, suppressions
from workflows.scoring import share_interval

NOT_ELIGIBLE = frozenset({
    "staff", "side_conversation", "internal", "no_address", "opted_out", "suspended", "unknown", "anothers_address",
    "undeliverable",
})  # fmt: skip
ASKED, WAITS, NO_WORKFLOW = "asked", "waits", "no_workflow"
_BATCH = 1_000
_e = events.c
_SOLVED = (
    select(_e.seq, _e.subject, _e.data)
    .where(_e.type == "ticket.solved", _e.time >= bindparam("since"), _e.time < bindparam("until"))
    .where(_e.customer_id.is_not(None), _e.seq > bindparam("after"))
    .order_by(_e.seq)
    .limit(_BATCH)
)
_RUNS = select(runs.c.id, runs.c.event_seq).where(runs.c.event_seq.in_(bindparam("seqs", expanding=True)))
_i, _s = invitations.c, suppressions.c
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_INVITED = select(_i.run_id, _i.asked_at, _i.status, _i.code).where(_i.run_id.in_(_IDS))
_WITHHELD = select(_s.run_id, _s.code).where(_s.run_id.in_(_IDS))


@dataclass(frozen=True, slots=True)
class Coverage:
    """One agent's or team's tickets. ``share`` is that of the eligible who were not asked, ``low`` to ``high`` its 95 %
    interval; ``reasons`` counts why, by code."""

    who: str
    eligible: int
    asked: int
    share: float
    low: float
    high: float
    reasons: Mapping[str, int]
    not_eligible: int
    waiting: int


def coverage(tx: Connection, since: datetime, until: datetime, by: str = "agent") -> list[Coverage]:
    """By ``agent`` or ``team``, in the order of their names: it is no ranking of people."""
    tickets: dict[str, tuple[str, str]] = {}
    names: dict[str, str] = {}
    for ticket, who, name, outcome in _outcomes(tx, since, until, by):
        names[who] = name or names.get(who, "")
        before = tickets.get(ticket)
        if before is None or before[1] != ASKED:  # solved again: asked once is asked
            tickets[ticket] = (who, outcome)
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for who, outcome in tickets.values():
        counted[who][outcome] += 1
    return [_line(names[who] or who, counts) for who, counts in sorted(counted.items())]


def _line(who: str, counts: Counter[str]) -> Coverage:
    reasons = {code: n for code, n in sorted(counts.items()) if code not in NOT_ELIGIBLE | {ASKED, WAITS}}
    missed, asked = sum(reasons.values()), counts[ASKED]
    eligible = missed + asked
    share = share_interval(missed, eligible) if eligible else None
    spread = (missed / eligible, share.low, share.high) if share else (0.0, 0.0, 0.0)
    out = sum(counts[code] for code in NOT_ELIGIBLE)
    return Coverage(who, eligible, asked, *spread, reasons, out, counts[WAITS])


def _outcomes(tx: Connection, since: datetime, until: datetime, by: str) -> Iterator[tuple[str, str, str, str]]:
    """Ticket, whose it is, that one's name where it is told, and what became of asking."""
    after = 0
    while found := tx.execute(_SOLVED, {"since": since, "until": until, "after": after}).all():
        after = found[-1].seq
        became = _became(tx, [row.seq for row in found])
        for row in found:
            if not row.data.get("callback"):
                who = row.data.get("agent") if by == "agent" else row.data.get("group") or row.data.get("group_name")
                name = "" if by == "agent" else row.data.get("group_name")
                yield str(row.subject), str(who or "nobody"), str(name or ""), became.get(row.seq, NO_WORKFLOW)


def _became(tx: Connection, seqs: Sequence[int]) -> dict[int, str]:
    of_run: dict[str, int] = {row.id: row.event_seq for row in tx.execute(_RUNS, {"seqs": list(seqs)})}
    ids = {"ids": list(of_run)}
    became: dict[int, str] = {}
    for row in tx.execute(_WITHHELD, ids):
        became[of_run[row.run_id]] = row.code or "other"
    for invited in tx.execute(_INVITED, ids):
        became[of_run[invited.run_id]] = _of_invitation(invited)
    return became


def _of_invitation(row: Any) -> str:
    if row.status == "withheld":
        return row.code or "other"
    return ASKED if row.asked_at is not None or row.status != "prepared" else WAITS

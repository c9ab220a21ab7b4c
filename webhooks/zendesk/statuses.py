"""What a ticket's change of status means, by the pair of statuses. Pure.

The statuses are those of Zendesk's event reference ("Ticket status changed"). Beside the ones that people give there
are four that Zendesk gives by itself: it *closes* what has been solved for some days, *archives* what has been closed
for some months, keeps what was *deleted* for thirty days, and *scrubs* what was deleted for good. None of these can be
solved by an agent any more: only what was active before is a solve of now. Whatever else leads to SOLVED or CLOSED (a
ticket that leaves the archive, an import, a repair at Zendesk's side) tells of an old one, and asks nobody anything.
"""

from __future__ import annotations

from collections.abc import Mapping

ACTIVE = ("NEW", "OPEN", "PENDING", "HOLD")
STATUSES = (*ACTIVE, "SOLVED", "CLOSED", "ARCHIVED", "DELETED", "SCRUBBED")
_KEPT = ("SOLVED", "CLOSED", "ARCHIVED")


def meaning(previous: str, current: str) -> str | None:
    """The neutral event of going from the one to the other status, both in capitals; None when it means nothing."""
    return _MEANINGS.get((previous, current))


def _pairs(froms: tuple[str, ...], tos: tuple[str, ...], event: str) -> dict[tuple[str, str], str]:
    return {(before, after): event for before in froms for after in tos}


_MEANINGS: Mapping[tuple[str, str], str] = {
    **_pairs(ACTIVE, ("SOLVED", "CLOSED"), "ticket.solved"),  # closed at once, without the solved between, is one, too
    **_pairs(("SOLVED",), ACTIVE, "ticket.reopened"),
    **_pairs(("SOLVED",), ("CLOSED",), "ticket.closed"),
    **_pairs((*ACTIVE, *_KEPT), ("DELETED", "SCRUBBED"), "ticket.deleted"),
    **_pairs(("DELETED",), (*ACTIVE, "SOLVED", "CLOSED"), "ticket.restored"),
}

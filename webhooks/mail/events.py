"""From findings to events, for every sender that tells of returned mail: "mail.bounced", "mail.complained",
"mail.answered". Workflows are not meant to listen to them: what follows from one (``survey.bounced``,
``customer.opted_out``, ``feedback.logged``) is told once it is clear whose mail it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from webhooks.delivery import Translation
from webhooks.mail.findings import Answer, Bounce, Complaint, Finding, NothingToDo
from workflows.events import Event

BOUNCED, COMPLAINED, ANSWERED = "mail.bounced", "mail.complained", "mail.answered"
TYPES = (BOUNCED, COMPLAINED, ANSWERED)

class TellsOfMail:
    """A mark of sources that may tell of returned mail: who fetched it, or checked the provider's signature."""


_TYPE_OF = {Bounce: BOUNCED, Complaint: COMPLAINED, Answer: ANSWERED}


def translation(found: Sequence[Finding], connection: str, at: datetime, mark: str, *, proved: bool) -> Translation:
    """``mark`` is the sender's own id of what it tells, and the same for every copy of it. ``proved``: the sender
    signed, so the recipient it names may be believed; whoever writes to a mailbox proves nothing."""
    news = [each for each in found if not isinstance(each, NothingToDo)]
    if not news:
        return Translation(ignored="; ".join(each.reason for each in found if isinstance(each, NothingToDo)))
    return Translation(tuple(_event(each, connection, at, mark, proved) for each in news))


def _event(found: Bounce | Complaint | Answer, connection: str, at: datetime, mark: str, proved: bool) -> Event:
    data = {**_data(found), "proved": proved}
    return Event(_id(mark, found), _TYPE_OF[type(found)], at, connection, data)


def _data(found: Bounce | Complaint | Answer) -> dict[str, Any]:
    told = asdict(found)
    told["trail"] = {name: list(values) for name, values in told["trail"].items()}
    if isinstance(found, Bounce):
        told["cause"] = found.cause.name.lower()
        told["why"] = found.cause.value
    return told


def _id(mark: str, found: Bounce | Complaint | Answer) -> str:
    """A mail that lies in a box twice (to us, and in copy to us) is one fact; a late report and the last one under one
    id are two. So the id is of what is said; of the addresses only those count that may hold a mark."""
    marked = sorted(address for address in found.trail.addresses if "+" in address)
    said = {**_data(found), "trail": (found.trail.message_ids, marked)}
    written = f"{mark} {sorted(said.items())!r}"
    return f"mail-{hashlib.sha256(written.encode()).hexdigest()[:40]}"

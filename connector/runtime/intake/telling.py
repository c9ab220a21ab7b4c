"""What a sender may tell. A signature proves who tells it, not that it is theirs to tell: a survey platform that could
tell of a helpdesk's tickets, or of our own callbacks, would end recoveries of people it knows nothing of.

And nobody answers before we hear of it: a moment after its arrival would outrank every later answer for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from webhooks.delivery import Account, Translation
from webhooks.mail.events import TYPES, TellsOfMail
from webhooks.timestamps import written
from workflows.events import EVENT_TYPES, Event

OURS = frozenset({
    "callback.changed", "callback.outcome", "score.due", "survey.requested", "survey.sent", "survey.opened",
    "survey.started", "survey.score_given", "survey.changed", "survey.doubted", "survey.expired", "survey.bounced",
    "survey.reminded",
})  # fmt: skip
"""Told by our own features alone: what they say has been done by us."""

OF_RECORDS = frozenset({
    "ticket.created", "ticket.assigned", "ticket.solved", "ticket.reopened", "ticket.commented", "ticket.merged",
    "ticket.deleted", "ticket.spam", "ticket.restored", "ticket.closed", "ticket.requester_changed",
    "ticket.first_contact", "csat.rated", "case.closed", "opportunity.won", "lead.changed", "lead.converted",
    "contact.changed", "contact.merged", "contact.deleted",
})  # fmt: skip
"""Told by the connection whose record it is, as its subject says ("zendesk:4711")."""

EVERYBODYS = frozenset({
    "survey.answered", "feedback.logged", "order.delivered", "customer.opted_out", "customer.anniversary",
    "reward.granted",
})  # fmt: skip
"""Facts that any system may be the first to know, as are all types that are not ours."""

SKEW = timedelta(minutes=5)
"""A sender's clock may be so far ahead without a word being said of it."""

Accounts = Callable[[str], Account | None]


def admitted(translation: Translation, account: Account, received_at: datetime, accounts: Accounts) -> Translation:
    """Without what is not the sender's to tell, and with no moment after ``received_at``; both are told as trouble."""
    if not translation.events:
        return translation
    trouble: list[str] = []
    kept = []
    for event in translation.events:
        why = _not_theirs(event, account, accounts)
        if why:
            trouble.append(why)
            continue
        own = account.kind == "internal"  # our own revisions keep their order whatever our clock was set to
        kept.append(event if own else _not_before_it_came(event, received_at, trouble))
    return replace(translation, events=tuple(kept), trouble=(*translation.trouble, *trouble))


def _not_theirs(event: Event, account: Account, accounts: Accounts) -> str:
    """Why the sender may not tell it; "" if it may."""
    if account.kind == "internal":
        return ""
    if event.type in OURS:
        return f"type: {event.type} is told by Ringback's own features alone; send another type"
    if event.type in TYPES and not isinstance(account.source, TellsOfMail):
        return f"type: {event.type} is told by mailboxes and mail providers alone; send another type"
    if event.type not in OF_RECORDS:
        return ""
    name = str(EVENT_TYPES[event.type].subject)
    owner = str(event.data.get(name) or "").partition(":")
    if owner[1] and owner[0] != event.connection and accounts(owner[0]) is not None:
        return f"data.{name}: it is a record of the connection {owner[0]}, which alone tells of it; leave the event out"
    return ""


def _not_before_it_came(event: Event, received_at: datetime, trouble: list[str]) -> Event:
    """A record's events keep the order of its own system's clock, however that stands to ours."""
    if event.type in OF_RECORDS - {"csat.rated"}:
        return event
    moments = {"time": event.time, "data.answered_at": _moment(event.data)}
    ahead = {name: at for name, at in moments.items() if at is not None and at > received_at}
    if not ahead:
        return event
    for name, at in ahead.items():
        if at > received_at + SKEW:
            trouble.append(f"{name}: {written(at)} is later than its arrival, which counts instead; set that clock")
    data: Mapping[str, Any] = event.data
    if "data.answered_at" in ahead:
        data = {**data, "answered_at": written(received_at)}
    return replace(event, time=min(event.time, received_at), data=data)


def _moment(data: Mapping[str, Any]) -> datetime | None:
    """An answer's own moment; of other types the name may mean anything."""
    try:
        at = datetime.fromisoformat(str(data.get("answered_at") or ""))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None

"""Whether a person may be asked now: opt-out, suspension, occasion, quiet time, and whether the ticket still stands.

Looked at when a step comes, again when the mail leaves, and when an agent wants to know beforehand. Each refusal is
the sentence that the history, the suppression and the agent's sidebar show. Who the vendor says is suspended, staff or
unknown is decided where it is asked (``addressee``); an opt-out in a CRM is looked for by ``crm.consent_check``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from connector.feedback.callbacks.state_machine import CallbackStatus
from connector.feedback.customers.identity import Customer
from connector.feedback.mail_feedback import undeliverable
from connector.feedback.surveys.asking.refusal import Refusal
from connector.feedback.surveys.model import Survey
from connector.storage.schema.tables import callbacks, events, invitations

NO_ADDRESS = Refusal("no_address", "refusal.no_address")
NO_ADDRESS_THERE = Refusal("no_address", "refusal.no_address_there")
OPTED_OUT = Refusal("opted_out", "refusal.opted_out")
SUSPENDED = Refusal("suspended", "refusal.suspended")
STAFF = Refusal("staff", "refusal.staff")
SIDE_CONVERSATION = Refusal("side_conversation", "refusal.side_conversation")
INTERNAL = Refusal("internal", "refusal.internal")
UNKNOWN = Refusal("unknown", "refusal.unknown")
ANOTHERS_ADDRESS = Refusal("anothers_address", "refusal.anothers_address")
SAME_OCCASION = Refusal("occasion", "refusal.occasion")
IN_HAND = Refusal("in_hand", "refusal.in_hand")

_ENDS = {
    "ticket.reopened": Refusal("ticket_gone", "refusal.ticket_reopened"),
    "ticket.merged": Refusal("ticket_gone", "refusal.ticket_merged"),
    "ticket.deleted": Refusal("ticket_gone", "refusal.ticket_deleted"),
    "ticket.spam": Refusal("ticket_gone", "refusal.ticket_spam"),
}
_NOT_ABOUT = {
    **{
        status: Refusal("callback_moved", f"refusal.callback_{status.value}")
        for status in (CallbackStatus.REOPENED, CallbackStatus.MERGED, CallbackStatus.DELETED)
    },
    CallbackStatus.SPAM: Refusal("callback_moved", "refusal.callback_spam"),
    CallbackStatus.UNREACHED: Refusal("not_reached", "refusal.not_reached"),
}


def why_not(
    tx: Connection, customer: Customer, survey: Survey, request: Mapping[str, Any], fatigue_days: int, now: datetime
) -> Refusal | None:
    """The reason not to ask, or None. ``request`` may hold ``once``, ``about``, and the ``invitation`` it is for.

    ``fatigue_days`` is the quiet time of a survey that names none of its own.
    """
    if customer.opted_out_at:
        return OPTED_OUT
    if request.get("once") and _exists(tx, request["once"], request.get("invitation")):
        return SAME_OCCASION
    if survey.passes_fatigue:
        return _moved_on(tx, request)
    days = survey.fatigue_days if survey.fatigue_days is not None else fatigue_days
    last = _last_asked(tx, customer.id, now - timedelta(days=days), request.get("invitation"))
    if last is None:
        return None
    ago = (now - last).days
    return Refusal("fatigue", "refusal.fatigue", days_ago=ago, rule_days=days)


def comes_back(tx: Connection, address: str | None) -> Refusal | None:
    """The reason not to write to an address that mail comes back from."""
    why = undeliverable.comes_back(tx, address)
    return None if why is None else Refusal("undeliverable", "refusal.undeliverable", {"why": why})


def no_contact(event: Mapping[str, Any]) -> Refusal | None:
    """The reason why a ticket is no contact with a customer, as far as its event says; None for all else.

    What counts, by Zendesk's documentation: a child ticket of a side conversation is one agent's question to another
    ("Creating side conversation child tickets"); a ticket whose comments are all private was opened by an agent for
    somebody who is not told of it and cannot see it ("Enabling and disabling private ticket creation"). After a phone
    call the talk was the contact, whoever sees its ticket. Follow-ups, problems and incidents are contacts as any
    other, and so are our callbacks, which begin with an internal comment.
    """
    if not str(event.get("type")).startswith("ticket.") or event.get("callback"):
        return None
    if event.get("channel") == "side_conversation":
        return SIDE_CONVERSATION
    if event.get("requester_is_staff"):
        return STAFF
    return INTERNAL if event.get("is_public") is False and event.get("channel") != "voice" else None


def other_language(locale: str | None, languages: Sequence[str]) -> Refusal | None:
    """The reason not to ask somebody who reads something else. ``languages`` are codes as "nl", or "nl-be" for Belgium
    alone; empty asks everybody."""
    told = (locale or "").lower().replace("_", "-")
    if not languages or any(told == each or told.startswith(f"{each}-") for each in languages):
        return None
    id_ = "refusal.language" if told else "refusal.language_unknown"
    return Refusal("language", id_, {"language": told, "wanted": " or ".join(languages)})


def ticket_gone(tx: Connection, ticket: object) -> Refusal | None:
    """The reason not to ask about a solved ticket that was reopened, merged, deleted or marked as spam since."""
    if not ticket:
        return None
    c = events.c
    told = select(c.type).where(c.type.in_((*_ENDS, "ticket.solved", "ticket.restored")), c.subject == str(ticket))
    last = tx.execute(told.order_by(c.seq.desc()).limit(1)).scalar_one_or_none()
    return _ENDS.get(last) if last is not None else None


def _exists(tx: Connection, once: str, own: str | None) -> bool:
    found = tx.execute(select(invitations.c.id).where(invitations.c.once == once)).scalar_one_or_none()
    return found is not None and found != own


def _last_asked(tx: Connection, customer_id: str, since: datetime, own: str | None) -> datetime | None:
    """When another survey was last sent to this person, or decided to be."""
    c = invitations.c
    statement = select(c.asked_at).where(c.customer_id == customer_id, c.asked_at > since, c.id != (own or ""))
    last: datetime | None = tx.execute(statement.order_by(c.asked_at.desc()).limit(1)).scalar_one_or_none()
    return last


def _moved_on(tx: Connection, request: Mapping[str, Any]) -> Refusal | None:
    """A survey about a callback waits for a solved one: reopened, merged or deleted since means no question. One that a
    second bad answer handed to a person is not asked about again."""
    if not request.get("about"):
        return None
    c = callbacks.c
    statement = select(c.status, c.handed_over).where(c.response_id == request["about"])
    callback = tx.execute(statement.order_by(c.created_at.desc(), c.id.desc()).limit(1)).one_or_none()
    if callback is None:
        return None
    if callback.handed_over:
        return IN_HAND
    return _NOT_ABOUT.get(callback.status)

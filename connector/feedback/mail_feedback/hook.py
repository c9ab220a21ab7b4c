"""From an event about returned mail to what follows, in the intake's transaction.

The event gets the customer whose mail it was, and says what came of it (``outcome``); what workflows may follow is told
by events of our own: ``survey.bounced``, ``customer.opted_out``, ``feedback.logged``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, update

from connector.feedback.base.event_hooks import IncomingEvent
from connector.feedback.consent import opt_outs
from connector.feedback.customers import identity as customers
from connector.feedback.mail_feedback import returned_mail, sent_mail, undeliverable
from connector.feedback.mail_feedback.returned_mail import Kind
from connector.feedback.mail_feedback.sent_mail import SentMail
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.schema.tables import household_asks, invitations
from connector.storage.stores.inbox import insert_deliveries, own_event
from integrations.mail.verp import Marks
from webhooks.mail.events import ANSWERED, BOUNCED, COMPLAINED, TYPES

CONVERSATION = "reply"
"""The kind of conversation that an answer by mail is, beside those that staff log."""

UNKNOWN = "of no mail that we know; nothing follows"
OF_A_TEAM = "of a mail to a team of ours; nothing follows"

_OPTED_OUT_BY = {COMPLAINED: "complaint", ANSWERED: "reply"}
_NO_WORDING = "none"  # they saw no text of ours when they asked


class ReturnedMail:
    """An ``EventHook``. ``secret_keys`` are the house's own, with which marks are made."""

    def __init__(self, secret_keys: SecretKeys) -> None:
        self._marks = Marks(*secret_keys.every)

    def __call__(
        self, database: Database, tx: Connection, batch: Sequence[IncomingEvent], now: datetime
    ) -> Sequence[IncomingEvent]:
        ours = [each for each in batch if each.type in TYPES]
        if not ours:
            return batch
        mails = sent_mail.find(tx, self._marks, [each.data for each in ours], now)
        people = customers.load(tx, {mail.customer for mail in mails if mail and mail.customer})
        database.lock(tx, [undeliverable.lock_key(mail.address) for mail in mails if mail])
        place = _Place(database, tx, now)
        done = {each.id: _followed(place, each, mail, people) for each, mail in zip(ours, mails, strict=True)}
        return [done.get(each.id, each) for each in batch]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where it follows: the transaction and the moment."""

    database: Database
    tx: Connection
    now: datetime

    def tell(self, type_: str, id_: str, data: Mapping[str, Any]) -> None:
        insert_deliveries(self.database, self.tx, [own_event(type_, id_, self.now, data)])

    def opt_out(self, mail: SentMail, event_type: str) -> str:
        source = _OPTED_OUT_BY[event_type]
        new = mail.customer is not None and opt_outs.opt_out(
            self.database, self.tx, mail.customer, source, self.now, text_version=_NO_WORDING
        )
        return "opted out" if new else "had opted out before"


def _followed(
    place: _Place, arrival: IncomingEvent, mail: SentMail | None, people: Mapping[str, customers.Customer]
) -> IncomingEvent:
    known = people.get(mail.customer) if mail and mail.customer else None
    told = {
        "outcome": _outcome(place, arrival, mail) if mail else UNKNOWN,
        "mail": mail.id if mail else None,
        "invitation": mail.invitation if mail else None,
        "customer": known.id if known else None,
    }
    return replace(arrival, customer=known or arrival.customer, data={**arrival.data, **told})


def _outcome(place: _Place, arrival: IncomingEvent, mail: SentMail) -> str:
    if arrival.type == BOUNCED:
        return _bounced(place, arrival, mail)
    if mail.customer is None:
        return OF_A_TEAM
    if arrival.type == COMPLAINED:
        returned_mail.keep(
            place.database, place.tx, mail, Kind.COMPLAINT, arrival.data, arrival.event.connection, place.now
        )
        return place.opt_out(mail, arrival.type)
    return _answered(place, arrival, mail)


def _bounced(place: _Place, arrival: IncomingEvent, mail: SentMail) -> str:
    kind = Kind.HARD if arrival.data.get("hard") else Kind.SOFT
    connection = arrival.event.connection
    new = returned_mail.keep(place.database, place.tx, mail, kind, arrival.data, connection, place.now)
    found = undeliverable.look_again(place.database, place.tx, mail.address, mail.customer) if mail.address else None
    if mail.invitation is not None:
        _tell_of_invitation(place, mail, kind, arrival.data)
    if not new:
        return "known already"
    return "the address is suppressed" if found else "kept; the address is still written to"


def _tell_of_invitation(place: _Place, mail: SentMail, kind: Kind, data: Mapping[str, Any]) -> None:
    """The person was not asked: the quiet time after a survey does not count from here."""
    told = {
        "invitation": mail.invitation, "survey": mail.survey, "channel": "email", "reason": data.get("why"),
        "hard": kind is Kind.HARD, "status": data.get("status"), "context": dict(mail.context),
        "customer": {"id": mail.customer},
    }  # fmt: skip
    place.tell("survey.bounced", f"bounced-{mail.invitation}", told)
    place.tx.execute(update(invitations).where(invitations.c.id == mail.invitation).values(asked_at=None))
    place.tx.execute(delete(household_asks).where(household_asks.c.invitation_id == mail.invitation))


def _answered(place: _Place, arrival: IncomingEvent, mail: SentMail) -> str:
    said = []
    if arrival.data.get("wants_out"):
        said.append(place.opt_out(mail, arrival.type))
    if arrival.data.get("text"):
        place.tell("feedback.logged", f"reply-{arrival.id}", _feedback(arrival, mail))
        said.append("logged as feedback")
    return ", ".join(said)


def _feedback(arrival: IncomingEvent, mail: SentMail) -> dict[str, Any]:
    """As the sidebar logs what a customer said; what the mail was about goes along."""
    about = {name: mail.context[name] for name in ("ticket", "ticket_id", "subject") if mail.context.get(name)}
    return {
        "response_id": arrival.id, "survey": mail.survey or "conversation", "comment": arrival.data["text"],
        "contact_consent": False, "invitation": mail.invitation, "customer": {"id": mail.customer},
        "context": {**about, "conversation": CONVERSATION, "mail_subject": arrival.data.get("subject") or ""},
    }  # fmt: skip

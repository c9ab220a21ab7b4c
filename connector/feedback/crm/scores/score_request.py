"""What is asked when a score is to be written: which answer's, and of which customer. Stored with the effect, as JSON:

``response``, ``metric``, ``score``, ``band``, ``comment``, ``answered_at``; ``record`` (canonical) or None; ``email``;
``name`` and ``phone`` where the record may be found by its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.feedback.base.actions import ActionContext, CompletionContext, Effect, NotPossibleError, Write
from connector.feedback.crm.record_merges import found_by_address
from connector.feedback.customers import identity as customers
from connector.feedback.customers.identity import KNOW
from connector.feedback.responses import store as responses
from connector.storage.engine.bulk import Upsert
from connector.storage.schema.tables import writebacks
from integrations import mailboxes

_HEAD = Upsert(writebacks, keys=("connection", "record", "metric"), newest="answered_at")
_ANSWER = ("response", "metric", "score", "band", "comment")


@dataclass(frozen=True, slots=True)
class WantedScore:
    """An answer as the request holds it, and the customer who gave it (``Customer.view``)."""

    answer: Mapping[str, Any]
    customer: Mapping[str, Any]


def wanted(ask: ActionContext, *, or_newest: bool = False) -> WantedScore:
    """The trigger's own answer, or the one that the step names; ``or_newest``: else the customer's newest. Raises
    NotPossibleError when there is none."""
    source: Mapping[str, Any] | None = ask.facts.event
    if named := ask.params.get("response"):
        source = responses.get(ask.tx, str(named))
    elif or_newest and ask.facts.event.get("score") is None:
        source = _newest_answer(ask)
    if not source or source.get("score") is None:
        raise NotPossibleError(
            f"response: {named!r} is no answer we know. Start the workflow from survey.answered, or give the "
            "step response: the id of an answer."
        )
    return WantedScore(_answer(source, ask.now), _who_gave(ask, source.get("customer_id")))


def _answer(source: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    at = source.get("answered_at")
    fields = {name: source.get(name) for name in _ANSWER}
    fields["response"] = fields["response"] or source.get("id")
    return fields | {"answered_at": at.isoformat() if isinstance(at, datetime) else at or now.isoformat()}


def _who_gave(ask: ActionContext, customer: str | None) -> Mapping[str, Any]:
    """The customer of a named answer, whoever the event is about: the ticket's requester may be a colleague."""
    about = ask.facts.customer
    if not customer or customer == about.get("id"):
        return about
    found = customers.load(ask.tx, [customer]).get(customer)
    return about if found is None else found.view()


def _newest_answer(ask: ActionContext) -> Mapping[str, Any] | None:
    customer = ask.facts.customer.get("id")
    found = responses.of_customers(ask.tx, [customer], most=1).get(customer, []) if customer else []
    return dict(found[0]._mapping) if found else None


def email_of(effect: Effect) -> str:
    """In the form in which addresses are compared."""
    return mailboxes.normal(str(effect.request["email"] or ""))


def age_of(request: Mapping[str, Any]) -> tuple[datetime, str]:
    """What decides which of two answers is the newer one."""
    return datetime.fromisoformat(request["answered_at"]), str(request["response"])


def head(inside: ActionContext | CompletionContext, connection: str, request: Mapping[str, Any], record: str) -> Write:
    """The newest answer that is on the record, or is about to be."""
    row = {
        "connection": connection,
        "record": record,
        "metric": request["metric"],
        "response_id": request["response"],
        "answered_at": datetime.fromisoformat(request["answered_at"]),
        "written_at": inside.now,
    }
    return Write(_HEAD, row)


def link(done: CompletionContext, record: str) -> tuple[Write, ...]:
    """The record that was found is the customer's from now on; if it was another's, the two are one, or a case for a
    person."""
    place, whose = (done.effect.connection, record), done.facts.customer["id"]
    if customers.owners(done.tx, [place]).get(place, whose) != whose:
        found_by_address(done.database, done.tx, done.effect.connection, {whose: record}, done.now)
        return ()
    row = {"system": done.effect.connection, "value": record, "customer_id": whose, "gone_at": None}
    return (Write(KNOW, row),)

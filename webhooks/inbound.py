"""Events of other systems, signed by Standard Webhooks: {"type", "id", "time", "data"}.

``data`` is kept whole: what it holds under names we do not know is usable in conditions all the same. Only
``data.customer`` leaves it, and becomes the person the event is about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from webhooks import answers
from webhooks.delivery import Account, Answer, Delivery, Request, Translation
from webhooks.errors import Refused, Unreadable
from webhooks.inbound_schema import read_answer, read_customer, read_envelope
from webhooks.reading import ID_LENGTH, declares_json, identity, json_object, mapping, sane_key
from webhooks.signatures import verify_standard
from webhooks.times import written
from workflows.events import EVENT_TYPES, Event, Person

KEPT_HEADERS = ("webhook-id", "webhook-timestamp", "user-agent")
PERSON_FIELDS = ("email", "name", "phone", "locale")
ID_FIELDS = {"salesforce_contact_id": "salesforce", "zendesk_user_id": "zendesk"}


class Inbound:
    """Whoever signs with the connection's secret."""

    def verify(self, request: Request, account: Account) -> Delivery:
        """The delivery, kept under its ``webhook-id``: the same for every attempt.

        Raises ``Refused``: 401 when the signature is wrong or old, 415 when the body is declared as not JSON.
        """
        verify_standard(request.headers, request.body, account.secrets, request.received_at)
        key = sane_key(request.headers["webhook-id"])
        if not key:
            raise Refused("webhook-id is too long or not printable ASCII", status=400,
                          remedy="send at most 200 letters, digits and signs")
        content_type = request.headers.get("content-type", "")
        if not declares_json(content_type):
            raise Refused("the body is declared as something else than JSON", status=415,
                          remedy="send Content-Type: application/json")
        kept = {name: request.headers[name] for name in KEPT_HEADERS if name in request.headers}
        return Delivery(account.connection, key, request.received_at, content_type, kept, request.body)

    def translate(self, delivery: Delivery, account: Account) -> Translation:
        """The one event. Raises ``Unreadable`` that names the path, the value and the remedy."""
        return Translation((read_event(delivery, account),))

    def answer(self, stored: bool) -> Answer:
        return answers.accepted(stored)

    def refuse(self, error: Exception) -> Answer:
        return answers.refusal(error)


def read_event(delivery: Delivery, account: Account) -> Event:
    """The event in a body of this format; without an id of its own it has that of the delivery."""
    envelope = read_envelope(json_object(delivery.body))
    told = dict(envelope["data"])
    customer = told.pop("customer", None)
    fill = FILLED.get(envelope["type"], _as_told)
    time: datetime = envelope["time"]
    data = fill(_with_ticket(told, account), time)
    _expect_short_subject(envelope["type"], data)
    return Event(envelope.get("id") or delivery.key, envelope["type"], time, account.connection, data,
                 _person(customer, account))


def _as_told(data: Mapping[str, Any], _time: datetime) -> Mapping[str, Any]:
    return data


def _answered(data: Mapping[str, Any], time: datetime) -> Mapping[str, Any]:
    """A survey's answer: every neutral field is there, with what the sender left out filled in."""
    answer = read_answer(data)
    answered_at = answer.pop("answered_at") or time
    return {"about": None, **data, **answer, "response": answer["response_id"], "answered_at": written(answered_at)}


def _logged(data: Mapping[str, Any], time: datetime) -> Mapping[str, Any]:
    """Feedback from a conversation: an answer if it has a score, else words alone."""
    if data.get("score") is not None:
        return _answered(data, time)
    empty = {"response": data.get("response_id"), "survey": None, "metric": None, "score": None, "band": None}
    return {**empty, "comment": "", "contact_consent": False, "answered_at": written(time), "context": {}, **data}


FILLED: Mapping[str, Callable[[Mapping[str, Any], datetime], Mapping[str, Any]]] = {
    "survey.answered": _answered,
    "feedback.logged": _logged,
}


def _with_ticket(data: Mapping[str, Any], account: Account) -> Mapping[str, Any]:
    """The ticket that the context names, if we know which helpdesk it belongs to."""
    ticket_id = identity(mapping(data.get("context")).get("ticket_id"))
    helpdesk = account.systems.get("zendesk")
    if ticket_id is None or helpdesk is None or "ticket" in data:
        return data
    return {**data, "ticket": f"{helpdesk}:{ticket_id}"}


def _expect_short_subject(kind: str, data: Mapping[str, Any]) -> None:
    """Waits are looked up by the subject, so it must fit an index."""
    known = EVENT_TYPES.get(kind)
    if known and known.subject and len(str(data.get(known.subject) or "")) > ID_LENGTH * 3:
        raise Unreadable(f"data.{known.subject} is longer than {ID_LENGTH * 3} characters", remedy="send an id")


def _person(customer: object, account: Account) -> Person | None:
    if customer is None:
        return None
    told = read_customer(customer)
    own = "id" if account.kind == "internal" else None  # only our own pages may name our own customers
    ids = {account.systems.get(kind, kind): told[name] for name, kind in ID_FIELDS.items() if told.get(name)}
    if own and (id_ := identity(told.get(own))):
        ids = {account.connection: id_, **ids}
    facts = {name: told[name] for name in told if name not in {*PERSON_FIELDS, *ID_FIELDS, own}}
    return Person(**{name: told.get(name) for name in PERSON_FIELDS}, ids=ids, facts=facts)

"""Events of other systems, signed by Standard Webhooks: {"type", "id", "time", "data"}.

``timestamp``, as that standard names it, does for ``time``; where both are there, ``time`` counts. Without an ``id``
the event has that of its delivery: ``webhook-id`` stays the same however often an event is sent.

``data`` is kept whole: what it holds under names we do not know is usable in conditions all the same. Only
``data.customer`` leaves it, and becomes the person the event is about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from webhooks import replies
from webhooks.delivery import Account, Delivery, Reply, Request, Source, Translation
from webhooks.errors import Refused, Unreadable
from webhooks.inbound.schema import read_answer, read_customer, read_envelope
from webhooks.parsing import KEY_LENGTH, declares_json, identity, json_object, mapping, sane_key
from webhooks.signatures import verify_standard
from webhooks.timestamps import written
from workflows.events import EVENT_TYPES, Event, Person

KEPT_HEADERS = ("webhook-id", "webhook-timestamp", "user-agent")
LOOKED_INTO = 64_000
"""Bytes of a body whose form is looked at before it is taken: larger ones would keep other senders waiting."""

PERSON_FIELDS = ("email", "name", "phone", "locale")

Data = Mapping[str, Any]


class InboundSource:
    """Whoever signs with the connection's secret."""

    def of(self, content_type: str) -> Source:
        return self

    def verify(self, request: Request, account: Account) -> Delivery:
        """The delivery, kept under its ``webhook-id``: the same for every attempt.

        Raises ``Refused``: 401 when the signature is wrong or old, 415 when the body is declared as not JSON; and
        ``Unreadable``, 422, when its form is wrong, so that who sends it hears of it at once.
        """
        verify_standard(request.headers, request.body, account.secrets, request.received_at)
        key = sane_key(request.headers["webhook-id"])
        if not key:
            raise Refused("webhook-id is too long or not printable ASCII", status=400,
                          remedy="send at most 200 letters, digits and signs")
        if not declares_json(request.content_type):
            raise Refused("the body is declared as something else than JSON", status=415,
                          remedy="send Content-Type: application/json")
        if len(request.body) <= LOOKED_INTO:
            _expect_form(request.body)
        kept = {name: request.headers[name] for name in KEPT_HEADERS if name in request.headers}
        return Delivery(account.connection, key, request.received_at, request.content_type, kept, request.body)

    def translate(self, delivery: Delivery, account: Account) -> Translation:
        """The one event. Raises ``Unreadable`` that names the path, the value and the remedy."""
        return Translation((read_event(delivery, account),))

    def answer(self, stored: bool) -> Reply:
        return replies.accepted(stored)

    def refuse(self, error: Exception) -> Reply:
        return replies.refusal(error)


def _expect_form(body: bytes) -> None:
    """That it is an event at all. What is not is kept under a digest of it, never under its id: mended, it comes in."""
    try:
        read_envelope(json_object(body))
    except Unreadable as error:
        raise Unreadable(error.message, status=422, remedy=error.remedy) from error


def read_event(delivery: Delivery, account: Account) -> Event:
    """The event in a body of this format; without an id of its own it has that of the delivery."""
    envelope = read_envelope(json_object(delivery.body))
    kind, time = envelope["type"], envelope["time"]
    told = _with_consent(dict(envelope["data"]), account)
    customer = told.pop("customer", None)
    fill = FILLED.get(kind, _neutral)
    data = fill(kind, _with_ticket(told, account), time, account.kind == "internal")
    _expect_short_subject(kind, data)
    return Event(envelope.get("id") or delivery.key, kind, time, account.connection, data, _person(customer, account))


def _with_consent(data: dict[str, Any], account: Account) -> dict[str, Any]:
    """A CRM's record that another system hands on says what its person allows; its vendor reads it."""
    record = data.get("record")
    told = (read(record) for read in account.consents) if isinstance(record, Mapping) else ()
    consent = next(filter(None, told), None)
    return {"consent": consent, **data} if consent else data


def _neutral(kind: str, data: Data, _time: datetime, _own: bool) -> Data:
    """A known type has all its neutral fields; what the sender left out is None, and no condition stumbles."""
    known = EVENT_TYPES.get(kind)
    return {**dict.fromkeys(known.fields), **data} if known else data


_FIRST_TIME: Data = {"about": None, "previous": None, "revision": 1}
"""What an answer that was never changed says of its past."""


_OURS = frozenset({*_FIRST_TIME, "invitation", "response"}) - {"about"}
"""What only our own pages know: nobody else answers our invitations, or changes our answers. Which answer of ours a
second one is ``about`` they may say: its id cannot be guessed."""


def _answered(_kind: str, data: Data, time: datetime, own: bool) -> Data:
    """A survey's answer: every neutral field is there, with what the sender left out filled in."""
    answer = read_answer(data, own=own)
    answered_at = answer.pop("answered_at") or time
    asked = data.get("contact_consent") is not None  # who was not asked, or did not say, has refused nothing
    answer["contact_refused"] = data.get("contact_refused") is True if own else asked and not answer["contact_consent"]
    if not own:
        data, answer = ({name: each[name] for name in each if name not in _OURS} for each in (data, answer))
    answer["improvements"] = data.get("improvements") is True
    return {**_FIRST_TIME, **data, **answer, "response": answer["response_id"], "answered_at": written(answered_at)}


def _logged(kind: str, data: Data, time: datetime, own: bool) -> Data:
    """Feedback from a conversation: an answer if it has a score, else words alone, and no ``score`` at all."""
    if data.get("score") is not None:
        return _answered(kind, data, time, own)
    empty: Data = {"survey": None, "comment": "", "contact_consent": False, "contact_refused": False, "context": {}}
    words = {**empty, "response": data.get("response_id"), "answered_at": written(time), **data}
    return {name: words[name] for name in words if name != "score"}


FILLED: Mapping[str, Callable[[str, Data, datetime, bool], Data]] = {
    "survey.answered": _answered,
    "survey.changed": _answered,
    "feedback.logged": _logged,
}


def _with_ticket(data: Data, account: Account) -> Data:
    """The ticket that the context names, if we know which helpdesk it belongs to."""
    ticket_id = identity(mapping(data.get("context")).get("ticket_id"))
    helpdesk = account.helpdesk
    if ticket_id is None or helpdesk is None or data.get("ticket"):
        return data
    return {**data, "ticket": f"{helpdesk}:{ticket_id}"}


def _expect_short_subject(kind: str, data: Data) -> None:
    """Waits are looked up by the subject, so it must fit an index."""
    known = EVENT_TYPES.get(kind)
    if known and known.subject and len(str(data.get(known.subject) or "")) > KEY_LENGTH:
        raise Unreadable(f"data.{known.subject} is longer than {KEY_LENGTH} characters", remedy="send an id")


def _person(customer: object, account: Account) -> Person | None:
    """Only we ourselves may name our own customers and connections: elsewhere ``id`` and ``ids`` are facts like any
    other."""
    if customer is None:
        return None
    told = read_customer(customer, account.owners)
    owners = dict(account.owners)
    if account.kind == "internal":
        owners = {"id": account.connection, **owners}
    named = {system: told.get(name) for name, system in owners.items()}
    if account.kind == "internal":
        named |= mapping(told.pop("ids", None))
    ids = {system: id_ for system, value in named.items() if (id_ := identity(value))}
    facts = {name: told[name] for name in told if name not in {*PERSON_FIELDS, *owners}}
    return Person(**{name: told.get(name) for name in PERSON_FIELDS}, ids=ids, facts=facts)

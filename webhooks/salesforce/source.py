"""Salesforce: outbound messages and JSON callouts, authenticated by a secret in the path and the organisation's id.

Both tell a record's latest state rather than each change. What that means is a rule (``rules``): the
connection's own, or one of ours for the standard objects. Events are known by what they are about: a fact (a closed
case) by its type, record and moment, so that it is the same fact whoever tells it and however often; a changed state by
the notification.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from webhooks import replies
from webhooks.delivery import Account, Delivery, Reply, Request, Source, Translation
from webhooks.errors import Refused, Unreadable, WebhookError
from webhooks.inbound.source import FILLED, read_event
from webhooks.parsing import declares_json, digest, excerpt
from webhooks.salesforce import callouts, soap
from webhooks.salesforce import cases as salesforce_case
from webhooks.salesforce import rules as salesforce_rules
from webhooks.salesforce.records import PEOPLE, RecordNotification, consent_of, person_of
from webhooks.salesforce.rules import Rule
from webhooks.salesforce.soap import ACK, fault
from webhooks.signatures import token_matches
from webhooks.timestamps import moment, written
from workflows.events import EVENT_TYPES, Event, Person

XML = "text/xml; charset=utf-8"

FOUND = "x-ringback-found-after"
"""A header of deliveries that our own look for gaps makes: facts from before this moment are no news."""


class SalesforceSource:
    """Salesforce's outbound messages; ``translate`` also reads what came as JSON."""

    def of(self, content_type: str) -> Source:
        """XML comes from Salesforce by itself, JSON when a Flow calls out."""
        return _CALLOUT if content_type and declares_json(content_type) else self

    def verify(self, request: Request, account: Account) -> Delivery:
        """The delivery, kept under a digest of its notifications' ids, so that a repeated batch is the same one.

        Raises ``Refused`` (401 wrong token, 403 wrong organisation), or ``Unreadable`` when the token is right
        and the body is not.
        """
        _expect_token(request.token, account)
        message = soap.read_message(request.body)
        _expect_organization(message.organization, account)
        return Delivery(account.connection, _key(message.tellings, request.body), request.received_at,
                        request.content_type, {}, request.body)

    def translate(self, delivery: Delivery, account: Account) -> Translation:
        """The events that the records mean; a broken record is trouble, and the others survive.

        Raises ``Unreadable`` when the whole message is broken.
        """
        if not _is_json(delivery.content_type):
            return _translation(soap.read_message(delivery.body).tellings, "notification", delivery, account)
        body = callouts.read_body(delivery.body)
        if "data" in body:
            return Translation((read_event(delivery, account),))
        return _translation(callouts.read_records(body), "record", delivery, account)

    def answer(self, stored: bool) -> Reply:
        """One Ack covers the batch, the first time and every time after."""
        return Reply(200, ACK, XML)

    def refuse(self, error: Exception) -> Reply:
        """A SOAP Fault. What cannot be read or stored gets a 5xx: Salesforce repeats it for a day."""
        if isinstance(error, Refused):
            return Reply(error.status, fault("Client", error.reason), XML)
        if isinstance(error, WebhookError):
            return Reply(500, fault("Client", error.reason), XML)
        return Reply(503, fault("Server", "nothing can be stored now"), XML, replies.retry_headers(error))


class CalloutSource(SalesforceSource):
    """A Flow's HTTP callout: records as JSON, or an event in the inbound format, under the same token."""

    def verify(self, request: Request, account: Account) -> Delivery:
        """The delivery, kept under a digest of its body. Raises as for outbound messages."""
        _expect_token(request.token, account)
        body = callouts.read_body(request.body)
        _expect_organization(callouts.organization_of(body), account)
        return Delivery(account.connection, digest(request.body), request.received_at, request.content_type, {},
                        request.body)

    def answer(self, stored: bool) -> Reply:
        return replies.accepted(stored)

    def refuse(self, error: Exception) -> Reply:
        """What cannot be read is a 400: a Flow repeats a 5xx, and would fail the same way."""
        return replies.refusal(error)


_CALLOUT = CalloutSource()


@dataclass(frozen=True, slots=True)
class Ignored:
    """Why a record means nothing to us."""

    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Why a record cannot be read."""

    reason: str


Verdict = Sequence[Event] | Ignored | Broken


def _is_json(content_type: str) -> bool:
    return content_type != "" and declares_json(content_type)


def _expect_token(given: str, account: Account) -> None:
    configured = account.options.get("webhook_token") or ()
    tokens = [configured] if isinstance(configured, str) else list(configured)
    if not any(tokens):
        raise Refused("this connection has no webhook_token", remedy="set it, and put it last in the message's URL")
    if not token_matches(given, tokens):
        raise Refused("the token in the path is missing or wrong",
                      remedy="end the outbound message's URL with the connection's webhook_token")


def _expect_organization(given: str, account: Account) -> None:
    """15 and 18 characters name the same organisation: the first 15 decide, and their case matters."""
    ours = account.options.get("organization_id")
    if ours and given[:15] != str(ours)[:15]:
        raise Refused(f"the organisation is {excerpt(given)}, not this connection's", status=403,
                      remedy="check organization_id, and which Salesforce sends here")


def _key(tellings: Sequence[RecordNotification], body: bytes) -> str:
    if any(each.trouble for each in tellings):
        return digest(body)
    ids = "\n".join(sorted(each.id for each in tellings))
    return f"notifications:{hashlib.sha256(ids.encode()).hexdigest()}"


def _translation(
    tellings: Sequence[RecordNotification], what: str, delivery: Delivery, account: Account
) -> Translation:
    verdicts = [_read(each, f"{what} {number}", delivery, account) for number, each in enumerate(tellings, 1)]
    events = tuple(event for each in verdicts if not isinstance(each, Ignored | Broken) for event in each)
    trouble = tuple(each.reason for each in verdicts if isinstance(each, Broken))
    ignored = dict.fromkeys(each.reason for each in verdicts if isinstance(each, Ignored))
    return Translation(events, "" if events else "; ".join(ignored), trouble)


def _read(telling: RecordNotification, what: str, delivery: Delivery, account: Account) -> Verdict:
    where = f"{what} ({excerpt(telling.id)})" if what.startswith("notification") else what
    if telling.trouble:
        return Broken(f"{where}: {telling.trouble}")
    try:
        return _Reader(telling, delivery, account).verdict()
    except Unreadable as error:
        return Broken(f"{where}: {error.reason}")
    except ValueError as error:  # the connection's own rules
        return Broken(f"{where}: the connection's events.{error}")


class _Reader:
    """One record, and what it means on this connection."""

    def __init__(self, telling: RecordNotification, delivery: Delivery, account: Account) -> None:
        self._telling, self._delivery, self._account = telling, delivery, account
        self._connection = delivery.connection
        self._own = account.own_user

    def verdict(self) -> Verdict:
        rules, why_not = self._rules()
        told = [self._by_rule(rule) for rule in rules]
        if salesforce_case.is_ticket(self._telling, self._account.options):
            told += self._ticket()
        events = [each for each in told if isinstance(each, Event)]
        if events:
            return events
        return next((each for each in told if isinstance(each, Ignored)), Ignored(why_not))

    def _rules(self) -> tuple[Sequence[Rule], str]:
        if self._telling.fields.get("IsDeleted") is not True:
            return salesforce_rules.meaning(self._telling, self._account.options.get("events"))
        if self._telling.kind not in PEOPLE:
            return (), f"a deleted {excerpt(self._telling.kind)} means nothing to us"
        return (MERGED if self._telling.text("MasterRecordId") else DELETED,), ""

    def _by_rule(self, rule: Rule) -> Event | Ignored:
        happened = next((at for name in rule.at if (at := self._telling.moment(name))), None)
        if self._telling.is_own(self._own, happened if rule.when else None):
            return Ignored("our own write")
        data = {**self._about(rule.type), **{name: self._telling.fields.get(of) for name, of in rule.fields.items()}}
        identity = self._fact(rule.type, happened) if rule.when or rule in (DELETED, MERGED) else self._telling.id
        return self._event(rule.type, identity, happened, data, rule.lookups)

    def _fact(self, type_: str, happened: datetime | None) -> str:
        """A fact is the same whoever tells it: an outbound message, its repetition, or our own look for gaps."""
        at = happened or self._telling.changed_at
        return f"{type_}:{self._telling.record_id[:15]}:{written(at)}" if at else f"{self._telling.id}:{type_}"

    def _ticket(self) -> Iterator[Event | Ignored]:
        for type_, which, data in salesforce_case.ticket_facts(self._telling, self._account):
            happened = self._telling.moment("ClosedDate") if type_ == "ticket.solved" else None
            if self._telling.is_own(self._own, happened):
                yield Ignored("our own write")
            else:
                identity = f"{type_}:{self._telling.record_id[:15]}:{which}"
                yield self._event(type_, identity, happened, {**self._about(type_), **data}, {})

    def _event(
        self, type_: str, identity: str, happened: datetime | None, data: Mapping[str, Any], lookups: Mapping[str, str]
    ) -> Event | Ignored:
        time = happened or self._telling.changed_at or self._delivery.received_at
        if self._is_old(happened):
            return Ignored("it happened before the time that was looked at")
        return Event(identity[:200], type_, time, self._connection, self._filled(type_, data, time),
                     self._person(type_, lookups))

    def _filled(self, type_: str, data: Mapping[str, Any], time: datetime) -> Mapping[str, Any]:
        """An answer that the org keeps is read as any sender's is: 9.0 is 9, and what does not fit is told."""
        fill = FILLED.get(type_)
        return fill(type_, {"response_id": self._telling.record_id, **data}, time, False) if fill else data

    def _is_old(self, happened: datetime | None) -> bool:
        """A look for gaps finds every record that changed, also where what it means is long past."""
        after = self._delivery.headers.get(FOUND)
        return after is not None and happened is not None and happened < moment(after)

    def _about(self, type_: str) -> dict[str, Any]:
        """The record whole, and its id under the name that waits look for."""
        telling = self._telling
        about: dict[str, Any] = {
            "object": telling.kind, "record_id": telling.record_id, "record": dict(telling.fields)
        }  # fmt: skip
        if telling.kind in PEOPLE and (consent := consent_of(telling.fields)):
            about["consent"] = consent
        known = EVENT_TYPES.get(type_)
        if known and known.subject:
            is_ticket = known.subject == "ticket"
            about[known.subject] = f"{self._connection}:{telling.record_id[:15]}" if is_ticket else telling.record_id
        if type_ == "contact.merged":
            about["into"] = telling.text("MasterRecordId")
        if type_ == "lead.converted":
            about["contact"] = telling.text("ConvertedContactId")
        return about

    def _person(self, type_: str, lookups: Mapping[str, str]) -> Person | None:
        """Of a record that is gone only its id is told: what else it holds is no longer true."""
        person = person_of(self._telling, self._connection, lookups)
        if person is None:
            return None
        is_gone = type_ in (DELETED.type, MERGED.type)
        return Person(ids=person.ids) if is_gone else replace(person, as_of=self._telling.changed_at)


DELETED, MERGED = Rule("contact.deleted"), Rule("contact.merged")
"""What a person's record that is gone means, without and with one that it was merged into."""

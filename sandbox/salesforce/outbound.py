"""Outbound messages: SOAP 1.1, up to 100 notifications, sent again until the exact acknowledgement comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

import requests
from defusedxml import ElementTree

from sandbox.clock import Clock
from sandbox.outbox import Outbox
from sandbox.salesforce.ids import id_maker
from sandbox.salesforce.records import Record
from sandbox.salesforce.schema import in_xml

MOST = 100
FIELDS = (
    "FirstName",
    "LastName",
    "Email",
    "Phone",
    "AccountId",
    "LastModifiedById",
    "LastModifiedDate",
    "NPS_Score__c",
    "NPS_Band__c",
    "NPS_Date__c",
)
CASE_FIELDS = (
    "CaseNumber", "ClosedDate", "ContactId", "IsClosed", "LastModifiedById", "LastModifiedDate", "Origin", "OwnerId",
    "Priority", "Ringback_Key__c", "Ringback_Tags__c", "Status", "Subject",
)  # fmt: skip
OPPORTUNITY_FIELDS = ("ContactId", "IsWon", "LastModifiedById", "LastModifiedDate", "LastStageChangeDate", "Name",
                      "StageName", "Amount")  # fmt: skip
_OUTBOUND = "http://soap.sforce.com/2005/09/outbound"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_ACK = [
    f"{{{_SOAP}}}Envelope",
    f"{{{_SOAP}}}Body",
    f"{{{_OUTBOUND}}}notificationsResponse",
    f"{{{_OUTBOUND}}}Ack",
]
_GIVE_UP = timedelta(hours=24)
_LONGEST_PAUSE = 7200.0  # seconds

Schedule = Callable[[int], float]


def usual_schedule(attempt: int) -> float:
    """Seconds to wait after the n-th failed attempt (from 1): doubling from half a minute, two hours at most."""
    return float(min(_LONGEST_PAUSE, 15 * 2**attempt))


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt. ``acknowledged`` only for a 200 with Ack true; ``status`` is 0 when there was no answer."""

    at: datetime
    attempt: int
    notifications: tuple[str, ...]
    body: str
    status: int
    acknowledged: bool
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the messages come from."""

    organization_id: str
    action_id: str
    base_url: str


def message(sender: Sender, notifications: Mapping[str, Record], kind: str, fields: Sequence[str]) -> str:
    """The envelope with one notification per record; a null field is absent, and there is no session id."""
    parts = "".join(_notification(key, record, kind, fields) for key, record in notifications.items())
    short, url = sender.organization_id[:15], sender.base_url
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<soapenv:Envelope xmlns:soapenv="{_SOAP}" xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n <soapenv:Body>\n'
        f'  <notifications xmlns="{_OUTBOUND}">\n'
        f"   <OrganizationId>{sender.organization_id}</OrganizationId>\n"
        f"   <ActionId>{sender.action_id}</ActionId>\n"
        '   <SessionId xsi:nil="true"/>\n'
        f"   <EnterpriseUrl>{escape(url)}/services/Soap/c/60.0/{short}</EnterpriseUrl>\n"
        f"   <PartnerUrl>{escape(url)}/services/Soap/u/60.0/{short}</PartnerUrl>\n"
        f"{parts}  </notifications>\n </soapenv:Body>\n</soapenv:Envelope>\n"
    )


def _notification(key: str, record: Record, kind: str, fields: Sequence[str]) -> str:
    values = ((name, record.get(name)) for name in ("Id", *sorted(set(fields) - {"Id"})))
    lines = "".join(
        f"     <sf:{name}>{_text(value)}</sf:{name}>\n" for name, value in values if value is not None
    )
    return (
        f"   <Notification>\n    <Id>{key}</Id>\n"
        f'    <sObject xsi:type="sf:{kind}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">\n{lines}'
        "    </sObject>\n   </Notification>\n"
    )


def _text(value: Any) -> str:
    """XML 1.0 has no way to write most control characters; Salesforce leaves them out."""
    return escape("".join(char for char in in_xml(value) if char >= " " or char in "\t\n\r"))


def acknowledged(status: int, body: bytes) -> bool:
    """Only HTTP 200 with Envelope / Body / notificationsResponse / Ack "true" counts."""
    try:
        node = ElementTree.fromstring(body.lstrip(b"\xef\xbb\xbf")) if status == 200 else None
    except ElementTree.ParseError:
        return False
    for tag in _ACK:
        if node is None or node.tag != tag:
            return False
        leaf, node = node, next(iter(node), None)
    return status == 200 and (leaf.text or "").strip().lower() == "true"


class OutboundMessages:
    """Where to and what; ``endpoint`` "" sends nothing. ``current`` gives a record's state at the time of sending."""

    def __init__(
        self,
        clock: Clock,
        outbox: Outbox,
        sender: Callable[[], Sender],
        current: Callable[[str], Record | None],
    ) -> None:
        self.endpoint = ""
        self.objects: dict[str, tuple[str, ...]] = {
            "Contact": FIELDS, "Case": CASE_FIELDS, "Opportunity": OPPORTUNITY_FIELDS
        }  # fmt: skip
        self.schedule: Schedule = usual_schedule
        self.timeout = 60.0  # seconds
        self.log: list[Delivery] = []
        self._clock, self._outbox, self._sender, self._current = clock, outbox, sender, current
        self._new_id = id_maker("04l")
        self._session = requests.Session()
        self._session.trust_env = False  # never through somebody's proxy

    @property
    def fields(self) -> tuple[str, ...]:
        """What is told of contacts; ``objects`` has what is told of which object."""
        return self.objects["Contact"]

    @fields.setter
    def fields(self, names: tuple[str, ...]) -> None:
        self.objects["Contact"] = names

    def close(self) -> None:
        self._session.close()

    def notify(self, record_ids: Sequence[str], kind: str = "Contact") -> None:
        """Queue messages about these records, 100 in each."""
        for start in range(0, len(record_ids) if self.endpoint else 0, MOST):
            batch = {self._new_id(): record_id for record_id in record_ids[start : start + MOST]}
            self._outbox.put(_Sending(self, kind, batch, self._clock()))

    def again(self, delivery: Delivery) -> None:
        """Send the same bytes once more, as happens when an acknowledgement gets lost."""
        self._outbox.put(lambda: self._repeat(delivery))

    def _repeat(self, delivery: Delivery) -> None:
        self.log.append(self._call(delivery.attempt + 1, delivery.notifications, delivery.body))

    def attempt(self, kind: str, batch: Mapping[str, str], attempt: int) -> bool:
        """One try, with the state of now. → acknowledged (or nothing left to tell)."""
        records = {key: self._current(record_id) for key, record_id in batch.items()}
        known = {key: record for key, record in records.items() if record is not None}
        if not known:
            return True
        body = message(self._sender(), known, kind, self.objects[kind])
        self.log.append(self._call(attempt, tuple(known), body))
        return self.log[-1].acknowledged

    def _call(self, attempt: int, notifications: tuple[str, ...], body: str) -> Delivery:
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""', "User-Agent": "Salesforce"}
        status, content, failure = 0, b"", ""
        try:
            answer = self._session.post(
                self.endpoint,
                data=body.encode(),
                headers=headers,
                timeout=self.timeout,
                allow_redirects=False,
            )
            status, content = answer.status_code, answer.content
        except requests.RequestException as error:
            failure = type(error).__name__
        good = acknowledged(status, content)
        return Delivery(self._clock(), attempt, notifications, body, status, good, failure)

    def given_up(self, since: datetime) -> bool:
        return self._clock() - since >= _GIVE_UP


class _Sending:
    """A message on its way. Its notification ids stay the same, its content does not."""

    def __init__(self, messages: OutboundMessages, kind: str, batch: Mapping[str, str], since: datetime) -> None:
        self._messages, self._kind, self._batch, self._since = messages, kind, batch, since
        self._attempts = 0

    def __call__(self) -> float | None:
        """The outbox's job: → the pause before the next attempt, in seconds, or None."""
        self._attempts += 1
        if self._messages.attempt(self._kind, self._batch, self._attempts) or self._messages.given_up(self._since):
            return None
        return self._messages.schedule(self._attempts)

"""SOAP 1.1 as Salesforce's outbound messages use it: reading the envelope, writing the Ack and the Fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from webhooks import mending
from webhooks.errors import Unreadable
from webhooks.salesforce.records import RecordNotification, looks_like_id, typed

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
MOST = 100  # notifications in one message, says the WSDL
DEEPEST = 16  # elements inside each other; a message has six
MOST_ELEMENTS = 100_000  # a record has at most some 800 fields

ACK = (
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    b"</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)


@dataclass(frozen=True, slots=True)
class Message:
    """An outbound message: whose organisation, and what changed there."""

    organization: str
    tellings: tuple[RecordNotification, ...]


def read_message(body: bytes) -> Message:
    """The outbound message in ``body``. Raises ``Unreadable``; one broken notification does not break the rest, also
    where it makes the whole no XML."""
    try:
        return _message(_parse(body))
    except _NotWellFormed:
        if (text := mending.mended(body)) is None:
            raise
    try:
        return _message(_parse(text.encode()))
    except _NotWellFormed:
        if (pieces := mending.in_pieces(text)) is None:
            raise
    return _of_pieces(*pieces)


def _of_pieces(before: str, notes: tuple[str, ...], behind: str) -> Message:
    """Each notification is read alone, in the frame of the message: whose it is, the frame says."""
    frame = _notifications(_parse(f"{before}{behind}".encode()))
    _expect_count(len(notes))
    return Message(_organization(frame), tuple(_alone(f"{before}{note}{behind}".encode()) for note in notes))


def _alone(body: bytes) -> RecordNotification:
    try:
        [found] = _notifications(_parse(body)).findall(f"{OUTBOUND}Notification")
    except (Unreadable, ValueError):
        return RecordNotification("", "", {}, "it is not XML")
    return _notification(found)


def _message(root: Element) -> Message:
    notifications = _notifications(root)
    found = notifications.findall(f"{OUTBOUND}Notification")
    _expect_count(len(found))
    return Message(_organization(notifications), tuple(_notification(each) for each in found))


def _organization(notifications: Element) -> str:
    return notifications.findtext(f"{OUTBOUND}OrganizationId", "").strip()


def _expect_count(count: int) -> None:
    if not 1 <= count <= MOST:
        raise Unreadable(f"the message holds {count} notifications, Salesforce sends 1 to {MOST}",
                         remedy="check who sends here")


def fault(code: str, message: str) -> bytes:
    """A SOAP Fault; ``code`` is "Client" or "Server"."""
    text = escape(message)
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault>'
        f"<faultcode>soapenv:{code}</faultcode><faultstring>{text}</faultstring>"
        "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    ).encode()


def _parse(body: bytes) -> Element:
    """No DTD, no entities of its own, nothing external: an outbound message needs none of them. Nor does it nest deeply
    or hold more than records can: a few bytes of either would cost a thousand times their size.
    """
    parser = DefusedXMLParser(target=_Bounded(), forbid_dtd=True)
    try:
        parser.feed(body.strip())
        root: Element = parser.close()
    except DefusedXmlException as error:
        raise Unreadable("the XML holds a document type or an entity", remedy="send it without") from error
    except (ParseError, ValueError, LookupError) as error:
        raise _NotWellFormed("the body is not XML", remedy="send the message whole, as UTF-8") from error
    return root


class _NotWellFormed(Unreadable):
    """It may be mended, or read in part."""


_NO_MESSAGE = "the XML is no outbound message (Envelope/Body/notifications)"
_POINT_HERE = "point an outbound message here, nothing else"

_FRAME = (frozenset((f"{SOAP}Envelope",)), frozenset((f"{SOAP}Header", f"{SOAP}Body")))
"""What stands around all else, from the outside in."""


class _Bounded(TreeBuilder):
    """Stops at the first element that no outbound message has."""

    def __init__(self) -> None:
        super().__init__()
        self._deep = self._count = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._deep, self._count = self._deep + 1, self._count + 1
        if self._deep > DEEPEST or self._count > MOST_ELEMENTS:
            raise Unreadable(f"the XML nests deeper than {DEEPEST}, or holds more than {MOST_ELEMENTS} elements",
                             remedy=_POINT_HERE)
        if self._deep <= len(_FRAME) and tag not in _FRAME[self._deep - 1]:
            raise Unreadable(_NO_MESSAGE, remedy=_POINT_HERE)
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._deep -= 1
        return super().end(tag)


def _notifications(root: Element) -> Element:
    found = root.find(f"{SOAP}Body/{OUTBOUND}notifications") if root.tag == f"{SOAP}Envelope" else None
    if found is None:
        raise Unreadable(_NO_MESSAGE, remedy=_POINT_HERE)
    return found


def _notification(element: Element) -> RecordNotification:
    name = (element.findtext(f"{OUTBOUND}Id") or "").strip()
    record = element.find(f"{OUTBOUND}sObject")
    if record is None:
        return RecordNotification(name, "", {}, "it has no sObject")
    kind = record.get(f"{INSTANCE}type", "").rpartition(":")[2].strip()
    fields = {_local(field.tag): typed(_text(field)) for field in record}
    return RecordNotification(name, kind, fields, _trouble(name, kind, fields))


def _trouble(name: str, kind: str, fields: Mapping[str, Any]) -> str:
    if not looks_like_id(name):
        return "its Id is missing or no Salesforce id"
    if not kind:
        return "its sObject has no xsi:type"
    return "" if looks_like_id(fields.get("Id")) else "its sObject has no Id, or one that is no Salesforce id"


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _text(field: Element) -> str | None:
    """The field's text. A field with fields of its own does not occur in outbound messages and reads as ""."""
    nil = field.get(f"{INSTANCE}nil", "").strip() in ("true", "1")
    return None if nil else (field.text or "")

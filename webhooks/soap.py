"""SOAP 1.1 as Salesforce's outbound messages use it: reading the envelope, writing the Ack and the Fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from webhooks.errors import Unreadable

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
MOST = 100  # notifications in one message, says the WSDL

ACK = (
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    b"</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)


@dataclass(frozen=True, slots=True)
class Notification:
    """One changed record. ``kind`` is its sObject ("Contact", "IO__Order__c"); ``trouble`` says why it is broken.

    ``fields`` holds each field's text, None for nil; what Salesforce left out is absent.
    """

    id: str
    kind: str
    fields: Mapping[str, str | None]
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """An outbound message: whose organisation, and what changed there."""

    organization: str
    notifications: tuple[Notification, ...]


def read_message(body: bytes) -> Message:
    """The outbound message in ``body``. Raises ``Unreadable``; one broken notification does not break the rest."""
    notifications = _notifications(_parse(body))
    found = notifications.findall(f"{OUTBOUND}Notification")
    if not 1 <= len(found) <= MOST:
        raise Unreadable(f"the message holds {len(found)} notifications, Salesforce sends 1 to {MOST}",
                         remedy="check who sends here")
    organization = notifications.findtext(f"{OUTBOUND}OrganizationId", "").strip()
    return Message(organization, tuple(_notification(each) for each in found))


def fault(code: str, message: str) -> bytes:
    """A SOAP Fault; ``code`` is "Client" or "Server"."""
    text = escape(message)
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault>'
        f"<faultcode>soapenv:{code}</faultcode><faultstring>{text}</faultstring>"
        "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    ).encode()


def _parse(body: bytes) -> Element:
    """No DTD, no entities of its own, nothing external: an outbound message needs none of them."""
    try:
        root: Element = fromstring(body.strip(), forbid_dtd=True)
    except DefusedXmlException as error:
        raise Unreadable("the XML holds a document type or an entity", remedy="send it without") from error
    except (ParseError, ValueError, LookupError) as error:
        raise Unreadable("the body is not XML", remedy="send the message whole, as UTF-8") from error
    return root


def _notifications(root: Element) -> Element:
    found = root.find(f"{SOAP}Body/{OUTBOUND}notifications") if root.tag == f"{SOAP}Envelope" else None
    if found is None:
        raise Unreadable("the XML is no outbound message (Envelope/Body/notifications)",
                         remedy="point an outbound message here, nothing else")
    return found


def _notification(element: Element) -> Notification:
    name = (element.findtext(f"{OUTBOUND}Id") or "").strip()
    record = element.find(f"{OUTBOUND}sObject")
    if record is None:
        return Notification(name, "", {}, "it has no sObject")
    kind = record.get(f"{INSTANCE}type", "").rpartition(":")[2].strip()
    fields = {_local(field.tag): _text(field) for field in record}
    return Notification(name, kind, fields, _trouble(name, kind, fields))


def _trouble(name: str, kind: str, fields: Mapping[str, str | None]) -> str:
    if not _looks_like_id(name):
        return "its Id is missing or no Salesforce id"
    if not kind:
        return "its sObject has no xsi:type"
    return "" if _looks_like_id(fields.get("Id") or "") else "its sObject has no Id, or one that is no Salesforce id"


def _looks_like_id(text: str) -> bool:
    """15 or 18 letters and digits; both name the same record."""
    return len(text) in (15, 18) and text.isascii() and text.isalnum()


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _text(field: Element) -> str | None:
    """The field's text. A field with fields of its own does not occur in outbound messages and reads as ""."""
    nil = field.get(f"{INSTANCE}nil", "").strip() in ("true", "1")
    return None if nil else (field.text or "")

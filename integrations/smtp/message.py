"""From a mail to its bytes. Pure but for the date, which is passed in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses, make_msgid

from integrations import mailboxes
from integrations.errors import Permanent
from integrations.messaging import BY_PROGRAM, Mail
from integrations.smtp import headers

# Quoted-printable lines have 76 characters at most (RFC 2045, 6.7); the headers are folded by ``headers``.
_POLICY = policy.SMTP.clone(max_line_length=76, refold_source="none")
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_QUOTED = re.compile(r"\\(.)")

_OF_PEOPLE = frozenset({"reply-to", "sender"})
_OWN_HEADERS = frozenset(
    {"from", "to", "cc", "bcc", "subject", "date", "message-id", "mime-version", *map(str.lower, BY_PROGRAM)}
)


def address(name: str, text: str, display: str = "") -> Address:
    """Read an e-mail address. Raises Permanent that names the field, never the address."""
    try:
        box = mailboxes.read(text)
    except ValueError as error:
        raise _wrong(name, "is no e-mail address", "correct it on the customer's record") from error
    if not box.local.isascii():
        raise _wrong(name, "needs SMTPUTF8, which is not supported", "use another address")
    local = _QUOTED.sub(r"\1", box.local[1:-1]) if box.local.startswith('"') else box.local
    return Address(display, local, box.domain)


def build(mail: Mail, sender: Address, date: datetime) -> bytes:
    """The whole message: text, and beside it HTML when there is any. Raises Permanent for what cannot be sent."""
    try:
        return _built(mail, sender, date).as_bytes()
    except Permanent:
        raise
    except Exception as error:  # UnicodeError, HeaderParseError, …: nothing has left yet
        reason = f"the mail cannot be written ({type(error).__name__}); correct its texts or the customer's name"
        raise Permanent(reason, code="invalid_mail") from error


def _built(mail: Mail, sender: Address, date: datetime) -> EmailMessage:
    for name, value in _headers(mail):
        if any(sign in value for sign in "\r\n\0"):
            raise _wrong(name, "holds a line break, which would start a new header", "remove it")
    message = EmailMessage(_POLICY)
    message.set_raw("From", headers.people("From", sender))
    message.set_raw("To", headers.people("To", address("to", mail.to, mail.to_name)))
    message.set_raw("Subject", headers.text("Subject", mail.subject))
    message.set_raw("Date", format_datetime(date))
    message.set_raw("Message-ID", _written("Message-ID", mail.message_id or make_msgid(domain=sender.domain)))
    _add_headers(message, mail.headers or {})
    for name, value in BY_PROGRAM.items():
        message.set_raw(name, value)
    # Quoted-printable passes every server; 8-bit text needs one that says so.
    message.set_content(mail.text, cte="quoted-printable")
    if mail.html:
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return message


def _headers(mail: Mail) -> Iterator[tuple[str, str]]:
    yield from (("to", mail.to), ("to_name", mail.to_name), ("subject", mail.subject))
    yield "message_id", mail.message_id
    for name, value in (mail.headers or {}).items():
        yield "headers", name
        yield f"headers.{name}", value


def _add_headers(message: EmailMessage, more: Mapping[str, str]) -> None:
    for name, value in more.items():
        if not _HEADER.fullmatch(name):
            raise _wrong("headers", "holds a name with other signs than letters, digits and -", "correct it")
        if name.lower() in _OWN_HEADERS or name.lower().startswith("content-"):
            raise _wrong(f"headers.{name}", "is set by the mail itself", "leave it out of headers")
        message.set_raw(name, _written(name, value))


def _written(name: str, value: str) -> str:
    """Addresses of people and of programs stay what they are; only other values may become encoded words."""
    if name.lower() in _OF_PEOPLE:
        told = [address(f"headers.{name}", place, display) for display, place in getaddresses([value])]
        return headers.people(name, *told)
    written = headers.machine(name, value)
    if written is None and (name.lower().startswith("list-") or name == "Message-ID"):
        raise _wrong(f"headers.{name}", "holds other signs than ASCII", "write the address as programs do, in punycode")
    return headers.text(name, value) if written is None else written


def _wrong(name: str, trouble: str, remedy: str) -> Permanent:
    return Permanent(f"mail field {name} {trouble}; {remedy}", code="invalid_mail")

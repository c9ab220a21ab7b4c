"""From a mail to its bytes. Pure but for the date, which is passed in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from integrations.errors import Permanent
from integrations.protocols import Mail

# Lines may be long: the library would break long header values, such as List-Unsubscribe, into encoded
# words that mail programs do not read back. RFC 5322 allows 998 characters.
_POLICY = policy.SMTP.clone(max_line_length=998)
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_OWN_HEADERS = frozenset({"from", "to", "cc", "bcc", "subject", "date", "message-id", "mime-version"})


def address(name: str, text: str, display: str = "") -> Address:
    """Read an e-mail address. Raises Permanent that names the field, never the address."""
    try:
        read = Address(display_name=display, addr_spec=text)
        return Address(display, read.username, _ascii(read.domain))
    except (ValueError, IndexError) as error:
        raise _wrong(name, "is no e-mail address", "correct it on the customer's record") from error


def build(mail: Mail, sender: Address, date: datetime) -> EmailMessage:
    """The whole message: text, and beside it HTML when there is any. Raises Permanent for what cannot be sent."""
    for name, value in _headers(mail):
        if any(sign in value for sign in "\r\n\0"):
            raise _wrong(name, "holds a line break, which would start a new header", "remove it")
    message = EmailMessage(_POLICY)
    message["From"] = sender
    message["To"] = address("to", mail.to, mail.to_name)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(date)
    message["Message-ID"] = mail.message_id or make_msgid(domain=sender.domain)
    _add_headers(message, mail)
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


def _add_headers(message: EmailMessage, mail: Mail) -> None:
    for name, value in (mail.headers or {}).items():
        if not _HEADER.fullmatch(name):
            raise _wrong("headers", "holds a name with other signs than letters, digits and -", "correct it")
        if name.lower() in _OWN_HEADERS or name.lower().startswith("content-"):
            raise _wrong(f"headers.{name}", "is set by the mail itself", "leave it out of headers")
        message[name] = value


def _ascii(domain: str) -> str:
    """The domain as DNS knows it; a domain with other letters than ASCII is written in punycode."""
    return domain if domain.isascii() else domain.encode("idna").decode()


def _wrong(name: str, trouble: str, remedy: str) -> Permanent:
    return Permanent(f"mail field {name} {trouble}; {remedy}", code="invalid_mail")

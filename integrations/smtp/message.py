"""From a mail to its bytes. Pure: the same mail is the same bytes, whenever it is written and however often."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.utils import format_datetime, getaddresses

from integrations import mailboxes
from integrations.errors import Permanent
from integrations.mail.verp import with_mark
from integrations.messaging import BY_PROGRAM, Mail
from integrations.smtp import dkim, headers
from integrations.smtp.dkim import DkimKey

_HEADER = re.compile(r"[A-Za-z0-9-]+")
_QUOTED = re.compile(r"\\(.)")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_FROM = re.compile(rb"^From ", re.MULTILINE)
"""Some mail stores mark such a line with >, and so break the signature."""

_BOUNDARY = "=_alternative"
"""Cannot stand in a part: quoted-printable writes = as =3D (RFC 2045, 6.7)."""

_OF_PEOPLE = frozenset({"reply-to", "sender"})
_OWN_HEADERS = frozenset(
    {"from", "to", "cc", "bcc", "subject", "date", "message-id", "mime-version", "dkim-signature",
     *map(str.lower, BY_PROGRAM)}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """A mail as it travels, but for its signatures. ``international``: an address in it has other signs than ASCII, so
    only servers that know SMTPUTF8 (RFC 6531) may take it."""

    headers: tuple[tuple[str, str], ...]
    body: bytes
    sender: Address
    date: datetime
    international: bool = False

    def signed(self, keys: Sequence[DkimKey]) -> bytes:
        """The bytes, signed with those of the keys that speak for the sender."""
        signatures = dkim.signatures(self.headers, self.body, dkim.fitting(keys, self.sender.domain), self.date)
        lines = [f"{name}: {value}\r\n" for name, value in (*signatures, *self.headers)]
        return "".join(lines).encode() + b"\r\n" + self.body


def address(name: str, text: str, display: str = "", *, international: bool = False) -> Address:
    """Read an e-mail address. Raises Permanent that names the field, never the address."""
    try:
        box = mailboxes.read(text)
    except ValueError as error:
        raise _wrong(name, "is no e-mail address", "correct it on the customer's record") from error
    if not (international or box.local.isascii()):
        raise _wrong(name, "has other signs than ASCII before the @, which few servers take", "use another address")
    local = _QUOTED.sub(r"\1", box.local[1:-1]) if box.local.startswith('"') else box.local
    return Address(display, local, box.domain)


def recipient(mail: Mail) -> Address:
    """Whom it is for; the address may have any signs before its @, if the server takes them."""
    return address("to", mail.to, mail.to_name, international=True)


def build(mail: Mail, sender: Address, now: datetime, unsubscribe_address: str = "") -> Message:
    """The message: text, and beside it HTML when there is any. Its date is the mail's own, else ``now``.

    ``unsubscribe_address`` is the mailbox by which people may leave, too. Raises Permanent for what cannot be sent.
    """
    try:
        return _built(mail, sender, mail.date or now, unsubscribe_address)
    except Permanent:
        raise
    except Exception as error:  # UnicodeError and the like: nothing has left yet
        reason = f"the mail cannot be written ({type(error).__name__}); correct its texts or the customer's name"
        raise Permanent(reason, code="invalid_mail") from error


def _built(mail: Mail, sender: Address, date: datetime, unsubscribe_address: str) -> Message:
    for name, value in _fields(mail):
        if any(sign in value for sign in "\r\n\0"):
            raise _wrong(name, "holds a line break, which would start a new header", "remove it")
    to = recipient(mail)
    written = {
        "From": headers.people("From", sender),
        "To": headers.people("To", to),
        "Subject": headers.text("Subject", mail.subject),
        "Date": format_datetime(date),
        "Message-ID": _written("Message-ID", f"<{_key(mail)}@{sender.domain}>"),
        **_further(_with_mailbox(mail, unsubscribe_address)),
        **BY_PROGRAM,
        "MIME-Version": "1.0",
    }
    of_body, body = _body(mail)
    return Message((*written.items(), *of_body), body, sender, date, international=not to.addr_spec.isascii())


def _key(mail: Mail) -> str:
    if not mail.key:
        raise _wrong("key", "is missing, so that a repeat could not be told from another mail", "give it one")
    return mail.key


def _fields(mail: Mail) -> Iterator[tuple[str, str]]:
    yield from (("to", mail.to), ("to_name", mail.to_name), ("subject", mail.subject), ("key", mail.key))
    for name, value in (mail.headers or {}).items():
        yield "headers", name
        yield f"headers.{name}", value


def _with_mailbox(mail: Mail, unsubscribe_address: str) -> Mapping[str, str]:
    """The way out by mail beside the one by https, for programs that know only that (RFC 2369, 3.2)."""
    more = dict(mail.headers or {})
    if unsubscribe_address and mail.mark and "List-Unsubscribe" in more:
        place = f"mailto:{with_mark(unsubscribe_address, mail.mark)}?subject=unsubscribe"
        more["List-Unsubscribe"] += f", <{place}>"
    return more


def _further(more: Mapping[str, str]) -> dict[str, str]:
    for name in more:
        if not _HEADER.fullmatch(name):
            raise _wrong("headers", "holds a name with other signs than letters, digits and -", "correct it")
        if name.lower() in _OWN_HEADERS or name.lower().startswith("content-"):
            raise _wrong(f"headers.{name}", "is set by the mail itself", "leave it out of headers")
    return {name: _written(name, value) for name, value in more.items()}


def _written(name: str, value: str) -> str:
    """Addresses of people and of programs stay what they are; only other values may become encoded words."""
    if name.lower() in _OF_PEOPLE:
        told = [address(f"headers.{name}", place, display) for display, place in getaddresses([value])]
        return headers.people(name, *told)
    written = headers.machine(name, value)
    if written is None and (name.lower().startswith("list-") or name == "Message-ID"):
        raise _wrong(f"headers.{name}", "holds other signs than ASCII", "write the address as programs do, in punycode")
    return headers.text(name, value) if written is None else written


_ENCODING = ("Content-Transfer-Encoding", "quoted-printable")  # 8-bit text needs a server that says it takes it


def _body(mail: Mail) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Its headers and itself."""
    if not mail.html:
        return (("Content-Type", _type("plain")), _ENCODING), _quoted_printable(mail.text)
    parts = [("plain", mail.text), ("html", mail.html)]
    body = b"".join(_part(kind, text) for kind, text in parts) + f"--{_BOUNDARY}--\r\n".encode()
    return (("Content-Type", f'multipart/alternative; boundary="{_BOUNDARY}"'),), body


def _part(kind: str, text: str) -> bytes:
    lines = (f"--{_BOUNDARY}", f"Content-Type: {_type(kind)}", ": ".join(_ENCODING), "", "")
    return "\r\n".join(lines).encode() + _quoted_printable(text)


def _type(kind: str) -> str:
    return f'text/{kind}; charset="utf-8"'


def _quoted_printable(text: str) -> bytes:
    """Lines of 76 characters at most (RFC 2045, 6.7), each ended with CRLF; all ASCII."""
    lines = _LINE_END.sub(b"\r\n", text.encode())
    content = binascii.b2a_qp(lines if lines.endswith(b"\r\n") else lines + b"\r\n")
    return _FROM.sub(b"From=\r\n ", content)


def _wrong(name: str, trouble: str, remedy: str) -> Permanent:
    return Permanent(f"mail field {name} {trouble}; {remedy}", code="invalid_mail")

"""E-mail by SMTP (RFC 5321), with the standard library."""

from __future__ import annotations

import re
import smtplib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.utils import parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

from integrations import request_deadline
from integrations.base_url import is_local
from integrations.errors import Ambiguous, AuthFailed, IntegrationError, Permanent, Transient
from integrations.mail.verp import with_mark
from integrations.mailboxes import ascii_domain
from integrations.messaging import Mail
from integrations.smtp import message
from integrations.smtp.bounded_answers import BoundedSmtp, BoundedSmtpSsl
from integrations.smtp.dkim import DkimKey
from integrations.transport import tls

_PORTS = {"smtp": 25, "smtps": 465}
_DOT = re.compile(rb"^\.", re.MULTILINE)

Broken = (smtplib.SMTPException, OSError)


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over. ``tls_required``: rather no mail than one without encryption."""

    host: str
    port: int
    implicit_tls: bool = False
    tls_required: bool = False
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> MailServer:
        """Read "smtp[s]://[user:password@]host[:port][?tls=required]". Raises ValueError with the remedy."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError("is no SMTP address; write smtp://host:port or smtps://host:port")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if not (user + password).isascii():
            raise ValueError("has a user or password with other signs than ASCII; SMTP logins take none, choose others")
        options = parse_qs(parts.query, keep_blank_values=True)
        if options not in ({}, {"tls": ["required"]}):
            raise ValueError("has an option that is not known; the only one is ?tls=required")
        return cls(
            host=_host(parts.hostname),
            port=parts.port or _PORTS[parts.scheme],
            implicit_tls=parts.scheme == "smtps",
            tls_required=bool(options),
            user=user,
            password=password,
        )


def _host(name: str) -> str:
    """As the name is looked up; an address in digits stays as it is."""
    if ":" in name:
        return name
    try:
        return ascii_domain(name)
    except ValueError:
        raise ValueError("has a host name that is none; write smtp://host:port or smtps://host:port") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Postal:
    """What mail carries beside its content: where bounces go, each with its mark; the mailbox by which people leave;
    what it is signed with. "" is none."""

    bounce_address: str = ""
    unsubscribe_address: str = ""
    keys: tuple[DkimKey, ...] = ()


NOTHING_MORE = Postal()


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the server is told of a mail, and the mail, its dots doubled."""

    sender: str
    recipient: str
    content: bytes
    international: bool


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SmtpMessenger:
    """A ``Messenger``. Each thread keeps its own connection open between mails; ``close`` ends them all."""

    def __init__(
        self,
        url: str,
        sender: str,
        postal: Postal = NOTHING_MORE,
        *,
        timeout: float = 30.0,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """``sender`` as "Acme <feedback@acme.example>"; ``timeout`` in seconds. Raises ValueError."""
        self._server, self._timeout, self._now = MailServer.parse(url), timeout, now
        self._sender, self._postal = parse_sender(sender), postal
        self._of_thread = threading.local()
        self._open: set[smtplib.SMTP] = set()
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        """The server that mail is handed to."""
        return self._server.host

    @property
    def sender(self) -> Address:
        return self._sender

    @property
    def postal(self) -> Postal:
        return self._postal

    def send(self, mail: Mail) -> None:
        """Hand the mail over: Transient or Permanent as the server says, Ambiguous when its last word is lost."""
        envelope = self._enveloped(mail)
        connection = self._connection()
        request_deadline.check()
        try:
            _hand_over(connection, envelope)
        except IntegrationError:
            self._forget(connection)
            raise

    def greet(self) -> None:
        """Connect, log in and hang up; raises what ``send`` raises before the mail is handed over."""
        self._forget(self._connection())

    def close(self) -> None:
        """End the connections of all threads."""
        with self._lock:
            connections, self._open = self._open, set()
        for connection in connections:
            connection.close()

    def _enveloped(self, mail: Mail) -> Envelope:
        """Built and signed; signed now, as the key is no part of what is stored."""
        built = message.build(mail, self._from(mail), self._now(), self._postal.unsubscribe_address)
        content = _DOT.sub(b"..", built.signed(self._postal.keys))  # a line that is one dot would end the mail
        bounces = self._postal.bounce_address
        back = with_mark(bounces, mail.mark) if bounces else built.sender.addr_spec
        return Envelope(back, message.recipient(mail).addr_spec, content, built.international)

    def _from(self, mail: Mail) -> Address:
        """The brand's own sender, else the connection's."""
        try:
            return parse_sender(mail.sender) if mail.sender else self._sender
        except ValueError as error:
            raise Permanent(f"the brand's sender {error}", code="invalid_mail") from error

    def _connection(self) -> smtplib.SMTP:
        kept: smtplib.SMTP | None = getattr(self._of_thread, "connection", None)
        if kept is not None and _is_alive(kept):
            return kept
        if kept is not None:
            self._forget(kept)
        with _before_content():
            fresh = self._connect()
        self._of_thread.connection = fresh
        return fresh

    def _connect(self) -> smtplib.SMTP:
        connection = self._called()
        with self._lock:
            self._open.add(connection)
        try:
            self._prepare(connection)
        except BaseException:
            self._forget(connection)
            raise
        return connection

    def _called(self) -> smtplib.SMTP:
        """The sender's domain is our name in EHLO: the library would look up the machine's own name, slowly. Told no
        context, it would take any certificate."""
        host, port, ours = self._server.host, self._server.port, self._sender.domain
        if not self._server.implicit_tls:
            return BoundedSmtp(host, port, local_hostname=ours, timeout=self._timeout)
        return BoundedSmtpSsl(host, port, local_hostname=ours, timeout=self._timeout, context=tls.context())

    def _prepare(self, connection: smtplib.SMTP) -> None:
        connection.ehlo_or_helo_if_needed()
        encrypted = self._server.implicit_tls
        if not encrypted and connection.has_extn("starttls"):
            connection.starttls(context=tls.context())
            connection.ehlo()
            encrypted = True
        if not encrypted and self._server.tls_required:
            raise Permanent("the mail server offers no encryption; remove ?tls=required from url, or mend it")
        if self._server.user:
            self._log_in(connection, encrypted)

    def _log_in(self, connection: smtplib.SMTP, encrypted: bool) -> None:
        if not encrypted and not is_local(self._server.host):
            raise Permanent("the mail server takes passwords unencrypted only; write smtps:// or leave user out")
        try:
            connection.login(self._server.user, self._server.password)
        except smtplib.SMTPAuthenticationError as error:
            if 400 <= error.smtp_code < 500:
                raise
            raise AuthFailed("the mail server refused user or password; check url", code=str(error.smtp_code)) from None
        except smtplib.SMTPNotSupportedError as error:
            raise AuthFailed("the mail server knows no login; leave user and password out of url") from error

    def _forget(self, connection: smtplib.SMTP) -> None:
        self._of_thread.connection = None
        with self._lock:
            self._open.discard(connection)
        connection.close()


def _hand_over(connection: smtplib.SMTP, envelope: Envelope) -> None:
    with _before_content():
        _expect(connection.mail(envelope.sender, _extensions(connection, envelope)), 250)
        _expect(connection.rcpt(envelope.recipient), 250, 251)
        _expect(connection.docmd("DATA"), 354)
        connection.send(envelope.content + b".\r\n")  # if this breaks, the final dot has not been sent
    _taken(connection)


def _extensions(connection: smtplib.SMTP, envelope: Envelope) -> tuple[str, ...]:
    """What the mail needs of the server beyond the usual (RFC 6531, 3.1)."""
    if not envelope.international:
        return ()
    if not connection.has_extn("smtputf8"):
        reason = "the customer's address has other signs than ASCII before the @, and the mail server takes none"
        raise Permanent(f"{reason} (it offers no SMTPUTF8); use another address or another server", code="no_smtputf8")
    return ("SMTPUTF8",)


def parse_sender(text: str) -> Address:
    """Read "Acme <feedback@acme.example>". Raises ValueError."""
    name, addr = parseaddr(text)
    if not text.isprintable():
        raise ValueError("holds a line break or another invisible sign; remove it")
    try:
        return message.address("sender", addr, name)
    except Permanent as error:
        raise ValueError("is no e-mail address; write it as Acme <feedback@acme.example>") from error


def _is_alive(connection: smtplib.SMTP) -> bool:
    """Servers close connections that were idle for a while."""
    with suppress(Exception):
        return connection.noop()[0] == 250
    return False


def _taken(connection: smtplib.SMTP) -> None:
    """The server's last word on the mail; what is no word of SMTP is none at all (RFC 5321, 4.2)."""
    try:
        code, words = connection.getreply()
    except Exception as error:
        reason = f"the mail server's last word is lost ({type(error).__name__})"
        raise Ambiguous(reason, code="lost") from error
    if not 200 <= code < 300:
        lost = Ambiguous("the mail server's last word is no word", code="lost")
        raise _refusal(code, words) if 400 <= code < 600 else lost


@contextmanager
def _before_content() -> Iterator[None]:
    """Whatever breaks before the content was handed over: no mail was sent."""
    try:
        yield
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code, error.smtp_error) from None  # the server's words may quote the address
    except IntegrationError:
        raise
    except Broken as error:
        raise Transient(f"no connection to the mail server: {type(error).__name__}", code="no_connection") from error
    except Exception as error:  # of the library: what it cannot write, or a host that it cannot look up
        raise Permanent(f"the mail cannot be handed over ({type(error).__name__})", code="invalid_mail") from error


def _expect(answer: tuple[int, bytes], *codes: int) -> None:
    if answer[0] not in codes:
        raise _refusal(*answer)


_PASSES = re.compile(rb"\s*4\.\d{1,3}\.\d{1,3}(?!\S)")  # an enhanced status code of class 4 begins the text


def _refusal(code: int, text: bytes | str = b"") -> IntegrationError:
    """5xx is for good, everything else passes (RFC 5321, 4.2.1), and so does a 5xx whose enhanced status code says so
    (RFC 3463, 2: class 4 is a persistent transient failure), as servers that greylist answer."""
    said = text.encode(errors="replace") if isinstance(text, str) else text
    reason = f"the mail server refused the mail with {code}"
    if 500 <= code < 600 and _PASSES.match(said):
        return Transient(reason, code=str(code))  # without the status, which would tell of an outage
    kind = Permanent if 500 <= code < 600 else Transient
    return kind(reason, code=str(code), status=code)

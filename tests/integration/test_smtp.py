"""Mail over real SMTP: what arrives, and what each refusal means."""

from __future__ import annotations

import ipaddress
import re
import socketserver
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.errors import Ambiguous, AuthFailed, IntegrationError, OptionsError, Permanent, Transient
from integrations.messaging import Mail
from integrations.smtp.client import MailServer, SmtpMessenger
from tests.support.clients import build

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Dialogue(socketserver.StreamRequestHandler):
    """An SMTP server that says what the test told it to; "" hangs up in place of an answer."""

    server: StandInServer

    def handle(self) -> None:
        self.server.greetings += 1
        self._say(self.server.says.get("banner", "220 hi"))
        while line := self.rfile.readline():  # of the encrypted stream, once there is one
            verb = line.split()[0].decode().upper()
            self.server.heard.append(line.decode().strip())
            if not self._say(self.server.says.get(verb, "250 fine")):
                return
            if verb == "STARTTLS":
                self._encrypt()
            if verb == "DATA" and self.server.says["DATA"].startswith("354"):
                self.server.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                if not self._say(self.server.says.get("dot", "250 taken")):
                    return
            if verb == "QUIT":
                return

    def _say(self, text: str) -> bool:
        if text:
            self.wfile.write(text.replace("\n", "\r\n").encode() + b"\r\n")
        return bool(text)

    def _encrypt(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server.certificate)
        self.request = self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)
        self.server.says["EHLO"] = "250 encrypted"

    def finish(self) -> None:
        super().finish()
        self.connection.close()  # the server closes only the socket that it accepted


class StandInServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    certificate: str

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Dialogue)
        self.says = {"DATA": "354 go on", "QUIT": "221 bye"}
        self.heard: list[str] = []
        self.mails: list[bytes] = []
        self.greetings = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    def verbs(self) -> list[str]:
        return [line.split()[0].upper() for line in self.heard]

    def mail(self) -> EmailMessage:
        read = message_from_bytes(self.mails[-1], policy=policy.default)
        assert isinstance(read, EmailMessage)
        return read

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up in mid-handshake are part of the tests."""


@pytest.fixture
def server() -> Iterator[StandInServer]:
    with StandInServer() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@contextmanager
def connected(server: StandInServer, url: str = "", **options: Any) -> Iterator[SmtpMessenger]:
    messenger = SmtpMessenger(url or server.url, "Acmé <feedback@acme.example>", now=lambda: NOW, **options)
    try:
        yield messenger
    finally:
        messenger.close()


def mail(**changes: Any) -> Mail:
    values = {"to": "jan@customer.example", "subject": "One question", "text": "How likely?\n", "key": "run-1"}
    return Mail(**(values | changes))


# What arrives


def test_a_mail_arrives_whole_with_text_beside_html(server: StandInServer) -> None:
    with connected(server) as messenger:
        messenger.send(
            mail(
                to_name="Jan de Vriès",
                subject="Eén vraag ✓",
                text="Hoe waarschijnlijk? €\n",
                html="<p>Hoe waarschijnlijk? €</p>",
                headers={"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
            )
        )
    arrived = server.mail()
    assert arrived["From"] == "Acmé <feedback@acme.example>"
    assert arrived["To"] == "Jan de Vriès <jan@customer.example>"
    assert arrived["Subject"] == "Eén vraag ✓"
    assert arrived["Message-ID"] == "<run-1@acme.example>"
    assert arrived["Date"] == "Sun, 01 Mar 2026 12:00:00 +0000"
    assert arrived["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert arrived.get_content_type() == "multipart/alternative"
    text, html = (part.get_content().strip() for part in arrived.iter_parts())
    assert (text, html) == ("Hoe waarschijnlijk? €", "<p>Hoe waarschijnlijk? €</p>")
    assert server.mails[0].isascii()


def test_the_envelope_names_sender_and_recipient(server: StandInServer) -> None:
    with connected(server) as messenger:
        messenger.send(mail())
    assert [line for line in server.heard if ":" in line] == [
        "mail FROM:<feedback@acme.example>",
        "rcpt TO:<jan@customer.example>",
    ]
    assert server.heard[0] == "ehlo acme.example", "the machine's own name is not told"


def test_a_mail_without_html_is_plain_text(server: StandInServer) -> None:
    with connected(server) as messenger:
        messenger.send(mail())
    assert server.mail().get_content_type() == "text/plain"
    assert server.mail().get_content().strip() == "How likely?"


def test_the_same_mail_is_the_same_bytes(server: StandInServer) -> None:
    with connected(server) as messenger:
        messenger.send(mail(html="<p>How likely?"))
        messenger.send(mail(html="<p>How likely?"))
    assert server.mails[0] == server.mails[1]


def test_a_line_that_is_one_dot_does_not_end_the_mail(server: StandInServer) -> None:
    with connected(server) as messenger:
        messenger.send(mail(text="before\n.\n..after\n\r\n.\r\nMAIL FROM:<evil@evil.example>\n"))
    sent = server.mails[0].replace(b"\r\n..", b"\r\n.")
    read = message_from_bytes(sent, policy=policy.default)
    assert isinstance(read, EmailMessage)
    assert "MAIL FROM:<evil@evil.example>" in read.get_content()
    assert server.verbs().count("MAIL") == 1


def test_a_long_header_arrives_as_one_value(server: StandInServer) -> None:
    unsubscribe = f"<https://feedback.acme.example/u/{'t' * 200}>, <mailto:unsubscribe@acme.example>"
    with connected(server) as messenger:
        messenger.send(mail(headers={"List-Unsubscribe": unsubscribe}, key="r" * 120))
    folded = unsubscribe.replace(" ", "\r\n ")
    assert f"List-Unsubscribe: {folded}\r\n".encode() in server.mails[0]
    assert f"Message-ID: <{'r' * 120}@acme.example>\r\n".encode() in server.mails[0]


def test_a_domain_with_other_letters_is_written_as_dns_knows_it(server: StandInServer) -> None:
    with connected(server) as messenger:
        messenger.send(mail(to="jan@bücher.example"))
    assert "rcpt TO:<jan@xn--bcher-kva.example>" in server.heard


SUBJECT = (
    "Hoe was het? 😀🎉 Wat vond u van onze hulp met de fiets, mevrouw Österreicher uit ’s-Hertogenbosch en omstreken?"
)
NAME = "Александра Константиновна Рождественская-Преображенская"


def test_long_texts_in_headers_arrive_whole_in_lines_that_everybody_takes(server: StandInServer) -> None:
    unsubscribe = f"<https://feedback.acme.example/u/{'t' * 200}>"
    with connected(server) as messenger:
        more = {"List-Unsubscribe": unsubscribe, "Reply-To": f"{NAME} <klanten@acme.example>"}
        messenger.send(mail(to_name=NAME, subject=SUBJECT, text="é" * 500, html="<p>" + "é" * 500, headers=more))
    raw = server.mails[0]
    encoded = re.findall(rb"=\?utf-8\?[bq]\?[^?]*\?=", raw)
    assert max(map(len, encoded)) <= 75
    assert max(len(line) for line in raw.split(b"\r\n") if not line.startswith(b"List-Unsubscribe")) <= 76
    arrived = message_from_bytes(raw)
    assert [read_header(arrived[name]) for name in ("Subject", "To", "Reply-To", "List-Unsubscribe")] == [
        SUBJECT, f"{NAME} <jan@customer.example>", f"{NAME} <klanten@acme.example>", unsubscribe,
    ]  # fmt: skip
    assert b"List-Unsubscribe: " + unsubscribe.encode() + b"\r\n" in raw
    assert [part.get_content().strip("\r\n") for part in server.mail().iter_parts()] == ["é" * 500, "<p>" + "é" * 500]


def read_header(value: str) -> str:
    """By the older of the library's two readers: the newer one leaves blanks between the words of a name."""
    return str(make_header(decode_header(value)))


def test_a_program_sent_it_and_wants_no_answer_from_programs(server: StandInServer) -> None:
    with connected(server) as messenger:
        messenger.send(mail())
    assert server.mail().get_all("Auto-Submitted") == ["auto-generated"]
    assert server.mail().get_all("X-Auto-Response-Suppress") == ["OOF, AutoReply"]


# What is refused before anything is sent


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("to", {"to": "jan@customer.example\r\nBcc: all@customer.example"}),
        ("to_name", {"to_name": "Jan\nBcc: all@customer.example"}),
        ("subject", {"subject": "Hi\r\nBcc: all@customer.example"}),
        ("subject", {"subject": "Hi\0"}),
        ("key", {"key": "a\r\nBcc: x@y"}),
        ("key", {"key": ""}),
        ("headers.DKIM-Signature", {"headers": {"DKIM-Signature": "v=1"}}),
        ("headers.X-Note", {"headers": {"X-Note": "a\nBcc: x@y"}}),
        ("headers", {"headers": {"X-Note\r\nBcc": "x@y"}}),
        ("headers", {"headers": {"BCC\N{ZERO WIDTH SPACE}": "x@y"}}),
        ("headers.Content-Type", {"headers": {"Content-Type": "text/plain"}}),
        ("headers.Subject", {"headers": {"Subject": "another"}}),
        ("headers.bcc", {"headers": {"bcc": "x@y"}}),
        ("to", {"to": ""}),
        ("to", {"to": "jan"}),
        ("to", {"to": "jan@"}),
        ("to", {"to": "Jan <jan@customer.example>"}),
        ("to", {"to": "jan@customer.example, piet@customer.example"}),
        ("to", {"to": "jan@@customer.example"}),
        ("to", {"to": "<jan@customer.example>"}),
        ("to", {"to": "jan@customer.example/piet@customer.example"}),
        ("to", {"to": "jan@customer..example"}),
        ("to", {"to": "jan.@customer.example"}),
        ("to", {"to": f"jan@{'a' * 64}.example"}),
        ("to", {"to": f"jan@{'ü' * 60}.example"}),
        ("to", {"to": f"{'j' * 65}@customer.example"}),
        ("to", {"to": "jan@bü\u2028cher.example"}),
        ("headers.Auto-Submitted", {"headers": {"Auto-Submitted": "no"}}),
        ("headers.List-Unsubscribe", {"headers": {"List-Unsubscribe": "<https://bücher.example/u/1>"}}),
        ("headers.Reply-To", {"headers": {"Reply-To": "Jan <jan@@customer.example>"}}),
    ],
)
def test_a_mail_that_could_be_another_mail_is_refused(
    server: StandInServer, field: str, changes: dict[str, Any]
) -> None:
    with connected(server) as messenger, pytest.raises(Permanent) as refused:
        messenger.send(mail(**changes))
    assert f"mail field {field} " in refused.value.reason
    assert "customer.example" not in refused.value.reason
    assert server.mails == []


@pytest.mark.parametrize("changes", [{"subject": "\ud83d"}, {"text": "\ud83d"}, {"to_name": "\ud83d"}, {"text": 5}])
def test_what_the_library_cannot_write_was_not_sent(server: StandInServer, changes: dict[str, Any]) -> None:
    with connected(server) as messenger, pytest.raises(Permanent, match="the mail cannot be written"):
        messenger.send(mail(**changes))
    assert server.verbs() == []


# What refusals mean


@pytest.mark.parametrize(
    ("says", "kind", "code"),
    [
        ({"banner": "421 later"}, Transient, "421"),
        ({"banner": "554 no"}, Permanent, "554"),
        ({"EHLO": ""}, Transient, "no_connection"),
        ({"MAIL": "451 later"}, Transient, "451"),
        ({"MAIL": "550 no"}, Permanent, "550"),
        ({"RCPT": "450 greylisted <jan@customer.example>"}, Transient, "450"),
        ({"RCPT": "550 no such user <jan@customer.example>"}, Permanent, "550"),
        ({"RCPT": ""}, Transient, "no_connection"),
        ({"DATA": "452 full"}, Transient, "452"),
        ({"DATA": "554 no"}, Permanent, "554"),
        ({"DATA": ""}, Transient, "no_connection"),
        ({"dot": "451 later"}, Transient, "451"),
        ({"dot": "554 spam"}, Permanent, "554"),
        ({"dot": ""}, Ambiguous, "lost"),
        ({"dot": "who knows"}, Ambiguous, "lost"),
        ({"dot": "354 go on"}, Ambiguous, "lost"),
        ({"dot": f"250 {'x' * 9000}"}, Ambiguous, "lost"),
        ({"banner": "who knows"}, Transient, "-1"),
        ({"MAIL": "who knows"}, Transient, "-1"),
        ({"RCPT": f"250 {'x' * 9000}"}, Transient, "no_connection"),
    ],
)
def test_a_refusal_says_whether_the_mail_may_have_gone(
    server: StandInServer, says: dict[str, str], kind: type[IntegrationError], code: str
) -> None:
    server.says |= says
    with connected(server) as messenger, pytest.raises(IntegrationError) as refused:
        messenger.send(mail())
    assert (type(refused.value), refused.value.code) == (kind, code)
    assert "jan" not in refused.value.reason


@pytest.mark.parametrize(
    ("says", "kind"),
    [
        ({"RCPT": "550 4.7.1 <jan@customer.example> greylisted, try again later"}, Transient),
        ({"dot": "554 4.3.2 try again"}, Transient),
        ({"MAIL": "550 4.7.0 too much mail from here"}, Transient),
        ({"RCPT": "550 5.1.1 no such user; 4.7.1 is no code here"}, Permanent),
        ({"RCPT": "550 4.7.x no code"}, Permanent),
        ({"RCPT": "451 4.7.1 greylisted"}, Transient),
    ],
)
def test_a_lasting_code_with_a_passing_one_inside_passes(
    server: StandInServer, says: dict[str, str], kind: type[IntegrationError]
) -> None:
    """And tells of this mail, not of a server that is down."""
    server.says |= says
    with connected(server) as messenger, pytest.raises(IntegrationError) as refused:
        messenger.send(mail())
    assert type(refused.value) is kind
    assert not refused.value.is_outage


@pytest.mark.parametrize("word", ["200 fine", "251 forwarding", "299 whatever"])
def test_every_good_word_at_the_end_means_that_the_mail_was_taken(server: StandInServer, word: str) -> None:
    server.says["dot"] = word
    with connected(server) as messenger:
        messenger.send(mail())
    assert len(server.mails) == 1


def test_a_server_that_is_not_there_took_nothing(server: StandInServer) -> None:
    port = server.server_address[1]
    server.server_close()
    with connected(server, f"smtp://127.0.0.1:{port}") as messenger, pytest.raises(Transient):
        messenger.send(mail())


def test_a_recipient_that_is_refused_does_not_stop_the_next_mail(server: StandInServer) -> None:
    with connected(server) as messenger:
        server.says["RCPT"] = "550 no"
        with pytest.raises(Permanent):
            messenger.send(mail())
        server.says["RCPT"] = "251 forwarding"
        messenger.send(mail())
    assert len(server.mails) == 1


# Connections


def test_a_thread_keeps_its_connection(server: StandInServer) -> None:
    with connected(server) as messenger:
        for _mail in range(5):
            messenger.send(mail())
    assert (server.greetings, len(server.mails)) == (1, 5)


@pytest.mark.parametrize("answer", ["", "421 too idle"])
def test_a_connection_that_the_server_gave_up_is_opened_anew(server: StandInServer, answer: str) -> None:
    with connected(server) as messenger:
        messenger.send(mail())
        server.says["NOOP"] = answer
        messenger.send(mail())
    assert (server.greetings, len(server.mails)) == (2, 2)


def test_threads_do_not_share_a_connection(server: StandInServer) -> None:
    barrier = threading.Barrier(4)

    def send(number: int) -> None:
        barrier.wait()
        messenger.send(mail(subject=f"n{number}"))

    with connected(server) as messenger, ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(4)))
    assert server.greetings == 4
    assert sorted(re.findall(rb"Subject: (n\d)", b"".join(server.mails))) == [b"n0", b"n1", b"n2", b"n3"]


# Encryption and login


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate for 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    unsigned = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    signed = unsigned.add_extension(names, False).sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    clear = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, clear)
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def encrypting(server: StandInServer, certificate: Path) -> StandInServer:
    server.certificate = str(certificate)
    server.says |= {"EHLO": "250-hi\n250 STARTTLS", "STARTTLS": "220 go on"}
    return server


def test_encryption_is_used_when_it_is_offered(
    encrypting: StandInServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with connected(encrypting, f"{encrypting.url}?tls=required") as messenger:
        messenger.send(mail())
    assert encrypting.verbs()[:4] == ["EHLO", "STARTTLS", "EHLO", "MAIL"]


def test_a_certificate_that_nobody_vouches_for_gets_no_mail(encrypting: StandInServer) -> None:
    with connected(encrypting) as messenger, pytest.raises(Transient):
        messenger.send(mail())
    assert "MAIL" not in encrypting.verbs()


def test_without_encryption_there_is_no_mail_where_it_is_required(server: StandInServer) -> None:
    with connected(server, f"{server.url}?tls=required") as messenger, pytest.raises(Permanent, match="no encryption"):
        messenger.send(mail())
    assert "MAIL" not in server.verbs()


def with_login(server: StandInServer) -> str:
    server.says["EHLO"] = "250-hi\n250 AUTH PLAIN"
    return server.url.replace("//", "//bot%40acme:pass%2Fword@")


def test_user_and_password_are_taken_from_the_url(server: StandInServer) -> None:
    url = with_login(server)
    server.says["AUTH"] = "235 welcome"
    with connected(server, url) as messenger:
        messenger.send(mail())
    assert server.heard[1] == "AUTH PLAIN AGJvdEBhY21lAHBhc3Mvd29yZA=="


@pytest.mark.parametrize(
    ("says", "kind"),
    [
        ({"AUTH": "535 wrong"}, AuthFailed),
        ({"AUTH": "454 later"}, Transient),
        ({"EHLO": "250 hi"}, AuthFailed),
    ],
)
def test_a_refused_login_is_told_from_passing_trouble(
    server: StandInServer, says: dict[str, str], kind: type[IntegrationError]
) -> None:
    url = with_login(server)
    server.says |= says
    with connected(server, url) as messenger, pytest.raises(IntegrationError) as refused:
        messenger.send(mail())
    assert type(refused.value) is kind
    assert "pass/word" not in refused.value.reason


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("smtp://mail.example", MailServer("mail.example", 25)),
        ("smtps://u:p%40@mail.example", MailServer("mail.example", 465, implicit_tls=True, user="u", password="p@")),
        ("smtp://mail.example:2525/?tls=required", MailServer("mail.example", 2525, tls_required=True)),
    ],
)
def test_a_url_says_where_mail_goes(url: str, read: MailServer) -> None:
    assert MailServer.parse(url) == read


def test_a_password_does_not_show_itself() -> None:
    assert "hush" not in repr(MailServer.parse("smtp://u:hush@mail.example"))


@pytest.mark.parametrize(
    ("settings", "mistake"),
    [
        ({"url": "mail.example:25"}, r"url: is no SMTP address; write smtp://"),
        ({"url": "http://mail.example"}, r"url: is no SMTP address"),
        ({"url": "smtp://mail..example"}, r"url: has a host name that is none"),
        ({"url": "smtp://bot:wachtwöord@mail.example"}, r"url: has a user or password with other signs than ASCII"),
        ({"sender": "Acme <féedback@acme.example>"}, r"sender: is no e-mail address"),
        ({"sender": "Acme <feedback@acme..example>"}, r"sender: is no e-mail address"),
        ({"sender": "Acme <feedback@@acme.example>"}, r"sender: is no e-mail address"),
        ({"url": "smtp://mail.example?tls=off"}, r"url: has an option that is not known"),
        ({"sender": "Acme"}, r"sender: is no e-mail address; write it as"),
        ({"sender": "Acme <a@b>\nBcc: x@y"}, r"sender: holds a line break"),
        ({"sendr": "x"}, r"sendr: is not known; did you mean sender\?"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_their_remedy(settings: dict[str, Any], mistake: str) -> None:
    given = {"url": "smtp://mail.example", "sender": "feedback@acme.example"} | settings
    with pytest.raises(OptionsError, match=mistake):
        build("smtp", "mail", given)


def test_the_registry_makes_a_messenger(server: StandInServer) -> None:
    messenger: Any = build("smtp", "mail", {"kind": "smtp", "url": server.url, "sender": "feedback@acme.example"})
    messenger.send(mail())
    messenger.close()
    assert server.mail()["From"] == "feedback@acme.example"



"""Mail as receivers check it: signatures, envelope, ways out, addresses in every script; over real SMTP."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from connector.feedback.messaging.brands import Brand
from connector.feedback.surveys.files import built_in, parse
from connector.feedback.surveys.invitation_email import Mailer
from connector.ids import new_id
from integrations.errors import OptionsError, Permanent
from integrations.kind import build as build_client
from integrations.messaging import Mail
from integrations.smtp.client import NOTHING_MORE, Postal, SmtpMessenger, parse_sender
from integrations.smtp.dkim import SIGNED, DkimKey, fitting
from integrations.smtp.factory import KIND
from integrations.smtp.message import build
from sandbox.mailbox.standin import MailboxStandIn
from sandbox.mailbox.store import StoredMail
from tests.integration.test_smtp import StandInServer, server

__all__ = ["server"]

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MARK = "m" * 44
RSA = DkimKey("acme.example", "one", rsa.generate_private_key(65537, 2048))
ED25519 = DkimKey("acme.example", "two", ed25519.Ed25519PrivateKey.generate())
WAYS_OUT = {
    "List-Unsubscribe": "<https://feedback.acme.example/u/token>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}
Asked = Callable[..., bytes | None]


def mail(**changes: Any) -> Mail:
    values = {"to": "jan@customer.example", "subject": "Eén vraag", "text": "Hoe  was het? \n\n\nFrom us\n"}
    same = {"key": "run-1", "mark": MARK, "date": NOW}
    return Mail(**(values | same | {"html": "<p>Hoe\twas het? €</p>", "headers": WAYS_OUT} | changes))


@pytest.fixture
def mailbox() -> Iterator[MailboxStandIn]:
    box = MailboxStandIn()
    yield box
    box.close()


@contextmanager
def connected(url: str, postal: Postal = NOTHING_MORE, now: datetime = NOW) -> Iterator[SmtpMessenger]:
    messenger = SmtpMessenger(url, "Acmé <feedback@acme.example>", postal, now=lambda: now)
    try:
        yield messenger
    finally:
        messenger.close()


def sent(mailbox: MailboxStandIn, each: Mail, **postal: Any) -> StoredMail:
    with connected(mailbox.smtp_url, Postal(**postal)) as messenger:
        messenger.send(each)
    return mailbox.mails[-1]


def in_dns(*keys: DkimKey) -> Asked:
    records = {f"{key.record_name}.".encode(): key.record.encode() for key in keys}
    return lambda name, timeout=5: records.get(name)


def is_valid(raw: bytes, index: int = 0, *, keys: tuple[DkimKey, ...] = (RSA, ED25519)) -> bool:
    try:
        return bool(dkim.DKIM(raw).verify(index, dnsfunc=in_dns(*keys)))
    except dkim.ValidationError:
        return False


def read(raw: bytes) -> EmailMessage:
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


# Signatures


def test_a_mail_is_signed_with_both_keys_and_both_are_found_good(mailbox: MailboxStandIn) -> None:
    raw = sent(mailbox, mail(), keys=(RSA, ED25519)).raw
    assert (is_valid(raw, 0), is_valid(raw, 1)) == (True, True)
    assert re.findall(rb"a=([a-z0-9-]+);", raw) == [b"rsa-sha256", b"ed25519-sha256"]


def test_the_ways_out_are_signed_and_so_is_a_second_sender(mailbox: MailboxStandIn) -> None:
    raw = sent(mailbox, mail(headers={**WAYS_OUT, "Reply-To": "a@acme.example", "Feedback-ID": "a:b:c:ringback"}),
               keys=(RSA,)).raw  # fmt: skip
    told = re.search(rb"h=([^;]+);", raw)
    assert told is not None
    names = re.sub(rb"\s", b"", told[1]).decode().split(":")
    assert names == [*(name for name in SIGNED if name != "Content-Transfer-Encoding"), "From"]
    assert is_valid(raw)
    assert not is_valid(raw.replace(b"From: ", b"From: <evil@evil.example>\r\nFrom: ", 1))


@pytest.mark.parametrize(
    "change", [(b"Hoe", b"Hoo"), (b"/u/token", b"/u/other"), (b"One-Click", b"Two-Click"), (b"12:00", b"12:01")]
)
def test_a_mail_that_was_changed_on_the_way_is_found_out(mailbox: MailboxStandIn, change: tuple[bytes, bytes]) -> None:
    raw = sent(mailbox, mail(), keys=(RSA,)).raw
    assert change[0] in raw
    assert not is_valid(raw.replace(*change))


def test_what_servers_change_in_blanks_does_no_harm(mailbox: MailboxStandIn) -> None:
    raw = sent(mailbox, mail(), keys=(RSA, ED25519)).raw
    head, _, body = raw.partition(b"\r\n\r\n")
    refolded = head.replace(b"\r\nSubject: ", b"\r\nSubject:  \r\n ") + b"\r\n\r\n" + body + b"\r\n\r\n"
    assert (is_valid(refolded, 0), is_valid(refolded, 1)) == (True, True)


def test_a_repeat_is_the_same_bytes_under_the_same_envelope_even_much_later(mailbox: MailboxStandIn) -> None:
    postal = Postal(keys=(RSA, ED25519), bounce_address="bounces@acme.example")
    for now in (NOW, NOW + timedelta(days=2)):
        with connected(mailbox.smtp_url, postal, now) as messenger:
            messenger.send(mail())
    first, second = mailbox.mails
    assert (first.raw, first.sender) == (second.raw, second.sender)


def test_the_key_of_the_senders_domain_signs_else_that_of_the_nearest_above() -> None:
    above, own, other = (DkimKey(domain, "s", RSA.private) for domain in ("a.example", "mail.a.example", "b.example"))
    assert fitting((above, own, other), "mail.a.example") == (own,)
    assert fitting((above, own, other), "news.a.example") == (above,)
    assert fitting((above, own), "extra.example") == fitting((above,), "xa.example") == ()


def test_a_brands_own_sender_is_signed_for_and_named_in_message_id_and_envelope(mailbox: MailboxStandIn) -> None:
    brand_key = DkimKey("brand.example", "s", ED25519.private)
    arrived = sent(mailbox, mail(sender="Brand <hello@brand.example>"), keys=(RSA, brand_key))
    assert re.findall(rb" d=([a-z.]+);", arrived.raw) == [b"brand.example"]
    assert read(arrived.raw)["Message-ID"] == "<run-1@brand.example>"
    assert (read(arrived.raw)["From"], arrived.sender) == ("Brand <hello@brand.example>", "hello@brand.example")
    assert is_valid(arrived.raw, keys=(brand_key,))


TEXTS = some.text(some.characters(exclude_categories=["Cs"]), max_size=300)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(TEXTS, TEXTS, some.text(some.characters(exclude_categories=["Cs", "Cc"]), max_size=200))
def test_any_texts_arrive_whole_in_short_lines_and_signed(text: str, html: str, subject: str) -> None:
    raw = build(mail(text=text, html=html, subject=subject), parse_sender("feedback@acme.example"), NOW).signed(
        (RSA, ED25519)
    )
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert max(map(len, raw.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76
    assert not re.search(rb"[^\r]\n|\r[^\n]", raw)
    assert (is_valid(raw, 0), is_valid(raw, 1)) == (True, True)
    parts = [part.get_payload(decode=True).decode() for part in read(raw).walk() if not part.is_multipart()]
    assert [lines_of(part) for part in parts] == [lines_of(each) for each in (text, html or None) if each is not None]


def lines_of(text: str) -> str:
    return re.sub("\r\n|\r|\n", "\n", text).removesuffix("\n")


SURVEYS = {slug: parse(text, slug) for slug, text in built_in().items()}
EACH = [(slug, language) for slug, survey in SURVEYS.items() for language in survey.languages]


@pytest.mark.parametrize("tone", ["formal", "informal"])
@pytest.mark.parametrize(("slug", "language"), EACH)
def test_a_mail_administrator_finds_nothing_to_complain_of_in_any_invitation(
    mailbox: MailboxStandIn, slug: str, language: str, tone: str
) -> None:
    brand = Brand(title="Bücher & Söhne", tone=tone, reply_to="Bücher & Söhne <klanten@acme.example>")
    person = {"name": "Zoë van Österreicher-’s-Gravesande", "email": "zoë.van@bücher.example"}
    context = {"agent": "José Müller", "product": "the coffee machine ☕", "subject": "Hij knippert"}
    made = Mailer("https://feedback.acme.example", {"default": brand}).invitation(
        SURVEYS[slug], language, person, context, "0123456789012345678901"
    )
    raw = sent(mailbox, replace(made, key=new_id(), mark=MARK, date=NOW), keys=(RSA, ED25519),
               bounce_address="bounces@acme.example", unsubscribe_address="stop@acme.example").raw  # fmt: skip
    head, _, body = raw.partition(b"\r\n\r\n")
    long = [line for line in head.split(b"\r\n") if len(line) > 78]
    assert [line.count(b" ") for line in long] == [1] * len(long), "only an address alone is longer"
    assert all(b"mailto:" in line for line in long)
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert max(map(len, re.findall(rb"=\?utf-8\?[bq]\?[^?]*\?=", head))) <= 75
    assert len(raw) < 60_000
    assert (is_valid(raw, 0), is_valid(raw, 1)) == (True, True)
    arrived = read(raw)
    for name in ("From", "To", "Subject", "Date", "Message-ID", "Reply-To", "Feedback-ID", "Auto-Submitted",
                 "List-Unsubscribe", "List-Unsubscribe-Post"):  # fmt: skip
        assert len(arrived.get_all(name, [])) == 1
    assert not arrived.defects
    assert [part.get_content_type() for part in arrived.iter_parts()] == ["text/plain", "text/html"]


# Envelope and ways out


def test_each_mail_has_an_envelope_of_its_own_when_there_is_a_mailbox_for_bounces(mailbox: MailboxStandIn) -> None:
    assert sent(mailbox, mail(), bounce_address="bounces@acme.example").sender == f"bounces+{MARK}@acme.example"
    assert sent(mailbox, mail()).sender == "feedback@acme.example"


def test_people_may_leave_by_mail_too_when_there_is_a_mailbox_for_that(mailbox: MailboxStandIn) -> None:
    place = f"<mailto:stop+{MARK}@acme.example?subject=unsubscribe>"
    with_mailbox = sent(mailbox, mail(), unsubscribe_address="stop@acme.example", keys=(RSA,)).raw
    assert f"List-Unsubscribe: <https://feedback.acme.example/u/token>,\r\n {place}\r\n".encode() in with_mailbox
    assert is_valid(with_mailbox)
    assert b"mailto:" not in sent(mailbox, mail(headers={}), unsubscribe_address="stop@acme.example").raw


# Addresses in every script


def test_an_address_in_any_script_is_written_as_it_is_where_the_server_takes_it(mailbox: MailboxStandIn) -> None:
    arrived = sent(mailbox, mail(to="jürgen@bücher.example", to_name="Jürgen"), keys=(RSA, ED25519))
    assert arrived.to == ("jürgen@xn--bcher-kva.example",)
    assert "<jürgen@xn--bcher-kva.example>\r\n".encode() in arrived.raw
    assert (is_valid(arrived.raw, 0), is_valid(arrived.raw, 1)) == (True, True)


def test_such_an_address_is_refused_with_the_remedy_where_the_server_does_not(server: StandInServer) -> None:
    with connected(server.url) as messenger:
        with pytest.raises(Permanent, match="offers no SMTPUTF8") as refused:
            messenger.send(mail(to="jürgen@customer.example"))
        messenger.send(mail())
    assert refused.value.code == "no_smtputf8"
    assert "jürgen" not in refused.value.reason
    assert len(server.mails) == 1


# Settings


def pem(key: Any, *, password: bytes = b"") -> bytes:
    how = BestAvailableEncryption(password) if password else NoEncryption()
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))


def settings_with(path: Path, **changes: Any) -> dict[str, Any]:
    key = {"domain": "acme.example", "selector": "one", "private_key_file": str(path)}
    return {"kind": "smtp", "url": "smtp://mail.example", "sender": "feedback@acme.example", "dkim": [key], **changes}


def kept(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "dkim.pem"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def refused_for(given: dict[str, Any]) -> str:
    with pytest.raises(OptionsError) as refused:
        build_client(KIND, "mail", given)
    return "; ".join(refused.value.mistakes)


@pytest.mark.parametrize("private", [RSA.private, ED25519.private])
def test_keys_are_read_from_files_that_only_we_read(tmp_path: Path, mailbox: MailboxStandIn, private: Any) -> None:
    given = settings_with(kept(tmp_path, pem(private)), url=mailbox.smtp_url, bounce_address="b@acme.example")
    messenger = build_client(KIND, "mail", given)
    messenger.send(mail())
    messenger.close()
    assert is_valid(mailbox.mails[-1].raw, keys=(DkimKey("acme.example", "one", private),))
    assert mailbox.mails[-1].sender == f"b+{MARK}@acme.example"


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (pem(RSA.private), 0o644, "is open to others (mode 644); run chmod 600 "),
        (pem(RSA.private), 0o620, "is open to others (mode 620); run chmod 600 "),
        (b"", 0o600, "holds no private key; give it as PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nbm8=\n-----END PRIVATE KEY-----\n", 0o600, "holds no private key; give it as"),
        (pem(RSA.private, password=b"hush"), 0o600, "has a password; give a key without one"),
        (pem(ec.generate_private_key(ec.SECP256R1())), 0o600, "holds a key of another kind; mail is signed with RSA"),
        (pem(rsa.generate_private_key(65537, 1024)), 0o600, "holds an RSA key of 1024 bits; mail is signed"),  # noqa: S505
    ],
)
def test_a_wrong_key_is_refused_with_its_path_and_the_remedy(
    tmp_path: Path, content: bytes, mode: int, said: str
) -> None:
    path = kept(tmp_path, content, mode)
    assert f"dkim.0.private_key_file: {path} {said}" in refused_for(settings_with(path))


def test_a_key_may_be_read_by_a_group_and_is_not_in_any_message(tmp_path: Path) -> None:
    path = kept(tmp_path, pem(RSA.private), 0o640)
    assert "PRIVATE" not in repr(build_client(KIND, "mail", settings_with(path))) + repr(RSA)


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    said = refused_for(settings_with(tmp_path / "none.pem"))
    assert f"{tmp_path}/none.pem cannot be read ({os.strerror(2)}); correct the path" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dkim": {}}, "dkim: is no list; write - {domain: …"),
        ({"dkim": [5]}, "dkim.0.settings: is no mapping"),
        ({"dkim": [{"domain": "a b", "selector": "s", "private_key_file": "f"}]}, "dkim.0.domain: is no domain"),
        ({"dkim": [{"domain": "a.example", "selector": "!", "private_key_file": "f"}]}, "0.selector: is no domain"),
        ({"dkim": [{"domain": "a.example", "selektor": "s", "private_key_file": "f"}]}, "did you mean selector?"),
        ({"bounce_address": "x"}, "bounce_address: is no e-mail address"),
        ({"bounce_address": "bü@acme.example"}, "bounce_address: has quotes or other signs than ASCII"),
        ({"bounce_address": f"{'b' * 20}@acme.example"}, "bounce_address: has more than 19 characters before the @"),
        ({"unsubscribe_address": "Acme <a@acme.example>"}, "unsubscribe_address: is no e-mail address"),
    ],
)
def test_a_mistake_in_the_settings_is_named_with_its_remedy(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    assert said in refused_for(settings_with(kept(tmp_path, pem(RSA.private)), **changes))


def test_two_keys_under_one_selector_are_refused(tmp_path: Path) -> None:
    given = settings_with(kept(tmp_path, pem(RSA.private)))
    assert "dkim.1.selector: one is there twice" in refused_for({**given, "dkim": given["dkim"] * 2})

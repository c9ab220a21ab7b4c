"""Mail that servers and providers send back, in the shapes of theirs: who it is about and why, each as a sentence of a
table. Marks in the files are made of the number that stands beside them; what is read is what an IMAP server hands out.
"""

from __future__ import annotations

import base64
from email import message_from_bytes
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from integrations.mail.verp import Marks
from tests.support.house import SECRET_KEY
from webhooks.errors import Unreadable
from webhooks.mail import status
from webhooks.mail.findings import Bounce, Cause, Complaint, NothingToDo, Trail
from webhooks.mail.reading import read

FOLDER = Path(__file__).parents[1] / "fixtures" / "mail"

# file, number of the invitation, whom the report names, whether the address is at fault, why, status
BOUNCES = (
    ("postfix-unknown-user", 1, "jan@customers.example", True, Cause.NO_ADDRESS, "5.1.1"),
    ("postfix-no-such-domain", 2, "jan@custmers.example", True, Cause.NO_DOMAIN, "5.4.4"),
    ("postfix-null-mx", 3, "jan@nomail.example", True, Cause.NO_DOMAIN, "5.1.0"),
    ("postfix-mailbox-full", 4, "piet@customers.example", False, Cause.FULL, "5.2.2"),
    ("postfix-gave-up", 6, "piet@customers.example", False, Cause.UNREACHED, "4.4.1"),
    ("postfix-blocked", 7, "piet@customers.example", False, Cause.REFUSED, "5.7.1"),
    ("zimbra-unknown-user", 8, "els@school.example", True, Cause.NO_ADDRESS, "5.1.1"),
    ("zimbra-over-quota", 9, "els@school.example", False, Cause.FULL, "4.2.2"),
    ("exim-report", 10, "kees@hobby.example", True, Cause.NO_ADDRESS, "5.0.0"),
    ("exim-in-words", 11, "kees@oldhobby.example", True, Cause.NO_ADDRESS, ""),
    ("sendmail-unknown-user", 13, "prof@dept.uni.example", True, Cause.NO_ADDRESS, "5.1.1"),
    ("sendmail-host-unknown", 14, "prof@dpt.uni.example", True, Cause.NO_DOMAIN, "5.1.2"),
    ("sendmail-gave-up", 16, "prof@dept.uni.example", False, Cause.UNREACHED, "4.4.7"),
    ("qmail-no-mailbox", 17, "info@shop.example", True, Cause.NO_ADDRESS, "5.1.1"),
    ("qmail-remote-refused", 18, "klant@far.example", True, Cause.NO_ADDRESS, "5.1.1"),
    ("qmail-no-host", 19, "info@shoop.example", True, Cause.NO_DOMAIN, "5.1.2"),
    ("qmail-over-quota", 20, "sales@shop.example", False, Cause.FULL, "5.2.2"),
    ("exchange-recipient-not-found", 21, "maria@bank.example", True, Cause.NO_ADDRESS, "5.1.10"),
    ("exchange-mailbox-full", 22, "franz@bank.example", False, Cause.FULL, "5.2.2"),
    ("exchange-too-large", 23, "ben@bank.example", False, Cause.TOO_LARGE, "5.2.3"),
    ("exchange-2003-short", 24, "anna@old.example", True, Cause.NO_ADDRESS, "5.1.1"),
    ("office365-recipient-not-found", 25, "lisa@tenant.example", True, Cause.NO_ADDRESS, "5.1.10"),
    ("office365-edge-blocking", 26, "noone@tenant.example", True, Cause.NO_ADDRESS, "5.4.1"),
    ("office365-dmarc", 27, "lisa@tenant.example", False, Cause.REFUSED, "5.7.509"),
    ("office365-group-closed", 28, "all@tenant.example", False, Cause.REFUSED, "5.7.133"),
    ("gmail-no-such-user", 29, "opa@gmail.example", True, Cause.NO_ADDRESS, "5.1.1"),
    ("gmail-disabled", 30, "oma@gmail.example", True, Cause.DISABLED, "5.2.1"),
    ("gmail-over-quota", 31, "oom@gmail.example", False, Cause.FULL, "4.2.2"),
    ("gmail-unauthenticated", 32, "tante@gmail.example", False, Cause.REFUSED, "5.7.26"),
    ("yahoo-no-account", 34, "sjaak@yahoo.example", True, Cause.NO_ADDRESS, "5.0.0"),
    ("yahoo-in-words", 35, "sjaak2@yahoo.example", True, Cause.NO_ADDRESS, ""),
    ("ses-bounce", 41, "wim@ses.example", True, Cause.NO_ADDRESS, "5.1.1"),
    ("domino-report", 43, "ambtenaar@gov.example", True, Cause.NO_ADDRESS, "5.1.1"),
    ("domino-in-words", 44, "klerk@notes.example", True, Cause.NO_ADDRESS, ""),
    ("hotmail-mailbox-unavailable", 45, "truus@hotmail.example", True, Cause.NO_ADDRESS, "5.5.0"),
    ("hotmail-block-list", 46, "truus@hotmail.example", False, Cause.REFUSED, "5.7.1"),
    ("global-report-utf8", 48, "zoë@eai.example", True, Cause.NO_ADDRESS, "5.1.1"),
    ("report-without-our-mark", 49, "jan@local.example", True, Cause.NO_ADDRESS, "5.1.1"),
)
COMPLAINTS = (
    ("yahoo-complaint", 36, "sjaak@yahoo.example", "abuse"),
    ("comcast-complaint-redacted", 37, "", "abuse"),
    ("provider-opt-out", 38, "rita@provider.example", "opt-out"),
    ("ses-complaint", 42, "wim@ses.example", "abuse"),
    ("hotmail-complaint", 47, "truus@hotmail.example", "abuse"),
)
NO_NEWS = (
    "postfix-late",
    "exim-late",
    "sendmail-late",
    "gmail-late",
    "provider-not-spam",
    "provider-auth-failure",
    "postfix-relayed",
)
WITHOUT_OUR_MARK = "report-without-our-mark"
WITHOUT_OUR_ID = "domino-in-words"


def raw(name: str) -> bytes:
    return (FOLDER / f"{name}.eml").read_bytes().replace(b"\n", b"\r\n")


def invitations(trail: Trail) -> set[str]:
    """Those whose mail it is, by the marks in addresses that our key reads."""
    marks = Marks(SECRET_KEY)
    return {found.id for address in trail.addresses if (found := marks.read_address(address))}


def test_every_file_stands_in_a_table() -> None:
    named = {name for name, *_ in (*BOUNCES, *COMPLAINTS)} | set(NO_NEWS)
    assert named == {path.stem for path in FOLDER.glob("*.eml")}
    assert len(named) >= 40


@pytest.mark.parametrize(("name", "number", "who", "hard", "cause", "code"), BOUNCES, ids=[each[0] for each in BOUNCES])
def test_a_bounce_says_of_which_mail_it_is_and_why(
    name: str, number: int, who: str, hard: bool, cause: Cause, code: str
) -> None:
    [found] = read(raw(name))
    assert isinstance(found, Bounce)
    assert (found.recipient, found.hard, found.cause, found.status) == (who, hard, cause, code)
    assert invitations(found.trail) == (set() if name == WITHOUT_OUR_MARK else {f"{number:026d}"})
    assert (f"run{number}-ask@acme.example" in found.trail.message_ids) is (name != WITHOUT_OUR_ID)


@pytest.mark.parametrize(("name", "number", "who", "kind"), COMPLAINTS, ids=[each[0] for each in COMPLAINTS])
def test_a_complaint_says_of_which_mail_it_is(name: str, number: int, who: str, kind: str) -> None:
    [found] = read(raw(name))
    assert isinstance(found, Complaint)
    assert (found.recipient, found.kind) == (who, kind)
    assert invitations(found.trail) == {f"{number:026d}"}


@pytest.mark.parametrize("name", NO_NEWS)
def test_what_is_late_arrived_or_praised_is_no_bounce_and_no_complaint(name: str) -> None:
    [found] = read(raw(name))
    assert isinstance(found, NothingToDo)
    assert found.reason


@pytest.mark.parametrize(
    ("code", "said", "hard", "cause"),
    [
        ("5.7.1", "550 5.7.1 User unknown", True, Cause.NO_ADDRESS),
        ("5.0.0", "550 5.1.1 no such user", True, Cause.NO_ADDRESS),
        ("4.1.1", "450 4.1.1 user unknown for now", False, Cause.NO_ADDRESS),
        ("5.1.8", "553 5.1.8 sender's domain not found", False, Cause.REFUSED),
        ("", "550 mailbox unavailable", True, Cause.NO_ADDRESS),
        ("", "450 mailbox unavailable", False, Cause.NO_ADDRESS),
        ("", "550 mailbox unavailable: message rejected due to policy", False, Cause.REFUSED),
        ("5.4.6", "554 5.4.6 Too many hops, routing loop", False, Cause.REFUSED),
        ("", "", False, Cause.UNKNOWN),
        ("5.0.0", "", False, Cause.UNKNOWN),
        ("5.1.1", "sent by 10.5.1.1 at 192.5.2.2", True, Cause.NO_ADDRESS),
    ],
)
def test_the_address_is_blamed_only_for_what_is_its_fault(code: str, said: str, hard: bool, cause: Cause) -> None:
    assert status.judge(code, said) == (hard, cause)


def test_an_address_of_a_network_is_no_status() -> None:
    assert status.code_in("from 10.5.1.1 and 5.1.1.7, version 5.1.1.2") == ""


# hostile


def test_a_report_nested_fifty_deep_is_still_read() -> None:
    inner = raw("postfix-unknown-user")
    for depth in range(50):
        sender = "Return-Path: <>\r\nFrom: MAILER-DAEMON@x.example\r\n"
        head = f'Content-Type: multipart/mixed; boundary="b{depth}"\r\n{sender}'
        inner = f"{head}\r\n--b{depth}\r\n".encode() + inner + f"\r\n--b{depth}--\r\n".encode()
    [found] = read(inner)
    assert isinstance(found, Bounce)
    assert found.cause is Cause.NO_ADDRESS


@pytest.mark.parametrize("depth", [1_000, 3_000])
def test_what_is_nested_without_end_is_unreadable_and_harms_nobody(depth: int) -> None:
    heads = "".join(f'Content-Type: multipart/mixed; boundary="b{each}"\r\n\r\n--b{each}\r\n' for each in range(depth))
    with pytest.raises(Unreadable, match=r"parts|taken apart"):
        read(f"From: a@x.example\r\n{heads}\r\nhello".encode())


@pytest.mark.parametrize("body", [b"", b"\r\n\r\n", b"\0\0\0", b"no header at all"])
def test_what_is_no_mail_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body)


def test_an_unknown_charset_and_broken_base64_lose_no_more_than_they_must() -> None:
    text = raw("qmail-no-mailbox").replace(
        b"Subject: failure notice", b"Subject: failure notice\r\nContent-Type: text/plain; charset=klingon-7"
    )
    [found] = read(text)
    assert isinstance(found, Bounce)
    broken = raw("ses-bounce").replace(
        b"Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: 7bit",
        b"Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: base64",
    )
    [found] = read(broken)
    assert isinstance(found, Bounce | NothingToDo)


def test_a_report_in_base64_is_read_though_it_may_not_be_one() -> None:
    whole = raw("ses-bounce")
    head, rest = whole.split(b"Content-Type: message/delivery-status\r\n", 1)
    fields, after = rest.split(b"\r\n\r\n", 1)[1].split(b"\r\n------=_Part", 1)
    coded = base64.encodebytes(fields).replace(b"\n", b"\r\n")
    text = head + b"Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n" + coded
    [found] = read(text + b"\r\n------=_Part" + after)
    assert isinstance(found, Bounce)
    assert (found.status, found.recipient) == ("5.1.1", "wim@ses.example")


def test_a_large_report_is_read_in_its_first_part() -> None:
    whole = raw("postfix-unknown-user") + b"x" * 5_000_000
    [found] = read(whole)
    assert isinstance(found, Bounce)


def test_many_recipients_are_many_findings_but_not_without_end() -> None:
    block = b"Final-Recipient: rfc822; a%d@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    head, rest = raw("ses-bounce").split(b"Action: failed", 1)
    tail = rest[rest.index(b"------=_Part") :]
    found = read(head + b"\r\n" + b"".join(block % each for each in range(500)) + tail)
    assert len(found) == 20


@settings(max_examples=60, deadline=None)
@given(some.sampled_from([name for name, *_ in BOUNCES]), some.randoms(use_true_random=False))
def test_damage_of_any_kind_makes_a_report_unreadable_at_worst(name: str, chance: object) -> None:
    whole = bytearray(raw(name))
    for _ in range(chance.randrange(1, 40)):  # type: ignore[attr-defined]
        place = chance.randrange(len(whole))  # type: ignore[attr-defined]
        whole[place : place + chance.randrange(0, 30)] = bytes(chance.randrange(256) for _ in range(3))  # type: ignore[attr-defined]
    try:
        found = read(bytes(whole))
    except Unreadable:
        return
    assert found
    for each in found:
        assert "\0" not in repr(each)


def test_a_person_who_quotes_a_bounce_is_no_server() -> None:
    mail = message_from_bytes(raw("qmail-no-mailbox"))
    quoted = "\n".join(f"> {line}" for line in str(mail.get_payload()).splitlines())
    letter = "From: Ann <ann@example.com>\r\nTo: help@acme.example\r\nSubject: failure notice\r\n\r\nWhat is this?\r\n"
    [found] = read(f"{letter}{quoted}".encode())
    assert not isinstance(found, Bounce)

"""A mailbox on a real Dovecot: read in order, kept before it is put away, nothing lost or doubled by a death."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.config.file import read_config
from connector.observe.findings import Verdict
from connector.runtime.doorbell import INTAKE
from connector.storage.schema import tables as t
from connector.vendors.clients import Connections
from connector.vendors.health_checks import check_connections, check_way_in
from connector.vendors.mailbox import polling
from connector.vendors.mailbox.polling import MailboxPoller
from integrations.errors import AuthFailed, Permanent, Transient
from integrations.mailbox.client import LARGEST, ImapMailbox, Look
from integrations.mailbox.options import MailboxAddress
from integrations.messaging import Arrived
from integrations.transport.tls import CA_FILE
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.certificates import Authority
from tests.support.house import Harness, a_house, config_of
from tests.support.mail_servers import PASSWORD, USER, Dovecot, a_dovecot

MAILBOX = '  bounces: {{kind: mailbox, url: "{url}"{more}}}\nteams:'


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with a_dovecot() as dovecot:
        yield dovecot


@pytest.fixture(scope="module")
def tls_server(authority: Authority) -> Iterator[Dovecot]:
    with a_dovecot(authority.certificate("127.0.0.1")) as dovecot:
        yield dovecot


@pytest.fixture
def folder(server: Dovecot, request: pytest.FixtureRequest) -> str:
    """A folder of the test's own."""
    name = f"t{abs(hash(request.node.nodeid)) % 10**9}"
    server.make(name)
    return name


@contextmanager
def a_home(server: Dovecot, folder: str, database_url: str, more: str = "") -> Iterator[Harness]:
    clock = HandClock()
    with World(clock=clock) as world:
        line = MAILBOX.format(url=server.url, more=f", folder: {folder}{more}")
        config = config_of(world).replace("teams:", line, 1)
        with a_house(database_url, world, {}, clock=clock, config=config) as home:
            yield home


def look(home: Harness) -> None:
    home.clock.move(minutes=1)
    home.run_job("read mailboxes")


def letter(number: int, text: str = "hello") -> bytes:
    return f"From: ann@example.com\r\nSubject: {number}\r\nMessage-ID: <{number}@x.example>\r\n\r\n{text}\r\n".encode()


def kept(home: Harness) -> list[bytes]:
    """The subjects of what is kept, in order."""
    return [row.body.split(b"Subject: ")[1].split(b"\r\n")[0] for row in home.rows(t.deliveries)]


def test_what_arrives_is_kept_as_it_is_and_marked_as_seen(server: Dovecot, folder: str, database_url: str) -> None:
    with a_home(server, folder, database_url) as home:
        for number in range(3):
            server.put(letter(number), folder)
        look(home)
        assert kept(home) == [b"0", b"1", b"2"]
        assert home.rows(t.deliveries)[0].body == letter(0)
        assert server.flags(folder) == [True, True, True]
        server.put(letter(3), folder)
        look(home)
        look(home)
        assert kept(home) == [b"0", b"1", b"2", b"3"]


def test_what_is_kept_is_moved_where_the_settings_say(server: Dovecot, folder: str, database_url: str) -> None:
    server.make(f"{folder}-done")
    with a_home(server, folder, database_url, f", move_to: {folder}-done") as home:
        server.put(letter(1), folder)
        server.put(letter(2), folder)
        look(home)
        assert kept(home) == [b"1", b"2"]
        assert (server.flags(folder), server.flags(f"{folder}-done")) == ([], [True, True])


def test_many_mails_are_taken_in_pages(
    server: Dovecot, folder: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "PAGE", 2)
    monkeypatch.setattr(polling, "MOST_PAGES", 2)
    with a_home(server, folder, database_url) as home:
        for number in range(7):
            server.put(letter(number), folder)
        look(home)
        assert len(kept(home)) == 4
        look(home)
        assert kept(home) == [b"%d" % number for number in range(7)]


class DeathError(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("where", ["before it is kept", "after it is kept", "after it is put away"])
def test_a_process_that_dies_anywhere_loses_and_doubles_nothing(
    server: Dovecot, folder: str, database_url: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_home(server, folder, database_url) as home:
        server.put(letter(1), folder)
        server.put(letter(2), folder)
        with monkeypatch.context() as dying:
            _die(dying, where)
            with pytest.raises(DeathError):
                look(home)
        home.clock.move(minutes=10)  # until the lease of the dead is over
        look(home)
        assert kept(home) == [b"1", b"2"]
        assert server.flags(folder) == [True, True]


def _die(dying: pytest.MonkeyPatch, where: str) -> None:
    def dead(*_: Any, **__: Any) -> Any:
        raise DeathError

    if where == "before it is kept":
        dying.setattr(MailboxPoller, "_keep", dead)
    elif where == "after it is kept":
        real = Look.put_away
        dying.setattr(Look, "put_away", lambda self, place: dead() if place else real(self, place))
    else:
        dying.setattr(polling.cursors, "move", dead)


def test_a_mail_that_lies_there_twice_is_one_delivery(server: Dovecot, folder: str, database_url: str) -> None:
    with a_home(server, folder, database_url) as home:
        server.put(letter(1), folder)
        server.put(letter(1), folder)
        look(home)
        assert kept(home) == [b"1"]


def test_a_folder_that_is_made_anew_is_read_from_its_beginning(
    server: Dovecot, folder: str, database_url: str
) -> None:
    """The server then numbers from 1 again, under another validity."""
    with a_home(server, folder, database_url) as home:
        server.put(letter(1), folder)
        server.put(letter(2), folder)
        look(home)
        server.remove(folder)
        server.make(folder)
        server.put(letter(2), folder)
        server.put(letter(3), folder)
        look(home)
        assert kept(home) == [b"1", b"2", b"3"]


def test_a_mail_that_is_too_large_is_kept_in_its_first_part(server: Dovecot, folder: str, database_url: str) -> None:
    with a_home(server, folder, database_url) as home:
        server.put(letter(1, "x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * (LARGEST // 60)), folder)
        server.put(letter(2), folder)
        look(home)
        first, second = home.rows(t.deliveries)
        assert (len(first.body), "x-cut" in first.headers, "x-cut" in second.headers) == (LARGEST, True, False)


def test_two_processes_do_not_read_it_side_by_side(server: Dovecot, folder: str, database_url: str) -> None:
    with a_home(server, folder, database_url) as home:
        [job] = [job for job in home.house.jobs if job.name == "read mailboxes"]
        server.put(letter(1), folder)
        home.clock.move(minutes=1)
        job.run()
        server.put(letter(2), folder)
        job.run()  # another process's turn, at the same moment
        assert kept(home) == [b"1"]


def test_nobody_posts_to_a_mailbox(server: Dovecot, folder: str, database_url: str) -> None:
    with a_home(server, folder, database_url) as home:
        assert home.client.post("/webhooks/bounces", data=letter(1), content_type="message/rfc822").status_code == 404
        assert home.rows(t.deliveries) == []


def test_what_cannot_be_read_is_shown_and_holds_up_nobody(server: Dovecot, folder: str, database_url: str) -> None:
    with a_home(server, folder, database_url) as home:
        head = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(2_000))
        server.put(f"Subject: deep\r\n{head}".encode(), folder)
        server.put(letter(2), folder)
        look(home)
        home.pump(INTAKE)
        deep, plain = home.rows(t.deliveries)
        assert (deep.status, plain.status) == ("unreadable", "done")
        assert "parts" in deep.reason


# the client


def client(server: Dovecot, **other: Any) -> ImapMailbox:
    address = MailboxAddress("127.0.0.1", server.plain, False, USER, PASSWORD)
    return ImapMailbox(replace(address, **other), "INBOX")


def test_a_wrong_password_is_said_and_not_tried_every_minute(
    server: Dovecot, folder: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AuthFailed, match="refused user or password"):
        client(server, password="wrong").greet()
    tries: list[str] = []

    def refused(self: ImapMailbox) -> Any:
        tries.append("")
        raise AuthFailed("no")

    monkeypatch.setattr(ImapMailbox, "look", refused)
    with a_home(server, folder, database_url) as home:
        for _ in range(10):
            look(home)
        assert len(tries) == 1
        home.clock.move(minutes=6)
        look(home)
        assert len(tries) == 2


def test_a_folder_that_is_not_there_is_said(server: Dovecot) -> None:
    with pytest.raises(Permanent, match="correct folder"):
        ImapMailbox(MailboxAddress("127.0.0.1", server.plain, False, USER, PASSWORD), "Nowhere").greet()


def test_the_doctor_logs_in_and_says_what_is_wrong(server: Dovecot) -> None:
    lines = {"fine": server.url, "shut": server.url.replace(PASSWORD.replace(" ", "%20"), "wrong")}
    text = "".join(f'  {name}: {{kind: mailbox, url: "{url}"}}\n' for name, url in lines.items())
    config = read_config(f"connections:\n{text}", Path("ringback.yaml"), {})
    fine, shut = check_connections(Connections(config), list(config.connections.values()))
    assert (fine.verdict, fine.says) == (Verdict.OK, "mailbox: reached, and our credentials are taken")
    assert (shut.verdict, "refused user or password" in shut.says) == (Verdict.BROKEN, True)
    assert check_way_in(list(config.connections.values())) == []


def test_nobody_there_is_said(server: Dovecot) -> None:
    with pytest.raises(Transient):
        client(server, port=1).greet()


def test_a_certificate_must_hold(
    tls_server: Dovecot, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Permanent, match="certificate"):
        client(tls_server, port=tls_server.tls, implicit_tls=True).greet()
    monkeypatch.setenv(CA_FILE, str(authority.file))
    client(tls_server, port=tls_server.tls, implicit_tls=True).greet()
    with pytest.raises(Permanent, match="certificate"):
        client(tls_server, port=tls_server.tls, implicit_tls=True, host="localhost").greet()


def test_starttls_is_used_where_the_server_offers_it_and_its_certificate_must_hold(
    tls_server: Dovecot, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Permanent, match="certificate"):
        client(tls_server).greet()
    monkeypatch.setenv(CA_FILE, str(authority.file))
    client(tls_server).greet()


@pytest.mark.parametrize(
    "url", ["", "imap://", "http://a:b@x.example", "imaps://x.example", "imaps://a@x.example", "imaps://a:b@x.example/INBOX"]
)
def test_an_address_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="write imaps://"):
        MailboxAddress.parse(url)


def test_the_password_is_not_shown() -> None:
    address = MailboxAddress.parse("imaps://a%40x.example:s%40cret@mail.example")
    assert (address.user, address.password, address.port) == ("a@x.example", "s@cret", 993)
    assert "s@cret" not in repr(address)


def test_mails_come_in_the_order_of_their_places(server: Dovecot, folder: str) -> None:
    for number in range(3):
        server.put(letter(number), folder)
    box = ImapMailbox(MailboxAddress("127.0.0.1", server.plain, False, USER, PASSWORD), folder)
    with box.look() as open_:
        everything = open_.after("", 10)
        assert [each.raw for each in everything] == [letter(number) for number in range(3)]
        assert [each.raw for each in open_.after(everything[0].place, 1)] == [letter(1)]
        assert open_.after(everything[-1].place, 10) == []
        assert all(isinstance(each, Arrived) and each.is_whole for each in everything)

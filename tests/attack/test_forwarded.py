"""Behind a proxy of ours everybody has an address of their own; a stranger cannot choose theirs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from connector.config.settings import Settings, SettingsError
from connector.observe import stored
from connector.storage.schema import tables
from connector.web.app import web_app
from integrations.transport.forwarded import read_networks, sender
from tests.integration.test_door import sent, served
from tests.support.house import Harness, a_home

OURS = read_networks("10.0.0.0/8, 2001:db8:1::7")


@pytest.mark.parametrize(("peer", "told", "found"), [
    ("10.0.0.5", "203.0.113.9", "203.0.113.9"),
    ("10.0.0.5", "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the first one a stranger wrote
    ("10.0.0.5", "198.51.100.1, 203.0.113.9, 10.9.9.9", "203.0.113.9"),  # two proxies of ours
    ("10.0.0.5", "10.1.1.1, 10.2.2.2", "10.1.1.1"),  # somebody of the house itself
    ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # came past the proxy
    ("203.0.113.9", "198.51.100.1, 10.0.0.5", "203.0.113.9"),
    ("10.0.0.5", "", "10.0.0.5"),
    ("10.0.0.5", "198.51.100.1, rubbish", "10.0.0.5"),
    ("10.0.0.5", "198.51.100.1, ", "10.0.0.5"),
    ("10.0.0.5", "198.51.100.1, unknown, 10.2.2.2", "10.2.2.2"),
    ("10.0.0.5", "203.0.113.9:4711", "203.0.113.9"),
    ("2001:db8:1::7", "[2001:db8:9::1]:4711", "2001:db8:9::1"),
    ("::ffff:10.0.0.5", "::ffff:203.0.113.9", "203.0.113.9"),
    ("", "198.51.100.1", ""),
])  # fmt: skip
def test_the_sender_is_the_last_one_that_our_own_proxies_name(peer: str, told: str, found: str) -> None:
    assert sender(peer, told, OURS) == found


@pytest.mark.parametrize("value", ["0.0.0.0/0", "::/0", "the proxy", "10.0.0.1/8", "10.0.0.5; 10.0.0.6"])
def test_proxies_that_cannot_be_meant_are_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="RINGBACK_TRUSTED_PROXIES"):
        Settings.from_environment({"RINGBACK_TRUSTED_PROXIES": value})


pages = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url) as home:
        yield home


def behind(home: Harness, trusted: str) -> None:
    settings = dataclasses.replace(home.house.settings, trusted_proxies=read_networks(trusted))
    home.client = web_app(dataclasses.replace(home.house, settings=settings)).test_client()


def guess(home: Harness, told: str = "", peer: str = "10.0.0.5") -> None:
    headers = {"X-Forwarded-For": told} if told else {}
    home.client.get("/s/aaaaaaaaaaaaaaaaaaaaaa", headers=headers, environ_base={"REMOTE_ADDR": peer})


def guessers(home: Harness) -> set[str]:
    return {row.network for row in home.rows(tables.guesses)}


def doctor(home: Harness) -> list[str]:
    with home.house.database.read() as tx:
        return [f"{each.says} {each.remedy}" for each in stored.check_proxies(tx, home.clock())]


@pages
def test_guesses_behind_a_trusted_proxy_are_counted_by_who_made_them(home: Harness) -> None:
    behind(home, "10.0.0.0/8")
    guess(home, "203.0.113.9")
    guess(home, "198.51.100.1, 192.0.2.77")
    guess(home, "198.51.100.1", peer="192.0.2.200")  # a stranger who claims to be another
    assert guessers(home) == {"203.0.113.0/24", "192.0.2.0/24"}


@pages
def test_nobody_is_believed_unless_the_setting_says_so_and_the_doctor_asks(home: Harness) -> None:
    guess(home)
    assert doctor(home) == []
    guess(home, "203.0.113.9")
    assert guessers(home) == {"10.0.0.0/24"}
    [said] = doctor(home)
    assert "10.0.0.5 handed on requests" in said
    assert "RINGBACK_TRUSTED_PROXIES=10.0.0.5" in said
    home.clock.move(days=8)
    assert doctor(home) == []


@pages
def test_a_header_that_only_looks_like_it_says_nothing(home: Harness) -> None:
    """An underscore and a hyphen are one to WSGI; proxies hand on what they do not know."""
    settings = dataclasses.replace(home.house.settings, trusted_proxies=read_networks("127.0.0.0/8"))
    home.house = dataclasses.replace(home.house, settings=settings)
    lines = (b"GET /s/aaaaaaaaaaaaaaaaaaaaaa HTTP/1.1", b"Host: x", b"X-Forwarded-For: 203.0.113.9",
             b"X_Forwarded_For: 198.51.100.1", b"Connection: close", b"", b"")  # fmt: skip
    with served(home) as port:
        assert sent(port, b"\r\n".join(lines)).startswith(b"HTTP/1.1 404")
    assert guessers(home) == {"203.0.113.0/24"}

"""Real bounces of a real Postfix, fetched from a real Dovecot: a survey leaves, comes back, and has its effect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connector.storage.schema import tables as t
from sandbox.clock import HandClock
from sandbox.mailbox.store import Stage
from sandbox.world import World
from tests.integration import test_returned_mail as returned
from tests.integration.test_returned_mail import ask, events, on_sqlite, suppressed
from tests.support.house import Harness, a_house, config_of
from tests.support.mail_servers import Dovecot, a_dovecot, a_postfix
from tests.support.processes import until


@contextmanager
def a_home(database_url: str) -> Iterator[tuple[Harness, Dovecot]]:
    """A house whose mail leaves through Postfix; what comes back lies in Dovecot."""
    clock = HandClock()
    with World(clock=clock) as world, a_dovecot() as dovecot:
        elsewhere = f"smtp:[127.0.0.1]:{world.smtp_url.rpartition(':')[2]}"
        ways = {
            "gone_example": "error:5.1.1 there is no such user here", "full_example": "error:5.2.2 mailbox full",
            "away_example": "retry:4.4.1 connection timed out", "remote_example": elsewhere,
        }  # fmt: skip
        with a_postfix(dovecot, **ways) as postfix:
            config = config_of(world).replace(world.smtp_url, f"smtp://127.0.0.1:{postfix.port}")
            sender = '    sender: "Acme <feedback@acme.example>"\n'
            mine = returned.MAIL.replace('imap://a:b@127.0.0.1:1', dovecot.url)
            config = config.replace(sender, mine)
            flows = {"ask": returned.ASK}
            with a_house(
                database_url, world, flows, clock=clock, config=config, surveys=returned.ALWAYS
            ) as home:  # fmt: skip
                yield home, dovecot


def asked(home: Harness, number: int, email: str) -> None:
    ask(home, str(number), user=home.know(email, f"Person {number}"))


def came_back(home: Harness, count: int) -> list[Any]:
    """Look into the mailbox until so many mails came."""

    def look() -> list[Any]:
        home.clock.move(minutes=1)
        home.run_job("read mailboxes")
        rows = home.rows(t.deliveries, t.deliveries.c.connection == "bounces")
        return rows if len(rows) >= count else []

    found = until(look, f"{count} bounces in the mailbox")
    home.settle()
    return found


@on_sqlite
def test_what_postfix_cannot_deliver_comes_back_and_has_its_effect(database_url: str) -> None:
    with a_home(database_url) as (home, dovecot):
        home.world.mailbox.refuse("nobody@remote.example", Stage.RCPT, 550, "5.1.1 Unknown user", 9)
        people = ("jan@gone.example", "piet@full.example", "kees@away.example", "nobody@remote.example")
        for number, email in enumerate((*people, "somebody@remote.example"), start=1):
            asked(home, number, email)
        came_back(home, 4)
        found = {row.address: (row.kind, row.status) for row in home.rows(t.mail_returns)}
        assert found == {
            "jan@gone.example": ("hard", "5.1.1"),
            "piet@full.example": ("soft", "5.2.2"),
            "kees@away.example": ("soft", "4.4.1"),
            "nobody@remote.example": ("hard", "5.1.1"),
        }
        assert suppressed(home) == ["jan@gone.example", "nobody@remote.example"]
        assert len(events(home, "survey.bounced")) == 4
        assert len(home.mails("somebody@remote.example")) == 1
        assert all(dovecot.flags())
        ask(home, "9", user=_user(home, people[0]))
        [held] = home.rows(t.suppressions)
        assert held.reason.startswith("not sent: mail to this address comes back")


def _user(home: Harness, email: str) -> str:
    customer = home.one(t.customers, t.customers.c.email == email)
    identity = home.one(t.identities, t.identities.c.customer_id == customer.id, t.identities.c.system == "zendesk")
    return str(identity.value)

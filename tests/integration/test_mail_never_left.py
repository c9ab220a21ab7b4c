"""Whatever goes wrong before the first byte of a mail leaves is never in doubt: nothing counts as sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.runtime.doorbell import TIMERS, effects_queue
from connector.storage.schema import tables
from sandbox.mailbox.store import Stage
from tests.support.house import Harness, a_home, a_house, answer, config_of
from tests.support.house_workflows import WRITE_TO_THE_CUSTOMER

ASK = """\
trigger: {event: order.delivered}
run: {key: event.order, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support}}
"""
ONCE = ASK.replace("survey: after-support", 'survey: after-support, once: "{{ event.customer_number }}"')
REASON = "mail field to is no e-mail address; correct it on the customer's record"
UNREADABLE = (
    "jan@@example.com", "<jan@example.com>", "jan@example.com/piet@example.com", "jan@example..com",
    "a@example.com; b@example.com", "jan@", "@example.com", "jan", "jan@-example.com", "jan@exa mple.com",
    f"jan@{'a' * 64}.example", f"{'j' * 65}@example.com", "jan.@example.com", "jan@[example",
    "jan@bü\u2028cher.example", f"jan@{'ü' * 60}.example", "mailto:jan@example.com", "jan@example.com\u200e\u200f@",
)  # fmt: skip

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, ask=ASK) as home:
        yield home


def delivered(home: Harness, order: str, email: str, **more: Any) -> None:
    data = {"order": order, "customer": {"email": email, "name": "Jan"}, **more}
    assert home.deliver({"type": "order.delivered", "id": f"e-{order}", "data": data}) == 200
    home.settle()


def nothing_counts_as_sent(home: Harness) -> bool:
    kinds = {row.type for row in home.rows(tables.events)}
    asked = [(row.status == "sent", row.sent_at, row.asked_at) for row in home.rows(tables.invitations)]
    return "survey.sent" not in kinds and set(asked) <= {(False, None, None)} and home.mails() == []


@pytest.mark.parametrize("email", UNREADABLE[:5])
def test_an_address_that_cannot_be_read_fails_its_step_at_the_first_try(home: Harness, email: str) -> None:
    delivered(home, "o-1", email)
    [effect] = home.effects("survey.send")
    assert (effect.status, effect.attempts, effect.error, effect.unsure) == ("failed", 1, REASON, False)
    assert home.run("ask").status == "failed"
    assert nothing_counts_as_sent(home)


@on_sqlite
def test_no_unreadable_address_is_ever_in_doubt(home: Harness) -> None:
    for number, email in enumerate(UNREADABLE):
        delivered(home, f"o-{number}", email)
    told = {(each.status, each.attempts, each.error) for each in home.effects("survey.send")}
    assert told == {("failed", 1, REASON)}
    assert len(home.runs("ask")) == len(UNREADABLE)
    assert nothing_counts_as_sent(home)


def test_any_letters_may_stand_before_the_at_where_the_server_takes_them(home: Harness) -> None:
    delivered(home, "o-1", "jän@example.com")
    assert [mail.to for mail in home.mails()] == [("jän@example.com",)]


def test_the_root_dot_of_a_domain_is_no_part_of_the_address(home: Harness) -> None:
    delivered(home, "o-1", "jan@example.com.")
    assert [mail.to for mail in home.mails()] == [("jan@example.com",)]


def test_who_could_not_be_written_to_is_asked_when_the_address_is_right(home: Harness) -> None:
    known = {"zendesk_user_id": "4711", "name": "Jan"}
    for number, email in enumerate(("jan@@example.com", "jan@example.com")):
        data = {"order": f"o-{number}", "customer": {**known, "email": email}}
        home.deliver({"type": "order.delivered", "id": f"e-{number}", "data": data})
        home.settle()
    assert [mail.to for mail in home.mails()] == [("jan@example.com",)]


@on_sqlite
def test_an_occasion_at_which_nothing_left_is_still_open(home: Harness) -> None:
    home.install(ask=ONCE)
    home.world.mailbox.refuse("jan@example.com", Stage.RCPT, 550, "no such user", times=1)
    for order in ("o-1", "o-2", "o-3"):
        delivered(home, order, "jan@example.com", customer_number="c-1")
    assert [run.status for run in home.runs("ask")] == ["failed", "succeeded", "succeeded"]
    assert len(home.mails()) == 1
    assert "already asked for this occasion" in home.rows(tables.suppressions)[-1].reason


def test_a_mail_server_that_is_away_begins_no_quiet_time(home: Harness) -> None:
    home.world.mailbox.refuse("jan@example.com", Stage.RCPT, 451, "later", times=99)
    delivered(home, "o-1", "jan@example.com")
    assert nothing_counts_as_sent(home)


def test_a_mail_that_may_have_left_still_counts(home: Harness) -> None:
    home.world.mailbox.refuse("jan@example.com", Stage.DROP_AFTER_DATA, 451, "gone", times=1)
    delivered(home, "o-1", "jan@example.com")
    assert home.one(tables.invitations).asked_at is not None


@on_sqlite
def test_a_connection_that_was_taken_out_begins_no_quiet_time(home: Harness, database_url: str) -> None:
    home.install(ask=ASK.replace("survey: after-support", "survey: after-support, delay: 2 days"))
    delivered(home, "o-1", "jan@example.com")
    config = config_of(home.world).replace("  mail:\n", "  post:\n")
    home.clock.move(days=2)
    with a_house(database_url, home.world, clock=home.clock, config=config) as other:
        other.tick()
    assert home.effects("survey.send")[0].status == "failed"
    assert nothing_counts_as_sent(home)


@on_sqlite
def test_a_database_that_fails_before_the_mail_leaves_no_doubt(home: Harness) -> None:
    home.install(ask=ASK.replace("survey: after-support", "survey: after-support, delay: 2 days"))
    delivered(home, "o-1", "jan@example.com")
    with home.house.database.write() as tx:
        tx.exec_driver_sql("ALTER TABLE suppressions RENAME TO suppressions_away")
        tx.exec_driver_sql("ALTER TABLE invitations RENAME COLUMN asked_at TO asked_at_away")
    home.clock.move(days=2)
    home.pump(TIMERS, effects_queue("mail"))
    with home.house.database.write() as tx:
        tx.exec_driver_sql("ALTER TABLE suppressions_away RENAME TO suppressions")
        tx.exec_driver_sql("ALTER TABLE invitations RENAME COLUMN asked_at_away TO asked_at")
    [effect] = home.effects("survey.send")
    assert (effect.status, effect.error_kind, effect.unsure) == ("due", "transient", False)
    home.wait(hours=1)
    assert len(home.mails()) == 1


@pytest.mark.parametrize("email", ["jan@@example.com", "jan@example..com"])
def test_a_message_to_an_unreadable_address_fails_too(database_url: str, email: str) -> None:
    with a_home(database_url, note=WRITE_TO_THE_CUSTOMER) as home:
        home.deliver(answer(9, customer={"email": email, "name": "Jan"}))
        home.settle()
        assert [(e.status, e.attempts, e.error) for e in home.effects("message.send")] == [("failed", 1, REASON)]
        assert home.mails() == []


@on_sqlite
def test_an_alert_to_an_unreadable_address_fails_and_the_next_person_is_not_held_up(database_url: str) -> None:
    alert = """\
trigger: {event: survey.answered}
run: {key: event.response_id}
steps:
  - {id: tell, do: alert.send, with: {to: "{{ event.owner }}", text: "Look."}}
"""
    with a_home(database_url, tell=alert) as home:
        for number, owner in enumerate(("eva@@example.com", "eva@example.com")):
            home.deliver(answer(3, response_id=f"r-{number}", owner=owner))
        home.settle()
        assert sorted(each.status for each in home.effects("alert.send")) == ["done", "failed"]
        assert [mail.to for mail in home.mails()] == [("eva@example.com",)]


@on_sqlite
def test_a_name_or_subject_of_two_lines_stops_no_message(database_url: str) -> None:
    subject = WRITE_TO_THE_CUSTOMER.replace("subject: Thank you", 'subject: "About {{ event.comment }}"')
    with a_home(database_url, note=subject) as home:
        home.deliver(answer(9, customer={"email": "jan@example.com", "name": "Jan\nde Vries"}, comment="one\ntwo"))
        home.settle()
        [mail] = home.mails()
        assert (mail.header("To"), mail.subject) == ("Jan de Vries <jan@example.com>", "About one two")

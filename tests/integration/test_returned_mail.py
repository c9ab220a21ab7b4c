"""What follows from mail that comes back: an address is suppressed, an opt-out obeyed, words reach a person. In any
order, however often, and only where it is proved whose mail it was."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy.event import listen

from connector.feedback import surveys
from connector.feedback.mail_feedback import complaint_share, undeliverable
from connector.feedback.mail_feedback.hook import OF_A_TEAM, UNKNOWN
from connector.feedback.mail_feedback.returned_mail import Kind
from connector.feedback.mail_feedback.undeliverable import Return, judge
from connector.runtime.doorbell import INTAKE
from connector.storage.schema import tables as t
from connector.storage.stores.inbox import delivery_row, insert_deliveries
from integrations.mail.verp import Marks, Origin
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.house import SECRET_KEY, Harness, a_house, config_of
from webhooks.delivery import Delivery
from webhooks.parsing import digest

ASK = """\
trigger: {event: ticket.solved}
run: {key: event.ticket, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support}}
"""
WRITE = """\
trigger: {event: ticket.reopened}
run: {key: event.ticket, mode: parallel}
steps:
  - {id: write, do: message.send, with: {subject: Sorry, text: We look again.}}
"""
ALERT = """\
trigger: {event: ticket.deleted}
steps:
  - {id: tell, do: alert.send, with: {to: care-team, text: A ticket is gone.}}
"""
HEAR = """\
trigger: {event: feedback.logged, if: event.context.conversation == "reply"}
run: {key: event.response, mode: parallel}
steps:
  - {id: tell, do: alert.send, with: {to: care-team, subject: An answer by mail, text: "{{ event.comment }}"}}
"""
FOLLOW = """\
trigger: {event: survey.bounced}
run: {key: event.invitation, mode: parallel}
steps:
  - {id: tell, do: alert.send, with: {to: care-team, subject: A bounce, text: "{{ event.reason }}"}}
"""
MAIL = """\
    sender: "Acme <feedback@acme.example>"
    bounce_address: bounces@acme.example
  bounces: {kind: mailbox, url: "imap://a:b@127.0.0.1:1"}
"""
# One a day, so that a person can be asked again within a test.
SURVEY = (Path(surveys.__file__).parent / "library" / "after-support.yaml").read_text("utf-8")
ALWAYS = {"after-support": SURVEY.replace("fatigue_days: 90", "fatigue_days: 1")}
FLOWS = {"ask": ASK, "write": WRITE, "alert": ALERT, "hear": HEAR, "follow": FOLLOW}


@contextmanager
def a_home(database_url: str, settled: Callable[[str], str] = str) -> Iterator[Harness]:
    clock = HandClock()
    with World(clock=clock) as world:
        config = config_of(world).replace('    sender: "Acme <feedback@acme.example>"\n', MAIL)
        config = config.replace("fatigue_days: 60", "fatigue_days: 0")
        with a_house(database_url, world, FLOWS, clock=clock, config=settled(config), surveys=ALWAYS) as home:
            yield home


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url) as home:
        yield home


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def ask(home: Harness, ticket: str = "1", name: str = "ticket_solved", user: str = "") -> None:
    """Ann's ticket is solved, and she is asked, as she was not since yesterday."""
    home.clock.move(hours=25)
    if not home.rows(t.customers):
        home.know()
    user = user or home.one(t.identities, t.identities.c.system == "zendesk").value
    home.ticket_event(name, ticket, requester_id=user)
    home.settle()


def envelope(home: Harness, to: str = "ann@example.com") -> str:
    """Where the last mail to this address comes back to."""
    sender: str = home.mails(to)[-1].sender
    return sender


def came(home: Harness, raw: str, headers: Mapping[str, str] | None = None) -> None:
    """A mail lies in our mailbox, and is understood."""
    body = raw.replace("\n", "\r\n").encode()
    delivery = Delivery("bounces", digest(body), home.clock(), "message/rfc822", headers or {}, body)
    home.house.database.transact(lambda tx: insert_deliveries(home.house.database, tx, [delivery_row(delivery)]))
    home.settle()


def bounce(to: str, status: str = "5.1.1", *, said: str = "user unknown", number: int = 1, more: str = "") -> str:
    return f"""\
Return-Path: <>
X-Original-To: {to}
From: MAILER-DAEMON@mx.example
To: {to}
Subject: Undelivered Mail
Message-ID: <{number}@mx.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ann@example.com
Action: failed
Status: {status}
Diagnostic-Code: smtp; 550 {status} {said}
{more}
--b--
"""


def complaint(to: str) -> str:
    return f"""\
From: feedback@provider.example
To: {to}
Subject: a complaint
Message-ID: <c@provider.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Test/1

--b--
"""


def reply(text: str, *, to: str = "feedback@acme.example", about: str = "", number: int = 1, more: str = "") -> str:
    refers = f"In-Reply-To: {about}\n" if about else ""
    return f"""\
Return-Path: <ann@example.com>
From: Ann Jansen <ann@example.com>
To: {to}
Subject: Re: One question
Message-ID: <{number}@example.com>
{refers}{more}Content-Type: text/plain; charset=utf-8

{text}
"""


def events(home: Harness, type_: str) -> list[Any]:
    return home.rows(t.events, t.events.c.type == type_)


def outcomes(home: Harness) -> list[str]:
    return [row.data["outcome"] for row in home.rows(t.events, t.events.c.type.like("mail.%"))]


def reasons(home: Harness) -> list[str]:
    return [row.reason for row in home.rows(t.suppressions)]


def suppressed(home: Harness) -> list[str]:
    return [row.address for row in home.rows(t.mail_suppressions, t.mail_suppressions.c.since.is_not(None))]


# bounces


def test_after_a_hard_bounce_the_address_is_left_alone_and_the_event_told(home: Harness) -> None:
    ask(home)
    came(home, bounce(envelope(home)))
    invitation = home.one(t.invitations)
    [event] = events(home, "survey.bounced")
    assert (event.subject, event.customer_id) == (invitation.id, invitation.customer_id)
    assert (event.data["hard"], event.data["status"]) == (True, "5.1.1")
    assert [mail.text.strip() for mail in home.mails("care@acme.example")] == ["the address does not exist"]
    assert suppressed(home) == ["ann@example.com"]
    ask(home, "2")
    assert len(home.mails("ann@example.com")) == 1
    [reason] = reasons(home)
    assert reason.startswith("not sent: mail to this address comes back (the address does not exist, 5.1.1)")


def test_a_plain_message_is_not_sent_to_it_either(home: Harness) -> None:
    ask(home)
    came(home, bounce(envelope(home)))
    ask(home, "1", "ticket_reopened")
    assert len(home.mails("ann@example.com")) == 1
    assert "comes back" in home.output("write", "write")["reason"]


@on_sqlite
def test_a_message_that_bounces_suppresses_the_address_too(home: Harness) -> None:
    ask(home, "1", "ticket_reopened")
    came(home, bounce(envelope(home)))
    assert (suppressed(home), events(home, "survey.bounced")) == (["ann@example.com"], [])


@on_sqlite
def test_a_mail_that_was_already_under_way_is_stopped_at_the_last_look(home: Harness) -> None:
    ask(home)
    came_to = envelope(home)
    home.install(later=ASK.replace("survey: after-support", "survey: after-support, delay: 1 day")
                 .replace("ticket.solved", "ticket.reopened"))  # fmt: skip
    ask(home, "9", "ticket_reopened")
    first = len(home.mails("ann@example.com"))
    came(home, bounce(came_to))
    home.wait(days=1)
    assert len(home.mails("ann@example.com")) == first
    assert any("comes back" in row.reason for row in home.rows(t.invitations))


def test_a_new_address_is_free(home: Harness) -> None:
    ask(home)
    came(home, bounce(envelope(home)))
    user = home.one(t.identities, t.identities.c.system == "zendesk").value
    home.world.zendesk.desk.state.users[int(user)]["email"] = "ann@new.example"
    ask(home, "2")
    assert len(home.mails("ann@new.example")) == 1
    assert suppressed(home) == ["ann@example.com"]


@on_sqlite
def test_who_bounced_was_not_asked_and_no_quiet_time_runs(home: Harness) -> None:
    ask(home)
    assert home.one(t.invitations).asked_at is not None
    came(home, bounce(envelope(home)))
    assert home.one(t.invitations).asked_at is None


@on_sqlite
def test_an_address_in_another_spelling_is_the_same(home: Harness) -> None:
    ask(home)
    came(home, bounce(envelope(home)))
    with home.house.database.read() as tx:
        assert undeliverable.why_not(tx, "Ann@EXAMPLE.com.") is not None
        assert undeliverable.why_not(tx, "ann@example.org") is None
        assert undeliverable.why_not(tx, None) is None


def test_three_soft_bounces_in_thirty_days_suppress_and_two_do_not(home: Harness) -> None:
    for number in range(1, 4):
        assert suppressed(home) == []
        ask(home, str(number))
        came(home, bounce(envelope(home), "5.2.2", said="mailbox full", number=number))
        home.clock.move(days=13)
    assert suppressed(home) == ["ann@example.com"]


@on_sqlite
def test_soft_bounces_far_apart_do_not_suppress(home: Harness) -> None:
    for number in range(1, 5):
        ask(home, str(number))
        came(home, bounce(envelope(home), "5.2.2", said="mailbox full", number=number))
        home.clock.move(days=20)
    assert suppressed(home) == []


def test_an_admin_releases_an_address_and_only_later_mail_counts(home: Harness) -> None:
    ask(home)
    first = envelope(home)
    came(home, bounce(first))
    home.clock.move(hours=1)
    lifted = home.house.database.transact(lambda tx: undeliverable.lift(tx, "Ann@example.com", "Ada", home.clock()))
    assert lifted
    came(home, bounce(first, number=2))
    assert suppressed(home) == []
    home.clock.move(hours=1)
    ask(home, "2")
    came(home, bounce(envelope(home), number=3))
    assert suppressed(home) == ["ann@example.com"]


@on_sqlite
def test_in_every_order_the_same_stands_there_in_the_end(home: Harness) -> None:
    """Two mails; a soft and a hard bounce of the first, a copy of that, and a complaint about the second."""
    ends = set()
    for number, order in enumerate(permutations(range(4)), start=1):
        email = f"p{number}@example.com"
        user = home.know(email, f"Person {number}")
        ask(home, f"{number}1", user=user)
        ask(home, f"{number}2", user=user)
        first, second = (mail.sender for mail in home.mails(email))
        story = (bounce(first, "4.2.2", said="over quota", number=number), bounce(first, number=number),
                 bounce(first, number=number, more="X-Copy: 1"), complaint(second))  # fmt: skip
        for place in order:
            came(home, story[place])
        ends.add(_stands(home, email))
    kinds = (("complaint", 1), ("hard", 1), ("soft", 1))
    assert ends == {(kinds, "hard", "the address does not exist, 5.1.1", True, 1, 1)}


def _stands(home: Harness, email: str) -> Any:
    [customer] = home.rows(t.customers, t.customers.c.email == email)
    kinds = Counter(row.kind for row in home.rows(t.mail_returns, t.mail_returns.c.customer_id == customer.id))
    [held] = home.rows(t.mail_suppressions, t.mail_suppressions.c.address == email)
    told = [
        len(home.rows(t.events, t.events.c.type == type_, t.events.c.customer_id == customer.id))
        for type_ in ("survey.bounced", "customer.opted_out")
    ]
    return (tuple(sorted(kinds.items())), held.kind, held.reason, customer.opted_out_at is not None, *told)


@given(some.lists(some.tuples(some.sampled_from(["hard", "soft"]), some.integers(0, 90)), max_size=8), some.randoms())
def test_the_rule_sees_no_order(told: list[tuple[str, int]], chance: Any) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    returns = [Return(Kind(kind), start + timedelta(days=day), f"why {day}") for kind, day in told]
    shuffled = chance.sample(returns, len(returns))
    assert judge(returns) == judge(shuffled)
    days = sorted(day for kind, day in told if kind == "soft")
    thrice = any(last - first <= 30 for first, last in zip(days, days[2:], strict=False))
    assert (judge(returns) is not None) is (thrice or any(kind == "hard" for kind, _ in told))


# what is not proved


@on_sqlite
@pytest.mark.parametrize(
    "to", ["bounces@acme.example", "bounces+guessed@acme.example", f"bounces+{'a' * 44}@acme.example"]
)
def test_a_report_without_our_mark_is_kept_shown_and_has_no_effect(home: Harness, to: str) -> None:
    ask(home)
    came(home, bounce(to))
    assert (outcomes(home), suppressed(home), events(home, "survey.bounced")) == ([UNKNOWN], [], [])
    assert home.rows(t.deliveries)[-1].status == "done"


@pytest.mark.parametrize("type_", ["mail.bounced", "mail.complained", "mail.answered"])
@on_sqlite
def test_another_system_cannot_say_that_mail_came_back(home: Harness, type_: str) -> None:
    """It signs what it tells, and would be believed about any address."""
    ask(home)
    told = {"recipient": "ann@example.com", "proved": True, "hard": True, "wants_out": True, "kind": "abuse",
            "text": "x", "trail": {"addresses": [envelope(home)], "message_ids": []}, "why": "gone",
            "status": "5.1.1"}  # fmt: skip
    home.deliver({"type": type_, "id": "forged", "data": told})
    home.settle()
    assert (suppressed(home), home.one(t.customers).opted_out_at) == ([], None)
    assert events(home, type_) == []
    assert "mailboxes and mail providers alone" in home.rows(t.deliveries, t.deliveries.c.key == "forged")[0].reason


@on_sqlite
def test_a_mark_of_another_house_says_nothing(home: Harness) -> None:
    ask(home)
    mark = Marks("another key").make(Origin.INVITATION, home.one(t.invitations).id)
    came(home, bounce(f"bounces+{mark}@acme.example"))
    assert (outcomes(home), suppressed(home)) == ([UNKNOWN], [])


@on_sqlite
def test_a_mark_of_a_mail_that_is_gone_says_nothing(home: Harness) -> None:
    ask(home)
    came(home, bounce(f"bounces+{Marks(SECRET_KEY).make(Origin.INVITATION, '0' * 26)}@acme.example"))
    assert outcomes(home) == [UNKNOWN]


@on_sqlite
def test_a_report_is_known_by_the_id_of_the_mail_it_returns(home: Harness) -> None:
    ask(home)
    about = home.mails("ann@example.com")[0].header("Message-ID")
    returned = f"\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {about}\n"
    came(home, bounce("bounces@acme.example", more=returned))
    assert suppressed(home) == ["ann@example.com"]


def test_a_bounce_of_a_mail_to_a_team_is_kept_and_is_nobody_elses(home: Harness) -> None:
    ask(home)
    home.ticket_event("ticket_deleted", "1")
    home.settle()
    came(home, bounce(envelope(home, "care@acme.example")))
    [row] = home.rows(t.mail_returns)
    assert (row.address, row.customer_id) == ("care@acme.example", None)
    assert "ann@example.com" not in suppressed(home)


# complaints


def test_a_complaint_is_an_opt_out(home: Harness) -> None:
    ask(home)
    came(home, complaint(envelope(home)))
    [consent] = home.rows(t.consents)
    assert (consent.kind, consent.granted, consent.source) == ("surveys", False, "complaint")
    [event] = events(home, "customer.opted_out")
    assert event.data["source"] == "complaint"
    ask(home, "2")
    assert len(home.mails("ann@example.com")) == 1
    assert reasons(home) == ["not sent: the customer opted out of surveys"]
    assert suppressed(home) == []


def test_the_share_of_complaints_is_measured_over_thirty_days(home: Harness) -> None:
    for number in range(1, 5):
        ask(home, str(number))
    came(home, complaint(envelope(home)))
    with home.house.database.read() as tx:
        now = complaint_share.measure(tx, home.clock())
        later = complaint_share.measure(tx, home.clock() + timedelta(days=31))
    assert (now.sent, now.complaints, now.share, now.is_too_high) == (4, 1, 0.25, True)
    assert (later.sent, later.complaints, later.share, later.is_too_high) == (0, 0, 0.0, False)


@pytest.mark.parametrize(("sent", "high"), [(1_001, False), (1_000, True), (999, True)])
def test_one_complaint_in_a_thousand_is_too_many(sent: int, high: bool) -> None:
    assert complaint_share.ComplaintShare(sent, 1).is_too_high is high


# answers


def message_id(home: Harness) -> str:
    return str(home.mails("ann@example.com")[-1].header("Message-ID"))


def test_an_answer_is_logged_as_feedback_and_reaches_a_person_and_no_second_mail_goes_out(home: Harness) -> None:
    ask(home)
    quoted = "Op ma 30 nov 2026 om 10:23 schreef Acme <feedback@acme.example>:\n> How likely"
    came(home, reply(f"Het wachten duurde lang.\n\n{quoted}", about=message_id(home)))
    [event] = events(home, "feedback.logged")
    invitation = home.one(t.invitations)
    assert event.customer_id == invitation.customer_id
    assert event.data["comment"] == "Het wachten duurde lang."
    assert (event.data["survey"], event.data["invitation"]) == ("after-support", invitation.id)
    assert event.data["context"]["ticket"] == "zendesk:1"
    assert [mail.text.strip() for mail in home.mails("care@acme.example")] == ["Het wachten duurde lang."]
    assert len(home.mails("ann@example.com")) == 1
    assert outcomes(home) == ["logged as feedback"]


@on_sqlite
def test_an_answer_to_the_marked_address_is_known_without_more(home: Harness) -> None:
    ask(home)
    came(home, reply("Prima", to=envelope(home)))
    assert [event.data["comment"] for event in events(home, "feedback.logged")] == ["Prima"]


def test_an_answer_that_comes_twice_is_logged_once(home: Harness) -> None:
    ask(home)
    about = message_id(home)
    came(home, reply("Prima", about=about))
    came(home, reply("Prima", about=about))
    came(home, reply("Prima", about=about, more="Delivered-To: copy@acme.example\n"))
    assert len(events(home, "feedback.logged")) == 1


@on_sqlite
def test_two_answers_of_one_person_are_two(home: Harness) -> None:
    ask(home)
    about = message_id(home)
    came(home, reply("Prima", about=about, number=1))
    came(home, reply("En snel", about=about, number=2))
    assert [event.data["comment"] for event in events(home, "feedback.logged")] == ["Prima", "En snel"]


@on_sqlite
@pytest.mark.parametrize("text", ["STOP", "Graag afmelden"])
def test_who_answers_so_is_opted_out_and_nobody_is_alerted(home: Harness, text: str) -> None:
    ask(home)
    came(home, reply(text, about=message_id(home)))
    [consent] = home.rows(t.consents)
    assert (consent.granted, consent.source) == (False, "reply")
    assert home.one(t.customers).opted_out_at is not None
    assert (events(home, "feedback.logged"), home.mails("care@acme.example")) == ([], [])
    assert outcomes(home) == ["opted out"]


@on_sqlite
def test_an_absence_is_ignored_and_shown_as_that(home: Harness) -> None:
    ask(home)
    came(home, reply("I am away.", about=message_id(home), more="Auto-Submitted: auto-replied\n"))
    row = home.rows(t.deliveries)[-1]
    assert (row.status, row.reason) == ("ignored", "an automatic answer (Auto-Submitted)")
    assert events(home, "feedback.logged") == []


@on_sqlite
def test_an_answer_to_nothing_of_ours_has_no_effect(home: Harness) -> None:
    ask(home)
    came(home, reply("STOP", about="<some-other@mail.example>"))
    assert (outcomes(home), home.one(t.customers).opted_out_at) == ([UNKNOWN], None)


@on_sqlite
def test_a_colleague_who_answers_an_alert_is_no_customer(home: Harness) -> None:
    ask(home)
    home.ticket_event("ticket_deleted", "1")
    home.settle()
    about = str(home.mails("care@acme.example")[-1].header("Message-ID"))
    came(home, reply("STOP", about=about))
    assert outcomes(home) == [OF_A_TEAM]
    assert [row.id for row in home.rows(t.customers) if row.opted_out_at] == []


# what people see


@pytest.mark.parametrize(("more", "told"), [("", True), (", replies: false", False), (None, False)])
@on_sqlite
def test_the_closed_page_asks_for_an_answer_by_mail_only_where_it_is_read(
    database_url: str, more: str | None, told: bool
) -> None:
    with a_home(database_url, lambda text: _with_mailbox(text, more)) as home:
        ask(home)
        [link] = set(re.findall(r"/s/[\w-]{22}", home.mails("ann@example.com")[0].text))
        home.clock.move(days=400)
        page = home.client.get(link)
        assert (page.status_code, "just reply to our e-mail" in page.text) == (410, told)


def _with_mailbox(config: str, more: str | None) -> str:
    line = next(line for line in config.split("\n") if "kind: mailbox" in line)
    return config.replace(line, line.replace("}", f"{more}}}") if more is not None else "")


@on_sqlite
def test_a_mailbox_for_bounces_alone_hears_no_answers(database_url: str) -> None:
    with a_home(database_url, lambda text: _with_mailbox(text, ", replies: false")) as home:
        ask(home)
        came(home, reply("Prima", about=message_id(home)))
        came(home, bounce(envelope(home)))
        kept = home.rows(t.deliveries, t.deliveries.c.connection == "bounces")
        assert [row.status for row in kept] == ["ignored", "done"]
        assert (suppressed(home), events(home, "feedback.logged")) == (["ann@example.com"], [])



@on_sqlite
def test_what_came_back_stands_on_the_timeline(home: Harness) -> None:
    ask(home)
    came(home, bounce(envelope(home)))
    page = home.house.agents.timeline(home.one(t.customers).id, 10, None)
    assert page is not None
    [moment] = [each for each in page.items if each.kind == "returned"]
    assert (moment.at, moment.details) == (
        home.clock(), {"returned": "hard", "reason": "the address does not exist", "status": "5.1.1"},
    )  # fmt: skip


@on_sqlite
def test_nothing_is_read_of_a_batch_without_returned_mail(home: Harness) -> None:
    """The hook costs other deliveries nothing."""
    asked: list[str] = []
    ask(home)
    listen(home.house.database.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    home.ticket_event("ticket_solved", "7", requester_id="1")
    home.pump(INTAKE)
    assert [text for text in asked if "mail_returns" in text or "mail_suppressions" in text] == []

"""Asking for feedback: who is asked, when, how often, and what the history says of those who are not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from connector.runtime.doorbell import INTAKE, effects_queue
from connector.storage.schema import tables
from sandbox.mailbox.store import Stage
from tests.fixtures import envelope
from tests.support.callbacks import check_requests
from tests.support.house import Harness, a_home, answer
from tests.support.house_workflows import SUPPORT_RECOVERY

ASK = """\
trigger: {event: ticket.solved}
run: {key: event.ticket, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support}}
"""
ONCE = ASK.replace("survey: after-support", 'survey: after-support, once: "{{ event.ticket }}"')
LATER = ASK.replace("survey: after-support", "survey: after-support, delay: 2 days")


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, ask=ASK) as home:
        yield home
        check_requests(home)


def a_customer(home: Harness, email: str = "ann@example.com") -> str:
    """Someone Zendesk knows and we do not. → their user id there."""
    return str(home.world.zendesk.add_user("Ann Jansen", email, locale="nl")["id"])


def solved(home: Harness, requester: str, ticket: str = "1") -> None:
    home.ticket_event("ticket_solved", ticket, requester_id=requester)
    home.settle()


def opt_out(home: Harness, email: str = "ann@example.com") -> None:
    home.deliver({"type": "customer.opted_out", "id": f"out-{email}", "data": {"customer": {"email": email}}})
    home.pump(INTAKE)


def asked(home: Harness) -> list[Any]:
    return home.mails("ann@example.com")


def test_a_customer_whose_address_we_do_not_know_is_looked_up_and_asked(home: Harness) -> None:
    solved(home, a_customer(home))
    [mail] = asked(home)
    assert re.search(r"/s/[\w-]{22}", mail.text)
    assert mail.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    [customer] = home.rows(tables.customers)
    assert customer.email == "ann@example.com"
    invitation = home.one(tables.invitations)
    assert (invitation.status, invitation.sent_at, invitation.customer_id) == (
        "sent",
        home.clock(),
        customer.id,
    )
    assert home.rows(tables.events)[-1].type == "survey.sent"


def test_the_link_in_the_mail_is_stored_nowhere(home: Harness) -> None:
    solved(home, a_customer(home))
    [token] = set(re.findall(r"/s/([\w-]{22})", asked(home)[0].text))
    for table in tables.metadata.sorted_tables:
        assert token not in repr([tuple(row) for row in home.rows(table)]), table.name


def test_a_customer_without_an_address_anywhere_is_not_asked_and_the_history_says_so(home: Harness) -> None:
    user = home.world.zendesk.add_user("Nameless")["id"]
    solved(home, str(user))
    assert home.mails() == []
    assert home.run().status == "succeeded"
    assert any("no e-mail address" in line for line in home.story())


def test_who_opted_out_is_not_asked(home: Harness) -> None:
    user = a_customer(home)
    opt_out(home)
    home.deliver(answer(9, customer={"email": "ann@example.com", "zendesk_user_id": user}))
    solved(home, user)
    assert asked(home) == []
    assert "opted out" in home.one(tables.suppressions).reason
    assert any("not sent: the customer opted out" in line for line in home.story())


def test_who_opts_out_before_a_planned_mail_leaves_is_not_asked(home: Harness) -> None:
    home.install(ask=LATER)
    user = a_customer(home)
    home.deliver(answer(9, customer={"email": "ann@example.com", "zendesk_user_id": user}))
    solved(home, user)
    assert home.one(tables.invitations).status == "prepared"
    opt_out(home)
    home.wait(days=2)
    assert asked(home) == []
    assert home.one(tables.invitations).status == "withheld"
    assert "opted out" in home.one(tables.invitations).reason
    assert home.run().status == "succeeded"


def test_an_opt_out_in_the_crm_counts(home: Harness) -> None:
    user = a_customer(home)
    home.deliver(answer(9, customer={"email": "ann@example.com", "zendesk_user_id": user}))
    record = {"record": {"HasOptedOutOfEmail": True}, "customer": {"email": "ann@example.com"}}
    home.deliver({"type": "contact.changed", "id": "1", "data": record})
    solved(home, user)
    assert asked(home) == []


def test_nobody_is_asked_twice_within_the_quiet_time_and_the_history_counts_the_days(home: Harness) -> None:
    user = a_customer(home)
    solved(home, user, "1")
    home.clock.move(days=12)
    solved(home, user, "2")
    assert len(asked(home)) == 1
    assert any("not sent: asked 12 days ago, the rule is" in line for line in home.story(home.runs()[-1].id))
    assert "asked 12 days ago" in home.one(tables.suppressions).reason


def test_the_quiet_time_is_the_persons_whichever_system_speaks_of_them(home: Harness) -> None:
    user, contact = a_customer(home), "003000000000001"
    both = {"email": "ann@example.com", "zendesk_user_id": user, "salesforce_contact_id": contact}
    home.deliver(answer(9, customer=both))
    home.install(sales=ASK.replace("ticket.solved", "order.delivered").replace("event.ticket", "event.id"))
    solved(home, user)
    home.clock.move(days=3)
    for number, known in enumerate(({"salesforce_contact_id": contact}, {"email": "Ann@Example.com"})):
        home.deliver({"type": "order.delivered", "id": f"o{number}", "data": {"customer": known}})
    home.settle()
    assert len(asked(home)) == 1
    reasons = [row.reason for row in home.rows(tables.suppressions)]
    assert reasons == ["not sent: asked 3 days ago, the rule is 90"] * 2


def test_after_the_quiet_time_the_customer_is_asked_again(home: Harness) -> None:
    user = a_customer(home)
    solved(home, user, "1")
    home.clock.move(days=400)
    solved(home, user, "2")
    assert len(asked(home)) == 2


def test_two_surveys_planned_side_by_side_become_one(home: Harness) -> None:
    """Both were allowed when they were planned; the rule is looked at again when a mail leaves."""
    home.install(ask=LATER)
    user = a_customer(home)
    home.deliver(answer(9, customer={"email": "ann@example.com", "zendesk_user_id": user}))
    solved(home, user, "1")
    home.clock.move(hours=1)
    solved(home, user, "2")
    home.wait(days=2, hours=-1)
    home.wait(hours=1)
    assert len(asked(home)) == 1
    assert sorted(row.status for row in home.rows(tables.invitations)) == ["sent", "withheld"]


def test_a_delay_is_kept_to_the_second(home: Harness) -> None:
    home.install(ask=LATER)
    solved(home, a_customer(home))
    home.wait(days=1, hours=23, minutes=59, seconds=59)
    assert asked(home) == []
    home.wait(seconds=1)
    assert len(asked(home)) == 1


def test_once_means_once_ever(home: Harness) -> None:
    home.install(ask=ONCE)
    user = a_customer(home)
    solved(home, user, "1")
    home.clock.move(days=400)
    solved(home, user, "1")
    solved(home, user, "2")
    assert len(asked(home)) == 2
    assert any("already asked for this occasion" in line for line in home.story())


def test_once_holds_for_two_events_of_one_batch(home: Harness) -> None:
    home.install(ask=ONCE)
    user = a_customer(home)
    home.deliver(answer(9, customer={"email": "ann@example.com", "zendesk_user_id": user}))
    for _ in range(2):
        home.ticket_event("ticket_solved", "1", requester_id=user)
    home.settle()
    assert len(asked(home)) == 1
    assert len(home.runs()) == 2


def test_a_mail_that_may_have_left_is_counted_as_sent_and_not_sent_again(home: Harness) -> None:
    home.world.mailbox.refuse(stage=Stage.DROP_AFTER_DATA)
    user = a_customer(home)
    solved(home, user)
    for _ in range(5):
        home.wait(minutes=1)
    assert len(asked(home)) == 1
    assert home.one(tables.invitations).status == "sent"
    home.clock.move(days=12)
    solved(home, user, "2")
    assert len(asked(home)) == 1


def test_a_ticket_reopened_before_the_retention_mail_leaves_holds_it_back(database_url: str) -> None:
    with a_home(database_url, support_recovery=SUPPORT_RECOVERY) as home:
        home.deliver(answer(3))
        home.settle()
        ticket = home.one(tables.callbacks).ticket_id
        home.ticket_event("ticket_solved", ticket)
        home.settle()
        home.clock.move(minutes=30)
        home.ticket_event("ticket_reopened", ticket)
        home.settle()
        home.wait(minutes=30)
        assert asked(home) == []
        assert any("the callback ticket was reopened" in line for line in home.story())
        assert home.one(tables.invitations).status == "withheld"


def test_a_retention_mail_passes_the_quiet_time_but_not_the_opt_out(database_url: str) -> None:
    with a_home(database_url, support_recovery=SUPPORT_RECOVERY, ask=ASK) as home:
        user = a_customer(home)
        solved(home, user, "900")
        home.deliver(answer(3, customer={"email": "ann@example.com", "zendesk_user_id": user}))
        home.settle()
        home.install(ask=ASK.replace("ticket.solved", "ticket.created"))
        solved(home, user, home.one(tables.callbacks).ticket_id)
        home.wait(hours=1)
        assert len(asked(home)) == 2
        opt_out(home)
        assert home.one(tables.customers).opted_out_at is not None


def test_a_survey_that_is_not_there_fails_the_step_with_the_remedy(home: Harness) -> None:
    home.install(ask=ASK.replace("survey: after-support", "survey: nonesuch"))
    home.ticket_event("ticket_solved", "1", requester_id=a_customer(home))
    home.pump(INTAKE, effects_queue("zendesk"))
    assert home.run().status == "failed"
    assert "'nonesuch' is not there" in home.run().reason


def test_of_surveys_that_are_due_for_one_person_at_the_same_moment_one_is_sent(home: Harness) -> None:
    home.install(ask=LATER)
    user = a_customer(home)
    home.deliver(answer(9, customer={"email": "ann@example.com", "zendesk_user_id": user}))
    for ticket in range(1, 9):
        solved(home, user, str(ticket))
    assert [each.status for each in home.rows(tables.invitations)] == ["prepared"] * 8
    home.wait(days=2)
    assert len(asked(home)) == 1
    told = sorted((each.status, each.reason) for each in home.rows(tables.invitations))
    assert told == [("sent", ""), *[("withheld", "not sent: asked 0 days ago, the rule is 90")] * 7]


def test_a_mail_that_could_not_be_delivered_does_not_count_as_asked(home: Harness) -> None:
    user = a_customer(home)
    home.world.mailbox.refuse("ann@example.com", Stage.RCPT, 550, "no such user", times=1)
    solved(home, user)
    assert (asked(home), home.one(tables.invitations).asked_at) == ([], None)
    solved(home, user, "2")
    assert len(asked(home)) == 1


def test_a_person_who_became_one_with_another_is_asked_as_who_they_are_now(home: Harness) -> None:
    home.install(ask=LATER)
    user = a_customer(home)
    home.deliver(answer(9, customer={"email": "ann@example.com"}))
    home.settle()
    solved(home, user)
    known = {"email": "ann@example.com", "zendesk_user_id": user}
    home.deliver(answer(9, response_id="again", customer=known))
    home.settle()
    home.wait(days=2)
    assert len(home.rows(tables.customers)) == 1
    assert len(asked(home)) == 1


IN_DUTCH = ASK.replace("survey: after-support", "survey: after-support, languages: [nl]")


@on_sqlite
@pytest.mark.parametrize(
    ("locale", "reason"),
    [
        ("nl", None),
        ("nl-BE", None),
        ("fr", "not sent: the customer's language is fr, and only nl is asked"),
        ("nln", "not sent: the customer's language is nln, and only nl is asked"),
    ],
)
def test_who_reads_another_language_is_not_asked_though_only_zendesk_knew_it(
    home: Harness, locale: str, reason: str | None
) -> None:
    home.install(ask=IN_DUTCH)
    solved(home, str(home.world.zendesk.add_user("Ann Jansen", "ann@example.com", locale=locale)["id"]))
    assert len(asked(home)) == (reason is None)
    assert [row.reason for row in home.rows(tables.suppressions)] == ([reason] if reason else [])


@on_sqlite
def test_a_language_that_we_know_is_not_looked_up_and_one_that_nobody_knows_is_not_guessed(home: Harness) -> None:
    home.install(ask=IN_DUTCH)
    home.ticket_event("ticket_created", "9")
    home.deliver(answer(9, customer={"email": "bob@example.com", "name": "Bob", "locale": "nl-NL"}))
    home.install(bob=IN_DUTCH.replace("ticket.solved", "order.delivered").replace("event.ticket", "event.id"))
    for number, email in enumerate(("bob@example.com", "cat@example.com")):
        home.deliver({"type": "order.delivered", "id": f"o{number}", "data": {"customer": {"email": email}}})
    home.settle()
    assert len(home.mails("bob@example.com")) == 1
    assert home.mails("cat@example.com") == []
    [row] = home.rows(tables.suppressions)
    assert row.reason == "not sent: the customer's language is not known, and only nl is asked"


TOLD_BY_TRIGGER = {
    "type": "ticket.solved", "ticket_id": "77", "status": "Solved", "priority": "High", "channel": "Web form",
    "brand_id": "", "brand_name": "Acme &quot;Home&quot; &amp; Garden", "form_name": "Returns", "group_name": "Support",
    "tags": "vip", "requester_email": "ann@example.com", "requester_locale": "nl-BE",
}  # fmt: skip
BY_NAME = """\
trigger:
  event: ticket.solved
  if: >-
    event.brand_name == 'Acme "Home" & Garden' && event.form_name == "Returns" && event.group_name == "Support"
    && event.channel == "web" && event.priority == "high" && "vip" in event.tags && customer.locale.startsWith("nl")
run: {key: event.ticket, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support}}
"""


@on_sqlite
def test_what_a_trigger_tells_serves_every_kind_of_condition(home: Harness) -> None:
    home.install(ask=BY_NAME)
    home.deliver_zendesk(json.dumps(TOLD_BY_TRIGGER).encode())
    home.deliver_zendesk(json.dumps({**TOLD_BY_TRIGGER, "ticket_id": "78", "form_name": "Other"}).encode())
    home.settle()
    assert len(asked(home)) == 1
    assert home.one(tables.invitations).language == "nl"
    assert home.one(tables.invitations).context["ticket_id"] == "77"
    assert len(home.runs("ask")) == 1


VERIFIED = ONCE.replace("survey: after-support", "survey: after-support, delay: 1 hour, verify: true")


def a_late_survey(home: Harness) -> str:
    """A customer whose ticket 1 was solved, and whom we ask about it in two days. → their user id."""
    home.install(ask=LATER.replace("delay", 'once: "{{ event.ticket }}", delay'))
    user = a_customer(home)
    home.deliver(answer(9, customer={"email": "ann@example.com", "zendesk_user_id": user}))
    solved(home, user, "1")
    return user


@pytest.mark.parametrize("what", ["reopened", "merged", "deleted"])
def test_a_ticket_that_is_no_longer_solved_is_not_asked_about(home: Harness, what: str) -> None:
    user = a_late_survey(home)
    home.clock.move(days=1)
    home.ticket_event(f"ticket_{what}", "1", requester_id=user)
    home.settle()
    home.wait(days=1)
    assert asked(home) == []
    assert home.one(tables.invitations).reason == f"not sent: the ticket was {what}"


def test_a_ticket_marked_as_spam_is_not_asked_about(home: Harness) -> None:
    a_late_survey(home)
    home.clock.move(days=1)
    body = envelope("zendesk/ticket_deleted.json", type="zen:event-type:ticket.marked_as_spam", id="spam",
                    time=home.clock().isoformat(), detail={"id": "1"})  # fmt: skip
    home.deliver_zendesk(body)
    home.settle()
    home.wait(days=1)
    assert asked(home) == []
    assert home.one(tables.invitations).reason == "not sent: the ticket was marked as spam"


def test_a_ticket_that_is_solved_again_is_asked_about_after_all(home: Harness) -> None:
    user = a_late_survey(home)
    home.clock.move(days=1)
    home.ticket_event("ticket_reopened", "1", requester_id=user)
    home.settle()
    home.wait(days=1)
    home.clock.move(days=1)
    solved(home, user, "1")
    home.wait(days=2)
    assert len(asked(home)) == 1
    assert [row.status for row in home.rows(tables.invitations)] == ["withheld", "sent"]


def test_an_event_of_another_ticket_holds_nothing_back(home: Harness) -> None:
    user = a_late_survey(home)
    home.ticket_event("ticket_deleted", "2", requester_id=user)
    home.settle()
    home.wait(days=2)
    assert len(asked(home)) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"suspended": True}, "suspended in the helpdesk"), ({"active": False}, "does not know the customer any more")],
)
def test_who_is_suspended_or_deleted_by_then_is_not_asked(home: Harness, change: dict[str, Any], reason: str) -> None:
    home.install(ask=VERIFIED)
    user = a_customer(home)
    home.deliver(answer(9, customer={"email": "ann@example.com", "zendesk_user_id": user}))
    solved(home, user, "1")
    home.world.zendesk.desk.state.users[int(user)].update(change)
    home.wait(hours=1)
    assert asked(home) == []
    assert reason in home.one(tables.suppressions).reason


def test_a_verified_customer_is_asked_at_the_address_the_helpdesk_has_now(home: Harness) -> None:
    home.install(ask=VERIFIED)
    user = a_customer(home)
    home.deliver(answer(9, customer={"email": "ann@example.com", "zendesk_user_id": user}))
    solved(home, user, "1")
    home.world.zendesk.desk.state.users[int(user)]["email"] = "ann@new.example"
    home.wait(minutes=59, seconds=59)
    assert home.mails() == []
    home.wait(seconds=1)
    assert len(home.mails("ann@new.example")) == 1


def test_whom_no_helpdesk_knows_is_asked_without_being_verified(home: Harness) -> None:
    home.install(ask=VERIFIED.replace("ticket.solved", "order.delivered").replace("event.ticket", "event.id"))
    home.deliver({"type": "order.delivered", "id": "o1", "data": {"customer": {"email": "ann@example.com"}}})
    home.settle()
    home.wait(hours=1)
    assert len(asked(home)) == 1


def test_who_may_not_be_asked_costs_the_helpdesk_no_request(home: Harness) -> None:
    home.install(ask=VERIFIED)
    user = a_customer(home)
    opt_out(home)
    home.deliver(answer(9, customer={"email": "ann@example.com", "zendesk_user_id": user}))
    solved(home, user, "1")
    home.wait(hours=1)
    assert home.effects("survey.send") == []
    assert "opted out" in home.one(tables.suppressions).reason

"""An hour without Zendesk: what needs it waits and loses nothing, what does not goes on, and afterwards it all drains
in the order of age, within the rate that was allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from connector.storage.schema import tables
from sandbox.faults import Effect, Fault
from tests.support.house import Harness, a_home, a_house, answer, config_of
from tests.support.house_workflows import OPEN_A_TICKET, WRITE_THE_SCORE, WRITE_TO_THE_CUSTOMER

NAMED_TICKET = OPEN_A_TICKET.replace("Call back", '"Call {{ event.response_id }}"')
A_MINUTE = 6
ANSWERS = 12


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    flows = {"tickets": NAMED_TICKET, "scores": WRITE_THE_SCORE, "mails": WRITE_TO_THE_CUSTOMER}
    with a_home(database_url, **flows) as home:
        config = config_of(home.world).replace("  zendesk:\n", f"  zendesk:\n    requests_per_minute: {A_MINUTE}\n")
        with a_house(database_url, home.world, clock=home.clock, config=config) as limited:
            yield limited


def someone_answers(home: Harness, number: int) -> None:
    email = f"p{number:02}@example.com"
    home.know(email, f"P {number}")
    contact = home.world.salesforce.add_contact(f"P{number}", email)
    known = {"email": email, "name": f"P {number}", "salesforce_contact_id": contact["Id"]}
    home.deliver(answer(3, customer=known, response_id=f"a{number:02}"))


def an_hour_of_answers(home: Harness) -> None:
    """One every five minutes; the scheduler looks around once a minute."""
    for number in range(ANSWERS):
        someone_answers(home, number)
        home.settle()
        for _ in range(5):
            home.wait(minutes=1)
        assert len(home.mails(f"p{number:02}@example.com")) == 1
        assert home.world.salesforce.contacts[number]["NPS_Score__c"] == 3.0


@pytest.mark.parametrize("trouble", [Fault(path="/", status=503, times=10**6),
                                     Fault(path="/", effect=Effect.COMMIT_THEN_DROP, times=10**6)],
                         ids=["refuses", "does it and hangs up"])  # fmt: skip
def test_an_hour_without_zendesk(home: Harness, trouble: Fault) -> None:
    home.world.zendesk.faults.add(trouble)
    began = home.clock()
    an_hour_of_answers(home)
    assert home.clock() - began == timedelta(hours=1)
    assert home.one(tables.connections, tables.connections.c.name == "zendesk").status == "open"
    assert len(home.world.zendesk.requests) < 2 * 60 + 30  # at most a try a minute (each may ask for a token first)
    assert {effect.status for effect in home.effects("ticket.open")} <= {"due", "performing"}

    home.world.zendesk.faults.clear()
    home.world.zendesk.gateway.forget()
    for _ in range(ANSWERS * 2):
        home.wait(seconds=10)
    subjects = [ticket["subject"] for ticket in home.world.zendesk.tickets]
    assert sorted(subjects) == [f"Call a{number:02}" for number in range(ANSWERS)]
    assert {run.status for run in home.runs()} == {"succeeded"}
    opened = [each for each in home.world.zendesk.requests if (each.method, each.path) == ("POST", "/api/v2/tickets")]
    per_minute = Counter(int((each.at - began).total_seconds() // 60) for each in opened)
    assert max(per_minute.values()) <= A_MINUTE + 1  # and what five seconds allow may go out at once
    if trouble.status == 503 and trouble.effect is Effect.ANSWER:
        assert subjects[1:] == sorted(subjects[1:])  # the first is the one that found Zendesk back
        assert max(effect.attempts for effect in home.effects("ticket.open")) <= 6

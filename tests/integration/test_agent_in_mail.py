"""The invitation names the agent and shows their photo: read from the helpdesk, once a day, and never waited for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.storage.schema import tables
from sandbox.faults import Fault
from tests.support.house import Harness, a_home

ASK = """\
trigger: {event: ticket.solved}
run: {key: event.ticket, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support, verify: VERIFY}}
"""
PHOTO = "https://acme.example/jan.png"


@pytest.fixture(params=["true", "false"], ids=["verified", "not verified"])
def home(request: pytest.FixtureRequest, database_url: str) -> Iterator[Harness]:
    with a_home(database_url, ask=ASK.replace("VERIFY", request.param)) as home:
        yield home


def an_agent(home: Harness, name: str = "Jan de Boer", **more: Any) -> str:
    zendesk = home.world.zendesk
    agent = zendesk.add_user(name, f"{name.split()[0].lower()}@acme.example", role="agent", **more)
    return str(agent["id"])


def solved(home: Harness, agent: str | None, ticket: str = "1", email: str = "ann@example.com") -> Any:
    """A ticket of the agent's is solved, and its customer asked. → the mail."""
    user = str(home.world.zendesk.add_user("Ann Jansen", email, locale="en-GB")["id"])
    home.ticket_event("ticket_solved", ticket, requester_id=user, assignee_id=agent)
    home.settle()
    [mail] = home.mails(email)
    return mail


def looks_at(home: Harness, agent: str) -> int:
    return sum(f"/users/{agent}" in each.path for each in home.world.zendesk.requests)


def test_the_agent_of_the_ticket_is_named_and_shown(home: Harness) -> None:
    mail = solved(home, an_agent(home, remote_photo_url=PHOTO))
    assert mail.subject == "How did Jan de Boer do?"
    assert "Jan de Boer recently helped you" in mail.text
    assert PHOTO in mail.html


def test_an_alias_is_the_name_that_customers_see(home: Harness) -> None:
    assert solved(home, an_agent(home, alias="Jan from Acme")).subject == "How did Jan from Acme do?"


@pytest.mark.parametrize("agent", [None, "999999", "no number"])
def test_an_agent_whom_nobody_knows_costs_the_mail_nothing_but_the_name(home: Harness, agent: str | None) -> None:
    assert solved(home, agent).subject == "How did we do with your question?"


def test_each_agent_is_looked_up_once_a_day(home: Harness) -> None:
    agent = an_agent(home)
    for number in (1, 2, 3):
        assert "Jan de Boer" in solved(home, agent, str(number), f"ann{number}@example.com").subject
    assert looks_at(home, agent) == 1
    home.wait(days=1, seconds=1)
    assert "Jan de Boer" in solved(home, agent, "9", "ann9@example.com").subject
    assert looks_at(home, agent) == 2


def test_a_helpdesk_that_fails_for_the_agent_stops_no_mail(home: Harness) -> None:
    agent = an_agent(home)
    home.world.zendesk.faults.add(Fault(path=f"/users/{agent}", status=500, times=100))
    assert solved(home, agent).subject == "How did we do with your question?"
    assert home.run().status == "succeeded"
    home.world.zendesk.faults.clear()
    home.wait(minutes=11)
    assert solved(home, agent, "2", "ben@example.com").subject == "How did Jan de Boer do?"


def test_a_name_that_the_workflow_says_stays_and_nobody_is_asked(database_url: str) -> None:
    named = ASK.replace("verify: VERIFY", "context: {agent: the night shift}")
    with a_home(database_url, ask=named) as home:
        agent = an_agent(home)
        assert solved(home, agent).subject == "How did the night shift do?"
        assert looks_at(home, agent) == 0
        assert home.one(tables.invitations).context["agent"] == "the night shift"

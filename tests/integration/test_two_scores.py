"""A survey that asks for two scores gives an answer in each metric, and so a place in the loyalty matrix."""

from __future__ import annotations

import re
from typing import Any

import pytest

from connector.storage.schema import tables
from tests.support.house import Harness, a_home

ASK = """\
trigger: {event: ticket.solved}
run: {key: event.ticket, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: relationship}}
"""


def answered(home: Harness, **fields: str) -> str:
    """The customer answers on the page and is left alone with it. → the link's token."""
    user = str(home.world.zendesk.add_user("Ann Jansen", "ann@example.com", locale="nl")["id"])
    home.ticket_event("ticket_solved", "1", requester_id=user)
    home.settle()
    home.wait(hours=2)  # who answers at delivery may be a machine
    token = re.findall(r"/s/([\w-]{22})", home.mails("ann@example.com")[0].text)[0]
    send(home, token, **fields)
    return str(token)


def send(home: Harness, token: str, **fields: str) -> None:
    shown = [("shown", name) for name in fields]
    page = home.client.get(f"/s/{token}?change=1").get_data(as_text=True)
    hidden = re.findall(r'name="(revision|page)" value="([^"]*)"', page)
    given = [(f"q.{name}", value) for name, value in fields.items()]
    assert home.client.post(f"/s/{token}", data=_form([*shown, *hidden, *given])).status_code in (200, 303)
    home.wait(minutes=40)
    home.run_job("settling")
    home.settle()


def _form(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def scores(home: Harness) -> dict[str, tuple[Any, ...]]:
    return {row.metric: (row.score, row.band, row.comment, row.survey) for row in home.rows(tables.responses)}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_both_scores_count_and_place_the_customer(database_url: str) -> None:
    with a_home(database_url, ask=ASK) as home:
        answered(home, score="9", loyalty="10", reason="Great")
        assert scores(home) == {
            "nps": (9, "promoter", "Great", "relationship"), "nls": (10, "promoter", "", "relationship"),
        }  # fmt: skip
        assert home.one(tables.customers).loyalty == "pure loyalty"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_change_moves_both_and_counts_neither_twice(database_url: str) -> None:
    with a_home(database_url, ask=ASK) as home:
        token = answered(home, score="9", loyalty="10", reason="")
        send(home, token, score="9", loyalty="3", reason="")
        held = {metric: row[:2] for metric, row in scores(home).items()}
        assert held == {"nps": (9, "promoter"), "nls": (3, "detractor")}
        assert len(home.rows(tables.responses)) == 2
        assert home.one(tables.customers).loyalty == "false loyalty"

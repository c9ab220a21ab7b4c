"""A mailbox that is written in two ways is one person: asked once, out for good, found in any CRM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.storage.schema import tables
from tests.integration.test_agent_api import BY_HAND, picture
from tests.integration.test_api import Api, a_token
from tests.integration.test_mail_never_left import ASK
from tests.support.house import Harness, a_home, answer
from tests.support.house_workflows import SUPPORT_RECOVERY, WRITE_THE_SCORE

UNICODE, PUNYCODE, CAPITALS = "jan@bücher.example", "jan@xn--bcher-kva.example", "JAN@BÜCHER.example"
COMPOSED_OTHERWISE, WITH_ROOT = "jan@bu\u0308cher.example", "jan@bücher.example."
FULL_WIDTH = "jan@ＢÜＣＨＥＲ．example"
ALL = (UNICODE, PUNYCODE, CAPITALS, COMPOSED_OTHERWISE, WITH_ROOT, FULL_WIDTH)

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, ask=ASK) as home:
        yield home


def order(home: Harness, number: int, email: str) -> None:
    data = {"order": f"o-{number}", "customer": {"email": email, "name": "Jan"}}
    home.deliver({"type": "order.delivered", "id": f"e-o-{number}", "data": data})


@pytest.mark.parametrize("together", [False, True])
def test_one_person_gets_one_mail_and_the_history_says_why_no_other(home: Harness, together: bool) -> None:
    for number, email in enumerate(ALL):
        order(home, number, email)
        if not together:
            home.settle()
    home.settle()
    assert len(home.rows(tables.customers)) == 1
    assert [mail.to for mail in home.mails()] == [(PUNYCODE,)]
    reasons = [run.state["outputs"]["ask"].get("reason", "") for run in home.runs("ask")]
    assert sorted(reasons)[1:] == ["not sent: asked 0 days ago, the rule is 90"] * (len(ALL) - 1)


@on_sqlite
@pytest.mark.parametrize("spelling", ALL)
def test_who_opted_out_under_one_spelling_is_out_under_all(home: Harness, spelling: str) -> None:
    home.deliver({"type": "customer.opted_out", "id": "out", "data": {"customer": {"email": spelling}}})
    for number, email in enumerate(ALL):
        order(home, number, email)
    home.settle()
    assert home.mails() == []


@on_sqlite
@pytest.mark.parametrize("there", [UNICODE, PUNYCODE])
def test_a_contact_is_found_where_the_crm_spells_it_otherwise(database_url: str, there: str) -> None:
    with a_home(database_url, score=WRITE_THE_SCORE) as home:
        contact = home.world.salesforce.add_contact("Jansen", there)["Id"]
        for number, email in enumerate((UNICODE, PUNYCODE, CAPITALS)):
            home.deliver(answer(number, response_id=f"r-{number}", email=None, customer={"email": email}))
            home.settle()
        assert [run.status for run in home.runs()] == ["succeeded"] * 3
        assert home.world.salesforce.contact(contact)["NPS_Score__c"] == 2


@on_sqlite
def test_the_sidebar_knows_the_person_whose_address_the_helpdesk_spells_otherwise(database_url: str) -> None:
    with a_home(database_url, support_recovery=SUPPORT_RECOVERY, **BY_HAND) as home, home.on_the_network() as url:
        home.deliver(answer(9, customer={"email": UNICODE, "name": "Jan"}))
        home.settle()
        api = Api(home, url, a_token(home, "agent", name="sidebar"))
        user = str(home.world.zendesk.add_user("Jan", PUNYCODE)["id"])
        seen: Any = picture(api, user, email=PUNYCODE)
        assert seen["customer"] == home.one(tables.customers).id

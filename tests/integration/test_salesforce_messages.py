"""The messages of the deployed package, all the way: a flow's condition, its message, our inbox, the event.

The stand-in evaluates the very formulas that the package deploys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.storage.schema import tables
from integrations.protocols import Score
from integrations.salesforce.setup.provision import SalesforceProvisioner, Target
from sandbox.salesforce.formula import Facts, holds
from sandbox.world import World
from tests.support.house import SALESFORCE_TOKEN, Harness, a_home


@pytest.fixture
def home(tmp_path: Any, sqlite_template: Any) -> Iterator[Harness]:
    """A house on the network, and an org that was set up for it."""
    file = tmp_path / "ringback.db"
    file.write_bytes(sqlite_template.read_bytes())
    with a_home(f"sqlite:///{file}") as home, home.on_the_network() as url:
        set_up(home, url)
        yield home


def set_up(home: Harness, url: str) -> None:
    home.world.salesforce.forget_custom()
    client: Any = home.house.connections.crm("salesforce")
    target = Target(f"{url}/webhooks/salesforce/{SALESFORCE_TOKEN}", home.world.salesforce.organization_id, "60.0")
    provisioner = SalesforceProvisioner(client.session, client.session, target, sleep=lambda _seconds: None)
    for step in provisioner.plan([]):
        provisioner.perform(step, {})


def told(home: Harness) -> list[str]:
    """The types of the events that arrived since it was last asked, and whether all messages were acknowledged."""
    assert home.world.salesforce.settle()
    assert all(each.acknowledged for each in home.world.salesforce.deliveries)
    home.settle()
    kinds = [each.type for each in home.rows(tables.events)]
    seen = getattr(home, "_seen", 0)
    home._seen = len(kinds)  # type: ignore[attr-defined]  # where this test has read up to
    return kinds[seen:]


def test_what_sales_changes_is_told_and_what_we_write_is_not(home: Harness) -> None:
    salesforce = home.world.salesforce
    contact = salesforce.add_contact("Jansen", "ann@example.com", FirstName="Ann")
    assert told(home) == ["contact.changed"]
    salesforce.change_contact(contact["Id"], Phone="+31201234567")
    assert told(home) == ["contact.changed"]
    salesforce.change_contact(contact["Id"], Description="Likes tea")
    assert told(home) == [], "nothing that we know of changed"
    before = len(salesforce.deliveries)
    score = Score(contact["Id"], "nps", 9, "promoter", home.clock())
    assert [each.error for each in home.house.connections.crm("salesforce").write_scores([score])] == [None]
    assert salesforce.contact(contact["Id"])["NPS_Score__c"] == 9
    assert told(home) == []
    assert len(salesforce.deliveries) == before, "our own write sent no message at all"


def test_even_a_field_that_is_watched_is_not_told_when_the_integration_writes_it(home: Harness) -> None:
    salesforce = home.world.salesforce
    contact = salesforce.add_contact("Jansen", "ann@example.com")
    told(home)
    client: Any = home.house.connections.crm("salesforce")
    client.session.patch(f"/services/data/v60.0/sobjects/Contact/{contact['Id']}", json={"Phone": "+31201234567"})
    assert salesforce.contact(contact["Id"])["Phone"] == "+31201234567"
    assert told(home) == []


def test_a_case_is_told_when_it_is_closed_and_a_callback_whenever_it_moves(home: Harness) -> None:
    salesforce = home.world.salesforce
    case = salesforce.add("Case", Subject="It broke", SuppliedEmail="ann@example.com")
    assert told(home) == []
    salesforce.change("Case", case["Id"], Status="Closed")
    assert told(home) == ["case.closed"]
    salesforce.change("Case", case["Id"], Description="nothing to add")
    assert told(home) == []
    callback = salesforce.add("Case", Subject="Call back", Ringback_Key__c="01KEY")
    told(home)
    salesforce.change("Case", callback["Id"], Status="Closed")
    assert sorted(told(home)) == ["case.closed", "ticket.solved"]


def test_an_opportunity_is_told_when_it_is_won(home: Harness) -> None:
    won = home.world.salesforce.add("Opportunity", Name="Fleet", StageName="Proposal", CloseDate="2026-12-01")
    assert told(home) == []
    home.world.salesforce.change("Opportunity", won["Id"], StageName="Closed Won")
    assert told(home) == ["opportunity.won"]


# --- the stand-in's own reading of formulas -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("{!$Record.IsWon}", True),
        ("NOT({!$Record.IsWon})", False),
        ("AND({!$Record.IsWon}, ISCHANGED({!$Record.Phone}))", False),
        ("OR(ISNEW(), ISCHANGED({!$Record.Email}))", True),
        ("ISBLANK({!$Record.Key__c})", True),
        ("NOT({!$Permission.Ours})", False),
    ],
)
def test_a_formula_is_read_as_salesforce_reads_it(text: str, true: bool) -> None:
    record = {"IsWon": True, "Key__c": None}
    facts = Facts(record.get, {"Email"}.__contains__, {"Ours"}.__contains__, created=False)
    assert holds(text, facts) is true


@pytest.mark.parametrize("text", ["AND(", "{!$Record.X} {!$Record.Y}", "TODAY()", "1 + 1", ""])
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"formula|word|missing"):
        holds(text, Facts(lambda _f: True, lambda _f: True, lambda _p: True, created=False))


def test_without_a_deployed_flow_messages_go_as_they_were_set_up_by_hand() -> None:
    with World() as world:
        assert world.salesforce.org.flows.about("Contact") == ""

"""The catalogue of actions and those who do them: no parameter may be accepted and then left unread."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from connector.feedback import registry
from connector.feedback.base.actions import ActionContext, Batch, Handler, NotPossibleError
from connector.feedback.customers.identity import load
from connector.feedback.registry import FeatureParts
from connector.feedback.surveys.asking.departures import Departures
from connector.feedback.surveys.asking.selection import AskingRules
from connector.feedback.surveys.files import built_in
from connector.secret_keys import SecretKeys
from connector.storage.schema import tables
from connector.storage.stores.provisioned import FieldIds
from integrations.alerts.client import AppriseAlerter
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.house import Harness, a_house
from workflows.actions import ACTIONS
from workflows.errors import WorkflowError
from workflows.runs import EffectWanted, Facts

EVENT: dict[str, Any] = {
    "type": "survey.answered", "response": "r1", "response_id": "r1", "survey": "after-support", "metric": "nps",
    "score": 3, "band": "detractor", "comment": "late", "contact_consent": True, "contact": {"phone": "06 12345678"},
    "context": {"ticket_id": "7"}, "answered_at": "2026-03-02T09:00:00Z",
}  # fmt: skip
RUN = "01j8zq4e5m6n7p8q9r0s1t2v3w"

NEEDED = {
    "connection": "zendesk", "survey": "after-support", "subject": "Call", "body": "Hello", "ticket": "zendesk:7",
    "line": "12", "to": "care-team", "text": "Hello", "callback": "callback-1", "invitation": "i1",
    "doubt": "a-doubt",
}  # fmt: skip
AT_SALESFORCE = ("account.find", "task.create", "score.write")
OTHER: Mapping[str, Any] = {
    "connection": "nowhere", "survey": "retention", "subject": "Ring", "body": "Goodbye", "ticket": "zendesk:8",
    "line": "13", "to": "bo@example.com", "text": "Goodbye", "about": "r0", "delay": "2 hours", "channel": "sms",
    "number": 2, "team": "nobody", "invitation": "i9", "via": "pigeon", "once": "so", "sample": "100 %",
    "context": {"product": "lamp"}, "verify": True, "languages": ["nl"],
    "type": "incident", "high_value_priority": "urgent", "follow_up": "zendesk:3", "group": "31", "assignee": "32",
    "tags": ["vip"], "remove_tags": ["late"], "custom_fields": {"4711": "x"}, "priority": "low",
    "due": "4 business hours", "public": True, "status": "open", "reason": "too late", "owner": "005000000000001AAA",
    "contact": "003000000000009AAA", "account": "001000000000009AAA", "final": True, "response": "r9",
    "callback": "callback-2", "doubt": "no-doubt",
}  # fmt: skip
"""Another value for every parameter there is."""
REMINDERS = """
reminders:
  - {after: 4 days, subject: {en: Again, nl: Weer}, intro: {en: Please, nl: Graag}}
  - {after: 4 days, subject: {en: Last, nl: Laatst}, intro: {en: Please, nl: Graag}}
"""

every_parameter = pytest.mark.parametrize(("action", "name"), [(a, n) for a in ACTIONS for n in ACTIONS[a].params])


@pytest.fixture(scope="module")
def home(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """One for all: nothing that is asked for here is done, and what is asked for is no matter of the database."""
    file = tmp_path_factory.mktemp("house") / "ringback.db"
    shutil.copy(sqlite_template, file)
    clock = HandClock()
    whole = built_in()["after-support"].replace("survey: after-support", "survey: reminding") + REMINDERS
    surveys = {"reminding": whole}
    with World(clock=clock) as world, a_house(f"sqlite:///{file}", world, {}, clock=clock, surveys=surveys) as home:
        home.know()
        with home.house.database.write() as tx:
            tx.execute(insert(tables.callbacks), [_callback(number, home.clock()) for number in (1, 2)])
        for id_, language in (("i1", "en"), ("i9", "nl")):
            _sent(home, id_, language)
        _doubt(home)
        yield home


def _doubt(home: Harness) -> None:
    """An answer of the customer's that may not be theirs."""
    now, survey = home.clock(), home.house.surveys.find("after-support")
    assert survey is not None
    ours = {"id": "an-invitation", "customer_id": home.one(tables.customers).id, "survey": "after-support"}
    with home.house.database.write() as tx:
        tx.execute(insert(tables.invitations).values(
            **ours, token_digest="", definition_id=survey[1], channel="email", language="en", status="sent",
            context={}, answers={}, created_at=now, expires_at=now,
        ))  # fmt: skip
        tx.execute(insert(tables.doubted_presses).values(
            id="a-doubt", invitation_id=ours["id"], customer_id=ours["customer_id"], survey=ours["survey"],
            what="answer", verdict="doubtful", rule="too_soon", signals=[], answers={}, language="en",
            pressed_at=now, judged_at=now, status="open", decided_by="", reason="",
        ))  # fmt: skip


def _callback(number: int, at: datetime) -> dict[str, Any]:
    """Of an answer that nothing else here is about."""
    return {
        "id": f"callback-{number}", "connection": "zendesk", "external_id": f"mark-{number}", "ticket_id": f"9{number}",
        "response_id": "another", "run_id": "run-0", "status": "open", "cycle": 0, "changed_at": at, "created_at": at,
    }  # fmt: skip


def _sent(home: Harness, id_: str, language: str) -> None:
    """An invitation to a survey that reminds."""
    found = home.house.surveys.find("reminding")
    assert found is not None
    now = home.clock()
    row = {"id": id_, "token_digest": id_, "survey": "reminding", "definition_id": found[1], "status": "sent",
           "customer_id": home.one(tables.customers).id, "channel": "email", "language": language, "context": {},
           "answers": {}, "created_at": now, "asked_at": now - timedelta(days=1000), "sent_at": now,
           "expires_at": now + timedelta(days=30)}  # fmt: skip
    with home.house.database.write() as tx:
        tx.execute(insert(tables.invitations).values(row))


@pytest.fixture(scope="module")
def handlers(home: Harness) -> Mapping[str, Handler]:
    """Those of the registry, on the parts of a real house."""
    house = home.house
    parts = FeatureParts(
        database=house.database, clients=house.connections, ids=house.connections.ids, surveys=house.surveys,
        mailer=house.mailer, alerter=AppriseAlerter(), teams=house.config.teams, calendar=house.config.calendar,
        country="NL", valuation=house.config.customer_value,
        ticket_fields=FieldIds(house.database, house.clock).ticket_fields,
        asking_rules=AskingRules(60, house.config.household, "NL"),
        departures=Departures(house.config.quiet_hours, house.config.calendar, "NL", house.mailer.time_zone_of),
        secret_keys=SecretKeys("any secret key that is long enough"),
    )  # fmt: skip
    return registry.handlers(parts)


def asked(home: Harness, handlers: Mapping[str, Handler], action: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that is asked for with these parameters, by its place; or why nothing can be."""
    customer = {**_ann(home), "tier": "gold"}
    facts, now = Facts(RUN, EVENT, customer, home.clock()), home.clock()
    with home.house.database.write() as tx:
        wanted = EffectWanted("step#1", "step", action, params)
        batch = Batch(frozenset({customer["id"]}))
        ask = ActionContext(RUN, "w", facts, wanted, now, home.house.database, tx, batch)
        try:
            return dict(_leaves(asdict(handlers[action].prepare(ask)), ""))
        except (NotPossibleError, WorkflowError) as error:
            return {"refused": str(error)}


def _ann(home: Harness) -> dict[str, Any]:
    """Known to the helpdesk, to us, and to the CRM."""
    row = home.one(tables.customers)
    with home.house.database.read() as tx:
        view = load(tx, [row.id])[row.id].view()
    return {**view, "ids": {**view["ids"], "salesforce": "003000000000001AAA"}}


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{place}.{name}")
    elif isinstance(value, list | tuple) and value:
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{place}[{number}]")
    else:
        yield place, repr(value)


def _given(action: str) -> dict[str, Any]:
    """What the action needs, and no more."""
    given = {name: NEEDED[name] for name in ACTIONS[action].required}
    given |= {"priority": "high"} if action == "ticket.update" else {}  # a change of nothing asks for nothing
    return given | ({"connection": "salesforce"} if action in AT_SALESFORCE else {})


def test_every_action_of_the_catalogue_is_done_by_somebody(handlers: Mapping[str, Handler]) -> None:
    assert set(handlers) == set(ACTIONS)


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_can_be_asked_for_with_what_it_needs(
    home: Harness, handlers: Mapping[str, Handler], action: str
) -> None:
    assert "refused" not in asked(home, handlers, action, _given(action))


@every_parameter
def test_a_parameter_changes_what_is_asked_for(
    home: Harness, handlers: Mapping[str, Handler], action: str, name: str
) -> None:
    """Compared are the places that stay the same when the same is asked twice: ids that are made anew do not count."""
    given = _given(action)
    once, again = (asked(home, handlers, action, given) for _ in range(2))
    other = asked(home, handlers, action, {**given, name: OTHER[name]})
    made_anew = {place for place in once if once[place] != again.get(place)}
    told = [{p: v for p, v in each.items() if p not in made_anew} for each in (once, other)]
    assert told[0] != told[1], f"nobody reads {name} of {action}"

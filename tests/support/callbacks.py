"""What the tests of callbacks have in common: a provisioned helpdesk, its library workflows, its agents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connector.storage.schema import tables
from connector.storage.stores import provisioned
from connector.storage.stores.provisioned import TICKET_FIELD, Made
from integrations import callback_fields
from integrations.zendesk.setup.blueprint import TRIGGER, WEBHOOK, AccountNames, blueprint, resolved
from sandbox.gateway import SeenRequest
from tests.oracles import SHARED
from tests.support.house import Harness, answer
from tests.support.openapi import check_request
from workflows.library import library_texts


def library(*names: str) -> dict[str, str]:
    """Built-in workflows by slug."""
    texts = {name: library_texts()[f"{name}.yaml"] for name in names}
    return {name: text[text.index("workflow:") :] for name, text in texts.items()}


def provision(home: Harness) -> Mapping[str, int]:
    """Give the helpdesk our ticket fields. → their ids by key."""
    ids = {}
    for field in callback_fields.FIELDS:
        options = [{"name": each, "value": callback_fields.chosen(field.key, each)} for each in field.choices]
        kind, more = ("tagger", {"custom_field_options": options}) if options else ("text", {})
        ids[field.key] = home.world.zendesk.desk.add_ticket_field(field.key, kind, **more)["id"]
    now = home.clock()
    made = [Made(TICKET_FIELD, key, str(id_), True, now, now) for key, id_ in ids.items()]
    with home.house.database.write() as tx:
        for each in made:
            provisioned.remember(home.house.database, tx, "zendesk", each)
    return ids


def by_triggers(home: Harness) -> list[bytes]:
    """Let the account tell us by the triggers that we set up, as plans without event webhooks do. → what they send."""
    account, heard = (
        AccountNames("en", "https://feedback.acme.example/webhooks/zendesk", {}, by_trigger=True),
        list[bytes](),
    )
    desk = home.world.zendesk.desk
    webhook, *triggers = [each for each in blueprint(account) if each.kind in (WEBHOOK, TRIGGER)]
    made = desk.webhooks.create(home.world.zendesk.integration_user, dict(webhook.body))
    for each in triggers:
        desk.triggers.create(resolved(each.body, {webhook.place: made["id"]}))
    desk.webhooks.send = lambda _webhook, body: heard.append(body)
    return heard


def check_requests(home: Harness) -> None:
    """Hold every kind of request that the helpdesk saw against Zendesk's own description, where it is at hand. (Talk's
    requests that does not describe.)"""
    if not SHARED.is_dir():
        return
    seen = [each for each in home.world.zendesk.requests if re.match("/api/v2/(?!channels/voice/)", each.path)]
    for each, body in {_kind(each, body): (each, body) for each, body in ((one, _body(one)) for one in seen)}.values():
        check_request(each.method, each.path, body)


def _body(request: SeenRequest) -> Any:
    return request.json() if request.body else None


def _kind(request: SeenRequest, body: Any) -> tuple[str, str, str]:
    """Requests that differ in their values only are of one kind."""
    return request.method, re.sub(r"\d+", "1", request.path), repr(_shape(body))


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shape(each) for name, each in sorted(value.items())}
    return [_shape(value[0])] if isinstance(value, list) and value else type(value).__name__


def detractor(home: Harness, number: int = 1, **data: Any) -> Any:
    """Somebody is unhappy and wants to be called. → their callback's row."""
    customer = {"email": f"c{number}@example.com", "name": f"Customer {number}", **data.pop("customer", {})}
    home.deliver(answer(2, **{"response_id": f"answer-{number}", "customer": customer, **data}))
    home.settle()
    found = home.rows(tables.callbacks)
    return found[-1] if found else None


def callback(home: Harness, ticket_id: str | None = None) -> Any:
    """The callback of a ticket, or the only one."""
    return home.one(tables.callbacks, *([tables.callbacks.c.ticket_id == ticket_id] if ticket_id else []))


def field(home: Harness, ticket_id: str, field_id: int) -> Any:
    """The value of a ticket's custom field."""
    values = {each["id"]: each["value"] for each in home.world.zendesk.ticket(ticket_id)["custom_fields"]}
    return values.get(field_id)


def fill_in(
    home: Harness, ticket_id: str, ids: Mapping[str, int], outcome: str = "recovered", cause: str = "product"
) -> None:
    """The agent fills in outcome and root cause."""
    told = {callback_fields.OUTCOME: outcome, callback_fields.ROOT_CAUSE: cause}
    values = [{"id": ids[key], "value": callback_fields.chosen(key, value)} for key, value in told.items() if value]
    home.world.zendesk.act("fill", ticket_id, custom_fields=values)

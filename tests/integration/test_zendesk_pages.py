"""Accounts with more than a page of anything: Zendesk gives a hundred at a time, by cursor or by offset."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from integrations.errors import Permanent, Transient
from integrations.protocols import CrmRow
from integrations.zendesk import paging
from sandbox.world import World
from sandbox.zendesk.furniture import MACRO, VIEW
from tests.support.clients import build
from tests.support.http import Reply, Seen, serving
from tests.support.provisioning import Admin, an_admin

MANY = 250


@pytest.fixture
def admin(tmp_path: Path, sqlite_template: Path) -> Iterator[Admin]:
    with an_admin(tmp_path, sqlite_template) as admin:
        yield admin


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def client(url: str, **auth: str) -> Any:
    given = {"type": "api_token", "email": "bot@acme.example", "token": "hush", **auth}
    return build("zendesk", "zendesk", {"base_url": url, "auth": given})


def of(world: World) -> Any:
    zendesk = world.zendesk
    return client(world.zendesk_url, email=zendesk.integration_email, token=zendesk.api_token)


def crowd(admin: Admin) -> None:
    """So many things of others that ours come after the first page, or in between."""
    desk = admin.zendesk.desk
    for number in range(MANY):
        desk.add_ticket_field(f"Other {number}")
        desk.add_user_field(f"other_{number}", f"Other {number}")
        desk.add_organization_field(f"other_{number}", f"Other {number}")
        _crowd_of_rules(admin, number)


def _crowd_of_rules(admin: Admin, number: int) -> None:
    state, furniture, title = admin.zendesk.desk.state, admin.zendesk.desk.furniture, f"Other {number}"
    solved = [{"field": "status", "operator": "is", "value": "solved"}]
    furniture.create(VIEW, {"title": title, "all": solved})
    furniture.create(MACRO, {"title": title, "actions": [{"field": "status", "value": "open"}]})
    admin.zendesk.desk.triggers.create({"title": title, "all": solved})
    admin.zendesk.desk.webhooks.create({"id": state.next_id()}, {
        "name": title, "endpoint": f"https://other{number}.example", "http_method": "POST", "request_format": "json",
        "status": "active", "subscriptions": ["conditional_ticket_events"],
    })  # fmt: skip


@pytest.mark.parametrize("way", [(), ("--triggers",)], ids=["events", "triggers"])
def test_what_stands_behind_the_first_page_is_found_again(admin: Admin, way: tuple[str, ...]) -> None:
    crowd(admin)
    admin.provision(*way)
    wrote = len(admin.writes)
    assert admin.plan(*way) == {}
    admin.lose_database()
    assert set(admin.plan(*way)) == {"adopt"}, "by their marks, wherever they stand"
    admin.provision(*way)
    assert len(admin.writes) == wrote


@pytest.mark.parametrize(("kind", "fields"), [("users", "user_fields"), ("organizations", "organization_fields")])
def test_a_score_field_behind_the_first_page_is_known_to_a_job(world: World, kind: str, fields: str) -> None:
    desk, helpdesk = world.zendesk.desk, of(world)
    add: Callable[[str, str], Any] = desk.add_user_field if kind == "users" else desk.add_organization_field
    for number in range(MANY):
        add(f"other_{number}", f"Other {number}")
    add("late_score", "Late score")
    world.zendesk.add_user("Ann", "ann@example.com")
    key = str(world.zendesk.add_user("Bo")["id"] if kind == "users" else world.zendesk.add_organization("Acme")["id"])
    assert helpdesk.pictures.start([CrmRow(kind, key, {"late_score": "9"})])
    with pytest.raises(Permanent, match=f"no {fields.replace('_', ' ')} never_made"):
        helpdesk.pictures.start([CrmRow(kind, key, {"never_made": "9"})])
    helpdesk.session.close()


def test_an_address_among_a_hundred_is_found(world: World) -> None:
    helpdesk, zendesk = of(world), world.zendesk
    user = zendesk.add_user("Ann", "first@example.com")["id"]
    zendesk.desk.state.further[user] = [f"ann{number}@example.com" for number in range(MANY)]
    assert [each.id for each in helpdesk.find_users(f"ANN{MANY - 1}@example.com")] == [str(user)]
    assert helpdesk.find_users("nobody@example.com") == ()
    helpdesk.session.close()


# --- how a list goes on


def pages(by: Callable[[Seen], dict[str, Any]]) -> Callable[[Seen], Reply]:
    return lambda seen: Reply(200, json.dumps(by(seen)).encode())


def by_cursor(seen: Seen) -> dict[str, Any]:
    start = int(seen.query.get("page[after]", ["0"])[0])
    more = start < 2
    return {"things": [start], "meta": {"has_more": more, "after_cursor": str(start + 1)},
            "links": {"next": f"https://account.zendesk.com/api/v2/things?page[after]={start + 1}" if more else None}}


def by_link(seen: Seen) -> dict[str, Any]:
    """The cursor only within the link."""
    told = by_cursor(seen)
    return {**told, "meta": {"has_more": told["meta"]["has_more"]}}


def by_offset(seen: Seen) -> dict[str, Any]:
    number = int(seen.query.get("page", ["1"])[0])
    after = f"https://account.zendesk.com/api/v2/things.json?page={number + 1}&per_page=100" if number < 3 else None
    return {"things": [number - 1], "next_page": after, "previous_page": None, "count": 3}


def whole(_seen: Seen) -> dict[str, Any]:
    return {"things": [0, 1, 2]}


@pytest.mark.parametrize("by", [by_cursor, by_link, by_offset, whole])
def test_a_list_is_read_to_its_end_however_it_goes_on(by: Callable[[Seen], dict[str, Any]]) -> None:
    with serving(pages(by)) as server:
        helpdesk = client(server.url)
        assert list(paging.every(helpdesk.session, "things", "things")) == [0, 1, 2]
        assert {seen.path for seen in server.requests} == {"/api/v2/things"}
        helpdesk.session.close()


def test_pages_in_a_circle_are_an_error_and_not_for_ever() -> None:
    circle = pages(lambda seen: {**by_cursor(seen), "meta": {"has_more": True, "after_cursor": "1"}})
    with serving(circle) as server:
        helpdesk = client(server.url)
        with pytest.raises(Transient, match="does not end"):
            list(paging.every(helpdesk.session, "things", "things"))
        assert len(server.requests) == 2
        helpdesk.session.close()

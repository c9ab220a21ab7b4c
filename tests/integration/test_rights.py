"""Every page and every operation of the API × every role × own, foreign and missing object: made from the map of
routes, so that a new route without a right fails here. And what is masked is not in the bytes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from connector.access.rights import AGENT, PERSONAL, ROLES, SCOPES, TOKEN_SCOPES, may, viewer
from connector.storage.schema import tables
from connector.storage.stores import api_tokens
from connector.web.admin.page import Page
from connector.web.admin.table import PAGES
from connector.web.api.blueprint import OPERATIONS, PREFIX
from connector.web.api.operation import Operation
from sandbox.faults import Fault
from tests.support.admin import words
from tests.support.browserless import Person, a_person
from tests.support.house import Harness, a_home, answer
from tests.support.house_workflows import OPEN_A_TICKET

BEFORE_THE_DOOR = {"static", "elsewhere", "preferences"}
"""Of the frame: files, what is not there, and the choice of language and colours."""

ENTRY = {
    "sign_in", "code", "set_up", "again", "forgot", "welcome", "first",
}  # fmt: skip
"""What has to be open to whoever is not signed in yet."""

PROVIDER = {"to_provider", "from_provider", "ended_at_provider"}
DONE_ALREADY = {"workflow_drop", "survey_drop"}
"""A draft that is not there is thrown away already."""

OPEN_TO_ALL = {"openapi"}
SESSIONS = tables.user_sessions

ANN = {"email": "ann.geheim@example.com", "name": "Ann Geheim", "phone": "+31612345678"}
COMMENT = "Nobody called me back for weeks"
SECRETS = (b"ann.geheim", b"Geheim", b"Nobody called", b"612345678")


@dataclass
class Building:
    """A house with a customer in it, and somebody of every role, signed in; ``blind`` ones see no personal data."""

    home: Harness
    people: dict[str, Person]
    blind: dict[str, Person]

    def addresses(self) -> list[str]:
        """Every page that a link leads to, as an admin finds them."""
        seen, waiting = {"/"}, ["/"]
        while waiting:
            page = self.people["admin"].get(waiting.pop()).get_data(as_text=True)
            for found in re.findall(r'href="/admin(/[^"#]*)"', page):
                plain = found.replace("&amp;", "&")
                key = urlsplit(plain).path
                if key not in seen and not key.startswith(("/static", "/sign-in", "/audit/export")):
                    seen.add(key)
                    waiting.append(plain)
        return sorted(seen)


@pytest.fixture(scope="module")
def building(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Building]:
    file = shutil.copy(sqlite_template, tmp_path_factory.mktemp("rights") / "ringback.db")
    with a_home(f"sqlite:///{file}", it=OPEN_A_TICKET) as home:
        refused = Fault(path="/tickets$", method="POST", status=422, body={"error": "RecordInvalid"})
        home.world.zendesk.faults.add(refused)
        home.deliver(answer(3, comment=COMMENT, customer=ANN))
        home.settle()
        people = {role: a_person(home, role, f"{role}@bank.example") for role in ROLES}
        blind = {role: a_person(home, role, f"blind-{role}@bank.example", personal=False) for role in ROLES}
        for person in (*people.values(), *blind.values()):
            person.enter()
        yield Building(home, people, blind)


def rows() -> dict[str, Page]:
    return {page.name: page for page in PAGES}


# --- no route without a right


def test_every_route_below_admin_is_a_row_with_a_right_or_stands_before_the_door(building: Building) -> None:
    forgotten = []
    for rule in building.home.pages.url_map.iter_rules():
        blueprint, _, name = rule.endpoint.rpartition(".")
        if not rule.rule.startswith("/admin"):
            continue
        known = {"admin": BEFORE_THE_DOOR | set(rows()), "entry": ENTRY | {f"{each}_sent" for each in ENTRY} | PROVIDER}
        if name not in known.get(blueprint, set()):
            forgotten.append(rule.rule)
    assert forgotten == []
    assert {page.name: page.right for page in PAGES if page.right not in SCOPES} == {}


def test_every_route_below_the_api_is_an_operation_with_a_scope(building: Building) -> None:
    rules = [rule for rule in building.home.pages.url_map.iter_rules() if rule.rule.startswith(PREFIX)]
    names = {rule.endpoint.rpartition(".")[2] for rule in rules}
    assert names == {operation.name for operation in OPERATIONS} | OPEN_TO_ALL
    assert {operation.name for operation in OPERATIONS if operation.scope not in TOKEN_SCOPES} == set()


def test_no_other_address_of_the_house_needs_a_session(building: Building) -> None:
    cookies = [rule.rule for rule in building.home.pages.url_map.iter_rules() if rule.endpoint.startswith("admin.")]
    assert all(rule.startswith("/admin") for rule in cookies)


# --- pages


def filled(rule: str, value: str = "nothing-of-that-id") -> str:
    return re.sub(r"<\w+>", value, rule)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.method} {page.rule}")
def test_a_role_without_the_right_finds_nothing_there(building: Building, page: Page) -> None:
    for role, person in building.people.items():
        if may(viewer("u", "", "", role), page.right):
            continue
        person.get("/account")
        missing = person.get("/nothing-at-all")
        person.get("/account")
        asked = person.get(filled(page.rule)) if page.method == "GET" else person.post(filled(page.rule))
        assert asked.status_code == 404, role
        assert words(asked) == words(missing), role


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "sign_out"], ids=lambda page: f"{page.method} {page.rule}"
)
def test_a_role_with_the_right_is_told_that_there_is_no_such_thing_and_nothing_breaks(
    building: Building, page: Page
) -> None:
    for role, person in building.people.items():
        if not may(viewer("u", "", "", role), page.right):
            continue
        person.get("/account")
        answer_ = person.get(filled(page.rule)) if page.method == "GET" else person.post(filled(page.rule))
        assert answer_.status_code < 500, (role, words(answer_))
        if "<" in page.rule and page.name not in DONE_ALREADY:
            assert answer_.status_code in (404, 409, 422), (role, answer_.status_code)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.method} {page.rule}")
def test_whoever_is_not_signed_in_is_shown_the_door(building: Building, page: Page) -> None:
    stranger = Person(building.home, building.home.client.application.test_client())
    answer_ = stranger.get(filled(page.rule)) if page.method == "GET" else stranger.post(filled(page.rule))
    assert answer_.status_code == (303 if page.method == "GET" else 401)
    assert not any(secret in answer_.data for secret in SECRETS)


def test_ones_own_pages_never_show_another_persons(building: Building) -> None:
    """The only objects that belong to one person: sessions."""
    ann, ben = building.people["agent"], building.people["lead"]
    shown = ben.get("/account").get_data(as_text=True)
    assert "agent@bank.example" not in shown
    theirs = building.home.rows(SESSIONS, SESSIONS.c.user_id == ben.user.id)[0].id  # type: ignore[union-attr]
    ann.get("/account")
    assert ann.post(f"/account/sessions/{theirs}/end").status_code == 404
    assert ben.get("/account").status_code == 200


# --- personal data


def test_every_page_an_admin_finds_is_without_personal_data_for_whoever_may_not_see_it(building: Building) -> None:
    addresses, shown = building.addresses(), set()
    assert len(addresses) > 10
    for address in addresses:
        seen = building.people["admin"].get(address).data
        shown |= {secret for secret in SECRETS if secret in seen}
        for role, person in building.blind.items():
            answer_ = person.get(address)
            assert answer_.status_code in (200, 303, 404), (role, address)
            assert not [secret for secret in SECRETS if secret in answer_.data], (role, address)
    assert b"Nobody called" in shown, "the test would find nothing"


def test_whose_record_was_read_is_in_the_log(building: Building) -> None:
    customer, lead = building.home.one(tables.customers).id, building.people["lead"]
    assert lead.get(f"/customers/{customer}").status_code == 200
    *_, line = building.home.house.access.audit.all_of(action="customer.read")
    assert (line.actor, line.object_kind, line.object) == (lead.user.id, "customer", customer)  # type: ignore[union-attr]


# --- the API


@pytest.fixture(scope="module")
def tokens(building: Building) -> dict[str, str]:
    """A token of each role's scopes, and of each without personal data."""
    database, now = building.home.house.database, building.home.clock()
    made = {}
    for role in ROLES:
        for name, personal in ((role, True), (f"blind {role}", False)):
            held = viewer("u", "", "", role, personal=personal).scopes & set(TOKEN_SCOPES)
            made[name] = database.transact(lambda tx, n=name, s=held: api_tokens.create(tx, n, sorted(s), now))
    return made


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_an_operation_is_for_tokens_with_its_scope_alone(
    building: Building, tokens: dict[str, str], operation: Operation
) -> None:
    for role in ROLES:
        allowed = may(viewer("u", "", "", role), operation.scope)
        answer_ = _asked(building, tokens[role], operation)
        assert (answer_.status_code == 403) is not allowed, (role, answer_.get_data(as_text=True))
        assert answer_.status_code < 500


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.method == "GET"], ids=lambda each: each.name)
def test_no_operation_shows_personal_data_without_the_right(
    building: Building, tokens: dict[str, str], operation: Operation
) -> None:
    home = building.home
    known = {"<run_id>": home.run().id, "<delivery_id>": "1", "<name>": "zendesk", "<connection>": "zendesk"}
    for role in ROLES:
        if operation.scope == AGENT or PERSONAL not in viewer("u", "", "", role).scopes:
            continue
        answer_ = _asked(building, tokens[f"blind {role}"], operation, known)
        assert not [secret for secret in SECRETS if secret in answer_.data], role


def _asked(building: Building, token: str, operation: Operation, known: dict[str, str] | None = None) -> Any:
    path = operation.path
    for name, value in (known or {}).items():
        path = path.replace(name, str(value))
    asked = {"Authorization": f"Bearer {token}"}
    body = {} if operation.method == "GET" else {"json": {}}
    return building.home.client.open(PREFIX + filled(path), method=operation.method, headers=asked, **body)


def test_what_was_refused_is_in_the_log(building: Building) -> None:
    refused = list(building.home.house.access.audit.all_of(action="refused"))
    assert {line.actor_kind for line in refused} == {"user", "token"}
    assert building.home.house.access.audit.verify().broken is None

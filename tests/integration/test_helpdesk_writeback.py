"""Scores in a helpdesk's users and organisations: one by a call, many by a job, one such write a second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.storage.schema import tables
from sandbox.clock import HandClock
from sandbox.world import World
from sandbox.zendesk.limits import Limits
from tests.support.callbacks import check_requests
from tests.support.house import Harness, a_house, answer, config_of
from tests.support.house_workflows import WRITE_THE_SCORE

SCORE = WRITE_THE_SCORE.replace("connection: salesforce", "connection: zendesk")
OF_ORGANIZATIONS = {"ringback_score": "integer", "ringback_responses": "integer", "ringback_answered_at": "date"}
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    """An account with Zendesk's real limits, whose organisations show scores, too."""
    clock = HandClock()
    with World(clock=clock, limits=Limits()) as world:
        hook = "    webhook_secret:"
        config = config_of(world).replace(hook, f"    organizations: true\n{hook}", 1)
        for key, kind in OF_ORGANIZATIONS.items():
            world.zendesk.desk.add_organization_field(key, key, kind)
        with a_house(database_url, world, {"score": SCORE}, clock=clock, config=config) as home:
            yield home
            check_requests(home)


def people(home: Harness, count: int, organizations: int = 1) -> tuple[list[int], list[int]]:
    companies = [home.world.zendesk.add_organization(f"Acme {number}")["id"] for number in range(organizations)]
    users = [
        home.world.zendesk.add_user(f"P{n}", f"p{n}@example.com", organization_id=companies[n % organizations])["id"]
        for n in range(count)
    ]
    return users, companies


def tell(home: Harness, score: int, user: int, at: str = "2026-03-01T10:00:00Z") -> None:
    home.deliver(answer(score, answered_at=at, customer={"zendesk_user_id": str(user), "name": "P"}))


def fields(home: Harness, user: int) -> Any:
    return home.world.zendesk.user(user)["user_fields"]


def writes(home: Harness, what: str = "/users/") -> list[Any]:
    return [each for each in home.world.zendesk.requests if each.method == "PUT" and what in each.path]


def pass_time(home: Harness, seconds: int = 12) -> None:
    home.settle()
    for _ in range(seconds):
        home.wait(seconds=1)


def test_one_answer_is_one_call_and_stands_on_user_and_organisation(home: Harness) -> None:
    [user], [company] = people(home, 1)
    tell(home, 9, user)
    home.settle()
    assert (fields(home, user)["ringback_score"], fields(home, user)["ringback_band"]) == (9, "promoter")
    acme = home.world.zendesk.organization(company)["organization_fields"]
    assert acme["ringback_score"] == 100
    assert [each.path for each in writes(home)] == [f"/api/v2/users/{user}"]


@on_sqlite
def test_many_answers_go_out_as_jobs_and_no_limit_is_ever_met(home: Harness) -> None:
    users, [company] = people(home, 150)
    for number, user in enumerate(users):
        tell(home, number % 11, user)
    pass_time(home, 20)
    assert [fields(home, user)["ringback_score"] for user in users] == [n % 11 for n in range(150)]
    assert {each.status for each in home.world.zendesk.requests} == {200}
    assert len(writes(home)) <= 4
    scores = [number % 11 for number in range(150)]
    nps = 100 * (sum(s >= 9 for s in scores) - sum(s <= 6 for s in scores)) / 150
    acme = home.world.zendesk.organization(company)["organization_fields"]
    assert acme["ringback_score"] == round(nps)
    assert {effect.attempts for effect in home.effects()} == {1}


def of_organization(home: Harness, company: int) -> tuple[Any, Any]:
    """Its score, and of how many people it is."""
    found = home.world.zendesk.organization(company)["organization_fields"]
    return found["ringback_score"], found["ringback_responses"]


def test_many_organisations_are_one_job_each_with_the_score_of_its_own_people(home: Harness) -> None:
    users, companies = people(home, 12, organizations=4)
    scores = [10, 9, 8, 0, 10, 10, 2, 0, 3, 9, 8, 1]
    for user, score in zip(users, scores, strict=True):
        tell(home, score, user)
    pass_time(home)
    assert [of_organization(home, each) for each in companies] == [(33, 3), (100, 3), (-33, 3), (-100, 3)]
    [job] = writes(home, "/organizations/")
    assert job.path == "/api/v2/organizations/update_many"
    assert len(job.json()["organizations"]) == 4
    assert {each.status for each in home.world.zendesk.requests} == {200}


@on_sqlite
def test_what_stands_on_an_organisation_already_is_not_written_again(home: Harness) -> None:
    users, [company] = people(home, 2)
    tell(home, 10, users[0])
    pass_time(home)
    written = len(writes(home, "/organizations/"))
    tell(home, 9, users[0], "2026-03-01T11:00:00Z")
    pass_time(home)
    assert of_organization(home, company) == (100, 1)
    tell(home, 9, users[0], "2026-03-01T11:00:00Z")
    pass_time(home)
    assert len(writes(home, "/organizations/")) <= written + 1  # the date of the newest answer, and no more
    tell(home, 0, users[1])
    pass_time(home)
    assert of_organization(home, company) == (0, 2)


@on_sqlite
def test_an_organisation_that_is_gone_costs_the_others_nothing(home: Harness) -> None:
    users, companies = people(home, 3, organizations=3)
    for user in users:
        tell(home, 10, user)
    del home.world.zendesk.desk.state.organizations[companies[1]]
    pass_time(home, 20)
    assert [of_organization(home, each) for each in (companies[0], companies[2])] == [(100, 1), (100, 1)]
    assert [fields(home, user)["ringback_score"] for user in users] == [10, 10, 10]


@on_sqlite
def test_a_field_that_organisations_lack_is_named_with_its_remedy(home: Harness) -> None:
    home.world.zendesk.desk.state.organization_fields.clear()
    users, _ = people(home, 4, organizations=2)
    for user in users:
        tell(home, 10, user)
    pass_time(home, 20)
    reasons = " ".join(run.reason for run in home.runs())
    assert "no organization fields ringback_answered_at" in reasons
    assert "create them" in reasons


@on_sqlite
def test_what_a_job_could_not_do_is_told_by_each_run_and_the_others_are_done(home: Harness) -> None:
    users, _ = people(home, 5)
    for user in users:
        tell(home, 8, user)
    home.world.zendesk.desk.state.users.pop(users[2])
    pass_time(home)
    assert sorted(run.status for run in home.runs()) == ["failed", *["succeeded"] * 4]
    [gone] = [run for run in home.runs() if run.status == "failed"]
    assert "deleted" in gone.reason


@on_sqlite
def test_an_older_answer_is_left_out_and_the_run_says_so(home: Harness) -> None:
    [user], _ = people(home, 1)
    tell(home, 9, user, "2026-03-02T10:00:00Z")
    pass_time(home, 2)
    tell(home, 1, user, "2026-03-01T10:00:00Z")
    pass_time(home, 2)
    assert fields(home, user)["ringback_score"] == 9
    assert len(writes(home)) == 1
    assert any("a newer answer" in line for line in home.story(home.runs()[-1].id))


@on_sqlite
def test_a_job_that_is_slow_is_waited_for_and_costs_no_attempt(home: Harness) -> None:
    home.world.zendesk.jobs.slowness = 4
    users, _ = people(home, 3)
    for user in users:
        tell(home, 7, user)
    pass_time(home, 5)
    assert home.one(tables.crm_jobs).object == "users"
    pass_time(home, 20)
    assert [fields(home, user)["ringback_score"] for user in users] == [7, 7, 7]
    assert len(home.world.zendesk.jobs.all) == 1
    assert {effect.attempts for effect in home.effects()} == {1}


@on_sqlite
def test_a_native_rating_becomes_an_answer_on_a_scale_of_its_own(home: Harness) -> None:
    home.ticket_event("csat_rated", "90210")
    home.settle()
    row = home.one(tables.responses)
    assert (row.metric, row.scale, row.score, row.band) == ("csat", "csat-3", 1, "detractor")
    assert (row.survey, row.comment) == ("helpdesk-rating", "Nobody called back.")


def test_who_was_known_by_a_ticket_alone_is_found_by_their_address_and_is_one_customer(home: Harness) -> None:
    [user], _ = people(home, 1)
    home.ticket_event("ticket_created", "9", requester_id=str(user))
    home.settle()
    home.deliver(answer(3, customer={"email": "p0@example.com", "name": "P"}))
    pass_time(home, 3)
    assert fields(home, user)["ringback_score"] == 3
    assert len(home.rows(tables.customers)) == 1


def test_whose_ids_elsewhere_say_that_they_are_two_stay_two_and_are_asked_about(home: Harness) -> None:
    [user], _ = people(home, 1)
    home.deliver(answer(9, customer={"zendesk_user_id": str(user), "salesforce_contact_id": "003000000000001AAA"}))
    home.settle()
    home.deliver(answer(3, customer={"email": "p0@example.com", "salesforce_contact_id": "003000000000002AAA"}))
    pass_time(home, 3)
    assert len(home.rows(tables.customers)) == 2
    assert len(home.rows(tables.identity_conflicts)) == 1

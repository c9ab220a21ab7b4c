"""Doubtful answers in people's hands: the list, the release by command and by API, and the one mail that asks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from connector.cli.main import main
from connector.feedback.surveys.who_pressed.doubts import Doubt, DoubtStatus
from connector.ids import survey_token
from connector.runtime.operations.errors import RefusedError, UnknownError
from connector.storage.schema import tables
from tests.integration.test_api import Api, a_token
from tests.integration.test_asking import ASK, a_customer, solved
from tests.integration.test_survey_pages import whole
from tests.support.house import SECRET_KEY, Harness, a_home
from tests.survey_site import BROWSER
from workflows.library import library_texts

ASKS_AGAIN = library_texts()["was-this-you.yaml"].partition("\nworkflow: was-this-you\n")[2]


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, ask=ASK, was_this_you=ASKS_AGAIN) as home:
        yield home


def doubtful(home: Harness) -> Doubt:
    """A customer is asked, and somebody answers with the field filled in that people do not see."""
    solved(home, a_customer(home))
    token = survey_token(SECRET_KEY, home.one(tables.invitations).id)
    home.clock.move(hours=1)
    fields = [*whole(3), ("hand", "2.4.4000"), ("extra", "spam")]
    home.client.post(f"/s/{token}", data=_form(fields), headers=BROWSER)
    home.settle()
    [doubt] = home.house.doubts.listed(verdict="doubtful", status="open", limit=10)
    return doubt


def _form(fields: list[tuple[str, str]]) -> dict[str, list[str]]:
    form: dict[str, list[str]] = {}
    for name, value in fields:
        form.setdefault(name, []).append(value)
    return form


def answers(home: Harness) -> list[int]:
    return [row.score for row in home.rows(tables.responses)]


def test_a_release_counts_and_says_who_did_it_when_and_why(home: Harness) -> None:
    doubt = doubtful(home)
    assert answers(home) == []
    home.clock.move(hours=1)
    done = home.house.doubts.release(doubt.id, "Jan", "she told us by phone")
    home.settle()
    assert answers(home) == [3]
    assert (done.status, done.decided_by, done.decided_why) == (DoubtStatus.RELEASED, "Jan", "she told us by phone")
    assert done.decided_at == home.clock()
    with pytest.raises(RefusedError, match="was decided already: released, by Jan"):
        home.house.doubts.release(doubt.id, "Bo", "again")
    with pytest.raises(UnknownError):
        home.house.doubts.release("nothing", "Bo", "what")


def test_one_mail_asks_four_hours_later_and_never_a_second(home: Harness) -> None:
    doubtful(home)
    before = len(home.mails("ann@example.com"))
    home.clock.move(hours=20)
    home.tick()
    home.settle()
    [mail] = home.mails("ann@example.com")[before:]
    assert "Was u dit?" in mail.subject
    [token] = set(re.findall(r"/s/([\w-]{22})", mail.text))
    assert token == survey_token(SECRET_KEY, home.one(tables.invitations).id)
    home.clock.move(days=2)
    home.tick()
    assert len(home.mails("ann@example.com")) == before + 1
    assert "Was u dit?" in home.client.get(f"/s/{token}", headers=BROWSER).text
    home.client.post(f"/s/{token}/confirm", data={"was_me": "yes"}, headers=BROWSER)
    home.settle()
    assert answers(home) == [3]


def test_who_was_released_before_the_mail_left_gets_none(home: Harness) -> None:
    doubt = doubtful(home)
    before = len(home.mails("ann@example.com"))
    home.house.doubts.release(doubt.id, "Jan", "known")
    home.clock.move(hours=20)
    home.tick()
    home.settle()
    assert len(home.mails("ann@example.com")) == before


def command(database_url: str, *words: str, code: int = 0) -> str:
    """What ``ringback responses doubtful …`` prints."""
    environment = {"RINGBACK_DATABASE_URL": database_url, "RINGBACK_SECRET_KEY": SECRET_KEY}
    result = CliRunner().invoke(main, ["responses", "doubtful", *words], env=environment)
    assert result.exit_code == code, result.output
    return result.output if code else result.stdout


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_admin_lists_looks_and_releases_by_command(home: Harness, database_url: str) -> None:
    assert "Nothing is doubtful" in command(database_url)
    doubt = doubtful(home)
    for listed in (command(database_url), command(database_url, "list")):
        assert doubt.id in listed
        assert "the field on the page was filled in that people do not see" in listed
    shown = command(database_url, "show", doubt.id)
    assert f"ringback responses doubtful release {doubt.id}" in shown
    assert "trap_field" in shown
    assert "released by Jan: known" in command(database_url, "release", doubt.id, "--by", "Jan", "--reason", "known")
    home.settle()
    assert answers(home) == [3]
    assert "Nothing is doubtful" in command(database_url)
    [told] = json.loads(command(database_url, "list", "--all", "--json"))
    assert (told["status"], told["decided_by"], told["decided_why"]) == ("released", "Jan", "known")
    assert "was decided already" in command(database_url, "release", doubt.id, "--reason", "x", code=1)
    assert "There is no doubtful response" in command(database_url, "show", "nothing", code=2)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_program_lists_and_releases_by_the_api(home: Harness) -> None:
    doubt = doubtful(home)
    with home.on_the_network() as url:
        api = Api(home, url, a_token(home, "responses:read", "responses:write", "personal:read"))
        [item] = api.get("/responses/doubtful")["items"]
        assert (item["id"], item["verdict"], item["signals"]) == (doubt.id, "doubtful", ["trap_field"])
        assert api.get(f"/responses/doubtful/{doubt.id}")["answers"]["score"] == 3
        released = api.ask("POST", f"/responses/doubtful/{doubt.id}/release", json={"reason": "known"})
        assert (released.status_code, released.json()["decided_by"]) == (200, "crm (API)")
        assert api.ask("POST", f"/responses/doubtful/{doubt.id}/release", json={"reason": "known"}).status_code == 409
        assert api.ask("GET", "/responses/doubtful/nothing").status_code == 404
        assert api.get("/responses/doubtful")["items"] == []
    home.settle()
    assert answers(home) == [3]

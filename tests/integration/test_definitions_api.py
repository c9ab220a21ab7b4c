"""Workflows and surveys by program: published, compared, decided, switched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import delete

from connector.storage.engine.database import Database
from connector.storage.schema import tables
from connector.storage.schema.migrate import upgrade
from connector.storage.stores.definition_import import import_definitions
from connector.storage.stores.definitions import DefinitionKind
from connector.web.app import web_app
from tests.integration.test_api import a_token
from tests.support.house import Harness, a_home
from tests.support.house_workflows import OPEN_A_TICKET

TEXT = "workflow: greet\nname: {}\ntrigger: {{event: survey.answered}}\nsteps: [{{id: end, stop: done}}]\n"


class Program:
    """A program with a token, without a network between."""

    def __init__(self, home: Harness) -> None:
        self.home, self.client = home, web_app(home.house).test_client()
        scopes = ("workflows:read", "workflows:write", "surveys:read", "surveys:write")
        self.headers = {"Authorization": f"Bearer {a_token(home, *scopes)}"}

    def ask(self, method: str, path: str, status: int = 200, **body: Any) -> Any:
        sent = {"json": body} if method == "POST" else {"query_string": body}
        answer = self.client.open(f"/api/v1{path}", method=method, headers=self.headers, **sent)
        assert answer.status_code == status, answer.text
        return answer.get_json()

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        return self.ask("GET", path, status, **query)

    def post(self, path: str, status: int = 200, **body: Any) -> Any:
        return self.ask("POST", path, status, **body)

    def publish(self, name: str, based_on: int, status: int = 200, **more: Any) -> Any:
        return self.post("/workflows/greet/versions", status, text=TEXT.format(name), based_on=based_on, **more)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    url = f"sqlite:///{tmp_path_factory.mktemp('api') / 'house.db'}"
    with closing(Database(url, pool_size=1)) as database:
        upgrade(database)
    with a_home(url, it=OPEN_A_TICKET) as home:
        yield home


@pytest.fixture
def program(home: Harness) -> Iterator[Program]:
    program = Program(home)
    yield program
    with home.house.database.write() as tx:
        tx.execute(delete(tables.api_tokens))
        for table in (tables.definition_states, tables.definitions):
            tx.execute(delete(table).where(table.c.slug == "greet"))


def test_what_is_published_is_in_force_and_says_who_published_it(program: Program) -> None:
    done = program.publish("one", 0, note="a first try")
    assert (done["version"], done["what"], done["warnings"]) == (1, "new", [])
    (version,) = program.get("/workflows/greet/versions")["items"]
    assert (version["origin"], version["author"], version["note"]) == ("api", "crm (API)", "a first try")
    assert program.get("/workflows/greet/versions/1")["body"] == TEXT.format("one")
    assert {each["slug"]: each["state"] for each in program.get("/workflows")["items"]}["greet"] == "active"


def test_whoever_is_second_is_told_409_with_the_difference(program: Program) -> None:
    program.publish("one", 0)
    program.publish("two", 1)
    refused = program.publish("three", 1, 409)
    assert refused["type"] == "urn:ringback:problem:conflict"
    assert refused["version"] == 2
    assert "- name: two\n+ name: three" in refused["difference"]


def test_every_mistake_is_told_with_its_line_and_nothing_is_published(program: Program) -> None:
    wrong = TEXT.format("one").replace("steps:", "colour: red\nsteps:").replace("id: end", "id: 'the end'")
    refused = program.post("/workflows/greet/versions", 422, text=wrong)
    assert sorted(each["line"] for each in refused["errors"]) == [4, 5]
    assert all(each["remedy"] for each in refused["errors"])
    program.get("/workflows/greet/versions", 404)


def test_a_text_of_200_kb_is_refused_by_the_loader_with_a_remedy(program: Program) -> None:
    refused = program.post("/workflows/greet/versions", 422, text=TEXT.format("one") + "#" * 200_000)
    assert refused["errors"][0]["remedy"] == "Split it."


def test_the_difference_of_two_versions_is_told_in_lines_and_in_words(program: Program) -> None:
    program.publish("one", 0)
    program.publish("two", 1)
    found = program.get("/workflows/greet/difference")
    assert found["meaning"] == ["name: one → two"]
    assert [each["text"] for each in found["lines"] if each["sign"] in "+-"] == ["name: one", "name: two"]
    assert program.get("/workflows/greet/difference", before=2, after=2)["lines"] == []


def test_where_file_and_browser_differ_a_program_may_decide(program: Program) -> None:
    now = program.home.clock()

    def file_says(name: str) -> None:
        with program.home.house.database.write() as tx:
            import_definitions(
                tx, DefinitionKind.WORKFLOW, {"greet": TEXT.format(name)}, now, retire_others=False
            )

    file_says("one")
    program.publish("browser", 1)
    file_says("file")
    seen = program.get("/workflows/greet/difference")["file"]
    program.post("/workflows/greet/resolve", 409, take="file", seen="something else")
    assert program.post("/workflows/greet/resolve", take="file", seen=seen)["version"] == 3
    assert program.get("/workflows/greet/versions/3")["body"] == TEXT.format("file")
    program.post("/workflows/greet/resolve", 409, take="file")
    program.post("/workflows/nobody/resolve", 404, take="file")


def test_a_workflow_is_switched_off_and_on(program: Program) -> None:
    program.publish("one", 0)
    assert program.post("/workflows/greet/off", reason="too many mails")["off_by"] == "crm (API)"
    assert {each["slug"]: each["state"] for each in program.get("/workflows")["items"]}["greet"] == "switched off"
    assert program.post("/workflows/greet/on")["off_at"] is None
    program.post("/workflows/greet/off", 422)
    program.post("/workflows/%00/off", 404, reason="x")


def test_a_survey_is_published_the_same_way(program: Program) -> None:
    body = program.get("/surveys/after-support/versions/1")["body"]
    done = program.post("/surveys/after-support/versions", text=body + "\n# ours\n", based_on=1)
    assert done["version"] == 2

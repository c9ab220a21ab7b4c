"""A survey or a workflow that somebody loads while everything runs is in force for the next event, in every process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event

from connector.feedback.surveys.catalog import SurveyCatalog
from connector.feedback.surveys.files import built_in
from connector.storage.engine.database import Database
from connector.storage.schema.migrate import upgrade
from connector.storage.stores.definition_import import import_definitions
from connector.storage.stores.definitions import DefinitionKind
from tests.support.house import Harness, a_home, answer

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ASKS = """\
trigger: {event: survey.answered}
run: {key: event.response, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: retention}}
"""


def publish(database: Database, text: str) -> None:
    """As another process does it."""
    bodies = {"retention": text}
    database.transact(
        lambda tx: import_definitions(tx, DefinitionKind.SURVEY, bodies, NOW, retire_others=False)
    )


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, it=ASKS) as home:
        yield home


def test_the_next_answer_gets_the_survey_that_was_loaded_a_moment_ago(home: Harness) -> None:
    home.deliver(answer(3, email="one@example.com"))
    home.settle()
    before = built_in()["retention"]
    publish(home.house.database, before.replace("Is it solved to your satisfaction?", "Is it mended?"))
    home.deliver(answer(3, email="two@example.com"))
    home.settle()
    subjects = [mail.header("Subject") for who in ("one", "two") for mail in home.mails(f"{who}@example.com")]
    assert subjects == ["Is it solved to your satisfaction?", "Is it mended?"]


def test_the_next_event_starts_the_workflow_that_was_loaded_a_moment_ago(home: Harness) -> None:
    home.deliver(answer(3, email="one@example.com"))
    home.settle()
    tells = ASKS.replace("survey.send, with: {survey: retention}", "alert.send, with: {to: care-team, text: Hi}")
    home.install(it=tells)
    home.deliver(answer(3, email="two@example.com"))
    home.settle()
    assert [effect.action for effect in home.effects()] == ["survey.send", "alert.send"]


def test_which_surveys_are_in_force_is_asked_once_in_a_transaction_and_each_is_read_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ringback.db"
    upgrade(url)
    database = Database(url, pool_size=2)
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    publish(database, built_in()["retention"])
    catalog = SurveyCatalog(database)
    for first in (2, 1):  # the text and the question; then the question alone
        with database.read() as tx:
            asked.clear()
            for _ in range(100):
                assert catalog.find("retention", tx)
            assert len([each for each in asked if "definitions" in each]) == first
    database.close()

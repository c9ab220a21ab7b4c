"""Definitions keep every version, and the newest is in force."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from connector.storage.engine.database import Database
from connector.storage.stores import definitions
from connector.storage.stores.definition_import import Change, What, import_definitions
from connector.storage.stores.definitions import DefinitionKind

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def load(
    database: Database, bodies: Mapping[str, str], kind: str = DefinitionKind.WORKFLOW, others: bool = True
) -> list[Change]:
    with database.write() as tx:
        return import_definitions(tx, kind, bodies, NOW, retire_others=others)


def in_force(database: Database, kind: str = DefinitionKind.WORKFLOW) -> dict[str, tuple[int, str]]:
    with database.read() as tx:
        return {each.slug: (each.version, each.body) for each in definitions.active(tx, kind)}


def test_a_first_import_makes_version_1_and_the_same_again_changes_nothing(database: Database) -> None:
    assert load(database, {"a": "one"}) == [Change("a", 1, What.NEW)]
    assert load(database, {"a": "one"}) == [Change("a", 1, What.UNCHANGED)]
    assert in_force(database) == {"a": (1, "one")}


def test_a_changed_body_is_the_next_version_and_the_old_one_can_still_be_read(database: Database) -> None:
    load(database, {"a": "one"})
    assert load(database, {"a": "two"}) == [Change("a", 2, What.CHANGED)]
    assert in_force(database) == {"a": (2, "two")}

    with database.read() as tx:
        first = definitions.find(tx, DefinitionKind.WORKFLOW, "a", 1)
        newest = definitions.find(tx, DefinitionKind.WORKFLOW, "a")
        assert first is not None
        assert definitions.get(tx, first.id) == first
    assert (first.body, first.active, first.created_at) == ("one", False, NOW)
    assert newest is not None
    assert newest.version == 2


def test_going_back_to_an_older_body_is_a_new_version(database: Database) -> None:
    for body in ("one", "two"):
        load(database, {"a": body})
    assert load(database, {"a": "one"}) == [Change("a", 3, What.CHANGED)]


def test_a_file_that_is_gone_is_retired_once_and_returns_as_it_was(database: Database) -> None:
    load(database, {"a": "one", "b": "one"})
    assert load(database, {"a": "one"}) == [Change("a", 1, What.UNCHANGED), Change("b", 1, What.RETIRED)]
    assert load(database, {"a": "one"}) == [Change("a", 1, What.UNCHANGED)]
    assert load(database, {"b": "one"}, others=False) == [Change("b", 1, What.RETURNED)]
    assert in_force(database) == {"a": (1, "one"), "b": (1, "one")}


def test_a_retired_one_that_returns_changed_is_the_next_version(database: Database) -> None:
    load(database, {"a": "one"})
    load(database, {})
    assert load(database, {"a": "two"}) == [Change("a", 2, What.CHANGED)]
    assert in_force(database) == {"a": (2, "two")}


def test_one_file_alone_leaves_the_others_in_force(database: Database) -> None:
    load(database, {"a": "one"})
    load(database, {"b": "one"}, others=False)
    assert sorted(in_force(database)) == ["a", "b"]


def test_workflows_and_surveys_of_one_name_do_not_meet(database: Database) -> None:
    load(database, {"a": "workflow"})
    load(database, {"a": "survey"}, DefinitionKind.SURVEY)
    assert in_force(database) == {"a": (1, "workflow")}
    assert in_force(database, DefinitionKind.SURVEY) == {"a": (1, "survey")}


def test_what_does_not_exist_is_not_found(database: Database) -> None:
    with database.read() as tx:
        assert definitions.get(tx, "nobody") is None
        assert definitions.find(tx, DefinitionKind.WORKFLOW, "nobody") is None


def test_processes_that_import_at_once_make_one_version(database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = [
            change.what
            for changes in pool.map(lambda _: load(database, {"a": "one"}), range(4))
            for change in changes
        ]
    assert sorted(done) == [What.NEW, What.UNCHANGED, What.UNCHANGED, What.UNCHANGED]

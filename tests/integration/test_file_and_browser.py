"""A workflow changes in its file and in the browser, in every order, and processes die in between: no version is lost,
and none is silently replaced."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from connector.cli.serve.loading import load_definitions
from connector.config.file import Config
from connector.definitions import read_workflows, with_files
from connector.feedback.surveys.files import built_in
from connector.observe.definition_checks import check_definitions
from connector.runtime.operations.definition_rules import rules_of
from connector.runtime.operations.definitions import DefinitionCommands, Publication, Side
from connector.runtime.operations.errors import ConflictError, InputError, RefusedError
from connector.runtime.runs.workflow_cache import WorkflowCache
from connector.storage.engine import whole_files
from connector.storage.engine.database import Database
from connector.storage.schema import tables
from connector.storage.schema.migrate import upgrade
from connector.storage.stores import definition_states, definitions
from connector.storage.stores.definition_import import Change, What, import_definitions
from connector.storage.stores.definition_states import DefinitionState
from connector.storage.stores.definitions import Definition, DefinitionKind, DefinitionOrigin, digest_of
from workflows.errors import DefinitionError

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WORKFLOW, BROWSER = DefinitionKind.WORKFLOW, DefinitionOrigin.BROWSER
TABLES = (tables.definitions, tables.definition_states)
READING = ("edit", "remove", "publish", "restart", "restart again")
WRITING = ("edit", "remove", "publish", "die before the file", "die after the file", "restart")
MOST_STEPS = 4


def text(name: str, slug: str = "greet") -> str:
    return f"workflow: {slug}\nname: {name}\ntrigger: {{event: survey.answered}}\nsteps: [{{id: end, stop: done}}]\n"


class Killed(BaseException):
    """The process is gone: nothing catches it."""


class Dying(DefinitionCommands):
    """Dies when it has written the file, and has not noted that it is there."""

    def _note_file(self, *_: Any) -> None:
        raise Killed


@dataclass(frozen=True)
class Stage:
    """The one folder and database on which every way is gone; ``set`` puts back what a way had come to."""

    place: Path
    database: Database
    writes: bool

    @property
    def config(self) -> Config:
        return Config(workflows=self.place, workflows_write=self.writes)

    @property
    def file(self) -> Path:
        return self.place / "greet.yaml"

    @property
    def on_disk(self) -> str | None:
        return self.file.read_text() if self.file.exists() else None

    def commands(self, kind: type[DefinitionCommands] = DefinitionCommands) -> DefinitionCommands:
        return kind(self.database, rules_of(self.config, lambda _: ()), lambda: NOW)

    def taken(self) -> Snapshot:
        with self.database.read() as tx:
            rows = [[dict(row) for row in tx.execute(select(each)).mappings()] for each in TABLES]
        return Snapshot(rows, self.on_disk)

    def set(self, snapshot: Snapshot) -> None:
        with self.database.write() as tx:
            for table, rows in zip(TABLES, snapshot.rows, strict=True):
                tx.execute(delete(table))
                if rows:
                    tx.execute(insert(table), rows)
        self.file.unlink(missing_ok=True)
        if snapshot.file is not None:
            self.file.write_text(snapshot.file)


@dataclass(frozen=True)
class Snapshot:
    rows: list[list[dict[str, Any]]]
    file: str | None


@dataclass
class Way:
    """Some steps, and what should be so after them by the rules as a person would say them: ``agreed`` is the text on
    which file and browser last agreed, ``in_force`` the one that counts, ``told`` all that must be kept."""

    stage: Stage
    agreed: str | None = None
    in_force: str | None = None
    differs: bool = False
    told: tuple[str, ...] = ()

    def step(self, name: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
        if name == "edit":
            self.stage.file.write_text(text(f"file {number}"))
        elif name == "remove":
            self.stage.file.unlink(missing_ok=True)
        elif name.startswith("restart"):
            self.restart()
        else:
            self.publish(name, text(f"browser {number}"), monkeypatch)
        self.check()

    def publish(self, how: str, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """What a file says that nobody changed is replaced where files are written; what a person wrote never is."""
        before, newest = self.stage.on_disk, self.newest()
        writes = self.stage.writes and not self.differs and before == self.agreed
        wish = Publication(text=body, by="eva", origin=BROWSER, based_on=newest.version if newest else 0)
        with monkeypatch.context() as patch, contextlib.suppress(Killed):
            if how == "die before the file":
                patch.setattr(whole_files.os, "replace", die)
            self.stage.commands(DefinitionCommands if how == "publish" else Dying).publish(WORKFLOW, wish)
        self.in_force, self.told = body, (*self.told, body)
        assert self.stage.on_disk == (body if writes and how != "die before the file" else before)
        if writes and how == "publish":
            self.agreed = body

    def restart(self) -> None:
        file, browser_changed = self.stage.on_disk, self.in_force != self.agreed
        start(self.stage.database, self.stage.config)
        self.differs = browser_changed and file not in (self.agreed, self.in_force)
        if not self.differs:
            self.in_force = self.in_force if browser_changed else file
            self.agreed, self.told = file, (*self.told, *([file] if file is not None else ()))

    def decide(self, take: Side) -> None:
        """Either answer ends the question for good, and the other text is kept."""
        file, browser = self.waiting() or None, self.in_force
        self.stage.commands().resolve(WORKFLOW, "greet", take, "eva")
        self.in_force, self.differs = (browser if take is Side.BROWSER else file), False
        self.told = (*self.told, *(each for each in (file, browser) if each is not None))
        self.check()
        if file == self.stage.on_disk:  # else it changed once more, and the next start asks anew
            start(self.stage.database, self.stage.config)
            self.check()

    def check(self) -> None:
        """What counts, whether a person is asked, and that nothing that was ever told is gone."""
        with self.stage.database.read() as tx:
            active = [each.body for each in definitions.active(tx, WORKFLOW)]
            kept = {each.body for each in definitions.versions(tx, WORKFLOW, "greet")}
        assert active == ([self.in_force] if self.in_force is not None else [])
        assert (self.waiting() is not None) == self.differs
        assert kept >= set(self.told)
        assert {each.name for each in self.stage.place.iterdir()} <= {"greet.yaml"}

    def newest(self) -> Definition | None:
        with self.stage.database.read() as tx:
            return definitions.find(tx, WORKFLOW, "greet")

    def waiting(self) -> str | None:
        return state(self.stage.database).waiting


def die(*_: object) -> None:
    raise Killed


def start(database: Database, config: Config) -> list[Change]:
    """The import of workflows as every start does it."""
    return with_files(
        database,
        config,
        lambda: read_workflows(config),
        lambda tx, found: import_definitions(tx, WORKFLOW, found, NOW),
    )


def state(database: Database, slug: str = "greet") -> DefinitionState:
    with database.read() as tx:
        return definition_states.state_of(tx, WORKFLOW, slug)


@pytest.fixture(scope="module")
def one_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    file = tmp_path_factory.mktemp("orders") / "house.db"
    with closing(Database(f"sqlite:///{file}", pool_size=1)) as database:
        upgrade(database)
        yield database


@pytest.mark.parametrize("writes", [False, True], ids=["files are read only", "publishing writes files"])
def test_in_every_order_nothing_is_lost_and_nothing_silently_replaced(
    one_file: Database, tmp_path: Path, writes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_files.os, "fsync", lambda _: None)
    stage = Stage(tmp_path, one_file, writes)
    stage.set(Snapshot([[], []], None))
    steps = WRITING if writes else READING
    orders = longer(len(steps), MOST_STEPS)
    assert walk(Way(stage), steps, (), monkeypatch) == orders


def longer(steps: int, most: int) -> int:
    """How many orders there are of one to so many of these steps, each once."""
    return sum(math.perm(steps, length) for length in range(1, most + 1))


def walk(way: Way, steps: Sequence[str], taken: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> int:
    """Every order of the steps, each once, and both answers where a person is asked; → how many orders. Each way is
    gone on from where it branches off another."""
    seen, before = 0, way.stage.taken()
    for name in (each for each in steps if each not in taken):
        after = replace(way)
        try:
            after.step(name, len(taken), monkeypatch)
            come_to = way.stage.taken()
            for take in Side if after.differs else ():
                replace(after).decide(take)
                way.stage.set(come_to)
        except BaseException as error:
            error.add_note(f"on the way: {', '.join([*taken, name])}")
            raise
        rest = len(steps) - len(taken) - 1, MOST_STEPS - len(taken) - 1
        if (come_to, after) == (before, way):
            seen += 1 + longer(*rest)  # nothing happened: what would follow is followed without this step, too
        else:
            seen += 1 + (walk(after, steps, (*taken, name), monkeypatch) if rest[1] else 0)
        way.stage.set(before)
    return seen


@pytest.fixture
def commands(database: Database, tmp_path: Path) -> DefinitionCommands:
    """With a folder that publishing does not write to."""
    return Stage(tmp_path, database, writes=False).commands()


def published(commands: DefinitionCommands, name: str, based_on: int, **more: Any) -> int:
    wish = Publication(text=text(name), by="eva", origin=BROWSER, based_on=based_on, **more)
    return commands.publish(WORKFLOW, wish).version


def test_each_version_says_where_it_came_from_who_made_it_and_why(
    database: Database, commands: DefinitionCommands, tmp_path: Path
) -> None:
    (tmp_path / "greet.yaml").write_text(text("one"))
    start(database, Config(workflows=tmp_path))
    published(commands, "two", 1, note="friendlier")
    with database.read() as tx:
        found = definitions.versions(tx, WORKFLOW, "greet")
    assert [(each.origin, each.author, each.note) for each in found] == [
        ("browser", "eva", "friendlier"),
        ("file", "", ""),
    ]


def test_of_two_people_who_publish_at_once_the_second_is_shown_what_the_first_changed(
    commands: DefinitionCommands,
) -> None:
    published(commands, "one", 0)
    published(commands, "two", 1)
    with pytest.raises(ConflictError) as refused:
        published(commands, "three", 1)
    assert refused.value.version == 2
    assert "- name: two\n+ name: three" in refused.value.difference


def test_the_same_text_twice_is_one_version(commands: DefinitionCommands) -> None:
    assert published(commands, "one", 0) == published(commands, "one", 0) == 1


def test_both_are_edited_together_and_all_three_texts_are_kept(
    database: Database, commands: DefinitionCommands, tmp_path: Path
) -> None:
    file = tmp_path / "greet.yaml"
    file.write_text(text("one"))
    start(database, Config(workflows=tmp_path))
    published(commands, "browser", 1)
    file.write_text(text("file"))
    assert [each.what for each in start(database, Config(workflows=tmp_path))] == [What.DIFFERS]

    with pytest.raises(RefusedError, match="once more"):
        published(commands, "both", 2, settles=digest_of("what nobody ever saw"))
    published(commands, "both", 2, settles=digest_of(text("file")))
    assert [each.what for each in start(database, Config(workflows=tmp_path))] == [What.UNCHANGED]
    with database.read() as tx:
        names = [each.body.split("\n")[1] for each in definitions.versions(tx, WORKFLOW, "greet")]
    assert names == ["name: both", "name: file", "name: browser", "name: one"]


def test_a_text_that_is_wrong_or_of_another_workflow_is_no_version(
    database: Database, commands: DefinitionCommands
) -> None:
    published(commands, "one", 0)
    with pytest.raises(InputError, match="is of workflow greet, not wave"):
        published(commands, "two", 1, slug="wave")
    with pytest.raises(DefinitionError):
        commands.publish(WORKFLOW, Publication(text="workflow: greet", by="eva", origin=BROWSER, based_on=1))
    with database.read() as tx:
        assert len(definitions.versions(tx, WORKFLOW, "greet")) == 1


def test_the_doctor_tells_of_what_differs_and_of_what_is_switched_off(
    database: Database, commands: DefinitionCommands, tmp_path: Path
) -> None:
    file = tmp_path / "greet.yaml"
    file.write_text(text("one"))
    start(database, Config(workflows=tmp_path))
    published(commands, "browser", 1)
    with database.read() as tx:
        assert [each.says for each in check_definitions(tx, {"greet": text("one")})] == ["in force: greet"]
    file.write_text(text("file"))
    start(database, Config(workflows=tmp_path))
    commands.switch_off("greet", "eva", "too many mails")
    with database.read() as tx:
        found = list(check_definitions(tx, {"greet": text("file")}))
    assert [each.says for each in found] == [
        "greet: its file and the browser's text both changed; the browser's is in force.",
        "switched off: greet (by eva: too many mails).",
        "in force: none",
    ]
    assert "ringback workflow diff greet" in found[0].remedy


def test_switched_off_it_starts_nothing_whatever_its_file_says_until_a_person_switches_it_on(
    database: Database, commands: DefinitionCommands, tmp_path: Path
) -> None:
    def starting() -> list[str]:
        with database.read() as tx:
            return [each.workflow.name for each in WorkflowCache().active(tx)]

    (tmp_path / "greet.yaml").write_text(text("one"))
    start(database, Config(workflows=tmp_path))
    commands.switch_off("greet", "eva", "mails go out twice")
    assert starting() == []
    (tmp_path / "greet.yaml").write_text(text("two"))
    start(database, Config(workflows=tmp_path))
    assert starting() == []
    assert state(database).off_reason == "mails go out twice"
    commands.switch_on("greet")
    assert starting() == ["two"]


def test_what_its_text_switches_off_no_switch_lets_start(commands: DefinitionCommands) -> None:
    off = text("one") + "enabled: false\n"
    commands.publish(WORKFLOW, Publication(text=off, by="eva", origin=BROWSER))
    with pytest.raises(RefusedError, match="enabled: true"):
        commands.switch_on("greet")


def test_a_link_out_of_the_folder_is_never_written_through(database: Database, tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside.yaml", tmp_path / "flows"
    folder.mkdir()
    outside.write_text(text("one"))
    (folder / "greet.yaml").symlink_to(outside)
    start(database, Config(workflows=folder))
    done = Stage(folder, database, writes=True).commands().publish(
        WORKFLOW, Publication(text=text("two"), by="eva", origin=BROWSER, based_on=1)
    )  # fmt: skip
    assert "leads out of" in done.trouble
    assert outside.read_text() == text("one")


def test_a_file_of_another_name_is_found_and_keeps_its_rights(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "hello.yml"
    file.write_text(text("one"))
    file.chmod(0o640)
    start(database, Config(workflows=tmp_path))
    Stage(tmp_path, database, writes=True).commands().publish(
        WORKFLOW, Publication(text=text("two"), by="eva", origin=BROWSER, based_on=1)
    )
    assert file.read_text() == text("two")
    assert file.stat().st_mode & 0o777 == 0o640
    assert not [*tmp_path.glob(".*"), *tmp_path.glob("*.yaml")]


def test_a_built_in_survey_that_was_changed_in_the_browser_stays_through_a_start(
    database: Database, tmp_path: Path
) -> None:
    load_definitions(database, Config(), NOW)
    body = built_in()["after-support"]
    wish = Publication(text=f"{body}\n# ours\n", by="eva", origin=BROWSER, based_on=1)
    Stage(tmp_path, database, writes=False).commands().publish(DefinitionKind.SURVEY, wish)
    load_definitions(database, Config(), NOW)
    with database.read() as tx:
        found = definitions.versions(tx, DefinitionKind.SURVEY, "after-support")
    assert [(each.version, each.active, each.origin) for each in found] == [(2, True, "browser"), (1, False, "library")]

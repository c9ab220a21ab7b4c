"""The command ringback, as a person and as a program use it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, select, update

from connector.cli.main import main
from connector.feedback.messaging import translations
from connector.feedback.surveys.files import built_in
from connector.storage.engine.database import Database
from connector.storage.schema import tables
from connector.storage.stores import definitions
from connector.storage.stores.definition_import import import_definitions
from connector.storage.stores.definitions import DefinitionKind, Draft
from tests.integration.stories import NOW, WORKFLOW, deliver, store_event, store_run

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SECRETS = dict.fromkeys(
    (
        "ZENDESK_CLIENT_ID",
        "ZENDESK_CLIENT_SECRET",
        "ZENDESK_WEBHOOK_SECRET",
        "SALESFORCE_CLIENT_ID",
        "SALESFORCE_CLIENT_SECRET",
        "SALESFORCE_WEBHOOK_TOKEN",
    ),
    "hunter2-of-the-example",
) | {"SHOP_WEBHOOK_SECRET": "whsec_aHVudGVyMmh1bnRlcjJodW50ZXIy"}

TEAM = "teams: {care-team: {email: [care@acme.example]}}"


@dataclass
class Shell:
    """A folder and an environment in which commands are run."""

    folder: Path
    environment: dict[str, str]

    def run(self, *words: str, code: int = 0) -> str:
        """What the command prints; its exit code must be ``code``."""
        result: Result = CliRunner().invoke(main, list(words), env=self.environment, prog_name="ringback")
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result.output

    def json(self, *words: str) -> Any:
        """What the command prints with --json on standard output."""
        result = CliRunner().invoke(main, [*words, "--json"], env=self.environment)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(text, "utf-8")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, {"RINGBACK_DATABASE_URL": f"sqlite:///{tmp_path}/ringback.db"})


@pytest.fixture
def served(shell: Shell, sqlite_template: Path) -> Shell:
    """A shell beside a migrated database."""
    shutil.copy(sqlite_template, shell.folder / "ringback.db")
    return shell


@pytest.fixture
def database(served: Shell) -> Iterator[Database]:
    with closing(Database(served.environment["RINGBACK_DATABASE_URL"], pool_size=2)) as opened:
        yield opened


@pytest.fixture
def example(shell: Shell) -> Shell:
    """The example of the documentation, with its secrets set."""
    shutil.copytree(EXAMPLES, shell.folder, dirs_exist_ok=True)
    shell.environment |= SECRETS
    return shell


# The program itself.


def test_the_program_starts_as_a_process_and_says_its_version() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", "from connector.cli.main import main; main()", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip().endswith("0.1.0")


def test_an_unknown_command_is_refused_in_the_usual_way(shell: Shell) -> None:
    assert "No such command 'frobnicate'" in shell.run("frobnicate", code=2)


def test_help_names_every_command_and_where_to_begin(shell: Shell) -> None:
    told = shell.run("--help")
    for command in ("serve", "migrate", "workflow", "survey", "deliveries", "runs", "connections", "sandbox"):
        assert f"\n  {command} " in told
    assert "ringback demo" in told


@pytest.mark.parametrize(
    "words", [["workflow"], ["survey"], ["deliveries", "--help"], ["runs", "--help"], ["config"]]
)
def test_each_group_explains_itself(shell: Shell, words: list[str]) -> None:
    result = CliRunner().invoke(main, words)
    assert "Commands:" in result.output


def test_wrong_settings_are_told_without_a_traceback_and_without_secrets(shell: Shell) -> None:
    shell.environment |= {"RINGBACK_DATABASE_URL": "mysql://ann:hunter2@db/x", "RINGBACK_LOG": "xml"}
    told = shell.run("migrate", code=2)
    assert "2 mistakes" in told
    assert "hunter2" not in told


def test_the_sandbox_says_where_its_stand_ins_are_and_stops_when_asked() -> None:
    ports = [word for name in ("zendesk", "salesforce", "mail", "smtp") for word in (f"--{name}-port", "0")]
    program = "from connector.cli.main import main; main()"
    command = [sys.executable, "-u", "-c", program, "sandbox", *ports]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        lines = [started.stdout.readline() for _ in range(4)]
        started.send_signal(signal.SIGTERM)
        _, complaints = started.communicate(timeout=60)
    assert [line.split()[0] for line in lines[:2]] == ["Zendesk", "Salesforce"]
    assert all("127.0.0.1:" in line for line in lines)
    assert (started.returncode, complaints) == (0, "")


# migrate


def test_migrate_makes_the_database_and_then_leaves_it_alone(shell: Shell) -> None:
    assert "from empty to revision" in shell.run("migrate")
    assert "up to date" in shell.run("migrate")
    assert shell.json("migrate")["changed"] is False


def test_looking_does_not_make_a_database(shell: Shell) -> None:
    assert "There is no database" in shell.run("runs", code=1)
    assert not (shell.folder / "ringback.db").exists()


def test_a_database_without_tables_asks_for_migrate(shell: Shell) -> None:
    (shell.folder / "ringback.db").touch()
    assert "Run `ringback migrate`" in shell.run("runs", code=1)


@pytest.mark.services
def test_a_database_server_that_does_not_answer_is_said_in_a_sentence(shell: Shell) -> None:
    shell.environment["RINGBACK_DATABASE_URL"] = "postgresql://ann:hunter2@127.0.0.1:1/x"
    told = shell.run("runs", code=1)
    assert "The database does not answer" in told
    assert "hunter2" not in told


# config


def test_the_example_fits_together(example: Shell) -> None:
    told = example.run("config", "check")
    assert "All is well." in told
    assert "hunter2" not in told
    found = example.json("config", "check")
    assert found["connections"] == {
        "zendesk": "zendesk",
        "salesforce": "salesforce",
        "shop": "inbound",
        "mail": "smtp",
    }
    assert found["workflows"] == ["ask-after-delivery", "ask-after-support", "win-back", "write-scores"]
    assert "after-delivery" in found["surveys"]


def test_config_check_tells_the_mistakes_of_all_parts_together(example: Shell) -> None:
    text = (example.folder / "ringback.yaml").read_text().replace("type: oauth", "type: oaut")
    example.write("ringback.yaml", text.replace("kind: inbound", "kind: carrier-pigeon"))
    example.write("workflows/broken.yaml", WORKFLOW.replace("alert.send", "alert.sent"))
    example.write("surveys/broken.yaml", "survey: broken")

    told = example.run("config", "check", code=2)

    for part in ("zendesk", "carrier-pigeon", "alert.sent", "surveys", "broken.yaml"):
        assert part in told
    assert "hunter2" not in told


def test_a_workflow_that_names_what_nobody_configured_is_told(example: Shell) -> None:
    text = (example.folder / "workflows/win-back.yaml").read_text()
    text = text.replace("to: care-team", "to: care-taem").replace(": zendesk", ": zenddesk")
    example.write("workflows/win-back.yaml", text)

    told = example.run("config", "check", code=2)

    assert 'workflows/win-back.yaml: steps[0].with.to: There is no team "care-taem". Did you mean "care-team"?' in told
    assert 'workflows/win-back.yaml: steps[1].with.connection: There is no connection "zenddesk". Did you mean' in told


def test_a_wrong_brand_is_told(example: Shell) -> None:
    text = (example.folder / "ringback.yaml").read_text()
    example.write("ringback.yaml", text.replace("#0b6e4f", "green"))
    assert "accent" in example.run("config", "check", code=2)


def test_a_survey_that_names_a_brand_that_nobody_configured_is_told(example: Shell) -> None:
    text = (example.folder / "surveys/after-delivery.yaml").read_text()
    example.write("surveys/after-delivery.yaml", text + "brand: acme-shop\n")
    told = example.run("config", "check", code=2)
    assert 'surveys/after-delivery.yaml: brand: There is no brand "acme-shop".' in told


def test_every_action_that_names_a_connection_is_looked_at(example: Shell) -> None:
    step = "{id: w, do: callback.count, with: {connection: zenddesk}}"
    example.write("workflows/count.yaml", f"workflow: count\ntrigger: {{event: ticket.solved}}\nsteps: [{step}]\n")
    assert 'workflows/count.yaml: steps[0].with.connection: There is no connection "zenddesk".' in example.run(
        "config", "check", code=2
    )


def test_postgresql_without_a_key_is_a_mistake(example: Shell) -> None:
    example.environment["RINGBACK_DATABASE_URL"] = "postgresql://db/x"
    assert "RINGBACK_SECRET_KEY: is not set" in example.run("config", "check", code=2)


def test_a_missing_secret_is_named(example: Shell) -> None:
    del example.environment["SHOP_WEBHOOK_SECRET"]
    assert (
        "connections.shop.webhook_secret: the environment variable SHOP_WEBHOOK_SECRET is not set."
        in example.run("config", "check", code=2)
    )


def test_a_named_configuration_that_is_not_there_is_an_error(shell: Shell) -> None:
    shell.environment["RINGBACK_CONFIG"] = "other.yaml"
    assert "other.yaml" in shell.run("config", "check", code=2)


# workflow


def test_workflow_validate_says_good_or_every_mistake(shell: Shell) -> None:
    shell.write("flows/good.yaml", WORKFLOW)
    shell.write("flows/bad.yaml", WORKFLOW.replace("event:", "evnt:").replace("do:", "doo:"))
    assert "good (greet)" in shell.run("workflow", "validate", "flows/good.yaml")

    told = shell.run("workflow", "validate", "flows", code=2)

    assert "flows/good.yaml: good (greet)" in told
    assert "trigger.evnt" in told
    assert "steps[0]" in told


def test_workflow_validate_gives_machines_the_same(shell: Shell) -> None:
    shell.write("bad.yaml", "workflow: x")
    result = CliRunner().invoke(main, ["workflow", "validate", "bad.yaml", "--json"])
    (verdict,) = json.loads(result.stdout)
    assert result.exit_code == 2
    assert {"path", "message", "remedy", "warning"} == set(verdict["mistakes"][0])


def test_checking_nothing_is_no_success(shell: Shell) -> None:
    (shell.folder / "flows").mkdir()
    assert "nothing to check" in shell.run("workflow", "validate", "flows", code=2)
    assert "does not exist" in shell.run("workflow", "validate", "nowhere.yaml", code=2)


def test_workflows_are_imported_versioned_listed_and_exported(served: Shell) -> None:
    served.write("ringback.yaml", f"{TEAM}\nworkflows: flows")
    served.write("flows/greet.yaml", WORKFLOW)
    assert served.json("workflow", "import") == [{"slug": "greet", "version": 1, "what": "new"}]
    served.write("flows/greet.yaml", WORKFLOW.replace("Hello", "Good day"))
    assert served.json("workflow", "import") == [{"slug": "greet", "version": 2, "what": "changed"}]

    assert "greet     2        active" in served.run("workflow", "list")
    assert served.run("workflow", "export", "greet", "--version", "1") == WORKFLOW
    assert "Good day" in served.run("workflow", "export", "greet")
    assert "no version 3" in served.run("workflow", "export", "greet", "--version", "3", code=2)

    (served.folder / "flows/greet.yaml").unlink()
    assert served.json("workflow", "import") == [{"slug": "greet", "version": 2, "what": "retired"}]
    assert "retired" in served.run("workflow", "list")


def test_where_file_and_browser_differ_a_person_decides(served: Shell, database: Database) -> None:
    served.write("ringback.yaml", f"{TEAM}\nworkflows: flows/\n")
    served.write("flows/greet.yaml", WORKFLOW)
    served.run("workflow", "import")
    newer = WORKFLOW.replace("Hello", "Good day")
    with database.write() as tx:
        first = definitions.find(tx, DefinitionKind.WORKFLOW, "greet")
        draft = Draft(kind="workflow", slug="greet", body=newer, origin="browser", author="eva")
        definitions.add(tx, first, draft, NOW)
    assert served.json("workflow", "import")[0]["what"] == "unchanged"

    served.write("flows/greet.yaml", WORKFLOW.replace("Hello", "Hi"))
    assert "workflow resolve greet" in served.run("workflow", "import")
    assert "active, file and browser differ" in served.run("workflow", "list")
    shown = served.run("workflow", "diff", "greet")
    assert ("Good day" in shown, "Hi" in shown) == (True, True)
    assert "changed (version 4)" in served.run("workflow", "resolve", "greet", "--take", "browser")
    assert "nothing to decide" in served.run("workflow", "resolve", "greet", "--take", "file", code=1)
    assert served.json("workflow", "import")[0]["what"] == "unchanged"
    assert [each["origin"] for each in served.json("workflow", "versions", "greet")] == [
        "browser", "file", "browser", "file",
    ]  # fmt: skip

    assert "Wrote" in served.run("workflow", "export", "greet", "--write")
    assert (served.folder / "flows/greet.yaml").read_text() == newer
    assert "They are the same." in served.run("workflow", "diff", "greet", "2", "4")


def test_a_workflow_is_switched_off_and_on_by_a_command(served: Shell) -> None:
    served.write("ringback.yaml", f"{TEAM}\nworkflows: flows/\n")
    served.write("flows/greet.yaml", WORKFLOW)
    served.run("workflow", "import")
    assert "starts nothing more" in served.run("workflow", "off", "greet", "--reason", "too many mails")
    assert served.json("workflow", "list")[0]["state"] == "switched off"
    served.run("workflow", "on", "greet")
    assert served.json("workflow", "list")[0]["state"] == "active"
    assert "There is no workflow" in served.run("workflow", "off", "wave", "--reason", "x", code=2)


def test_a_workflow_that_can_no_longer_be_read_is_listed_all_the_same(
    served: Shell, database: Database
) -> None:
    with database.write() as tx:
        import_definitions(tx, DefinitionKind.WORKFLOW, {"old": "workflow: old"}, NOW)
    assert [each["state"] for each in served.json("workflow", "list")] == ["unreadable"]


def test_a_file_that_is_named_is_imported_alone(served: Shell) -> None:
    served.write("ringback.yaml", TEAM)
    served.write("one.yaml", WORKFLOW)
    served.write("two.yaml", WORKFLOW.replace("greet", "wave"))
    served.run("workflow", "import", "one.yaml")
    served.run("workflow", "import", "two.yaml")
    assert [each["state"] for each in served.json("workflow", "list")] == ["active", "active"]


def test_one_wrong_file_keeps_all_of_them_out(served: Shell) -> None:
    served.write("flows/good.yaml", WORKFLOW)
    served.write("flows/bad.yaml", "workflow: x")
    assert "bad.yaml" in served.run("workflow", "import", "flows", code=2)
    assert served.json("workflow", "list") == []


def test_two_files_of_one_name_are_refused(served: Shell) -> None:
    served.write("ringback.yaml", TEAM)
    served.write("flows/a.yaml", WORKFLOW)
    served.write("flows/b.yaml", WORKFLOW)
    assert "greet is defined in another file" in served.run("workflow", "import", "flows", code=2)


def test_a_built_in_workflow_is_copied_for_editing_and_never_overwritten_unasked(shell: Shell) -> None:
    shell.write("ringback.yaml", "workflows: flows\nteams: {care-team: {email: [care@acme.example]}}\n")
    (shell.folder / "flows").mkdir()
    shell.run("workflow", "import", "--library", "promoter-thanks")
    assert "good (promoter-thanks)" in shell.run("workflow", "validate", "flows")

    shell.write("flows/promoter-thanks.yaml", "mine")
    assert "--force" in shell.run("workflow", "import", "--library", "promoter-thanks", code=2)
    assert (shell.folder / "flows/promoter-thanks.yaml").read_text() == "mine"
    shell.run("workflow", "import", "--library", "promoter-thanks", "--force")
    assert (shell.folder / "flows/promoter-thanks.yaml").read_text() != "mine"


def test_an_unknown_built_in_workflow_names_those_there_are(shell: Shell) -> None:
    assert "support-recovery" in shell.run("workflow", "import", "--library", "nothing", code=2)
    assert "support-recovery" in shell.run("workflow", "list", "--library")


def test_importing_without_files_or_folder_says_what_to_do(served: Shell) -> None:
    assert "workflows: workflows/" in served.run("workflow", "import", code=2)


def test_the_tests_of_the_example_pass_and_a_wrong_expectation_fails(example: Shell) -> None:
    assert example.run("workflow", "test", "tests").count("passed: ") == 4

    text = (example.folder / "tests/no-consent.yaml").read_text()
    example.write("tests/no-consent.yaml", text.replace("alert.send", "ticket.open"))
    told = example.run("workflow", "test", "tests/no-consent.yaml", code=1)
    assert "FAILED" in told
    assert "expected ticket.open, got alert.send" in told


# survey


def test_surveys_are_validated_and_listed_with_where_they_are_from(example: Shell) -> None:
    assert "good (after-delivery)" in example.run("survey", "validate", "surveys")
    origins = {each["slug"]: each["origin"] for each in example.json("survey", "list")}
    assert origins == {**dict.fromkeys(built_in(), "built in"), "after-delivery": "surveys"}
    assert {each["slug"] for each in example.json("survey", "list", "--library")} == set(built_in())


def test_a_built_in_survey_is_copied_to_be_edited_and_never_over_ones_own(shell: Shell) -> None:
    shell.write("ringback.yaml", "surveys: surveys/\n")
    (shell.folder / "surveys").mkdir()
    assert "Did you mean" in shell.run("survey", "copy", "puls", code=2)
    assert "Wrote" in shell.run("survey", "copy", "pulse")
    file = shell.folder / "surveys" / "pulse.yaml"
    file.write_text(file.read_text("utf-8").replace("One question", "Our question"), "utf-8")
    assert "is there already" in shell.run("survey", "copy", "pulse", code=2)
    assert {each["slug"]: each["name"] for each in shell.json("survey", "list")}["pulse"] == "Our question"
    shell.run("survey", "copy", "pulse", "--force")
    assert file.read_text("utf-8") == built_in()["pulse"]


def test_a_survey_in_a_language_of_the_houses_own_is_good(shell: Shell) -> None:
    shell.write("ringback.yaml", "surveys: surveys/\ntranslations: translations/\n")
    (shell.folder / "surveys").mkdir()
    (shell.folder / "translations" / "fy").mkdir(parents=True)
    text = built_in()["pulse"].replace("[en, nl]", "[en, fy]").replace("nl:", "fy:")
    shell.write("surveys/pulse.yaml", text.replace("nl-informal:", "fy-informal:"))
    assert "there is no catalogue of the fixed words" in shell.run("survey", "validate", "surveys", code=2)
    assert "there is no catalogue of the fixed words" in shell.run("config", "check", code=2)
    dutch = Path(translations.__file__).parents[2] / "web/translations/nl/LC_MESSAGES/survey.po"
    shell.write("translations/fy/survey.po", dutch.read_text("utf-8").replace("Language: nl", "Language: fy"))
    assert "good (pulse)" in shell.run("survey", "validate", "surveys")
    assert "pulse" in shell.run("config", "check")


def test_a_broken_survey_is_told_with_its_places(shell: Shell) -> None:
    shell.write("s.yaml", "survey: s\nmetric: npx\n")
    assert "metric" in shell.run("survey", "validate", "s.yaml", code=2)


# deliveries and runs


def test_deliveries_are_listed_newest_first_and_narrowed(served: Shell, database: Database) -> None:
    first = deliver(database, body=b"1")
    second = deliver(database, body=b"2", connection="shop", status="unreadable", reason="no JSON")
    assert [each["id"] for each in served.json("deliveries")] == [second, first]
    assert [each["id"] for each in served.json("deliveries", "--limit", "1")] == [second]
    assert [each["id"] for each in served.json("deliveries", "--status", "unreadable")] == [second]
    assert [each["id"] for each in served.json("deliveries", "--connection", "zendesk")] == [first]
    assert "unreadable  –      1      no JSON" in served.run("deliveries")
    store_event(database, first)
    assert [each["events"] for each in served.json("deliveries")] == [[], ["ticket.solved"]]
    assert "ticket.solved" in served.run("deliveries")


def test_a_delivery_is_shown_with_its_events_and_their_decisions(served: Shell, database: Database) -> None:
    delivery = deliver(database, body=b'{"type":"zen:event-type:ticket.status_changed"}')
    store_event(database, delivery)
    told = served.run("deliveries", "show", str(delivery))
    assert "x-zendesk-account-id: 1" in told
    assert '    "type": "zen:event-type:ticket.status_changed"' in told
    assert "ticket.solved about zendesk:7" in told
    assert "starts greet version 1: every solved ticket" in told
    assert served.json("deliveries", "show", str(delivery))["events"][0]["type"] == "ticket.solved"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"\x1b[2Jgone\xff", "�[2Jgone�"),
        (b'{"name": "\xc2\x9b2J"}', '"name": "�2J"'),
        (b"[" * 50_000, "[[[["),
        (b"", "–"),
    ],
)
def test_content_cannot_play_tricks_on_the_terminal(
    served: Shell, database: Database, body: bytes, shown: str
) -> None:
    delivery = deliver(database, body=body, headers={"x-name": "\x1b[31mred"}, content_type="")
    told = served.run("deliveries", "show", str(delivery))
    assert shown in told
    assert "x-name: �[31mred" in told
    assert all(sign.isprintable() or sign == "\n" for sign in told)


def test_a_replayed_delivery_is_new_again_and_unknown_ones_are_named(
    served: Shell, database: Database
) -> None:
    delivery = deliver(database, status="failed", reason="an error of ours", processed_at=NOW)
    told = served.run("deliveries", "replay", str(delivery), "999", code=2)
    assert f"1 will be understood anew: {delivery}." in told
    assert "There is no delivery 999." in told
    (line,) = served.json("deliveries")
    assert (line["status"], line["reason"]) == ("new", "")


def test_runs_are_listed_and_narrowed(served: Shell, database: Database) -> None:
    store_run(database, store_event(database, deliver(database)))
    assert [each["id"] for each in served.json("runs", "--workflow", "greet", "--status", "waiting")] == [
        "run1"
    ]
    assert served.json("runs", "--status", "failed") == []
    assert "greet v1  –         waiting" in served.run("runs")
    assert served.json("runs")[0]["customer"] == ""
    assert served.run("runs", "--workflow", "other") == "No runs.\n"


def test_a_run_tells_its_story_in_the_order_of_time(served: Shell, database: Database) -> None:
    store_run(database, store_event(database, deliver(database)))
    told = served.run("runs", "show", "run1")
    assert "State    waiting at solved" in told
    assert "Because  ticket.solved about zendesk:7" in told
    sentences = [
        "Because.",
        "Asks.",
        "ticket.open on zendesk is wanted",
        "ticket.open on zendesk is tried",
        "Ticket 7.",
        "ticket.open on zendesk is done after 2 attempts",
        "expects ticket.solved about zendesk:7",
    ]
    places = [told.index(sentence) for sentence in sentences]
    assert places == sorted(places)
    assert len(served.json("runs", "show", "run1")["lines"]) == len(sentences)


@pytest.mark.parametrize("words", [["runs", "show", "nobody"], ["deliveries", "show", "7"]])
def test_what_does_not_exist_is_said(served: Shell, words: list[str]) -> None:
    assert "There is no" in served.run(*words, code=2)


def test_connections_are_shown_with_their_state(example: Shell, served: Shell, database: Database) -> None:
    deliver(database, connection="shop")
    deliver(database, connection="old-desk")
    state = {"name": "zendesk", "status": "paused", "reason": "the token is refused", "updated_at": NOW}
    with database.write() as tx:
        tx.execute(insert(tables.connections).values(state))
    found = {each["name"]: each["status"] for each in example.json("connections")}
    assert found == {
        "zendesk": "paused",
        "salesforce": "not used yet",
        "shop": "active",
        "mail": "not used yet",
        "old-desk": "no longer configured",
    }
    assert "the token is refused" in example.run("connections")


# people's hands


def a_waiting_run(database: Database) -> None:
    """As the stories tell it, with the facts that only those need who take it in hand."""
    store_run(database, store_event(database, deliver(database)))
    with database.write() as tx:
        tx.execute(update(tables.runs).values(facts={"event": {"type": "ticket.solved"}, "customer": {}}))


def test_a_run_is_cancelled_with_a_reason_and_its_story_says_by_whom(served: Shell, database: Database) -> None:
    a_waiting_run(database)
    assert "cancelled" in served.run("runs", "cancel", "run1", "--reason", "a test", "--by", "Ann")
    assert "was cancelled before" in served.run("runs", "cancel", "run1", "--reason", "again")
    assert "Cancelled: by Ann: a test." in served.run("runs", "show", "run1")
    assert [each["status"] for each in served.json("runs", "--older-than", "1h")] == ["cancelled"]


def test_a_filter_is_counted_first_and_several_need_a_yes(served: Shell, database: Database) -> None:
    a_waiting_run(database)
    with database.write() as tx:
        first = tx.execute(select(tables.runs)).mappings().one()
        tx.execute(insert(tables.runs), [{**first, "id": f"run{number}"} for number in (2, 3)])
    chosen = ("runs", "cancel", "--status", "waiting", "--step", "solved", "--reason", "old")
    assert "3 runs; nothing was changed" in served.run(*chosen, "--dry-run")
    assert "3 runs would be changed. Say --yes" in served.run(*chosen, code=2)
    assert {each["status"] for each in served.json("runs")} == {"waiting"}
    assert served.run(*chosen, "--yes").count("cancelled") == 6  # the sentence and the state of each
    assert {each["status"] for each in served.json("runs")} == {"cancelled"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["cancel", "run1"], "Missing option '--reason'"),
        (["cancel", "--reason", "x"], "names nothing, which means every run"),
        (["cancel", "run1", "--workflow", "greet", "--reason", "x"], "Name runs or give a filter, not both"),
        (["retry", "--older-than", "soon"], "'soon' is no length of time. Write 90m"),
        (["skip", "run1", "solved", "--output", "[]"], "no object"),
        (["skip", "run1", "solved", "--output", "{NaN"], "not JSON"),
        (["skip", "nobody", "solved"], "There is no run 'nobody'"),
        (["review", "run1", "perhaps"], "'perhaps' is not one of"),
    ],
)
def test_what_cannot_be_used_is_said_and_changes_nothing(
    served: Shell, database: Database, words: list[str], told: str
) -> None:
    a_waiting_run(database)
    said = served.run("runs", *words, code=2)
    assert told in said
    assert [each["status"] for each in served.json("runs")] == ["waiting"]


def test_what_a_state_does_not_allow_is_refused_with_what_it_does(served: Shell, database: Database) -> None:
    a_waiting_run(database)
    said = served.run("runs", "retry", "run1", code=1)
    assert "Run run1 is waiting: retry is not possible. Possible instead: skip, cancel, restart." in said
    assert "1 of 1 could not be done" in said
    assert "501 characters" in served.run("runs", "cancel", "run1", "--reason", "x" * 501, code=1)
    assert "Error: Run run1 is waiting" in served.run("runs", "review", "run1", "happened", code=1)


def test_a_failed_run_is_tried_again_told_if_it_fails_again_and_dismissed(served: Shell, database: Database) -> None:
    a_waiting_run(database)
    with database.write() as tx:
        body = definitions.find(tx, DefinitionKind.WORKFLOW, "greet")
        assert body is not None
        failing = body.body.replace("Hello", "'{{ event.nothing_of_the_kind }}'")
        tx.execute(update(tables.definitions).values(body=failing))
        state = {"status": "failed", "position": [0]}
        tx.execute(update(tables.runs).values(status="failed", state=state, reason="why", slot=None))
    said = served.run("runs", "retry", "run1", "--wait", "0", code=1)
    assert "Run run1: it is failed again, at hello: " in said
    assert "1 of 1 failed again." in said
    assert "it is dismissed now" in served.run("runs", "dismiss", "run1", "--reason", "of an old test")
    assert served.json("runs", "--dead-letters") == []
    assert served.json("runs", "--status", "dismissed")[0]["reason"].startswith("by ")


def test_dead_letters_are_listed_with_their_reasons(served: Shell, database: Database) -> None:
    a_waiting_run(database)
    assert served.json("runs", "--dead-letters") == []
    with database.write() as tx:
        tx.execute(update(tables.runs).values(status="failed", reason="the helpdesk refuses it"))
    assert [each["id"] for each in served.json("runs", "--dead-letters")] == ["run1"]
    assert "the helpdesk refuses it" in served.run("runs", "--dead-letters")


def test_all_deliveries_that_could_not_be_read_are_replayed(served: Shell, database: Database) -> None:
    for body in (b"1", b"2"):
        deliver(database, body=body, status="unreadable", reason="the connection was gone")
    deliver(database, body=b"3")
    assert "2 deliveries; nothing" in served.run("deliveries", "replay", "--status", "unreadable", "--dry-run")
    assert "Say --yes" in served.run("deliveries", "replay", "--status", "unreadable", code=2)
    assert "2 will be" in served.run("deliveries", "replay", "--status", "unreadable", "--yes")
    assert [each["status"] for each in served.json("deliveries")] == ["done", "new", "new"]
    assert "Name deliveries, or give" in served.run("deliveries", "replay", code=2)


def test_a_connection_is_paused_by_hand_and_resumed(example: Shell, served: Shell) -> None:
    told = example.run("connections", "pause", "zendesk", "--reason", "they migrate", "--by", "Ann")
    assert "Connection zendesk is stopped now; 0 calls due, 0 under way." in told
    assert "by Ann: they migrate" in example.run("connections")
    assert example.json("connections", "resume", "zendesk")["status"] == "active"
    assert "There is no connection 'zendask'" in example.run("connections", "resume", "zendask", code=2)


# token


def test_a_token_is_printed_once_listed_without_its_secret_and_revoked(served: Shell, database: Database) -> None:
    made = served.json("token", "create", "crm", "--scope", "runs:read", "--scope", "runs:write", "--expires", "90d")
    assert made["token"].startswith("rb_")
    assert made["scopes"] == ["runs:read", "runs:write"]
    listed = served.run("token", "list")
    assert "crm   valid" in listed
    assert made["token"] not in listed
    with database.read() as tx:
        row = tx.execute(select(tables.api_tokens)).one()
    assert made["token"] not in repr(row)
    assert row.expires_at - row.created_at == timedelta(days=90)
    served.run("token", "revoke", "crm")
    assert "crm   revoked" in served.run("token", "list")
    assert "no token 'crm' is in use" in served.run("token", "revoke", "crm", code=2)


def test_a_name_is_one_token_at_a_time(served: Shell) -> None:
    served.run("token", "create", "crm", "--scope", "runs:read")
    assert "there is a token 'crm' already" in served.run("token", "create", "crm", "--scope", "runs:read", code=2)
    served.run("token", "revoke", "crm")
    served.run("token", "create", "crm", "--scope", "runs:read")


@pytest.mark.parametrize(
    "words", [["crm"], ["crm", "--scope", "all"], ["", "--scope", "runs:read"], ["x" * 61, "--scope", "runs:read"],
              ["a\x1bb", "--scope", "runs:read"], ["crm", "--scope", "runs:read", "--expires", "0x"]],
)  # fmt: skip
def test_a_token_that_is_not_clear_is_not_made(served: Shell, words: list[str]) -> None:
    served.run("token", "create", *words, code=2)
    assert served.json("token", "list") == []

"""ringback doctor: what is broken is said with its remedy, and what is in order is left alone."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import insert, text, update

from connector.cli.main import main
from connector.clock import system_clock
from connector.config.file import ConnectionConfig, load_config
from connector.observe import machine, stored
from connector.observe.backlog import read_backlog
from connector.observe.findings import Verdict
from connector.storage.engine.database import Database
from connector.storage.flow_control import connection_state
from connector.storage.schema import tables
from connector.storage.schema.migrate import upgrade
from connector.vendors import health_checks
from connector.vendors.clients import Connections
from sandbox.faults import Effect, Fault
from sandbox.world import World
from tests.integration.stories import NOW, deliver, store_event, store_run
from tests.support.house import config_of
from tests.support.processes import PROGRAM, free_port

WORKFLOW = """\
workflow: greet
trigger: {event: ticket.solved}
steps:
  - {id: hello, do: alert.send, with: {to: care-team, text: Hi}}
"""
KEY = "a secret key of the tests, long enough"


@dataclass
class Practice:
    """A folder with an installation, and the doctor who looks at it."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *options: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, ["doctor", *options], env=self.environment)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result.output

    def findings(self, *options: str, code: int = 0) -> dict[str, list[dict[str, str]]]:
        """Findings by check."""
        told = json.loads(self.run(*options, "--json", code=code))
        assert told["healthy"] == (code == 0)
        found: dict[str, list[dict[str, str]]] = {}
        for each in told["findings"]:
            found.setdefault(each["check"], []).append(each)
        return found

    def write(self, config: str) -> None:
        (self.folder / "ringback.yaml").write_text(config)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_template: Path) -> Practice:
    """A migrated database and an empty configuration."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(sqlite_template, tmp_path / "ringback.db")
    practice = Practice(tmp_path, {
        "RINGBACK_DATABASE_URL": f"sqlite:///{tmp_path}/ringback.db", "RINGBACK_SECRET_KEY": KEY,
        "RINGBACK_BASE_URL": "https://feedback.example.org",
    })  # fmt: skip
    practice.write("fatigue_days: 30\n")
    return practice


@pytest.fixture
def database(practice: Practice) -> Iterator[Database]:
    with closing(Database(practice.environment["RINGBACK_DATABASE_URL"], pool_size=2)) as opened:
        yield opened


def only(found: dict[str, list[dict[str, str]]], check: str) -> dict[str, str]:
    [finding] = found[check]
    return finding


# --- in order


def test_a_healthy_installation_is_told_so(practice: Practice, world: World, database: Database) -> None:
    (practice.folder / "workflows").mkdir()
    (practice.folder / "workflows/greet.yaml").write_text(WORKFLOW)
    practice.write(f"{config_of(world)}workflows: workflows/\n")
    CliRunner().invoke(main, ["workflow", "import"], env=practice.environment, catch_exceptions=False)
    told = practice.run("--vendor-clocks")
    assert told.endswith("All is well.\n")
    assert "✘" not in told
    assert "! " not in told
    for check in ("python", "packages", "database", "migrations", "clock", "broker", "secret key",
                  "configuration", "connection zendesk", "connection salesforce", "connection mail",
                  "clock of zendesk",
                  "workflows", "work"):  # fmt: skip
        assert f"✔ {check}" in told


def test_looking_changes_nothing_and_sends_nothing(
    practice: Practice, world: World, database: Database
) -> None:
    practice.write(config_of(world))
    before = _content(database)
    mails, tickets = len(world.mailbox.mails), len(world.zendesk.tickets)
    practice.run()
    assert _content(database) == before
    assert (len(world.mailbox.mails), len(world.zendesk.tickets)) == (mails, tickets)


def _content(database: Database) -> list[Any]:
    with database.read() as tx:
        return [tx.execute(table.select()).all() for table in tables.metadata.sorted_tables]


def test_before_the_first_start_nothing_is_made(practice: Practice) -> None:
    (practice.folder / "ringback.db").unlink()
    del practice.environment["RINGBACK_SECRET_KEY"]
    found = practice.findings()
    assert "ringback migrate" in only(found, "database")["remedy"]
    assert only(found, "secret key")["verdict"] == "ok"
    assert sorted(each.name for each in practice.folder.iterdir()) == ["ringback.yaml"]


# --- settings


def test_wrong_settings_are_findings_without_their_secrets(practice: Practice) -> None:
    practice.environment["RINGBACK_BROKER_URL"] = "kafka://ann:hunter2@host"
    told = practice.run(code=1)
    assert "✘ settings" in told
    assert "Write memory://, redis://" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("address", "verdict"),
    [("http://127.0.0.1:8000", "warning"), ("http://feedback.example.org", "warning"),
     ("https://feedback.example.org", "ok")],
)  # fmt: skip
def test_an_address_that_nobody_else_can_reach_is_worth_a_look(
    practice: Practice, address: str, verdict: str
) -> None:
    practice.environment["RINGBACK_BASE_URL"] = address
    assert only(practice.findings(), "address")["verdict"] == verdict


def test_a_secret_key_that_others_may_read_is_broken(practice: Practice) -> None:
    del practice.environment["RINGBACK_SECRET_KEY"]
    file = practice.folder / "ringback.secret"
    file.write_text("k" * 40)
    file.chmod(0o644)
    finding = only(practice.findings(code=1), "secret key")
    assert (finding["verdict"], finding["remedy"]) == ("broken", f"Run: chmod 600 {file}")
    file.chmod(0o600)
    assert only(practice.findings(), "secret key")["verdict"] == "ok"


def test_mistakes_in_the_configuration_are_told_one_by_one(practice: Practice) -> None:
    practice.write("connections:\n  shop: {kind: inbound}\n  old: {kind: fax}\n")
    found = practice.findings(code=1)["configuration"]
    assert [each["verdict"] for each in found] == ["broken", "broken"]
    assert "connections.shop.webhook_secret" in found[0]["says"]
    assert "Use one of" in found[1]["remedy"]


# --- database


def test_a_database_of_an_older_version_asks_for_migrate(practice: Practice, database: Database) -> None:
    with database.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    finding = only(practice.findings(code=1), "migrations")
    assert "0000" in finding["says"]
    assert "ringback migrate" in finding["remedy"]


def test_an_empty_database_asks_for_migrate_and_stays_empty(practice: Practice) -> None:
    (practice.folder / "ringback.db").write_bytes(b"")
    found = practice.findings(code=1)
    assert only(found, "database")["verdict"] == "ok"
    assert "ringback migrate" in only(found, "migrations")["remedy"]
    with closing(Database(practice.environment["RINGBACK_DATABASE_URL"])) as opened, opened.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM sqlite_master")).scalar() == 0


def test_a_file_that_is_no_database_is_broken(practice: Practice) -> None:
    (practice.folder / "ringback.db").write_bytes(
        b"this is not a database at all, but it is long enough" * 30
    )
    finding = only(practice.findings(code=1), "database")
    assert "does not answer (DatabaseError)" in finding["says"]


def test_a_folder_that_is_not_there_is_broken(practice: Practice) -> None:
    practice.environment["RINGBACK_DATABASE_URL"] = f"sqlite:///{practice.folder}/nowhere/ringback.db"
    finding = only(practice.findings(code=1), "settings")
    assert "is in a folder that is not there" in finding["says"]
    assert finding["remedy"].startswith("Make it: mkdir -p ")


def test_a_database_that_takes_no_writes_is_broken(practice: Practice) -> None:
    practice.environment["RINGBACK_DATABASE_URL"] = (
        f"sqlite:///file:{practice.folder}/ringback.db?mode=ro&uri=true"
    )
    with closing(Database(practice.environment["RINGBACK_DATABASE_URL"])) as read_only:
        found = stored.check_database(read_only, "the file")
    assert [each.verdict for each in found] == [Verdict.BROKEN, Verdict.OK]
    assert found[0].says == "the file takes no writes (OperationalError)."
    assert "right to write" in found[0].remedy


@pytest.mark.services
@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
def test_a_postgresql_that_takes_no_writes_is_broken(practice: Practice, empty_database_url: str) -> None:
    upgrade(empty_database_url)
    practice.environment["RINGBACK_DATABASE_URL"] = (
        f"{empty_database_url}?options=-c%20default_transaction_read_only%3Don"
    )
    finding = only(practice.findings(code=1), "database")
    assert "takes no writes (ReadOnlySqlTransaction)" in finding["says"]
    assert "options" not in finding["says"]


def test_a_database_server_that_is_down_is_told_without_its_password(practice: Practice) -> None:
    url = f"postgresql://ringback:hunter2@127.0.0.1:{free_port()}/ringback"
    practice.environment["RINGBACK_DATABASE_URL"] = url
    told = practice.run(code=1)
    assert "does not answer (OperationalError)" in told
    assert "Check that PostgreSQL runs" in told
    assert "hunter2" not in told


@pytest.mark.services
@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("seconds", "verdict"), [(0, "ok"), (1, "ok"), (10, "warning"), (-10, "warning")])
def test_a_clock_that_differs_from_the_databases_is_worth_a_look(
    empty_database_url: str, seconds: int, verdict: str
) -> None:
    with closing(Database(empty_database_url)) as database:
        finding = stored.check_clock(database, lambda: system_clock() + timedelta(seconds=seconds))
    assert finding.verdict == verdict
    assert ("time synchronisation" in finding.remedy) == (verdict == "warning")
    if verdict == "warning":
        assert ("behind" if seconds > 0 else "ahead of") in finding.says


@pytest.mark.parametrize(
    ("ahead", "verdict"), [(2.0, "ok"), (-2.0, "ok"), (2.1, "warning"), (-2.1, "warning")]
)
def test_two_seconds_are_forgiven(ahead: float, verdict: str) -> None:
    assert stored.compare("clock", "the other", ahead, stored.TOLERANCE).verdict == verdict


MOUNTS = """\
overlay / overlay rw 0 0
server:/export /srv/shared nfs4 rw 0 0
/dev/sdb1 /srv/shared/local ext4 rw 0 0
//files/x /mnt/with\\040space cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("file", "found"),
    [("/data/ringback.db", ""), ("/srv/shared/ringback.db", "nfs4"), ("/srv/shared/local/ringback.db", ""),
     ("/mnt/with space/a/ringback.db", "cifs")],
)  # fmt: skip
def test_sqlite_on_a_network_file_system_is_worth_a_look(file: str, found: str) -> None:
    finding = machine.check_file_system(Path(file), MOUNTS)
    assert (finding.says.count(f"({found})") if finding else 0) == bool(found)


def test_two_processes_on_one_sqlite_file_are_worth_a_look(practice: Practice) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("what a process has open is only known on Linux")
    file = practice.folder / "ringback.db"
    hold = "import sys; kept = open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    holders = [subprocess.Popen([sys.executable, "-c", hold, str(file)], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True) for _ in range(2)]  # fmt: skip
    try:
        assert all(each.stdout and each.stdout.readline() == "open\n" for each in holders)
        finding = machine.check_users(file)
    finally:
        for each in holders:
            each.communicate()
    assert finding is not None
    pids = ", ".join(map(str, sorted(each.pid for each in holders)))
    assert finding.says == f"2 processes have {file} open (pids {pids})."
    assert machine.check_users(file) is None


OPENS_IT_IN_TWO = """
import subprocess, sys
with open(sys.argv[1], "rb"):
    if len(sys.argv) > 2:
        subprocess.run([sys.executable, "-c", sys.argv[2], sys.argv[1]])
    else:
        print("open", flush=True)
        sys.stdin.read()
"""


def test_a_process_and_the_one_it_started_are_one_user_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "ringback.db"
    file.touch()
    command = [sys.executable, "-c", OPENS_IT_IN_TWO, str(file), OPENS_IT_IN_TWO]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        assert first.stdout.readline() == "open\n"
        assert machine.check_users(file) is None
        first.communicate()


# --- packages, Python, broker


def test_a_package_with_two_owners_is_broken() -> None:
    [finding] = machine.check_packages({"connector": ["ringback"], "workflows": ["ringback", "other"]})
    assert (finding.verdict, finding.says) == ("broken", "workflows is brought by other and ringback.")


@pytest.mark.parametrize(
    ("version", "verdict"), [((3, 10, 14), "broken"), ((3, 11, 0), "ok"), ((3, 14, 1), "ok")]
)
def test_an_old_python_is_broken(version: tuple[int, int, int], verdict: str) -> None:
    assert machine.check_python(version).verdict == verdict


@pytest.mark.parametrize(
    "url", ["redis://:hunter2@127.0.0.1:{port}/0", "amqp://ann:hunter2@127.0.0.1:{port}//"]
)
def test_a_broker_that_is_away_is_broken(practice: Practice, url: str) -> None:
    practice.environment["RINGBACK_BROKER_URL"] = url.format(port=free_port())
    finding = only(practice.findings(code=1), "broker")
    assert "does not let us in" in finding["says"]
    assert "RINGBACK_BROKER_URL" in finding["remedy"]
    assert "hunter2" not in str(finding)


@pytest.mark.services
@pytest.mark.parametrize("broker", ["redis_url", "rabbitmq_url"])
def test_a_broker_that_answers_is_in_order(broker: str, request: pytest.FixtureRequest) -> None:
    assert machine.check_broker(request.getfixturevalue(broker), in_memory=False).verdict == "ok"


# --- connections


def test_wrong_credentials_are_broken_and_never_shown(practice: Practice, world: World) -> None:
    config = config_of(world)
    for secret in (world.zendesk.client_secret, world.salesforce.client_secret):
        config = config.replace(secret, "not-the-secret-at-all")
    practice.write(config)
    found = practice.findings(code=1)
    for name, guide in (("zendesk", "docs/connect-zendesk.md"), ("salesforce", "docs/connect-salesforce.md")):
        finding = only(found, f"connection {name}")
        assert "our credentials are refused" in finding["says"]
        assert guide in finding["remedy"]
    assert only(found, "connection mail")["verdict"] == "ok"
    assert "not-the-secret-at-all" not in str(found)


def test_a_closed_port_is_broken(practice: Practice, world: World) -> None:
    closed = f"http://127.0.0.1:{free_port()}"
    smtp = f"smtp://127.0.0.1:{free_port()}"
    practice.write(config_of(world).replace(world.zendesk_url, closed).replace(world.smtp_url, smtp))
    found = practice.findings(code=1)
    assert "base_url" in only(found, "connection zendesk")["remedy"]
    assert "no connection to the mail server" in only(found, "connection mail")["says"]
    assert only(found, "connection salesforce")["verdict"] == "ok"


def test_a_vendor_that_does_not_answer_in_time_is_broken_and_waited_for_no_longer(
    practice: Practice, world: World
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # connections are taken, and nobody says a word
        port = mute.getsockname()[1]
        practice.write(config_of(world).replace(world.smtp_url, f"smtp://127.0.0.1:{port}"))
        found = health_checks.check_connections(*_configured(practice), seconds=0.5)
    said = {each.check: each.says for each in found}
    assert said["connection mail"] == "no answer within 0.5 s."


def _configured(practice: Practice) -> tuple[Connections, list[ConnectionConfig]]:
    config = load_config(practice.folder / "ringback.yaml")
    return Connections(config), [each for each in config.connections.values() if each.kind == "smtp"]


def test_a_vendor_that_limits_us_is_worth_a_look(practice: Practice, world: World) -> None:
    practice.write(config_of(world))
    world.zendesk.faults.add(Fault(path="/users/me", status=429, headers={"Retry-After": "7"}))
    assert only(practice.findings(), "connection zendesk")["verdict"] == "warning"


def test_a_vendor_in_trouble_is_broken(practice: Practice, world: World) -> None:
    practice.write(config_of(world))
    world.zendesk.faults.add(Fault(path="/users/me", effect=Effect.DROP_BEFORE))
    assert only(practice.findings(code=1), "connection zendesk")["verdict"] == "broken"


def test_offline_nobody_is_called(practice: Practice, world: World) -> None:
    practice.write(config_of(world))
    before = len(world.salesforce.requests)
    found = practice.findings("--offline")
    assert "connection zendesk" not in found
    assert len(world.salesforce.requests) == before


def test_a_connection_whose_webhooks_would_be_refused_is_worth_a_look(
    practice: Practice, world: World
) -> None:
    lines = [line for line in config_of(world).splitlines() if "webhook_token" not in line]
    practice.write("\n".join(lines))
    finding = only(practice.findings("--offline"), "connection salesforce")
    assert "webhook_token is missing" in finding["says"]
    assert "docs/connect-salesforce.md" in finding["remedy"]


def test_fields_that_our_user_does_not_see_are_worth_a_look(practice: Practice) -> None:
    with World() as world:  # of its own: what it hides, the others need
        practice.write(config_of(world))
        world.salesforce.org.security.guard("Contact.NPS_Score__c")
        finding = only(practice.findings(), "connection salesforce")
    assert finding["verdict"] == "warning"
    assert "our user cannot write Contact.NPS_Score__c (hidden, or not there)." in finding["says"]
    assert "ringback provision salesforce" in finding["remedy"]


def test_fields_of_contact_requests_are_looked_at_where_callbacks_are_these(practice: Practice) -> None:
    with World() as world:
        cases = "    cases: {object: ContactRequest}\n    webhook_token:"
        practice.write(config_of(world).replace("    webhook_token:", cases))
        before = only(practice.findings(), "connection salesforce")
        world.salesforce.org.security.guard("ContactRequest.Ringback_Key__c")
        after = only(practice.findings(), "connection salesforce")
    assert (before["verdict"], after["verdict"]) == ("ok", "warning")
    assert "ContactRequest.Ringback_Key__c (hidden, or not there)" in after["says"]


def test_fields_that_nobody_made_are_worth_a_look_until_they_are_there(practice: Practice) -> None:
    with World() as world:
        practice.write(config_of(world).replace("    webhook_token:", "    write_back: everything\n    webhook_token:"))
        before = only(practice.findings(), "connection salesforce")["says"]
        world.salesforce.install_package()
        after = only(practice.findings(), "connection salesforce")
    assert "our user cannot write Contact.Loop_Status__c (hidden, or not there)" in before
    assert " more." in before
    assert after["verdict"] == "ok", after["says"]


@pytest.mark.parametrize(("took", "verdict"), [(30, "ok"), (1, "warning")])
def test_a_slow_answer_is_no_wrong_clock(database: Database, world: World, took: int, verdict: str) -> None:
    """When in that time the other looked at its clock nobody knows: here at its beginning, and eight seconds
    ahead of us."""

    def clock(at: Iterator[int]) -> datetime:
        return system_clock() + timedelta(seconds=next(at) - 8)

    zendesk = [ConnectionConfig("zendesk", "zendesk", {"base_url": world.zendesk_url})]
    [vendors_clock] = health_checks.check_vendor_clocks(zendesk, partial(clock, iter([0, took])))
    assert vendors_clock.verdict == verdict
    if not database.is_sqlite:
        assert stored.check_clock(database, partial(clock, iter([0, took]))).verdict == verdict


def test_a_vendors_clock_that_differs_is_worth_a_look(world: World) -> None:
    zendesk = [ConnectionConfig("zendesk", "zendesk", {"base_url": world.zendesk_url})]
    [same] = health_checks.check_vendor_clocks(zendesk, system_clock)
    [late] = health_checks.check_vendor_clocks(zendesk, lambda: system_clock() - timedelta(minutes=5))
    assert (same.verdict, late.verdict) == ("ok", "warning")
    assert "ahead of this machine" in late.says


# --- the work


def test_a_paused_connection_is_told_with_its_reason(practice: Practice, database: Database) -> None:
    now = system_clock()
    database.transact(lambda tx: connection_state.pause(database, tx, "zendesk", "the token was refused", now))
    finding = only(practice.findings(), "connection zendesk")
    assert finding["says"] == "is paused: the token was refused."
    assert "Mend its credentials" in finding["remedy"]


def test_dead_letters_are_told_with_where_to_look(practice: Practice, database: Database) -> None:
    deliver(database, status="unreadable", key="broken")
    store_run(database, store_event(database, deliver(database)))
    with database.write() as tx:
        tx.execute(update(tables.effects).values(status="failed"))
        again = {"id": "e2", "visit": "x#1", "key": "k2", "status": "review", "run_id": "run1", "stage": 0,
                 "action": "message.send", "connection": "mail", "effect_class": "D", "request": {},
                 "workflow": "support-recovery",
                 "due_at": NOW, "created_at": NOW}  # fmt: skip
        tx.execute(insert(tables.effects).values(again))
    remedies = " ".join(each["remedy"] for each in practice.findings()["work"])
    for command in ("deliveries --status unreadable", "runs --status failed", "runs --status needs_review"):
        assert f"`ringback {command}`" in remedies


def test_failed_runs_are_told_also_where_no_call_failed_until_they_are_dismissed(
    practice: Practice, database: Database
) -> None:
    store_run(database, store_event(database, deliver(database)))
    with database.write() as tx:
        tx.execute(update(tables.runs).values(status="failed", slot=None, facts={"event": {}, "customer": {}}))
        tx.execute(update(tables.effects).values(status="done"))
    [finding] = [each for each in practice.findings()["work"] if "runs stopped" in each["says"]]
    assert finding["says"] == "1 runs stopped with a failure."
    assert "`ringback runs --dead-letters`" in finding["remedy"]
    words = ["runs", "dismiss", "run1", "--reason", "of an old test"]
    CliRunner().invoke(main, words, env=practice.environment, catch_exceptions=False)
    assert "was set aside" in only(practice.findings(), "work")["says"]


def test_an_org_that_is_not_the_one_that_is_meant_is_broken(practice: Practice, world: World) -> None:
    other = "00D999999999999"
    practice.write(config_of(world).replace(world.salesforce.organization_id, other))
    finding = only(practice.findings(code=1), "connection salesforce")
    said = f"organization_id names {other}, and this is {world.salesforce.organization_id}: every webhook of it is"
    assert said in finding["says"]
    assert finding["remedy"] == "Correct organization_id, or base_url."


@pytest.mark.parametrize(("seconds", "late"), [(20, False), (21, True)])
def test_work_that_nobody_does_is_told_after_twenty_seconds(
    database: Database, seconds: int, late: bool
) -> None:
    deliver(database, status="new", received_at=NOW)
    now = NOW + timedelta(seconds=seconds)
    with database.read() as tx:
        found = stored.check_work(read_backlog(tx, [], lambda _name: None, now), now)
    assert ["1 deliveries wait to be understood, since 21 seconds." in each.says for each in found] == [late]


def test_workflows_that_are_not_in_force_are_named(practice: Practice) -> None:
    assert "none is in force" in only(practice.findings(), "workflows")["says"]
    (practice.folder / "flows").mkdir()
    (practice.folder / "flows/greet.yaml").write_text(WORKFLOW)
    practice.write("workflows: flows/\nteams: {care-team: {email: [care@acme.example]}}\n")
    assert "greet" in only(practice.findings(), "workflows")["says"]


def test_the_doctor_runs_as_a_process_and_its_exit_code_says_how_it_went(practice: Practice) -> None:
    (practice.folder / "ringback.db").write_bytes(b"")
    environment = {**os.environ, **practice.environment}
    done = subprocess.run(
        [*PROGRAM, "doctor", "--offline"],
        env=environment, cwd=practice.folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "✘ migrations" in done.stdout
    assert done.stderr == ""

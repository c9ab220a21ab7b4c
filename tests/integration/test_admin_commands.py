"""``ringback admin``, ``audit`` and ``token`` as somebody types them, and the first admin at the first start."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, update

from connector.access import users
from connector.access.way_in import first_admin
from connector.cli.main import main
from connector.cli.serve.welcome import welcome
from connector.config.settings import SettingsError
from connector.storage.engine.database import Database
from connector.storage.schema import tables
from tests.support.house import Harness, a_home
from tests.support.people import KEY, PASSWORD

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def here(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RINGBACK_DATABASE_URL", database_url)
    monkeypatch.setenv("RINGBACK_SECRET_KEY", KEY.first)
    return database_url


def typed(*words: str, said: str = "") -> Result:
    return CliRunner().invoke(main, list(words), input=said)


def test_an_admin_is_made_and_the_password_is_shown_nowhere(here: str, database: Database) -> None:
    done = typed("admin", "create", "Ada@bank.example", "--password-stdin", said=f"{PASSWORD}\n")
    assert (done.exit_code, PASSWORD in done.output) == (0, False)
    with database.read() as tx:
        assert users.any_admin(tx)
        made = users.by_email(tx, "ada@bank.example")
    assert made is not None
    assert made.role == "admin"


@pytest.mark.parametrize(
    ("email", "password", "told"), [("no address", PASSWORD, "EMAIL"), ("ada@bank.example", "short", "PASSWORD")]
)
def test_what_cannot_be_an_admin_is_refused_with_its_remedy(here: str, email: str, password: str, told: str) -> None:
    refused = typed("admin", "create", email, "--password-stdin", said=f"{password}\n")
    assert refused.exit_code == 2
    assert told in refused.output


def test_the_log_tells_of_tokens_and_admins_and_a_changed_row_is_found(here: str, database: Database) -> None:
    typed("admin", "create", "ada@bank.example", "--password-stdin", said=f"{PASSWORD}\n")
    secret = typed("token", "create", "crm", "--scope", "runs:read").stdout.split()[0]
    typed("token", "revoke", "crm")
    lines = [json.loads(line) for line in typed("audit", "export").stdout.splitlines()]
    assert [line["action"] for line in lines] == ["user.admin", "token.create", "token.revoke"]
    assert secret not in repr(lines)
    assert "ada@" not in repr(lines)
    assert "token.revoke" in typed("audit", "list").output
    whole = json.loads(typed("audit", "verify", "--json").stdout)
    assert (whole["rows"], whole["broken"], whole["head"]) == (3, None, lines[-1]["hash"])
    with database.write() as tx:
        tx.execute(update(tables.audit_log).where(tables.audit_log.c.seq == 2).values(actor="nobody"))
    broken = typed("audit", "verify")
    assert broken.exit_code == 1
    assert "Row 2 is not as it was written" in broken.output


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url) as opened:
        yield opened


def test_while_nobody_can_sign_in_an_address_is_printed_that_ends_with_the_first_admin(
    home: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    welcome(home.house, "http://127.0.0.1:8000")
    secret = caplog.messages[-1].rpartition("/")[2]
    now = home.clock()
    assert first_admin.is_right(home.house.secret_keys.first, secret, now)
    assert first_admin.is_right(home.house.secret_keys.first, secret, now + timedelta(days=1))
    assert not first_admin.is_right(home.house.secret_keys.first, secret, now + timedelta(days=2))
    assert not first_admin.is_right(home.house.secret_keys.first, "", now)


def with_admin_of_environment(home: Harness, password: str) -> Harness:
    settings = replace(home.house.settings, admin_email="ada@bank.example", admin_password=password)
    home.house = replace(home.house, settings=settings)
    return home


def test_the_environment_names_the_first_admin_and_later_changes_nothing(home: Harness) -> None:
    with_admin_of_environment(home, PASSWORD)
    for _ in range(2):
        welcome(home.house, "http://127.0.0.1:8000")
    [made] = home.rows(tables.users)
    assert (made.email, made.role) == ("ada@bank.example", "admin")
    with_admin_of_environment(home, "another green kettle")
    welcome(home.house, "http://127.0.0.1:8000")
    assert home.rows(tables.users) == [made]


def test_a_password_that_is_tried_first_stops_the_first_start(home: Harness) -> None:
    with pytest.raises(SettingsError, match="RINGBACK_ADMIN_PASSWORD") as refused:
        welcome(with_admin_of_environment(home, "password").house, "http://127.0.0.1:8000")
    assert "password'" not in str(refused.value)


def test_what_a_command_changes_is_in_the_log_and_what_it_shows_is_not(here: str, database: Database) -> None:
    typed("connections")
    typed("connections", "pause", "nowhere", "--reason", "refused")
    typed("retention")
    assert typed("audit", "export").stdout == ""
    assert typed("retention", "--run").exit_code == 0
    [line] = [json.loads(text) for text in typed("audit", "export").stdout.splitlines()]
    assert (line["action"], line["actor_kind"], line["after"]["now"]) == ("retention", "command", True)


def test_words_that_people_typed_stand_in_the_log_by_fingerprint(home: Harness, here: str) -> None:
    home.know()
    home.house.database.transact(lambda tx: tx.execute(insert(tables.mail_suppressions).values(
        address="ann@example.com", kind="hard", reason="x", since=home.clock())))  # fmt: skip
    assert typed("mail", "release", "ann@example.com").exit_code == 0
    told = typed("audit", "export").stdout
    assert "mail.release" in told
    assert "ann@example" not in told

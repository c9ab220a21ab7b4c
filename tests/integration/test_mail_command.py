"""What an admin sees of mail that came back, and what they can do about an address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from connector.cli.main import main
from connector.feedback.mail_feedback.complaint_share import ComplaintShare
from connector.observe.complaints import check_complaints
from connector.observe.findings import Verdict
from tests.integration.test_returned_mail import a_home, ask, bounce, came, complaint, envelope, on_sqlite, suppressed

Command = Callable[..., Result]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    monkeypatch.chdir(tmp_path)

    def run(*words: str, database_url: str, fails: bool = False) -> Result:
        monkeypatch.setenv("RINGBACK_DATABASE_URL", database_url)
        result = CliRunner().invoke(main, ["mail", *words])
        assert (result.exit_code != 0) is fails, result.output
        return result

    return run


@on_sqlite
def test_an_admin_sees_what_came_back_and_releases_an_address(database_url: str, command: Command) -> None:
    with a_home(database_url) as home:
        ask(home)
        came(home, bounce(envelope(home)))
        came(home, bounce("bounces@acme.example", number=2))
        told = command("returned", database_url=database_url).output
        assert "hard bounce" in told
        assert "the address is suppressed" in told
        assert "of no mail that we know" in told
        assert "ann@example.com" not in told
        assert "ann@example.com" in command("suppressed", database_url=database_url).output
        assert "written to again" in command("release", "Ann@Example.com", database_url=database_url).output
        assert suppressed(home) == []
        assert command("release", "ann@example.com", database_url=database_url, fails=True).exit_code == 2


@on_sqlite
def test_the_share_of_complaints_is_shown_and_measured(database_url: str, command: Command) -> None:
    with a_home(database_url) as home:
        ask(home)
        came(home, complaint(envelope(home)))
        with home.house.database.write() as tx:  # the command reads the real clock
            tx.execute(text("UPDATE invitations SET sent_at = datetime('now')"))
            tx.execute(text("UPDATE mail_returns SET mailed_at = datetime('now')"))
        assert "1 of 1 invitations (100.00%)" in command("returned", database_url=database_url).output


@on_sqlite
def test_prometheus_sees_the_share(database_url: str) -> None:
    with a_home(database_url) as home:
        ask(home)
        assert "ringback_mail_complaint_share 0.0" in home.client.get("/metrics").text
        came(home, complaint(envelope(home)))
        home.clock.move(minutes=5)
        assert "ringback_mail_complaint_share 1.0" in home.client.get("/metrics").text


def test_the_doctor_warns_from_one_in_a_thousand() -> None:
    assert check_complaints(ComplaintShare(0, 0)).verdict is Verdict.OK
    assert check_complaints(ComplaintShare(2_001, 2)).verdict is Verdict.OK
    warned = check_complaints(ComplaintShare(2_000, 2))
    assert (warned.verdict, "0.10%" in warned.says, "ringback mail returned" in warned.remedy) == (
        Verdict.WARNING, True, True,
    )  # fmt: skip

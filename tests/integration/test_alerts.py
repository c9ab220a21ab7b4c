"""Alerts to chat tools over real HTTP."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing

import pytest

from integrations.alerts.client import AppriseAlerter
from integrations.errors import Permanent, Transient
from sandbox.mailbox.standin import MailboxStandIn
from tests.support.http import Server, answer, serving
from tests.support.processes import free_port


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def target(server: Server, path: str = "hooks/very-secret") -> str:
    return f"json://127.0.0.1:{server.server_port}/{path}"


def test_an_alert_reaches_a_webhook_as_json(server: Server) -> None:
    AppriseAlerter().alert([target(server)], "Jan is unhappy", "3: too *slow* & <b>rude</b>\nsecond line")
    [seen] = server.requests
    assert (seen.method, seen.path) == ("POST", "/hooks/very-secret")
    assert (seen.json["title"], seen.json["message"]) == (
        "Jan is unhappy",
        "3: too *slow* & <b>rude</b>\nsecond line",
    )


def test_every_target_is_told_also_after_one_that_fails(server: Server) -> None:
    server.replies = [answer(500)]
    with pytest.raises(Transient) as refused:
        AppriseAlerter().alert([target(server), target(server, "second")], "t", "x")
    assert [seen.path for seen in server.requests] == ["/hooks/very-secret", "/second"]
    assert "target 1 (json)" in refused.value.reason
    assert "target 2" not in refused.value.reason


def test_nobody_to_tell_is_no_trouble() -> None:
    AppriseAlerter().alert([], "t", "x")


@pytest.mark.parametrize("url", ["", "nonsense", "unknown://very-secret/token", "json://", "slack://"])
def test_an_address_that_is_none_is_permanent_and_nobody_is_told(
    server: Server, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(Permanent, match="target 2"):
        AppriseAlerter().alert([target(server), url], "t", "x")
    assert server.requests == []
    assert "very-secret" not in caplog.text


def test_a_failure_tells_no_secret_in_reason_and_log(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    server.replies = [answer(403)]
    with caplog.at_level(logging.DEBUG), pytest.raises(Transient) as refused:
        AppriseAlerter().alert([target(server)], "Jan is unhappy", "x")
    assert "very-secret" not in refused.value.reason + caplog.text
    assert "Jan" not in refused.value.reason + caplog.text


def test_a_target_that_is_not_there_passes() -> None:
    with pytest.raises(Transient):
        AppriseAlerter().alert([f"json://127.0.0.1:{free_port()}/hooks/very-secret"], "t", "x")


def test_an_alert_by_mail_says_that_a_program_sent_it() -> None:
    with closing(MailboxStandIn()) as mailbox:
        url = f"mailto://127.0.0.1:{mailbox.smtp_port}?from=ringback@acme.example&to=care@acme.example&mode=insecure"
        AppriseAlerter().alert([url], "Jan is unhappy", "3: too slow")
        [mail] = mailbox.mails
    assert mail.header("Auto-Submitted") == "auto-generated"
    assert mail.header("X-Auto-Response-Suppress") == "OOF, AutoReply"

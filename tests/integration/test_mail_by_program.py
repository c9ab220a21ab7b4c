"""Whatever leaves by mail says that a program sent it, or absences would answer, and become tickets (RFC 3834)."""

from __future__ import annotations

import pytest

from tests.support.house import a_home, answer

EVERYTHING = """\
trigger: {event: survey.answered}
run: {key: event.response, mode: parallel}
steps:
  - {id: note, do: message.send, with: {subject: Thank you, text: We read it.}}
  - {id: tell, do: alert.send, with: {to: care-team, text: Look.}}
  - {id: owner, do: alert.send, with: {to: owner@example.com, text: Look.}}
  - {id: ask, do: survey.send, with: {survey: after-support}}
"""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_surveys_messages_and_alerts_say_that_a_program_sent_them(database_url: str) -> None:
    with a_home(database_url, everything=EVERYTHING) as home:
        home.deliver(answer(9, email="ann@example.com"))
        home.settle()
        assert len(home.mails("ann@example.com")) == 2
        assert len(home.mails("care@acme.example")) == len(home.mails("owner@example.com")) == 1
        told = {(m.header("Auto-Submitted"), m.header("X-Auto-Response-Suppress")) for m in home.mails()}
        assert told == {("auto-generated", "OOF, AutoReply")}

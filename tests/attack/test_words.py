"""Words of strangers that read other than they are, in mails and alerts of workflows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.feedback.messaging.text import visible
from tests.support.house import Harness, a_home, answer

TELL = """\
trigger: {event: survey.answered}
run: {key: event.response_id, mode: parallel}
steps:
  - id: tell
    do: alert.send
    with: {to: care-team, subject: "{{ event.comment }}", text: "{{ customer.name }}: {{ event.comment }}"}
  - id: write
    do: message.send
    delivery: at-most-once
    with: {subject: "Hello {{ customer.name }}", text: "Dear {{ customer.name }}, you wrote {{ event.comment }}"}
"""


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, tell=TELL) as home:
        yield home


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext €", "plain\n\ttext €"), ("a\x00b\x1b[31m", "a␀b␛[31m"), ("a\x7fb", "a␡b"),
        ("bill\u202efdp.exe", "bill[U+202E]fdp.exe"), ("\u2066x\u2069", "[U+2066]x[U+2069]"), ("a\r\nb\rc", "a\nb\nc"),
        ("\x9b31m", "[U+009B]31m"),
    ],
)  # fmt: skip
def test_what_nobody_sees_is_shown_as_a_sign(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_names_and_words_go_through_the_same_guards_as_in_surveys(home: Harness) -> None:
    customer = {"email": "jan@customer.example", "name": "Pay at evil.example/win"}
    home.deliver(answer(1, comment="bill\u202efdp.exe \x1b[31m", customer=customer))
    home.settle()
    [alert], [mail] = home.mails("care@acme.example"), home.mails("jan@customer.example")
    for each in (alert, mail):
        assert "\u202e" not in each.text + each.header("Subject")
        assert "\x1b" not in each.text
        assert "[U+202E]" in each.text
        assert "evil.example" not in each.text + each.header("Subject")

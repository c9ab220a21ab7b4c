"""One line a record, nothing personal or secret in it, nothing a sender can forge."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest

from connector.logs import redact, set_up

Lines = Callable[..., list[str]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Logs a record and returns the lines that came of it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def log(
        message: str, *args: object, as_json: bool = False, exc_info: bool = False, **extra: object
    ) -> list[str]:
        stream = io.StringIO()
        set_up(as_json=as_json, stream=stream)
        logger = logging.getLogger("ringback.test")
        logger.warning(message, *args, exc_info=exc_info, extra=extra)
        return stream.getvalue().splitlines()

    yield log
    logging.captureWarnings(False)
    root.handlers[:], root.level = handlers, level


def test_a_line_has_time_level_logger_message_and_extras(lines: Lines) -> None:
    (line,) = lines("took %s deliveries", 3, connection="zendesk", reason="two words")
    time, level, rest = line.split(maxsplit=2)
    assert (time[10], time[-1], level) == ("T", "Z", "WARNING")
    assert rest == 'ringback.test: took 3 deliveries connection=zendesk reason="two words"'


def test_json_has_the_same_parts(lines: Lines) -> None:
    (line,) = lines("took %s", 3, as_json=True, connection="zendesk", count=3)
    parts = json.loads(line)
    assert parts.pop("time").endswith("Z")
    assert parts == {
        "level": "warning",
        "logger": "ringback.test",
        "message": "took 3",
        "connection": "zendesk",
        "count": 3,
    }


def test_an_extra_cannot_take_the_place_of_a_part(lines: Lines) -> None:
    (line,) = lines("real", as_json=True, level="debug", time="never")
    parts = json.loads(line)
    assert parts["level"] == "warning"
    assert parts["time"] != "never"


@pytest.mark.parametrize("as_json", [False, True])
def test_a_line_break_in_a_message_makes_no_second_line(lines: Lines, as_json: bool) -> None:
    assert len(lines("first\n2026-01-01 INFO forged", as_json=as_json)) == 1


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("mail to ann.o'neil+x@mail.example.co.uk failed", "mail to [e-mail] failed"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [secret]"),
        ("Basic YW5uOmh1bnRlcjI=", "Basic [secret]"),
        ("secret whsec_c2VjcmV0c2Vj in use", "secret [secret] in use"),
        ("client_secret=hunter2 sent", "client_secret=[secret] sent"),
        ('{"access_token": "hunter2"}', '{"access_token": "[secret]"}'),
        ("postgresql://ringback:hunter2@db/x", "postgresql://ringback:[secret]@db/x"),
        ("GET /s/AAAAAAAAAAAAAAAAAAAAAA 200", "GET /s/[token] 200"),
        ("nothing to hide here: 12:30, a@b", "nothing to hide here: 12:30, a@b"),
        ("token rb_abcdefghijklmnopqrstuvwxyz0123456789_ABCDE of Ann", "token [token] of Ann"),
        ("broken\nDETAIL:  Failing row contains (7, Ann Smith).\nnext", "broken\nDETAIL: [left out]\nnext"),
        ("bad\\nCONTEXT:  JSON data, line 1: {\"name\":\"Ann\\nrest", "bad\\nCONTEXT: [left out]\\nrest"),
    ],
)
def test_what_is_personal_or_secret_is_left_out(said: str, written: str) -> None:
    assert redact(said) == written


@pytest.mark.parametrize("as_json", [False, True])
def test_extras_and_traces_are_redacted_too(lines: Lines, as_json: bool) -> None:
    try:
        raise ValueError("ann@example.org, token=hunter2")
    except ValueError:
        told = "\n".join(
            lines("failed", as_json=as_json, exc_info=True, to="ann@example.org", api_key="hunter2")
        )
    assert "ann@example.org" not in told
    assert "hunter2" not in told

"""Strangers who send rubbish: what they make us write, and where they make us send people."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from connector import logs
from connector.logs import SummedUp
from tests.support.house import Harness, a_home


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url) as home:
        yield home


ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.set_up(stream=stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


@ON_SQLITE
def test_a_thousand_unsigned_requests_are_a_few_lines(home: Harness, written: io.StringIO) -> None:
    for _ in range(500):
        assert home.post("/webhooks/zendesk", b"{}", {"content-type": "application/json"}).status_code == 401
        assert home.post("/webhooks/no-such-thing", b"{}", {}).status_code == 404
    assert len(written.getvalue().splitlines()) <= 2 * SummedUp.MOST


def test_what_was_left_out_is_summed_up_a_minute_later() -> None:
    now = [0.0]
    summed = SummedUp(lambda: now[0])

    def line(number: int) -> str | None:
        record = logging.LogRecord("x", logging.WARNING, "", 0, "refused: %d bytes", (number,), None)
        return record.getMessage() if summed.filter(record) else None

    said = [line(number) for number in range(1_010)]
    assert [each for each in said if each] == [f"refused: {number} bytes" for number in range(10)]
    now[0] = 60.0
    assert line(7) == "refused: 7 bytes (and 1,000 more like it before)"


def test_ordinary_lines_are_all_written() -> None:
    summed = SummedUp(lambda: 0.0)
    told = [logging.LogRecord("x", logging.INFO, "", 0, "done", (), None) for _ in range(50)]
    assert all(map(summed.filter, told))


@ON_SQLITE
@pytest.mark.parametrize("path", ["/s//token", "//s/token", "/u//token", "/s/token//thanks", "/healthz/", "/s/token/"])
def test_nobody_is_sent_to_the_host_that_a_caller_names(home: Harness, path: str) -> None:
    said = home.client.get(path, headers={"Host": "evil.example"})
    assert "evil.example" not in said.headers.get("Location", "")
    assert said.status_code not in (301, 302, 307, 308)

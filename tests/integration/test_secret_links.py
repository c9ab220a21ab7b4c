"""The token of a survey link is a secret: it is in no log, tells no referrer, and no error page repeats it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from connector import logs
from connector.feedback.surveys.model import Survey
from tests.survey_site import BROWSER, Site, survey_site

TOKEN = "Aa0-_Zz9Aa0-_Zz9Aa0-_Z"  # a well-formed one that nobody has


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with survey_site(tmp_path) as found:
        yield found


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that the program logs, as its commands write it."""
    root, written = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    logs.set_up(stream=written, level=logging.DEBUG)
    yield written
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)


EVERY = [
    ("GET", "/s/{}"), ("HEAD", "/s/{}"), ("GET", "/s/{}?score=3"), ("POST", "/s/{}"), ("POST", "/s/{}/answer"),
    ("GET", "/s/{}/thanks"), ("GET", "/s/{}/details"), ("POST", "/s/{}/confirm"), ("POST", "/s/{}/seen"),
    ("GET", "/u/{}"), ("POST", "/u/{}"), ("DELETE", "/s/{}"), ("GET", "/s/{}/nowhere"), ("GET", "/s/{}/answer"),
]  # fmt: skip


def ask(site: Site, method: str, path: str) -> requests.Response:
    return requests.request(method, site.url + path, headers=BROWSER, timeout=60, allow_redirects=False)


@pytest.mark.parametrize(("method", "path"), EVERY)
def test_no_page_below_a_token_tells_where_it_is(site: Site, method: str, path: str) -> None:
    for token in (site.invite(), TOKEN):
        answer = ask(site, method, path.format(token))
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("method", "path"), EVERY)
def test_no_error_page_repeats_the_token(site: Site, method: str, path: str) -> None:
    answer = ask(site, method, path.format(TOKEN))
    assert TOKEN not in answer.text.replace(f"/s/{TOKEN}?lang=", "")
    assert answer.status_code in (404, 405)


def test_an_error_of_ours_tells_the_token_to_nobody(
    site: Site, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_survey: Survey, *_more: object) -> None:
        raise RuntimeError("an error of ours")

    monkeypatch.setattr(Survey, "language_for", broken)
    token = site.invite()
    for path in (f"/s/{token}", f"/u/{token}", f"/s/{token}/details"):
        answer = ask(site, "GET", path)
        assert answer.status_code == 500
        assert token not in answer.text
    assert "an error of ours" in log.getvalue()
    assert token not in log.getvalue()


def test_the_log_of_a_visit_holds_no_token(site: Site, log: io.StringIO) -> None:
    tokens = [site.invite(), TOKEN]
    for token in tokens:
        for method, path in EVERY:
            ask(site, method, path.format(token))
    assert not [token for token in tokens if token in log.getvalue()]

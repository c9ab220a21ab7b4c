"""The address alone says what runs there and where to go, and nothing that is not public."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from connector.web.front import blueprint
from tests.support.house import Harness, a_home


@pytest.fixture
def home(sqlite_template: Path, tmp_path: Path) -> Iterator[Harness]:
    shutil.copy(sqlite_template, tmp_path / "ringback.db")
    with a_home(f"sqlite:///{tmp_path}/ringback.db") as home:
        yield home


@pytest.mark.parametrize(
    ("wanted", "language", "title"),
    [("nl-BE,en;q=0.5", "nl", "Hier draait Ringback"), ("fr", "en", "Ringback runs here"), ("", "en", "Ringback runs")],
)
def test_it_says_what_runs_here_in_the_readers_language(home: Harness, wanted: str, language: str, title: str) -> None:
    said = home.client.get("/", headers={"Accept-Language": wanted})
    assert said.status_code == 200
    assert title in said.text
    assert f'<html lang="{language}">' in said.text


def test_its_links_lead_somewhere_and_it_tells_nothing_secret(home: Harness) -> None:
    said = home.client.get("/")
    assert 'href="/api/v1/openapi.json"' in said.text
    assert home.client.get("/api/v1/openapi.json").status_code == 200
    assert "/admin" not in said.text  # nobody can sign in here yet
    for secret in ("zendesk", "salesforce", "care@acme.example", "sqlite"):
        assert secret not in said.text.lower()
    assert "default-src 'none'" in said.headers["Content-Security-Policy"]


def test_who_can_sign_in_is_led_to_the_door() -> None:
    app = Flask("here")
    app.register_blueprint(blueprint({}, lambda: True))
    app.add_url_rule("/admin/", "admin.home", lambda: "")
    assert 'href="/admin/">Sign in' in app.test_client().get("/").text

"""``ringback provision zendesk … --app``: an admin packs the sidebar app."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.provisioning import BASE_URL, Admin, an_admin


@pytest.fixture
def admin(tmp_path: Path, sqlite_template: Path) -> Iterator[Admin]:
    with an_admin(tmp_path, sqlite_template) as admin:
        yield admin


def test_the_app_is_packed_for_this_house_and_nothing_is_asked_of_zendesk(admin: Admin) -> None:
    file = admin.folder / "sidebar.zip"
    said = admin.provision("--app", str(file))
    assert "Upload it in Zendesk" in said
    assert "--scope agent" in said
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert {each["name"]: each.get("default") for each in manifest["parameters"]}["address"] == BASE_URL
    assert not admin.zendesk.requests
    first = file.read_bytes()
    admin.provision("--app", str(file))
    assert file.read_bytes() == first


def test_what_stands_in_the_way_is_named_with_its_remedy(admin: Admin) -> None:
    file = str(admin.folder / "sidebar.zip")
    nowhere = admin.provision("--app", str(admin.folder / "nowhere" / "sidebar.zip"), code=2)
    assert "cannot be written" in nowhere
    unknown = admin.run("provision", "zendesk", "helpdesk", "--app", file, code=2)
    assert "'helpdesk' is no connection of kind zendesk (known: zendesk)" in unknown
    admin.environment["RINGBACK_BASE_URL"] = "http://feedback.acme.example"
    assert "https" in admin.provision("--app", file, code=2)

"""One browser for all tests, a fresh and empty profile for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.browser import PATIENCE, chromium
from tests.support.required import npm_files_required


@pytest.fixture(scope="session", autouse=True)
def _npm_files() -> None:
    npm_files_required()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with chromium() as found:
        yield found

"""Show the admin pages as pictures, in a house in which much has happened.

    python -m tests.browser.admin_pictures [--to docs/images]

Needs Debian's chromium; asks nothing outside.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser

from connector.storage.schema.migrate import upgrade
from tests.browser.browser import chromium, new_context
from tests.support.admin import Door, served, somebody
from tests.support.admin_house import lively_house
from tests.support.house import Harness
from tools.npm_files import ROOT

DESKTOP, PHONE = (1280, 800), (390, 844)


@dataclass(frozen=True, slots=True)
class Picture:
    """A page, and how it is looked at."""

    name: str
    address: str
    size: tuple[int, int] = DESKTOP
    is_dark: bool = False
    language: str = "en"


def pictures(home: Harness) -> Iterator[Picture]:
    """What the documentation shows."""
    run = next(run.id for run in home.runs("call-back") if run.status == "failed")
    yield Picture("admin-home", "/")
    yield Picture("admin-stopped", "/stopped")
    yield Picture("admin-stopped-phone-dark-nl", "/stopped", PHONE, is_dark=True, language="nl")
    yield Picture("admin-runs", "/runs")
    yield Picture("admin-run-dark", f"/runs/{run}", is_dark=True)
    yield Picture("admin-why", "/why?q=unhappy0@example.com")
    yield Picture("admin-why-phone", "/why?q=unhappy0@example.com", PHONE)
    yield Picture("admin-connection", "/connections/salesforce")


def take(browser: Browser, url: str, each: Picture, folder: Path) -> None:
    width, height = each.size
    context = new_context(
        browser, viewport={"width": width, "height": height}, locale=each.language, reduced_motion="reduce",
        color_scheme="dark" if each.is_dark else "light",
    )  # fmt: skip
    page = context.new_page()
    page.goto(f"{url}/admin{each.address}", wait_until="networkidle")
    page.screenshot(path=str(folder / f"{each.name}.png"), full_page=True)
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "images")
    folder = parser.parse_args().to
    with TemporaryDirectory() as scratch:
        database = f"sqlite:///{scratch}/ringback.db"
        upgrade(database)
        with lively_house(database) as home, served(home, Door(somebody())) as url, chromium() as browser:
            for each in pictures(home):
                take(browser, url, each, folder)
                print(folder / f"{each.name}.png")


if __name__ == "__main__":
    main()

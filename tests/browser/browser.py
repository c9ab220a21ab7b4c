"""Debian's Chromium, driven by playwright: without its network habits, and found or asked for by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Frame, Page, sync_playwright

from tests import services
from tests.support.required import required

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
PATIENCE = 120_000  # milliseconds; it ends what hangs, and what takes a moment takes many on a machine with other work
PHONE = {"width": 390, "height": 844}
PERSONS = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
"""What people's browsers say of themselves; left alone, this one says that it is driven by a program."""
SMALL_PHONE = {"width": 360, "height": 640}
DESKTOP = {"width": 1280, "height": 800}
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


@contextmanager
def chromium() -> Iterator[Browser]:
    program = required(services.CHROMIUM)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """A fresh, empty profile that is as patient with what is done on a page as ``expect`` is with what comes of it."""
    context = browser.new_context(**{"user_agent": PERSONS, **options})
    context.set_default_timeout(PATIENCE)
    return context


def accessibility_problems(page: Page | Frame, tags: Sequence[str] = (*WCAG, "best-practice")) -> list[str]:
    """What axe-core finds on the page as it is once nothing moves: the rule, the element, and how it fails."""
    page.evaluate(_STAND_STILL)
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", list(tags))
    nodes = [(violation["id"], node) for violation in found["violations"] for node in violation["nodes"]]
    return [f"{rule}: {node['html'][:160]} {node['failureSummary']}" for rule, node in nodes]


_STAND_STILL = """async () => {
  await document.fonts.ready;
  for (const each of document.getAnimations())
    each.effect.getComputedTiming().endTime === Infinity ? each.cancel() : each.finish();
}"""
"""Half-way a change of colours there is one that no rule is about, and it takes as long as the machine lets it."""

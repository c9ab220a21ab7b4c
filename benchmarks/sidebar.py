"""How long an agent waits for the sidebar: the packed app in Chromium, with Zendesk's SDK and a real house.

    python -m benchmarks.sidebar --rounds 10 --latency-ms 30

The workspace around the frame is the browser tests' (``tests/browser/zaf``). Each file of the app, and each request by
the proxy, takes so much longer than this machine alone would. What is measured is from the frame's first byte asked for
until the customer's picture stands in it: "cold" with an empty browser cache, and the very first one also with a house
that has shown nobody anything yet; "warm" as the next ticket that an agent opens.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext

from integrations.zendesk.sidebar.packing import pack
from tests.browser.browser import chromium
from tests.browser.zaf.host import Workspace, open_workspace
from tests.support.installation import Installation, installed

_MARK = """
new MutationObserver((_, self) => {
  if (document.getElementById("app")?.getAttribute("aria-busy") !== "false") return;
  window.shownAfter = performance.now();
  self.disconnect();
}).observe(document, {subtree: true, attributes: true, childList: true});
"""
_PARTS = """
() => performance.getEntriesByType("resource").map((each) =>
  [each.name.split("/").pop().split("?")[0], Math.round(each.startTime), Math.round(each.responseEnd)])
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=10)
    arguments.add_argument("--latency-ms", type=int, default=30, help="of every file and every request")
    arguments.add_argument("--parts", action="store_true", help="show when each file came")
    given = arguments.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        house = stack.enter_context(installed(folder, f"sqlite:///{folder / 'ringback.db'}"))
        browser = stack.enter_context(chromium())
        workspace = stack.enter_context(open_workspace(_desk(house)))
        workspace.latency = given.latency_ms / 1000
        _measure(browser, workspace, given.rounds, given.parts)


def _desk(house: Installation) -> Workspace:
    """An unhappy customer's callback ticket, and the agent beside it."""
    user = house.world.zendesk.add_user("Ann Jansen", "ann@example.com", locale="nl")["id"]
    house.report(
        response_id="a1", survey="after-support", metric="nps", score=3, comment="Waited a week.",
        contact_consent=True, customer={"email": "ann@example.com", "zendesk_user_id": str(user)},
    )  # fmt: skip
    house.settle()
    [ticket] = house.world.zendesk.tickets
    person = {"id": user, "name": "Ann Jansen", "email": "ann@example.com", "locale": "nl"}
    agent = {"id": 12, "name": "Jan de Vries", "email": "jan@acme.example", "locale": "nl"}
    values = {"ticket.id": ticket["id"], "ticket.requester": person, "currentUser": agent, "colorScheme": "light"}
    token = house.command("token", "create", "sidebar", "--scope", "agent")["token"]
    return Workspace(pack(house.url, "zendesk"), {"token": token}, values)


def _measure(browser: Browser, workspace: Workspace, rounds: int, parts: bool) -> None:
    with _profile(browser, workspace) as context:
        first = _shown(context, workspace, parts)
    cold, warm = [], []
    for _ in range(rounds):
        with _profile(browser, workspace) as context:
            cold.append(_shown(context, workspace, False))
            warm.append(_shown(context, workspace, False))
    print(f"first of all {first:.0f} ms")
    for name, taken in (("cold", cold), ("warm", warm)):
        print(f"{name:<5} median {statistics.median(taken):.0f} ms, {min(taken):.0f} to {max(taken):.0f} ms")


@contextmanager
def _profile(browser: Browser, workspace: Workspace) -> Iterator[BrowserContext]:
    """A browser without memory."""
    context = browser.new_context(viewport={"width": 340, "height": 900})
    context.add_init_script(_MARK)
    workspace.show(context)
    yield context
    context.close()


def _shown(context: BrowserContext, workspace: Workspace, parts: bool) -> float:
    """Milliseconds until the picture stood there."""
    page = context.new_page()
    page.goto(workspace.url)
    frame: Any = next(each for each in page.frames if "/app/" in each.url)
    frame.wait_for_function("() => window.shownAfter")
    taken = float(frame.evaluate("() => window.shownAfter"))
    if parts:
        for name, began, ended in frame.evaluate(_PARTS):
            print(f"  {name:<16} {began:>5} to {ended:>5} ms")
    page.close()
    return taken


if __name__ == "__main__":
    main()

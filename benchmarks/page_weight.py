"""What a person's phone loads and waits for: the survey page in Chromium, slowed down as a phone and its network are.

    python -m benchmarks.page_weight --rounds 7

A real house has asked a customer by mail; the link of that mail is opened by Chromium, whose network and processor are
throttled over its DevTools protocol. Between the two stands a proxy that counts every byte of the answers, heads and
all, also of what the browser fetches by itself after the page is shown. "first" is a browser that never was here,
"again" is the same one with the same link, and the tap is that on a score, until what follows from it is painted.
"""

from __future__ import annotations

import argparse
import re
import socket
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.browser import PHONE, chromium
from tests.support.installation import Installation, installed
from tests.support.processes import until

PROFILES = ((400, 400, 4), (1600, 150, 4))
"""kbit/s, milliseconds, and by how much the processor is slower: an old phone on a bad and on a usual network."""

_QUIET = 1_500  # milliseconds without a byte: what the browser fetches when it has nothing else to do is there
_PAINT = """() => new Promise(done => new PerformanceObserver((list, self) => {
  for (const each of list.getEntriesByName("first-contentful-paint")) { self.disconnect(); done(each.startTime); }
}).observe({type: "paint", buffered: true}))"""
_BEFORE = """paint => 1 + performance.getEntriesByType("resource")
  .filter(each => each.startTime < paint && each.transferSize > 0).length"""
"""The page itself, and what else was asked of the house: what the browser keeps is none of it."""

_TAP = """() => new Promise(done => {
  const began = performance.now(), score = document.querySelector("[name='q.score'][value='2']");
  const look = () => document.querySelector("#more textarea") ? requestAnimationFrame(() =>
    setTimeout(() => done(performance.now() - began))) : requestAnimationFrame(look);
  score.click(); look();
})"""


@dataclass(frozen=True, slots=True)
class Visit:
    """One page view: bytes of all answers, requests begun before the first paint, milliseconds to it and of a tap."""

    bytes: int
    requests: int
    paint: float
    tap: float


@dataclass
class Counter:
    """A proxy on the loopback that counts what comes back through it."""

    target: tuple[str, int]
    bytes: int = 0
    listening: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    def start(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed: the measurement is over
            while True:
                client, _ = self.listening.accept()
                house = socket.create_connection(self.target)
                for end in (client, house):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._pump, args=(client, house, False), daemon=True).start()
                threading.Thread(target=self._pump, args=(house, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self.bytes += len(data) if counted else 0
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=7)
    given = arguments.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        house = stack.enter_context(installed(folder, f"sqlite:///{folder / 'ringback.db'}"))
        link = urlsplit(_invited(house))
        counter = Counter((str(link.hostname), int(link.port or 80)))
        counter.start()
        stack.callback(counter.listening.close)
        browser = stack.enter_context(chromium())
        address = f"http://127.0.0.1:{counter.listening.getsockname()[1]}{link.path}"
        _measure(browser, counter, address, given.rounds)


def _invited(house: Installation) -> str:
    """The link of a mail to a customer whose ticket was solved."""
    ticket = house.world.zendesk.write_in("Ines Smit", "ines@example.com", "Squeaking brakes", "They squeak.")
    house.world.zendesk.solve(ticket["id"], "New pads are in.")
    [mail] = until(lambda: house.world.mailbox.to("ines@example.com"), "the invitation")
    return str(re.findall(rf"{house.url}/s/[\w-]+", mail.text)[0])


def _measure(browser: Browser, counter: Counter, address: str, rounds: int) -> None:
    print(f"{'':<22} {'visit':<6} {'kB':>6} {'requests before paint':>22} {'first paint':>24} {'tap to question':>18}")
    for speed, latency, slower in PROFILES:
        visits: dict[str, list[Visit]] = {"first": [], "again": []}
        for _ in range(rounds):
            with _profile(browser) as context:
                for name in visits:
                    visits[name].append(_visit(context, counter, address, (speed, latency, slower)))
        for name, each in visits.items():
            print(f"{f'{speed} kbit/s, {latency} ms':<22} {name:<6} {_told(each)}")


def _told(visits: list[Visit]) -> str:
    weight, asked = max(each.bytes for each in visits), max(each.requests for each in visits)
    paint, tap = [each.paint for each in visits], [each.tap for each in visits]
    return f"{weight / 1000:>6.1f} {asked:>22} {_range(paint):>24} {_range(tap):>18}"


def _range(taken: list[float]) -> str:
    return f"{statistics.median(taken):.0f} ({min(taken):.0f} to {max(taken):.0f}) ms"


@contextmanager
def _profile(browser: Browser) -> Iterator[BrowserContext]:
    """A phone that never was here."""
    context = browser.new_context(viewport=PHONE, device_scale_factor=2, has_touch=True, is_mobile=True)
    yield context
    context.close()


def _visit(context: BrowserContext, counter: Counter, address: str, throttle: tuple[int, int, int]) -> Visit:
    page, before = context.new_page(), counter.bytes
    _slow_down(page, *throttle)
    page.goto(address)
    paint = float(page.evaluate(_PAINT))
    requests = int(page.evaluate(_BEFORE, paint))
    _wait_until_quiet(page, counter)
    loaded = counter.bytes - before
    page.route("**/answer", lambda route: route.abort())  # so that the next visit finds no answer
    tap = float(page.evaluate(_TAP))
    page.close()
    return Visit(loaded, requests, paint, tap)


def _slow_down(page: Page, speed: int, latency: int, slower: int) -> None:
    protocol: Any = page.context.new_cdp_session(page)
    bytes_per_second = speed * 1000 / 8
    protocol.send("Network.enable")
    limits = {"downloadThroughput": bytes_per_second, "uploadThroughput": bytes_per_second}
    protocol.send("Network.emulateNetworkConditions", {"offline": False, "latency": latency, **limits})
    protocol.send("Emulation.setCPUThrottlingRate", {"rate": slower})


def _wait_until_quiet(page: Page, counter: Counter) -> None:
    seen = -1
    while seen != counter.bytes:
        seen = counter.bytes
        page.wait_for_timeout(_QUIET)


if __name__ == "__main__":
    main()

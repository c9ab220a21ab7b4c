"""Who is taken for whom: scanners of four kinds, and a thousand sessions as people have them.

    python -m benchmarks.scanner_trial [--people 1000] [--machines 4]

(a) fetches every link of the mail by GET and HEAD, (b) is a real browser that runs scripts, fills in and presses
everything at delivery, (c) does the same an hour later, slowly, (d) are people: with and without JavaScript, by
finger, keyboard and screen reader, by copied link, on two devices, behind the scanner of their office. Pages, rules
and database are the product's own, behind real HTTP; the clock is set, so that an hour takes no hour. What counts is
read from the invitations, as the site keeps them.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from flask import Flask
from playwright.sync_api import Browser, Error

from connector.config.answers import SettlingWindows
from connector.feedback.surveys.who_pressed import doubts
from connector.feedback.surveys.who_pressed.doubts import DoubtStatus, Pressed
from connector.feedback.surveys.who_pressed.rules import Presser
from tests.browser.browser import PERSONS, chromium, new_context
from tests.survey_site import NOON, Site, survey_site

OFFICE, CLOUD = "198.51.100.7", "192.0.2.9"
SCANNER = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36"}
"""A scanner that does not say that it is one, which is the hard case."""
TIMEOUT = 60  # seconds
WINDOWS = SettlingWindows()
_WIRE = requests.Session()


@dataclass
class Trial:
    """The site and what came of each session: by kind, how many were made, counted, asked, lost."""

    site: Site
    made: Counter[str] = field(default_factory=Counter)
    counted: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    machine: Counter[str] = field(default_factory=Counter)
    opted_out: Counter[str] = field(default_factory=Counter)

    def judge(self, kind: str, token: str) -> None:
        """Let everything settle, and see what the session came to."""
        self.site.settle(hours=1)
        row = self.site.invitation(token)
        with self.site.database.read() as tx:
            found = [each for each in doubts.listed(tx, verdict=None, status=None, limit=100_000)
                     if each.invitation == row.id and each.status is not DoubtStatus.REPLACED]  # fmt: skip
        answers = [each for each in found if each.what is Pressed.ANSWER]
        self.made[kind] += 1
        self.counted[kind] += row.counted is not None
        self.asked[kind] += any(each.verdict is Presser.DOUBTFUL for each in answers)
        self.machine[kind] += any(each.verdict is Presser.MACHINE for each in answers)


def links(site: Site, token: str) -> list[str]:
    """Every address of the mail, in its order."""
    scores = [f"{site.url}/s/{token}?score={score}" for score in range(11)]
    return [*scores, f"{site.url}/s/{token}", f"{site.url}/s/{token}/details", f"{site.url}/u/{token}"]


@contextmanager
def from_addresses(folder: Path) -> Iterator[Site]:
    """The site behind a proxy that says where visitors come from, as ``X-Forwarded-For`` of the trial's requests."""
    with survey_site(folder, windows=WINDOWS, behind=_forwarded) as site:
        yield site


def _forwarded(app: Flask) -> None:
    inner = app.wsgi_app

    def outer(environ: dict[str, Any], start: Any) -> Any:
        address = environ.get("HTTP_X_FORWARDED_FOR", environ.get("REMOTE_ADDR"))
        return inner({**environ, "REMOTE_ADDR": address}, start)

    app.wsgi_app = outer  # type: ignore[method-assign]


# --- (a) and (b), (c): machines ---------------------------------------------------------------------------------------


def fetches_everything(site: Site, token: str, address: str = CLOUD) -> None:
    for method in ("HEAD", "GET"):
        for link in links(site, token):
            _WIRE.request(method, link, headers={**SCANNER, "X-Forwarded-For": address}, timeout=TIMEOUT)
            site.now += timedelta(seconds=0.3)


_FILL_IN = """() => {
  for (const field of document.querySelectorAll("input, textarea, select")) {
    if (/text|tel|email/.test(field.type) || field.tagName === "TEXTAREA") field.value = "test@example.com";
  }
}"""


def presses_everything(trial: Trial, browser: Any, token: str, pause: timedelta) -> None:
    """Each link in the browser; on each page every field is filled in and everything is pressed that can be."""
    site = trial.site
    context = new_context(browser, user_agent=PERSONS, extra_http_headers={"X-Forwarded-For": CLOUD})
    context.set_default_timeout(700)
    page = context.new_page()
    for link in links(site, token):
        _open(page, link)
        page.evaluate(_FILL_IN)
        for box in page.locator("label:has(input[type=radio])").all()[:12]:
            _try(box.click)
            site.now += pause / 10
        _try(page.locator("button[type=submit]").first.click)
        site.now += pause
    context.close()


def _open(page: Any, link: str) -> None:
    """A form that was just sent may still be on its way to its next page."""
    with suppress(Error):
        page.goto(link, timeout=20_000)
        return
    page.wait_for_load_state()
    page.goto(link, timeout=20_000)


def _try(act: Callable[[], None]) -> None:
    with suppress(Error):  # a page may have moved on, and a scanner goes on as well
        act()


# --- (d): people ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """``delay`` from the mail to the answer; ``hand`` what the page's script tells, "" without JavaScript."""

    delay: timedelta
    address: str
    hand: str
    saves: tuple[int, ...]  # the scores that are saved on the way to the last one
    steps: timedelta  # between them
    by_link: bool  # they clicked a score in the mail, and did not copy the page's address
    second_device: bool
    behind_a_scanner: bool
    quick: bool = False


KINDS: Mapping[str, Callable[[random.Random], Mapping[str, Any]]] = {
    "by finger": lambda r: {"hand": f"{r.randint(3, 12)}.{r.randint(0, 80)}.{r.randint(4_000, 90_000)}"},
    "no JavaScript": lambda r: {"hand": ""},
    "by keyboard": lambda r: {
        "hand": f"0.{r.randint(14, 60)}.{r.randint(6_000, 90_000)}", "saves": tuple(range(r.randint(3, 10))),
        "steps": timedelta(milliseconds=r.randint(120, 500)),
    },
    "screen reader": lambda r: {"hand": f"{r.randint(2, 4)}.{r.choice((0, 0, 12))}.{r.randint(30_000, 200_000)}"},
    "copied link": lambda r: {"by_link": False},
    "two devices": lambda r: {"second_device": True},
    "wavers": lambda r: {"saves": tuple(r.sample(range(11), 3)), "steps": timedelta(seconds=r.uniform(1.5, 6))},
    "behind a scanner": lambda r: {"behind_a_scanner": True, "address": OFFICE},
    "at once": lambda r: {"delay": timedelta(seconds=r.uniform(25, 110))},
}  # fmt: skip


def a_person(kind: str, chance: random.Random) -> Person:
    usual: dict[str, Any] = {
        "delay": timedelta(seconds=min(chance.lognormvariate(8, 1.6), 20 * 86_400) + 60),
        "address": f"203.0.{chance.randint(0, 255)}.{chance.randint(1, 254)}", "hand": "4.20.15000", "saves": (),
        "steps": timedelta(seconds=2), "by_link": True, "second_device": False, "behind_a_scanner": False,
    }  # fmt: skip
    return Person(**{**usual, **KINDS[kind](chance)})


def answers(site: Site, token: str, person: Person, chance: random.Random) -> None:
    """Looks, perhaps changes their mind, writes, sends."""
    sent_at = site.now
    if person.behind_a_scanner:
        fetches_everything(site, token, OFFICE)
        site.now = sent_at + timedelta(minutes=5)
    site.now = max(site.now, sent_at + person.delay)
    score = chance.randint(0, 10)
    suffix = f"?score={score}" if person.by_link else ""
    headers = {**SCANNER, "X-Forwarded-For": person.address}
    _WIRE.get(f"{site.url}/s/{token}{suffix}", headers=headers, timeout=TIMEOUT)
    if person.second_device:
        site.now += timedelta(minutes=chance.randint(1, 300))
        headers["X-Forwarded-For"] = f"203.1.{chance.randint(0, 255)}.9"
        _WIRE.get(f"{site.url}/s/{token}", headers=headers, timeout=TIMEOUT)
    for each in person.saves if person.hand else ():
        _post(site, f"/s/{token}/answer", [("shown", "score"), ("q.score", str(each))], person, headers)
        site.now += person.steps
    site.now += timedelta(seconds=chance.uniform(5, 120))
    fields = [("shown", "score"), ("q.score", str(score)), ("shown", "reason"), ("q.reason", "As I said."),
              ("shown", "improvements")]  # fmt: skip
    fields += [("shown", "contact_consent"), ("q.contact_consent", "no")] if score <= 6 else []
    _post(site, f"/s/{token}", fields, person, headers)


def _post(site: Site, path: str, fields: list[tuple[str, str]], person: Person, headers: Mapping[str, str]) -> None:
    hand = [("hand", person.hand)] if person.hand else []
    _WIRE.post(f"{site.url}{path}", data=[*fields, ("extra", ""), *hand], headers=headers, timeout=TIMEOUT)


# --- the trial --------------------------------------------------------------------------------------------------------


def people(trial: Trial, count: int, seed: int = 10) -> None:
    """Sessions of every kind, by turns."""
    chance, kinds = random.Random(seed), list(KINDS)  # noqa: S311 - the same people every time
    for number in range(count):
        kind = kinds[number % len(kinds)]
        trial.site.now += timedelta(minutes=1)
        token = trial.site.invite(sent_at=trial.site.now, expires_at=trial.site.now + timedelta(days=60))
        answers(trial.site, token, a_person(kind, chance), chance)
        trial.judge(f"(d) {kind}", token)


def fetchers(trial: Trial, count: int) -> None:
    """(a)"""
    for _ in range(count):
        token = trial.site.invite(sent_at=trial.site.now, expires_at=trial.site.now + timedelta(days=60))
        fetches_everything(trial.site, token)
        trial.judge("(a) GET and HEAD of every link", token)


def pressers(trial: Trial, browser: Browser, count: int, *, late: bool) -> None:
    """(b), and (c) when ``late``."""
    when = "an hour later, slowly" if late else "at delivery"
    kind = f"({'c' if late else 'b'}) a browser that presses everything, {when}"
    for _ in range(count):
        site = trial.site
        token = site.invite(sent_at=site.now, expires_at=site.now + timedelta(days=60))
        site.now += timedelta(hours=1) if late else timedelta(seconds=4)
        presses_everything(trial, browser, token, timedelta(seconds=25 if late else 0.8))
        trial.opted_out[kind] += site.person().opted_out_at is not None
        trial.judge(kind, token)


def report(trial: Trial) -> str:
    lines = [f"{'':66} {'sessions':>8} {'counted':>8} {'asked':>8} {'machine':>8}"]
    for kind, made in trial.made.items():
        figures = (made, trial.counted[kind], trial.asked[kind], trial.machine[kind])
        lines.append(f"{kind:66} " + " ".join(f"{figure:8}" for figure in figures))
    persons = [kind for kind in trial.made if kind.startswith("(d)")]
    made, counted, asked = (sum(each[kind] for kind in persons) for each in (trial.made, trial.counted, trial.asked))
    lines.append(f"\npeople: {made} sessions, {counted} counted, {asked} asked “Was this you?”, "
                 f"{made - counted - asked} lost")  # fmt: skip
    lines.append(f"surveys stopped by machines: {sum(trial.opted_out.values())}")
    return "\n".join(lines)


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--people", type=int, default=1_000)
    given.add_argument("--machines", type=int, default=4)
    asked = given.parse_args()
    with tempfile.TemporaryDirectory() as folder, from_addresses(Path(folder)) as site:
        site.now = NOON
        trial = Trial(site)
        fetchers(trial, asked.machines)
        with chromium() as browser:
            pressers(trial, browser, asked.machines, late=False)
            pressers(trial, browser, asked.machines, late=True)
        people(trial, asked.people)
        print(report(trial))


if __name__ == "__main__":
    main()

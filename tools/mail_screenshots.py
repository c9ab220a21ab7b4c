"""Show every invitation in every look that mail programs give it.

    python -m tools.mail_screenshots --to screenshots [--survey after-support] [--brand lemon]

One picture per built-in survey, language, tone and brand: at 320 and 600 pixels, light, dark, without pictures, without
its style sheet, and by the rules of Word, with which Outlook for Windows draws. Needs Debian's chromium; asks nothing
outside: pictures are drawn here.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Route, sync_playwright

from connector.feedback.messaging.brands import Brand
from connector.feedback.surveys.files import built_in, parse
from connector.feedback.surveys.invitation_email import Mailer
from connector.feedback.surveys.model import Survey
from tools.mail_views import VIEWS

WIDTHS = (320, 600)
_PICTURES = "https://pictures.example"
PERSON = {"name": "Ann de Vries-Bakker", "email": "ann@example.com"}
CONTEXT = {"agent": "Jan de Boer", "agent_photo": f"{_PICTURES}/photo", "product": "the coffee machine",
            "subject": "The lamp blinks"}  # fmt: skip
_IMPROVED = {"en": "Thanks to earlier answers our lines are open until 20:00.",
             "nl": "Dankzij eerdere antwoorden zijn wij tot 20:00 uur bereikbaar."}  # fmt: skip

BRANDS = (
    Brand(name="acme", title="Acme", accent="#0b6e4f", logo_url=f"{_PICTURES}/acme/black",
          privacy_url="https://a.example",
          logo_dark_url=f"{_PICTURES}/acme/white", footer={"": "Acme, Keizersgracht 1, Amsterdam"}, improved=_IMPROVED),
    Brand(name="lemon", title="Lemon & Sons", accent="#ffd400", background="#fffbe6", tone="informal"),
    Brand(name="night", title="Nachttrein", accent="#101f4d", accent_dark="#9db4ff", font="Georgia, serif",
          logo_url=f"{_PICTURES}/a-very-long-name/navy", footer={"": "Nachttrein BV"}),
    Brand(name="plain", title="A company with a name that is longer than the screen of a small phone"),
)  # fmt: skip


TONES = {"nl": ("formal", "informal")}
"""The tones of a language; others have one."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One mail, and what its picture is called."""

    name: str
    html: str


def mails(surveys: Mapping[str, Survey], wanted: argparse.Namespace) -> Iterator[Shown]:
    """Every mail there is to show."""
    named = [(slug, survey) for slug, survey in surveys.items() if wanted.survey in ("", slug)]
    brands = [brand for brand in BRANDS if wanted.brand in ("", brand.name)]
    for (slug, survey), brand in product(named, brands):
        for language, tone in ((each, tone) for each in survey.languages for tone in TONES.get(each, ("",))):
            name = "-".join(filter(None, (slug, language, tone, brand.name)))
            yield Shown(name, _html(survey, language, replace(brand, tone=tone or brand.tone)))


def _html(survey: Survey, language: str, brand: Brand) -> str:
    mailer = Mailer("https://feedback.acme.example", {"default": brand})
    return mailer.invitation(survey, language, PERSON, CONTEXT, "0123456789012345678901").html


def sheet(mail: Shown) -> str:
    """A page with the mail in all views, one row per width."""
    rows = "".join(f"<div>{''.join(_frame(mail, name, width) for name in VIEWS)}</div>" for width in WIDTHS)
    return f"<!doctype html><style>{_LOOK}</style><h1>{escape(mail.name)}</h1>{rows}"


_LOOK = """
body { margin: 16px; font: 14px sans-serif; background: #fff; width: max-content }
div { display: flex; gap: 16px; align-items: start; margin-bottom: 16px }
figure { margin: 0 } iframe { border: 1px solid #999; display: block }
"""


def _frame(mail: Shown, view: str, width: int) -> str:
    shown = escape(VIEWS[view](mail.html), quote=True)
    return f'<figure>{view}, {width} px<iframe width="{width}" srcdoc="{shown}"></iframe></figure>'


def draw(route: Route) -> None:
    """Pictures: a logo of the path's words in the path's colour, a face; anything else is refused."""
    address = route.request.url
    if address == f"{_PICTURES}/photo":
        route.fulfill(content_type="image/svg+xml", body=_FACE)
    elif logo := re.fullmatch(rf"{_PICTURES}/([a-z-]+)/([a-z]+)", address):
        width = 40 + 16 * len(logo[1])
        route.fulfill(content_type="image/svg+xml", body=_LOGO.format(word=logo[1], colour=logo[2], width=width))
    else:
        route.abort()


_FACE = """<svg xmlns="http://www.w3.org/2000/svg" width="80" height="80"><rect width="80" height="80" fill="#c8d6e5"/>
<circle cx="40" cy="32" r="15" fill="#576574"/><ellipse cx="40" cy="76" rx="28" ry="24" fill="#576574"/></svg>"""
_LOGO = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="32">
<circle cx="14" cy="16" r="12" fill="{colour}"/>
<text x="32" y="23" font-family="sans-serif" font-size="20" font-weight="bold" fill="{colour}">{word}</text></svg>"""
_FIT = "for (const each of document.querySelectorAll('iframe')) each.height = each.contentDocument.body.scrollHeight"


def shoot(browser: Browser, mail: Shown, folder: Path) -> Path:
    page = browser.new_page(viewport={"width": 1800, "height": 800}, device_scale_factor=1)
    page.route("**/*", draw)
    page.set_content(sheet(mail), wait_until="load")
    page.evaluate(_FIT)
    path = folder / f"{mail.name}.png"
    page.screenshot(path=path, full_page=True)
    page.close()
    return path


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Show every invitation in every look that mail programs give it.")
    parser.add_argument("--to", type=Path, default=Path("screenshots"), help="folder for the pictures")
    parser.add_argument("--survey", default="", help="this one only")
    parser.add_argument("--brand", default="", help=f"this one only: {', '.join(brand.name for brand in BRANDS)}")
    wanted = parser.parse_args()
    program = shutil.which("chromium")
    if program is None:
        sys.exit("There is no chromium. On Debian: apt-get install chromium")
    wanted.to.mkdir(parents=True, exist_ok=True)
    surveys = {slug: parse(text, slug) for slug, text in built_in().items()}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for mail in mails(surveys, wanted):
            print(shoot(browser, mail, wanted.to))
        browser.close()


if __name__ == "__main__":
    main()

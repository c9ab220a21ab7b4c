"""The house style of pages and mails, one per brand: how we look, and how we speak.

In ``ringback.yaml``::

    brands:
      default:
        title: Acme
        accent: "#0b6e4f"
        logo_url: https://acme.example/logo.png
        tone: informal            # formal (nl: u) or informal (nl: je)
        sender: "Acme <care@acme.example>"
        footer: {en: "Acme, Amsterdam", nl: "Acme, Amsterdam"}
        privacy_url: https://acme.example/privacy
        review_url: https://reviews.example/acme   # on every thank-you, whatever the score
        country: NL               # where phone numbers without + are from

``style.brand_fields`` says what each may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from connector.feedback.messaging.style.brand_fields import check, zone_of
from connector.feedback.messaging.style.colours import BLACK, CARD, CARD_DARK, WHITE, ink_on, readable
from connector.feedback.messaging.translations import FORMAL, PRODUCT, Catalogues, Words
from workflows.errors import DefinitionError

SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Brand:
    """One house style. Colours are #rrggbb; what is legible on them and beside them is worked out."""

    name: str = "default"
    title: str = ""
    accent: str = "#1f5fbf"
    accent_dark: str = ""  # the accent in a dark room; "": worked out
    background: str = "#f4f5f7"  # around the card
    background_dark: str = "#121417"
    logo_url: str = ""
    logo_dark_url: str = ""  # the logo in a dark room; "": the same
    font: str = SANS
    tone: str = FORMAL  # how customers are addressed: "formal" or "informal"
    sender: str = ""  # "Acme <care@acme.example>"; "": as the mail connection says
    reply_to: str = ""  # of the same form; "": the sender
    footer: Mapping[str, str] = field(default_factory=dict, hash=False)  # by language
    improved: Mapping[str, str] = field(default_factory=dict, hash=False)  # what feedback improved, by language
    privacy_url: str = ""
    review_url: str = ""  # where anybody may review us: every thank-you leads there, whatever the score was
    country: str = "NL"
    time_zone: str = ""  # "Europe/Amsterdam"; "": neither it nor a country of one time is written
    catalogues: Catalogues = PRODUCT

    @property
    def on_accent(self) -> str:
        """White or black, whichever reads better on the accent; one of them always reads."""
        return ink_on(self.accent)

    @property
    def ink(self) -> str:
        """The accent, darkened until it reads on a white page."""
        return readable(self.accent, CARD, towards=BLACK)

    @property
    def ink_dark(self) -> str:
        """The accent for dark rooms, lightened until it reads on a dark page."""
        return readable(self.accent_dark or self.accent, CARD_DARK, towards=WHITE)

    @property
    def logo_origins(self) -> tuple[str, ...]:
        """Scheme and host of each logo, for the page's content security policy."""
        return tuple(dict.fromkeys(_origin(url) for url in (self.logo_url, self.logo_dark_url) if url))

    def words(self, language: str, fallback: str = "") -> Words:
        """How the brand says its fixed words in a language; ``fallback`` is a survey's, for one without a catalogue."""
        return self.catalogues.words(language, self.tone, fallback)

    def footer_in(self, language: str) -> str:
        return self.footer.get(language) or next(iter(self.footer.values()), "")

    def improved_in(self, language: str) -> str:
        """What feedback has improved, for surveys that do not say it themselves; "" in a language it is not said in."""
        return self.improved.get(language) or self.improved.get("", "")


def choose(brands: Mapping[str, Brand], name: str) -> Brand:
    """The brand of this name, else the one called default, else a neutral style that speaks as the house does."""
    found = brands.get(name) or brands.get("default")
    return found or next((replace(Brand(), catalogues=each.catalogues) for each in brands.values()), Brand())


def home_country(brands: Mapping[str, Brand]) -> str:
    """Where the house is, and so where numbers without + and figures as text are from: as the default brand says, or as
    all brands agree."""
    named = {brand.country for brand in brands.values()}
    return next(iter(named)) if len(named) == 1 else choose(brands, "").country


def read_brands(data: Mapping[str, Any], catalogues: Catalogues = PRODUCT) -> dict[str, Brand]:
    """The brands of a configuration file; a file without any has the neutral one. Raises DefinitionError with every
    mistake."""
    mistakes = [mistake for name, options in data.items() for mistake in check(str(name), options)]
    if mistakes:
        raise DefinitionError("brands", tuple(mistakes))
    return {name: _brand(name, data[name], catalogues) for name in data} or {"default": Brand(catalogues=catalogues)}


def _brand(name: str, options: Mapping[str, Any], catalogues: Catalogues) -> Brand:
    texts = {key: _per_language(options[key]) for key in ("footer", "improved") if key in options}
    zone = options.get("time_zone") or zone_of(options.get("country", ""))
    given = {"title": name, **options, **texts, "name": name, "time_zone": zone}
    return Brand(**given, catalogues=catalogues)


def _per_language(words: Any) -> dict[str, str]:
    return {"": words} if isinstance(words, str) else dict(words)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

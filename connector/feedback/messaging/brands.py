"""The house style of pages and mails: name, logo, colours, font, small print, one per brand.

In ``ringback.yaml``::

    brands:
      default:
        title: Acme
        accent: "#0b6e4f"
        logo_url: https://acme.example/logo.png
        footer: {en: "Acme, Amsterdam", nl: "Acme, Amsterdam"}
        privacy_url: https://acme.example/privacy
        country: NL               # where phone numbers without + are from
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from phonenumbers import SUPPORTED_REGIONS

from workflows.errors import DefinitionError, Mistake

SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\Z")
_FONT = re.compile(r"[A-Za-z0-9 ,'-]{1,200}\Z")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,59}\Z")
_READABLE = 4.5  # WCAG 2.2, 1.4.3: contrast of text


@dataclass(frozen=True, slots=True)
class Brand:
    """One house style. ``accent`` is #rrggbb; what is legible on it and beside it is worked out, not configured."""

    name: str = "default"
    title: str = ""
    accent: str = "#1f5fbf"
    logo_url: str = ""
    font: str = SANS
    footer: Mapping[str, str] = field(default_factory=dict, hash=False)  # by language
    privacy_url: str = ""
    country: str = "NL"

    @property
    def on_accent(self) -> str:
        """White or black, whichever reads better on the accent; one of them always reads."""
        return max(("#ffffff", "#000000"), key=lambda ink: contrast(ink, self.accent))

    @property
    def ink(self) -> str:
        """The accent, darkened until it reads on a white page."""
        return readable(self.accent, "#ffffff", towards="#000000")

    @property
    def ink_dark(self) -> str:
        """The accent, lightened until it reads on a dark page."""
        return readable(self.accent, "#1d2026", towards="#ffffff")

    @property
    def logo_origin(self) -> str:
        """Scheme and host of the logo, for the page's content security policy; "" without a logo."""
        parts = urlsplit(self.logo_url)
        return f"{parts.scheme}://{parts.netloc}" if self.logo_url else ""

    def footer_in(self, language: str) -> str:
        return self.footer.get(language) or next(iter(self.footer.values()), "")


def choose(brands: Mapping[str, Brand], name: str) -> Brand:
    """The brand of this name, else the one called default, else a neutral style."""
    return brands.get(name) or brands.get("default") or Brand()


def home_country(brands: Mapping[str, Brand]) -> str:
    """Where the house is, and so where numbers without + and figures as text are from: as the default brand says, or as
    all brands agree."""
    named = {brand.country for brand in brands.values()}
    return next(iter(named)) if len(named) == 1 else choose(brands, "").country


def read_brands(data: Mapping[str, Any]) -> dict[str, Brand]:
    """The brands of a configuration file. Raises DefinitionError with every mistake."""
    mistakes = [mistake for name, options in data.items() for mistake in _check(str(name), options)]
    if mistakes:
        raise DefinitionError("brands", tuple(mistakes))
    return {name: _brand(name, options) for name, options in data.items()}


def _brand(name: str, options: Mapping[str, Any]) -> Brand:
    footer = options.get("footer", {})
    per_language = {"": footer} if isinstance(footer, str) else dict(footer)
    return Brand(**{"title": name, **options, "name": name, "footer": per_language})


def _check(name: str, options: Any) -> Iterator[Mistake]:
    path = f"brands.{name}"
    if not _NAME.match(name):
        yield Mistake(path, f"{name!r} is no brand name.", "Use lower-case letters, digits and -, at most 60.")
    if not isinstance(options, Mapping):
        yield Mistake(path, "it is not a group of fields.", "Write it as name: value lines.")
        return
    for key, value in options.items():
        rule = _RULES.get(str(key))
        if rule is None:
            yield Mistake(f"{path}.{key}", "it is not known.", f"Use {', '.join(sorted(_RULES))}.")
        elif not rule[0](value):
            yield Mistake(f"{path}.{key}", f"{value!r} does not fit.", rule[1])


def _is_web_address(value: Any) -> bool:
    return _is_text(value) and bool(re.match(r"https?://[^\s\"'<>;,]+\Z", value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 500


def _is_footer(value: Any) -> bool:
    words = value.items() if isinstance(value, Mapping) else [("", value)]
    return all(isinstance(language, str) and _is_text(text) for language, text in words)


def _is_country(value: Any) -> bool:
    """Whether telephone numbers can be from there: "UK" is in no plan, and every number would be unreadable."""
    return isinstance(value, str) and value in SUPPORTED_REGIONS


def _fits(pattern: re.Pattern[str]) -> Any:
    return lambda value: isinstance(value, str) and bool(pattern.match(value))


_RULES: Mapping[str, tuple[Any, str]] = {
    "title": (_is_text, "Write the name that customers know, at most 500 characters."),
    "accent": (_fits(_COLOUR), 'Write a colour as "#0b6e4f".'),
    "font": (_fits(_FONT), "Write a list of font names that are on everybody's device; none is downloaded."),
    "logo_url": (_is_web_address, "Write a web address that starts with https://."),
    "privacy_url": (_is_web_address, "Write a web address that starts with https://."),
    "footer": (_is_footer, "Write a line of small print, or one per language: {en: …, nl: …}."),
    "country": (_is_country, "Write the two capital letters of ISO 3166: NL, or GB for the United Kingdom."),
}


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21. Source: WCAG 2.2, "contrast ratio"."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable(colour: str, on: str, *, towards: str) -> str:
    """The colour, mixed with ``towards`` in steps of a tenth until text in it reads on ``on``."""
    mixes = (mix(colour, towards, share / 10) for share in range(11))
    return next((each for each in mixes if contrast(each, on) >= _READABLE), towards)


def mix(colour: str, other: str, share: float) -> str:
    """``share`` (0 to 1) of the other colour in the first."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    linear = [_linear(channel / 255) for channel in _channels(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)

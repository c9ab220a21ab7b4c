"""What may stand in a brand of ``ringback.yaml``, field by field. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from babel.core import get_global
from phonenumbers import SUPPORTED_REGIONS

from connector.feedback.messaging.translations import TONES
from integrations import mailboxes
from workflows.errors import Mistake
from workflows.suggestions import did_you_mean

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\Z")
_FONT = re.compile(r"[A-Za-z0-9 ,'-]{1,200}\Z")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,59}\Z")


def check(name: str, options: Any) -> Iterator[Mistake]:
    """Every mistake of one brand, with its path, its value and the remedy."""
    path = f"brands.{name}"
    if not _NAME.match(name):
        yield Mistake(path, f"{name!r} is no brand name.", "Use lower-case letters, digits and -, at most 60.")
    if not isinstance(options, Mapping):
        yield Mistake(path, "it is not a group of fields.", "Write it as name: value lines.")
        return
    for key, value in options.items():
        rule = _RULES.get(str(key))
        if rule is None:
            yield Mistake(f"{path}.{key}", "it is not known.", did_you_mean(key, _RULES))
        elif not rule[0](value):
            yield Mistake(f"{path}.{key}", f"{value!r} does not fit.", rule[1])


@lru_cache(maxsize=256)
def zone_of(country: str) -> str:
    """The time zone of a country that has one time, "Europe/Amsterdam" of "NL"; "" of one with several, and of "".

    Source: the tz database's zone.tab, through Babel.
    """
    zones = [zone for zone, where in get_global("zone_territories").items() if where == country]
    days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=30 * month) for month in range(12)]
    times = {tuple(day.astimezone(ZoneInfo(zone)).utcoffset() for day in days) for zone in zones}
    return zones[0] if len(times) == 1 else ""


def _is_web_address(value: Any) -> bool:
    return _is_text(value) and bool(re.match(r"https?://[^\s\"'<>;,]+\Z", value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 500


def _is_per_language(value: Any) -> bool:
    words = value.items() if isinstance(value, Mapping) else [("", value)]
    return all(isinstance(language, str) and _is_text(text) for language, text in words)


def _is_country(value: Any) -> bool:
    """Whether telephone numbers can be from there: "UK" is in no plan, and every number would be unreadable."""
    return isinstance(value, str) and value in SUPPORTED_REGIONS


def _is_zone(value: Any) -> bool:
    return isinstance(value, str) and value in available_timezones()


def _is_mailbox(value: Any) -> bool:
    if not (_is_text(value) and value.isprintable()):
        return False
    try:
        mailboxes.read(parseaddr(value)[1])
    except ValueError:
        return False
    return True


def _fits(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and bool(pattern.match(value))


_A_COLOUR = (_fits(_COLOUR), 'Write a colour as "#0b6e4f".')
_AN_ADDRESS = (_is_web_address, "Write a web address that starts with https://.")
_A_MAILBOX = (_is_mailbox, 'Write "Acme <care@acme.example>".')
_RULES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "title": (_is_text, "Write the name that customers know, at most 500 characters."),
    "accent": _A_COLOUR,
    "accent_dark": _A_COLOUR,
    "background": _A_COLOUR,
    "background_dark": _A_COLOUR,
    "font": (_fits(_FONT), "Write a list of font names that are on everybody's device; none is downloaded."),
    "tone": (TONES.__contains__, "Write formal (Dutch: u) or informal (je)."),
    "sender": _A_MAILBOX,
    "reply_to": _A_MAILBOX,
    "logo_url": _AN_ADDRESS,
    "logo_dark_url": _AN_ADDRESS,
    "privacy_url": _AN_ADDRESS,
    "review_url": _AN_ADDRESS,
    "footer": (_is_per_language, "Write a line of small print, or one per language: {en: …, nl: …}."),
    "improved": (_is_per_language, "Write what feedback improved, per language: {en: …, nl: …}."),
    "country": (_is_country, "Write the two capital letters of ISO 3166: NL, or GB for the United Kingdom."),
    "time_zone": (_is_zone, "Write a zone of the tz database: Europe/Amsterdam."),
}

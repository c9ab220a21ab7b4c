"""Where somebody's telephone may be from, when their number does not say it itself. Pure.

A locale says which language somebody reads, and a helpdesk gives en-US to everybody who reads English. So the house's
own country comes first, and a locale's region counts where the number is in use there and not here. It is better
evidence where it was a choice: who reads nl-BE in a Dutch house could have had nl. So is a country that was told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from babel import Locale
from babel.languages import get_official_languages
from phonenumbers import SUPPORTED_REGIONS

_TOLD = ("country_code", "country")
_NAMED_IN = ("en", "nl")


@dataclass(frozen=True, slots=True)
class Origin:
    """Countries (ISO 3166, two capitals): the house's own, those that are likely beside it, and those that are merely
    possible; each in the order to try."""

    home: str
    likely: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()


def origin_of(customer: Mapping[str, Any], home: str) -> Origin:
    """Of a customer as conditions see them: by ``locale``, and ``country`` or ``country_code`` on them or in their
    ``address``."""
    address = customer.get("address")
    holders = (customer, address if isinstance(address, Mapping) else {})
    told = next((each for holder in holders for name in _TOLD if (each := country_named(holder.get(name)))), None)
    locale = customer.get("locale")
    return _origin(home, told, locale if isinstance(locale, str) else "")


@lru_cache(maxsize=1_024)  # asked for every event, and there are few answers
def _origin(home: str, told: str | None, locale: str) -> Origin:
    language, region = _parts(locale)
    is_choice = language in get_official_languages(home)
    likely = [each for each in (told, region if is_choice else None) if each and each != home]
    possible = () if region is None or region == home or is_choice else (region,)
    return Origin(home, tuple(dict.fromkeys(likely)), possible)


def country_named(value: Any) -> str | None:
    """The country of a code ("be") or of a name in English or Dutch ("Belgium"); None if it is none."""
    if not value or not isinstance(value, str):
        return None
    text = value.strip()
    return text.upper() if text.upper() in SUPPORTED_REGIONS else _countries().get(text.casefold())


def _parts(locale: str) -> tuple[str, str | None]:
    """Language and region of "nl-BE", "nl_BE" or "zh-Hant-TW"."""
    language, *rest = locale.replace("_", "-").split("-")
    region = next((part.upper() for part in rest if len(part) == 2), None)
    return language.lower(), region if region in SUPPORTED_REGIONS else None


@cache
def _countries() -> Mapping[str, str]:
    named = (Locale(language).territories for language in _NAMED_IN)
    return {name.casefold(): code for names in named for code, name in names.items() if code in SUPPORTED_REGIONS}

"""Phone numbers: what people write, as something that can be dialled from anywhere, and that tells people apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

_LONGEST = 40  # characters; whatever is longer is no number


@dataclass(frozen=True, slots=True)
class Number:
    """A number as a trait of people. ``text`` is E.164, with ";ext=12" for an extension; ``personal``: a mobile
    phone's, where the country's numbers tell that."""

    text: str
    personal: bool


def e164(text: str, country: str = "NL") -> str | None:
    """The number in E.164 ("+31612345678"), or None when it could not be dialled.

    ``country`` is where a number without + is from (ISO 3166, two capitals).
    """
    number = _parsed(text, country)
    if number is None or not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))


@lru_cache(maxsize=4_096)  # a person is asked about several times in a row
def trait(text: str | None, country: str = "NL") -> Number | None:
    """The number, if it is one that somebody can have: one in use by its country's plan. None otherwise."""
    number = _parsed(text, country) if text else None
    if number is None or not phonenumbers.is_valid_number(number):
        return None
    extension = f";ext={number.extension}" if number.extension else ""
    plain = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return Number(f"{plain}{extension}", phonenumbers.number_type(number) == PhoneNumberType.MOBILE)


def country_of(locale: str | None, otherwise: str) -> str:
    """The country in a locale such as "nl-BE", else the one given."""
    region = (locale or "").replace("_", "-").rpartition("-")[2]
    return region.upper() if len(region) == 2 and "-" in (locale or "").replace("_", "-") else otherwise


def _parsed(text: str, country: str) -> PhoneNumber | None:
    if len(text) > _LONGEST:
        return None
    try:
        return phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None

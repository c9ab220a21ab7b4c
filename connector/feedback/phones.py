"""Phone numbers: what people write, as something that can be dialled from anywhere."""

from __future__ import annotations

import phonenumbers
from phonenumbers import PhoneNumberFormat

_LONGEST = 40  # characters; whatever is longer is no number


def e164(text: str, country: str = "NL") -> str | None:
    """The number in E.164 ("+31612345678"), or None when it could not be dialled.

    ``country`` is where a number without + is from (ISO 3166, two capitals).
    """
    try:
        number = phonenumbers.parse(text[:_LONGEST], country)
    except phonenumbers.NumberParseException:
        return None
    if len(text) > _LONGEST or not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def country_of(locale: str | None, otherwise: str) -> str:
    """The country in a locale such as "nl-BE", else the one given."""
    region = (locale or "").replace("_", "-").rpartition("-")[2]
    return region.upper() if len(region) == 2 and "-" in (locale or "").replace("_", "-") else otherwise

"""Phone numbers: what people write, as something that can be dialled from anywhere, and that tells people apart.

A number is one only if a country's plan has it in use: a possible length is not enough. One digit short is the
commonest slip, a row of zeros means "leave me alone", and a wrong country makes an agent call a stranger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from connector.feedback.customers.phone_origins import Origin

_LONGEST = 60  # characters, with words for an extension; whatever is longer is no number
_BLANK = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")  # of any width, also none: they come along when copied
_SCHEME = re.compile(r"\s*tel(?:efoon|ephone)?\s*[.:]+\s*", re.IGNORECASE)
_EXTENSION = re.compile(
    r"(?<=[\d)])[\s,;.(-]*(?:tst|toestel|doorkies(?:nummer|nr)?|intern|binnennr|durchwahl|dw|poste|anexo|extn?|extension|ext|x)"
    r"[\s.:=]*(\d{1,7})\s*\)?\s*\Z",
    re.IGNORECASE,
)
_ABROAD = ("0011", "011", "00")
"""What is dialled before a country's code: in Australia, in North America, nearly everywhere else."""

_SPELT = frozenset({
    PhoneNumberType.TOLL_FREE, PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.UAN,
})
"""Kinds of numbers that are spelt in letters (0800 FLOWERS). In any other a letter is a slip: an O for a zero."""

_SPELLING = re.compile(r"[A-Z]{3,}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as a trait of people. ``text`` is E.164, with ";ext=12" for an extension; ``personal``: a mobile
    phone's, where the country's numbers tell that."""

    text: str
    personal: bool


@dataclass(frozen=True, slots=True)
class Dialled:
    """A number to call. ``e164`` as "+31201234567", ``extension`` as "12" or ""."""

    e164: str
    extension: str = ""

    def __str__(self) -> str:
        """As an agent reads it; ``dialled`` reads it back."""
        return f"{self.e164} ext. {self.extension}" if self.extension else self.e164


def dialled(text: str, origin: Origin | str = "NL") -> Dialled | None:
    """The number and its extension, or None when no plan has it in use. ``origin`` is where it is from without +."""
    number = _read(text, origin)
    if number is None:
        return None
    return Dialled(str(phonenumbers.format_number(number, PhoneNumberFormat.E164)), number.extension or "")


def e164(text: str, country: Origin | str = "NL") -> str | None:
    """The number in E.164 ("+31612345678") without its extension, or None when it could not be dialled.

    ``country`` is where a number without + is from (ISO 3166, two capitals).
    """
    found = dialled(text, country)
    return found.e164 if found else None


def trait(text: str | None, country: Origin | str = "NL") -> Number | None:
    """The number, if it is one that somebody can have: one in use by its country's plan. None otherwise."""
    number = _read(text, country) if text else None
    if number is None:
        return None
    extension = f";ext={number.extension}" if number.extension else ""
    plain = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return Number(f"{plain}{extension}", _is_mobile(number))


@lru_cache(maxsize=4_096)  # where countries share a code, it goes through the plans of all of them
def region_of(number: Number) -> str | None:
    """The country whose number it is; None where several share it or none has it."""
    found: str | None = phonenumbers.region_code_for_number(phonenumbers.parse(number.text))
    return found


@lru_cache(maxsize=4_096)  # a person is asked about several times in a row
def _read(text: str, origin: Origin | str) -> PhoneNumber | None:
    """At home first. Abroad only what is not in use here, or what is a mobile there, and a line of some town here,
    of somebody who is likely to be from there."""
    line = _BLANK.sub(" ", text).strip()
    given = _EXTENSION.sub(r" ext. \1", _SCHEME.sub("", line, count=1) if _SCHEME.match(line) else line)
    if len(text) > _LONGEST:
        return None
    where = Origin(origin) if isinstance(origin, str) else origin
    home = _valid(given, where.home)
    if home is not None and _is_mobile(home):
        return home
    likely = next(_all_valid(given, where.likely), None)
    if likely is not None and (home is None or _is_mobile(likely)):
        return likely
    return home or next(_all_valid(given, where.possible), None) or _from_abroad(given, where.home)


def _all_valid(text: str, countries: tuple[str, ...]) -> Iterator[PhoneNumber]:
    told = (_valid(text, country) for country in countries if _is_written_as_in(country, text))
    return (number for number in told if number is not None)


def _is_written_as_in(country: str, text: str) -> bool:
    """Where numbers begin with a 0, one without it is hardly from there: 1234567890 is made up, not from Bedford."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country)
    needs_zero = metadata is not None and metadata.national_prefix == "0"
    return not needs_zero or phonenumbers.normalize_digits_only(text).startswith("0")


def _valid(text: str, country: str) -> PhoneNumber | None:
    """The number as that country writes it, if its plan has it in use."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    is_one = phonenumbers.is_valid_number(number) and phonenumbers.can_be_internationally_dialled(number)
    return number if is_one and _letters_fit(text, number) else None


def _from_abroad(text: str, country: str) -> PhoneNumber | None:
    """A number behind another country's prefix for calls abroad: 011 31 … in Europe, 00 31 … in America."""
    main, mark, extension = text.partition(" ext. ")
    digits = phonenumbers.normalize_digits_only(main)
    prefix = next((each for each in _ABROAD if digits.startswith(each)), None)
    if prefix is None or "+" in main or any(map(str.isalpha, main)):
        return None
    return _valid(f"+{digits.removeprefix(prefix)}{mark}{extension}", country)


def _letters_fit(text: str, number: PhoneNumber) -> bool:
    """Whether the letters, if there are any, spell a number; the reader of numbers skips what it does not know."""
    main = _MARKED.sub("", text)
    if not any(map(str.isalpha, main)):
        return True
    spelt = _SPELLING.sub("", main, count=1)
    return not any(map(str.isalpha, spelt)) and phonenumbers.number_type(number) in _SPELT


_MARKED = re.compile(r"[\s;]*ext[.=]\s*\d+\s*\Z", re.IGNORECASE)


def _is_mobile(number: PhoneNumber) -> bool:
    return bool(phonenumbers.number_type(number) == PhoneNumberType.MOBILE)

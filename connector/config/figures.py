"""Figures as text, as a country, a spreadsheet or a flow writes them: "€ 12.000,50", "12'000", "(1,200.00)", "1.2E7".

Read strictly: a text that two people would read differently is no figure, and whoever asked is told so.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.numbers import get_decimal_symbol, is_currency

_LONGEST = 40  # characters
_WORDS = frozenset(("euro", "euros", "kr", "kr.", "fr.", "zł"))
_SYMBOL = re.compile(r"[A-Z]{0,3}(?P<sign>.)")  # €, US$
_DRESSED = re.compile(r"(?P<before>[^\d,']*)(?P<body>\d(?:.*\d)?)(?P<after>[^\d,']*)")
_NO_CENTS = re.compile(r"[.,]-{1,2}\Z")  # 12.000,-
_SIGNED = re.compile(r"(?P<before>[^\d+-]*)(?P<sign>[+-])(?P<rest>[^\d+-]*\d.*)")
_DASHES = str.maketrans("\u2212\u2013\u2014\u2019\u066b\u066c", "---',.")
_EXPONENT = re.compile(r"\d+(?:\.\d+)?E[+-]?\d{1,2}", re.IGNORECASE)
_GREATEST = Decimal(10) ** 18  # beyond, it is a slip or a joke, and no amount
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?P<mark>[., '])\d{3}(?:(?P=mark)\d{3})*")
_LAKHS = re.compile(r"[1-9]\d?(?:,\d\d)+,\d{3}")  # as in India: 12,00,000
_ODD = frozenset(("No", "Nl"))  # ½ and ², which are no digits of a figure


class FigureError(ValueError):
    """The text is no figure; the message says why, without the text."""


def read_figure(text: str, country: str | None = None) -> Decimal:
    """The number in ``text``, whatever currency stands beside it. Raises ``FigureError``.

    ``country`` (ISO 3166, two capitals) settles what 12.000 is; where nobody says it, that is no figure.
    """
    if len(text) > _LONGEST or any(unicodedata.category(char) in _ODD for char in text):
        raise FigureError("it is no figure")
    bare, negative = _unsigned(_NO_CENTS.sub("", _latin(text)))
    found = _DRESSED.fullmatch(bare)
    if found is None or not _is_currency(found["before"].strip(), found["after"].strip()):
        raise FigureError("it is no figure")
    number = _number(found["body"], country)
    if number > _GREATEST:
        raise FigureError("it is too large")
    return -number if negative else number


def _latin(text: str) -> str:
    """In ASCII digits, with one kind of space, of dash and of apostrophe."""
    plain = unicodedata.normalize("NFKC", text).translate(_DASHES)
    digits = (str(unicodedata.decimal(char)) if char.isdecimal() else char for char in plain)
    return " ".join("".join(digits).split())


def _unsigned(text: str) -> tuple[str, bool]:
    """The text without its sign, and whether that was a minus, or the brackets of bookkeeping."""
    if text.startswith("(") and text.endswith(")"):
        return text[1:-1].strip(), True
    if found := _SIGNED.fullmatch(text):
        return f"{found['before']}{found['rest'].strip()}".strip(), found["sign"] == "-"
    is_last = text.endswith("-") and text[-2:-1].isdigit()
    return (text[:-1], True) if is_last else (text, False)


def _is_currency(before: str, after: str) -> bool:
    """Nothing, or one currency on one side."""
    word = before or after
    if not word:
        return True
    symbol = _SYMBOL.fullmatch(word)
    is_symbol = symbol is not None and unicodedata.category(symbol["sign"]) == "Sc"
    return not (before and after) and (is_symbol or word.casefold() in _WORDS or is_currency(word.upper()))


def _number(body: str, country: str | None) -> Decimal:
    if _EXPONENT.fullmatch(body):
        return Decimal(body)
    whole, mark, cents = _split(body, country)
    grouped = _THOUSANDS.fullmatch(whole) or _LAKHS.fullmatch(whole)
    if not (whole.isdigit() or (grouped and mark not in whole)) or not (cents or "0").isdigit():
        raise FigureError("it is no figure")
    return Decimal(f"{re.sub(r'[^0-9]', '', whole)}.{cents or 0}")


def _split(body: str, country: str | None) -> tuple[str, str, str]:
    """What stands before the decimals, what parts them, and the decimals. The mark is "|" where there are none."""
    marks = [char for char in body if char in ".,"]
    if not marks or (len(marks) > 1 and len(set(marks)) == 1):
        return body, "|", ""
    is_one = len(marks) == 1 and _THOUSANDS.fullmatch(body) is not None
    if is_one and country is not None and marks[0] != _decimal_mark(country):
        return body, "|", ""
    if is_one:
        raise FigureError(f"it may be {body.partition(marks[0])[0]} or {body.replace(marks[0], '')}")
    whole, mark, cents = body.rpartition(marks[-1])
    return whole, mark, cents


@cache
def _decimal_mark(country: str) -> str:
    try:
        return str(get_decimal_symbol(Locale.parse(f"und_{country}")))
    except (UnknownLocaleError, ValueError):
        return "."

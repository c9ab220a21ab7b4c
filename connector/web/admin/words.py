"""The words of the admin pages: English in the code, Dutch by ``translations/nl/LC_MESSAGES/admin*.po``."""

from __future__ import annotations

import gettext
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel import Locale

from connector.feedback.messaging.catalogue_files import compiled, read_catalogue

LANGUAGES = ("en", "nl")
"""English first: it is the source, and what is spoken to whoever wants none of these."""

NAMES = {"en": "English", "nl": "Nederlands"}
"""Each in its own words."""

FOLDER = Path(__file__).parents[1] / "translations"


@dataclass(frozen=True, slots=True)
class Speech:
    """How a page speaks: English words → words of its language, with their places filled in."""

    language: str
    _catalogue: gettext.NullTranslations = field(repr=False)

    def __call__(self, words: str, **values: Any) -> str:
        found = self._catalogue.gettext(words)
        return found.format(**values) if values else found

    def plural(self, one: str, many: str, number: int, **values: Any) -> str:
        """The words for a number of things, which they name {number}."""
        return self._catalogue.ngettext(one, many, number).format(number=self.number(number), **values)

    def number(self, value: int | float) -> str:
        """As the language writes it: 1,234 or 1.234."""
        text = f"{value:,}"
        return text if self.language == "en" else text.translate(str.maketrans(",.", ".,"))

    @property
    def locale(self) -> Locale:
        """How dates and times are written: English with 24 hours, and the day before the month."""
        return Locale("en", "GB") if self.language == "en" else Locale(self.language)


def later(words: str) -> str:
    """Marks words that are translated where they are shown."""
    return words


@lru_cache(maxsize=len(LANGUAGES))
def speech(language: str) -> Speech:
    """Of one of LANGUAGES."""
    if language == LANGUAGES[0]:
        return Speech(language, gettext.NullTranslations())
    words = gettext.NullTranslations()
    for path in catalogues(language):
        words.add_fallback(compiled(read_catalogue(path, language, [])))
    return Speech(language, words)


def catalogues(language: str) -> list[Path]:
    """Its files: ``admin.po``, and those that groups of pages have of their own (``admin-<group>.po``)."""
    return sorted((FOLDER / language / "LC_MESSAGES").glob("admin*.po"))


def spoken(wanted: Sequence[str]) -> str:
    """The first of these languages that we speak: "nl" for "nl-BE"; else English."""
    bases = (each.replace("_", "-").partition("-")[0].lower() for each in wanted)
    return next((each for each in bases if each in LANGUAGES), LANGUAGES[0])

"""The fixed words of pages and mails, in every language that has a catalogue file.

A language is a file: ``connector/web/translations/<language>/LC_MESSAGES/survey.po``; English is the source. The
files are compiled in memory when first used, so that a checkout works as it is and no compiled copy can be stale.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from babel.messages import mofile, pofile

Say = Callable[[str], str]
"""English words → the words of one language."""

SOURCE = "en"
_FOLDER = Path(__file__).parents[2] / "web" / "translations"


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """The languages that pages and mails can be in; English first."""
    files = _FOLDER.glob("*/LC_MESSAGES/survey.po")
    return (SOURCE, *sorted({path.parts[-3] for path in files} - {SOURCE}))


def say_in(language: str) -> Say:
    """The words of a language; of "nl" for "nl-BE"; English for a language without a file."""
    return _catalogue(language.replace("_", "-").partition("-")[0]).gettext


@lru_cache(maxsize=64)
def _catalogue(language: str) -> gettext.NullTranslations:
    if language not in languages() or language == SOURCE:
        return gettext.NullTranslations()
    source = _FOLDER / language / "LC_MESSAGES" / "survey.po"
    compiled = io.BytesIO()
    with source.open("rb") as file:
        mofile.write_mo(compiled, pofile.read_po(file, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)

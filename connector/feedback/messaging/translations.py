"""The fixed words of pages and mails, in every language and tone that has a catalogue file.

English is the source. The product's own files are ``connector/web/translations/<language>/LC_MESSAGES/survey.po``; an
organisation's are ``<language>/survey.po`` in the folder that ``translations:`` of ringback.yaml names, and go before
them, sentence by sentence: a new language is a file, and so is a sentence that should read otherwise. A file called
``nl-informal`` holds what differs from ``nl`` where a brand's tone is informal, and nothing else.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from babel import Locale, UnknownLocaleError

from connector.feedback.messaging.catalogue_files import Catalogue, compiled, read_catalogue, to_fill_in, translated
from workflows.errors import DefinitionError, Mistake

Say = Callable[[str], str]
"""English words → the words of one language."""

SOURCE = "en"
FORMAL, INFORMAL = "formal", "informal"
TONES = (FORMAL, INFORMAL)
_FOLDER = Path(__file__).parents[2] / "web" / "translations"


@dataclass(frozen=True, slots=True)
class Words:
    """How one page or mail speaks: its language, and English words → words of that language."""

    language: str
    _catalogue: gettext.NullTranslations = field(repr=False)

    def __call__(self, words: str) -> str:
        return self._catalogue.gettext(words)

    def count(self, one: str, many: str, number: int) -> str:
        """The words for a number of things, by the language's own rules: Arabic has six forms."""
        return self._catalogue.ngettext(one, many, number)

    @property
    def direction(self) -> str:
        """"ltr" or "rtl", for ``dir`` of pages and mails."""
        return direction(self.language)

    @property
    def locale(self) -> Locale:
        """How the language writes dates and numbers."""
        return locale_of(self.language) or Locale(SOURCE)


class Catalogues:
    """All catalogues of a house: the product's, and over them those of the folder ``own``.

    Raises DefinitionError with every mistake of the own files.
    """

    def __init__(self, own: Path | None = None) -> None:
        mistakes: list[Mistake] = []
        paths = {path.parent.name.lower(): path for path in sorted(own.glob("*/survey.po"))} if own else {}
        self._own = {name: read_catalogue(path, _base(name), mistakes) for name, path in paths.items()}
        if mistakes:
            raise DefinitionError(str(own), tuple(mistakes))
        self._made: dict[tuple[str, str, str], Words] = {}

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages with a catalogue; English first."""
        named = {name for name in (*self._own, *_product()) if _base(name) == name}
        return (SOURCE, *sorted(named - {SOURCE}))

    def near(self, wanted: str) -> str:
        """The language with a catalogue that comes nearest: "nl" for "nl-BE"; English for one that has none."""
        return next((each for each in _names(wanted) if each in self.languages), SOURCE)

    def words(self, language: str, tone: str = FORMAL, fallback: str = "") -> Words:
        """The words of a language in a tone; where it has none those of ``fallback``, and then English."""
        key = (language, tone, fallback)
        if key not in self._made:
            self._made[key] = Words(language, _chained([*self._of(language, tone), *self._of(fallback, tone)]))
        return self._made[key]

    def missing(self, language: str) -> tuple[str, ...]:
        """The fixed words that the language has not; all of them for a language without a catalogue."""
        if SOURCE in _names(language):
            return ()
        there = {words for catalogue in self._of(language, FORMAL) for words in translated(catalogue)}
        return tuple(words for words in fixed_words() if words not in there)

    def template(self, language: str) -> str:
        """A PO file of every fixed word, with the words that the language has already."""
        return to_fill_in(_product()["nl"], language, list(self._of(language, FORMAL)))

    def _of(self, language: str, tone: str) -> Iterator[Catalogue]:
        """A tone's before the plain ones, a region's before its language's, the house's own before the product's."""
        names = _names(language)
        for name in (*(f"{each}-{tone}" for each in names), *names):
            yield from (held[name] for held in (self._own, _product()) if name in held)


def fixed_words() -> tuple[str, ...]:
    """Every fixed word there is, in English; Dutch, which has them all, is the list. One of a pair that is counted
    stands for both."""
    return tuple(translated(_product()["nl"]))


def locale_of(language: str) -> Locale | None:
    """What CLDR knows of a language; None for one that it does not know."""
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        return None


def direction(language: str) -> str:
    """The way a language is written: "rtl" for Arabic and Hebrew. Source: CLDR, through Babel."""
    locale = locale_of(language)
    return str(locale.text_direction) if locale else "ltr"


def _names(language: str) -> tuple[str, ...]:
    code = language.replace("_", "-").lower()
    return tuple(dict.fromkeys(name for name in (code, code.partition("-")[0]) if name))


def _base(name: str) -> str:
    """The language that a catalogue is of: "nl" of "nl-informal"."""
    head, _, tail = name.rpartition("-")
    return head if tail in TONES else name


@lru_cache(maxsize=1)
def _product() -> Mapping[str, Catalogue]:
    paths = {path.parts[-3]: path for path in _FOLDER.glob("*/LC_MESSAGES/survey.po")}
    return {name: read_catalogue(path, _base(name), []) for name, path in paths.items()}


def _chained(catalogues: Sequence[Catalogue]) -> gettext.NullTranslations:
    """Each catalogue's words where those before it have none; at last the English ones."""
    first = gettext.NullTranslations()
    for catalogue in catalogues:
        first.add_fallback(compiled(catalogue))
    return first


PRODUCT = Catalogues()
"""The catalogues that come with the product."""

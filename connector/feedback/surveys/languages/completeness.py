"""Whether a survey can be had in all of its languages: each needs a catalogue of the fixed words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.feedback.messaging.translations import Catalogues, fixed_words
from connector.feedback.surveys.model import Survey
from workflows.errors import Mistake


def check_catalogues(survey: Survey, catalogues: Catalogues) -> Iterator[Mistake]:
    """Every language without a whole catalogue, unless the survey says which language stands in for it."""
    if survey.fallback:
        missing = catalogues.missing(survey.fallback)
        if missing:
            whole = ", ".join(each for each in catalogues.languages if not catalogues.missing(each))
            yield Mistake("fallback", _lacking(survey.fallback, missing), f"Use one of {whole}.")
        return
    for index, language in enumerate(survey.languages):
        if missing := catalogues.missing(language):
            yield Mistake(
                f"languages[{index}]", _lacking(language, missing),
                f"Write them with `ringback survey words {language}`, or set fallback: en to have those in English.",
            )  # fmt: skip


def _lacking(language: str, missing: Sequence[str]) -> str:
    if len(missing) == len(fixed_words()):
        return f"there is no catalogue of the fixed words (“{missing[0]}”, …) in {language}."
    named = ", ".join(f"“{words}”" for words in missing[:3]) + (", …" if len(missing) > 3 else "")
    return f"the catalogue in {language} lacks {len(missing)} of {len(fixed_words())} fixed words: {named}."

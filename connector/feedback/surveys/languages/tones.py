"""One survey, addressed formally or informally: of each text the wording that a brand's tone asks for. Pure.

Beside ``nl`` a text may have ``nl-informal``; it stands for ``nl`` where the brand's tone is informal. Only sentences
that differ are written twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from connector.feedback.messaging.translations import FORMAL, INFORMAL
from connector.feedback.surveys.languages.wordings import language_and_tone, reworded, texts
from connector.feedback.surveys.model import Survey, Text

_FORMAL_ADDRESS = {
    "nl": re.compile(r"\b(?:u|uw|uwe|uzelf)\b", re.IGNORECASE),
    "de": re.compile(r"\b(?:Sie|Ihnen|Ihr|Ihre[mnrs]?)\b"),
    "fr": re.compile(r"\b(?:vous|votre|vos)\b", re.IGNORECASE),
}
"""How formal address shows in a language; "Sie" counts in capitals alone, at the cost of a sentence that begins so."""

_MOST = 500  # surveys in a tone that are remembered
_TONED: dict[tuple[int, str], tuple[Survey, Survey]] = {}
"""By identity: to hash a survey takes as long as to say it. Its source stands beside each, and keeps the id its own."""


def in_tone(survey: Survey, tone: str) -> Survey:
    """The survey as a brand of this tone says it. Remembered, since a survey is asked many times."""
    key = (id(survey), tone)
    found = _TONED.get(key)
    if found is None:
        if len(_TONED) >= _MOST:
            _TONED.clear()
        found = _TONED[key] = (survey, reworded(survey, partial(_wordings, tone)))
    return found[1]


def speaks_formally(wording: str, language: str) -> bool:
    """Whether the wording addresses people formally, as far as the language shows it in single words."""
    pattern = _FORMAL_ADDRESS.get(language.partition("-")[0])
    return pattern is not None and pattern.search(_spoken(wording)) is not None


def mixed(survey: Survey, tone: str = INFORMAL) -> Iterator[tuple[str, str]]:
    """Places, with their language, where people who are to be addressed informally would be addressed formally."""
    if tone == FORMAL:
        return
    for path, text in texts(in_tone(survey, tone)):
        yield from ((path, language) for language, wording in text.items() if speaks_formally(wording, language))


def _wordings(tone: str, text: Text) -> Text:
    plain = {key: wording for key, wording in text.items() if not language_and_tone(key)[1]}
    return {language: text.get(f"{language}-{tone}", wording) for language, wording in plain.items()}


def _spoken(wording: str) -> str:
    """Without what Liquid fills in: "{{ customer.name }}" addresses nobody."""
    return re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", wording, flags=re.DOTALL)

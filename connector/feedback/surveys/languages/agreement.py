"""Whether a survey is the same in all its languages: names, links, options, the direction of scales. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from connector.feedback.surveys.languages.wordings import texts
from connector.feedback.surveys.model import Option, Survey, Text
from workflows.errors import Mistake, TemplateError
from workflows.templates import template_references

_LINK = re.compile(r"https?://[^\s<>\"'»”)]+[^\s<>\"'»”).,;:!?]")
_NUMBER = re.compile(r"\d+")


def disagreements(survey: Survey) -> Iterator[Mistake]:
    """Every wording that says something else than the one in the survey's first language."""
    first = survey.languages[0]
    for path, text in texts(survey):
        for language in sorted(set(text) - {first}):
            yield from _beside(f"{path}.{language}", text[first], text[language], first)
    yield from _directions(survey, first)
    for index, question in enumerate(survey.questions):
        yield from _options(f"questions[{index}].options", question.options)


def _beside(path: str, source: str, wording: str, first: str) -> Iterator[Mistake]:
    filled, wanted = _filled_in(wording), _filled_in(source)
    if filled != wanted:
        here, there = (", ".join(sorted(names)) or "nothing" for names in (filled, wanted))
        yield Mistake(path, f"it fills in {here}; {first} has {there}.", "Fill in the same.")
    leads, wanted_leads = sorted(_LINK.findall(wording)), sorted(_LINK.findall(source))
    if leads != wanted_leads:
        where = ", ".join(wanted_leads) or "nowhere"
        yield Mistake(path, f"it leads {', '.join(leads) or 'nowhere'}; {first} leads {where}.", "Use the same link.")


def _filled_in(wording: str) -> frozenset[str]:
    try:
        return template_references(wording)
    except TemplateError:  # told elsewhere
        return frozenset()


def _directions(survey: Survey, first: str) -> Iterator[Mistake]:
    """A question about a scale that names its numbers must name them in the same order, in whatever digits."""
    for index, question in enumerate(survey.questions):
        if question.scale is None:
            continue
        said: dict[str, Text] = {"text": question.text, "help": question.help}
        said |= {f"text_by_band.{band}": text for band, text in question.text_by_band.items()}
        for name, text in said.items():
            for language, wording in text.items():
                if _numbers(wording) != _numbers(text[first]):
                    remedy = f"Name these, in this order: {', '.join(_numbers(text[first])) or 'none'}."
                    told = f"it names other numbers of the scale than {first}, or in another order."
                    yield Mistake(f"questions[{index}].{name}.{language}", told, remedy)


def _numbers(wording: str) -> list[str]:
    digits = "".join(str(unicodedata.digit(sign, sign)) for sign in wording)
    return _NUMBER.findall(digits)


def _options(path: str, options: tuple[Option, ...]) -> Iterator[Mistake]:
    """Two options that read alike cannot be told apart by who reads that language."""
    seen: dict[tuple[str, str], Any] = {}
    for index, option in enumerate(options):
        for language, wording in option.text.items():
            key = (language, " ".join(wording.casefold().split()))
            if key in seen:
                place = f"{path}[{index}].text.{language}"
                yield Mistake(place, f"{wording!r} is there twice.", "Word the options apart.")
            seen[key] = index

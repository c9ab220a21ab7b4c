"""A survey's wordings as a PO file for a translator, one per survey and language, and back. Pure.

An entry's context is the wording's place in the survey, its id the wording in the survey's first language (in a tone's
file: the formal one), so that a file made before the survey changed is found out.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace

from babel.messages import pofile
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError

from connector.feedback.surveys.languages.agreement import disagreements
from connector.feedback.surveys.languages.wordings import language_and_tone, reworded, texts
from connector.feedback.surveys.model import Survey, Text
from workflows.errors import DefinitionError, Mistake
from workflows.templates import is_template

_ANEW = "Export the survey again, and move your words over."
_NOTE = "Keep what stands in {{ … }} and {% … %} as it is."


def export(survey: Survey, key: str) -> str:
    """The PO file of a language or tone ("ar", "nl-informal"), with the wordings that are there already."""
    source = source_of(survey, key)
    catalogue = Catalog(project=survey.slug, charset="utf-8", header_comment=_header(survey, key, source), fuzzy=False)
    for path, text in texts(survey):
        note = [_NOTE] if is_template(text[source]) else []
        entry = catalogue.add(text[source], text.get(key, ""), context=path, auto_comments=note)
        entry.flags.discard("python-format")  # Babel takes Liquid's {% if %} for it
    file = io.BytesIO()
    pofile.write_po(file, catalogue, width=0, omit_header=False)
    return file.getvalue().decode("utf-8")


def read(po: str, survey: Survey, key: str) -> dict[str, str]:
    """Place → wording, of a file that ``export`` made. Raises DefinitionError with every mistake."""
    try:
        catalogue = pofile.read_po(io.StringIO(po), abort_invalid=True)
    except (PoFileError, ValueError) as error:
        remedy = "Save it as a PO file in UTF-8."
        raise DefinitionError("translation", (Mistake("file", f"cannot be read ({error}).", remedy),)) from error
    found = {str(message.context or ""): message for message in catalogue if message.id}
    if mistakes := tuple(_mistakes(found, survey, key)):
        raise DefinitionError("translation", mistakes)
    wordings = {path: str(message.string) for path, message in found.items() if message.string}
    changed = translated(survey, key, wordings)
    if wrong := [each for each in disagreements(changed) if each.path.endswith(f".{key}")]:
        raise DefinitionError("translation", tuple(wrong))
    return wordings


def translated(survey: Survey, key: str, wordings: Mapping[str, str]) -> Survey:
    """The survey with these wordings. A tone keeps no wording that is the formal one's."""
    language, tone = language_and_tone(key)
    places = iter([path for path, _ in texts(survey)])

    def worded(text: Text) -> Text:
        wording = wordings.get(next(places), "")
        rest = {each: said for each, said in text.items() if each != key}
        return rest if not wording or (tone and wording == text.get(language)) else {**rest, key: wording}

    languages = survey.languages if language in survey.languages else (*survey.languages, language)
    return replace(reworded(survey, worded), languages=languages)


def source_of(survey: Survey, key: str) -> str:
    """What is translated from. Raises DefinitionError for a tone of a language that the survey has not."""
    language, tone = language_and_tone(key)
    if tone and language not in survey.languages:
        remedy = f"Translate it into {language} first."
        told = Mistake("language", f"{survey.slug} has no {language}, and so no {key}.", remedy)
        raise DefinitionError(survey.slug, (told,))
    return language if tone else survey.languages[0]


def _header(survey: Survey, key: str, source: str) -> str:
    told = f"# {survey.name} ({survey.slug}): {source} → {key}."
    is_tone = language_and_tone(key)[1]
    rule = "Write only what differs; the rest stays as it is." if is_tone else "Every entry needs its words."
    return f"{told} {rule}"


def _mistakes(found: Mapping[str, Message], survey: Survey, key: str) -> Iterator[Mistake]:
    source, wanted = source_of(survey, key), dict(texts(survey))
    for path in sorted(found.keys() - wanted.keys()):
        yield Mistake(path or "file", "the survey has no such text.", _ANEW)
    for path, text in wanted.items():
        message = found.get(path)
        if message is None:
            yield Mistake(path, "it is missing.", _ANEW)
        elif message.id != text[source]:
            yield Mistake(path, f"the wording in {source} has changed since.", f"It is now: {text[source]!r}.")
        elif message.fuzzy:
            yield Mistake(path, "it is marked fuzzy.", "Look at it, and take the mark out.")
        elif not message.string and not language_and_tone(key)[1]:
            yield Mistake(path, f"its wording in {key} is missing.", "Fill in msgstr.")

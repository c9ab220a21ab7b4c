"""One catalogue file: read, checked, and made ready for use in memory, so that no compiled copy can be stale."""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog, Message
from babel.messages.plurals import get_plural
from babel.messages.pofile import PoFileError

from workflows.errors import Mistake

Catalogue = Catalog
"""The sentences of one file, with the plural rules of its language."""

_PLACEHOLDER = re.compile(r"\{\w*\}")
_TO_TRANSLATORS = "# The fixed words of survey pages and mails. Keep what stands in { … } as it is."
_LARGEST = 1_000_000  # bytes


def read_catalogue(path: Path, language: str, mistakes: list[Mistake]) -> Catalogue:
    """The file's sentences; what is wrong with it joins ``mistakes``, and an unreadable file has no sentence."""
    where = f"{path.parent.name}/{path.name}"
    try:
        found = _read(path, language)
    except (OSError, ValueError, PoFileError) as error:
        mistakes.append(Mistake(where, f"cannot be read ({error}).", "Save it as a PO file in UTF-8."))
    else:
        mistakes.extend(_check(where, language, found))
        return found
    return Catalog()


def translated(catalogue: Catalogue) -> Iterator[str]:
    """The English words (one of a pair that is counted) that the file has words for; what is marked fuzzy has none."""
    return (_ids(message)[0] for message in catalogue if message.id and not message.fuzzy and all(_strings(message)))


def compiled(catalogue: Catalogue) -> gettext.GNUTranslations:
    """The same, as gettext looks it up. A new one at each call: it may be given a fallback of its own."""
    file = io.BytesIO()
    mofile.write_mo(file, catalogue)
    file.seek(0)
    return gettext.GNUTranslations(file)


def to_fill_in(whole: Catalogue, language: str, known: Sequence[Catalogue]) -> str:
    """A PO file with the English words of ``whole``, and what the ``known`` catalogues (first come, first served) have
    for them."""
    blank = Catalog(language.replace("-", "_"), project="ringback", header_comment=_TO_TRANSLATORS, fuzzy=False)
    for message in whole:
        if message.id:
            there = (found.string for each in known if (found := each.get(message.id)) and any(_strings(found)))
            blank.add(message.id, next(there, ""))
    file = io.BytesIO()
    pofile.write_po(file, blank, width=0)
    return file.getvalue().decode("utf-8")


def placeholders(text: str) -> list[str]:
    """The places of a sentence that are filled in, as "{score}", in order of name."""
    return sorted(set(_PLACEHOLDER.findall(text)))


def _read(path: Path, language: str) -> Catalogue:
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"longer than {_LARGEST} bytes")
    text = path.read_text("utf-8-sig")
    return pofile.read_po(io.StringIO(text), locale=language.replace("-", "_"), abort_invalid=True)


def _check(where: str, language: str, catalogue: Catalogue) -> Iterator[Mistake]:
    if catalogue.locale is None:
        yield Mistake(where, f"{language!r} is no language.", "Name the folder after one: de, pt-br, ar.")
        return
    rules = get_plural(catalogue.locale)
    if catalogue.num_plurals != rules.num_plurals:
        problem = f"its plural forms are {catalogue.num_plurals}, and the language has {rules.num_plurals}."
        yield Mistake(f"{where}: Plural-Forms", problem, f"Write {rules.plural_forms}, or leave the line out.")
    for message in catalogue:
        if message.id and not message.fuzzy and any(_strings(message)):
            yield from _check_message(f"{where}: {_ids(message)[0]!r}", message)


def _check_message(where: str, message: Message) -> Iterator[Mistake]:
    """Words for a number may leave it out ("one day"); a single sentence may leave out nothing."""
    wanted, strings = placeholders(" ".join(_ids(message))), _strings(message)
    if not all(strings):
        yield Mistake(where, "some of its plural forms are empty.", "Fill in all of them.")
    for text in filter(None, strings):
        found = placeholders(text)
        if found != wanted and (len(strings) == 1 or not set(found) <= set(wanted)):
            names = ", ".join(wanted) or "none"
            yield Mistake(where, f"{text!r} has other places to fill in than the English.", f"It needs: {names}.")


def _ids(message: Message) -> tuple[str, ...]:
    return _several(message.id)


def _strings(message: Message) -> tuple[str, ...]:
    return _several(message.string or "")


def _several(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)

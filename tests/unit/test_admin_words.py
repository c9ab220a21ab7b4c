"""Every sentence of the admin pages has its Dutch, and the Dutch has none that no page says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from connector.feedback.messaging.catalogue_files import read_catalogue
from connector.web.admin.words import LANGUAGES, catalogues, speech, spoken
from workflows.errors import Mistake
from workflows.sentences import SENTENCES

WEB = Path(__file__).resolve().parents[2] / "connector" / "web"
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
WORDS = {
    "say": None, "later": None, "plural": (1, 2),
    "sentence": None, "BlockedError": None, "GoneError": None, "FieldError": (2,),
}  # fmt: skip


def said() -> set[str]:
    """The English of every sentence; of a pair that is counted, the first."""
    folders = (WEB / "admin", WEB / "templates" / "admin", WEB.parent / "access")
    return {words for folder in folders for words in _found(folder)} | set(SENTENCES.values())


def _found(folder: Path) -> Iterator[str]:
    for _file, _line, message, _comments, _context in extract_from_dir(
        str(folder), METHODS, {"**.html": {"silent": "false"}}, keywords=WORDS, strip_comment_tags=True
    ):
        yield message[0] if isinstance(message, tuple) else message


def test_every_sentence_is_said_in_every_language() -> None:
    for language in LANGUAGES[1:]:
        messages = [message for file in catalogues(language) for message in _read(file, language) if message.id]
        there = {_strings(message.id)[0] for message in messages}
        assert sorted(said() - there) == [], "these have no words"
        assert sorted(there - said()) == [], "no page says these any more"
        assert [message.id for message in messages if not all(_strings(message.string))] == []
        assert len(there) == len(messages), "said twice"


def _read(file: Path, language: str) -> Catalog:
    with file.open("rb") as opened:
        return read_po(opened, locale=language)


def _strings(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def test_what_is_filled_in_is_the_same_in_every_language() -> None:
    mistakes: list[Mistake] = []
    for language in LANGUAGES[1:]:
        for file in catalogues(language):
            read_catalogue(file, language, mistakes)
    assert [each.message for each in mistakes] == []


def test_numbers_and_counted_things_are_written_as_the_language_does() -> None:
    assert speech("en").number(1234567.5) == "1,234,567.5"
    assert speech("nl").number(1234567.5) == "1.234.567,5"
    minutes = ("{number} minute", "{number} minutes")
    assert [speech("nl").plural(*minutes, number) for number in (1, 2)] == ["1 minuut", "2 minuten"]


def test_a_region_s_language_is_its_own_and_an_unknown_one_is_english() -> None:
    assert (spoken(["nl-BE"]), spoken(["fi", "nl"]), spoken(["fi"]), spoken([])) == ("nl", "nl", "en", "en")

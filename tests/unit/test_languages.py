"""The fixed words of pages and mails: every language whole, every tone consistent, own files on top."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from connector.feedback.callbacks.briefing_words import CATALOGUES
from connector.feedback.messaging import translations
from connector.feedback.messaging.brands import Brand
from connector.feedback.messaging.catalogue_files import read_catalogue, translated
from connector.feedback.messaging.scale_labels import ends, smiley_words
from connector.feedback.messaging.translations import PRODUCT, TONES, Catalogues, fixed_words
from connector.feedback.surveys.languages.tones import speaks_formally
from workflows.errors import DefinitionError, Mistake
from workflows.scoring import SCALES
from workflows.sentences import SENTENCES

CONNECTOR = Path(translations.__file__).parents[2]
_MAIL_SIGNS = {
    "variable_start_string": "[[", "variable_end_string": "]]", "block_start_string": "[%", "block_end_string": "%]",
}  # fmt: skip
_JINJA = "jinja2.ext:babel_extract"
_TEMPLATES = (("**/templates/survey/**.html", _JINJA), ("**/templates/mail/**.mjml", _JINJA))
FOR_COLLEAGUES = SENTENCES.keys() | {words for catalogue in CATALOGUES.values() for words in catalogue}
"""What histories and tickets say: see test_sentences and test_ticket_words."""

_MARKS = {"_": None, "say": None, "words": None, "count": (1, 2)}


def words_of_the_code() -> set[str]:
    """What pages and mails say to customers, read from the code and the templates."""
    options = {"**/templates/mail/**.mjml": _MAIL_SIGNS}
    found = extract_from_dir(CONNECTOR, list(_TEMPLATES), options_map=options, keywords=_MARKS, comment_tags=())
    files = [*CONNECTOR.glob("feedback/**/*.py"), *CONNECTOR.glob("web/survey/**/*.py")]
    in_templates = {each if isinstance(each, str) else each[0] for _, _, each, _, _ in found}
    return in_templates | {words[0] for file in files for words in marked(file)} - FOR_COLLEAGUES


def counted_words_of_the_code() -> set[tuple[str, str]]:
    """(one, many) of each sentence that counts something."""
    files = [*CONNECTOR.glob("feedback/**/*.py"), *CONNECTOR.glob("web/survey/**/*.py")]
    return {(words[0], words[1]) for file in files for words in marked(file) if len(words) > 1}


def marked(file: Path) -> Iterator[list[str]]:
    """The texts that a module marks: _("…"), say("…"), frame.say("…"), say.count("…", "…", number)."""
    for call in (node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", None) or getattr(call.func, "id", "")
        words = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if name in _MARKS and words:
            yield words


def own(folder: Path, **files: str) -> Catalogues:
    """A house with catalogue files of its own: ``nl_BE="…"`` is nl-BE/survey.po."""
    for name, text in files.items():
        file = folder / name.replace("_", "-") / "survey.po"
        file.parent.mkdir()
        file.write_text(text, "utf-8")
    return Catalogues(folder)


def sentence(english: str, other: str) -> str:
    return f'msgid "{english}"\nmsgstr "{other}"\n\n'


def mistakes(folder: Path, **files: str) -> Iterator[str]:
    with pytest.raises(DefinitionError) as refused:
        own(folder, **files)
    return (str(each) for each in refused.value.mistakes)


def test_every_word_of_pages_and_mails_is_in_the_catalogues_and_no_other() -> None:
    assert words_of_the_code() ^ set(fixed_words()) == set()


@pytest.mark.parametrize("language", PRODUCT.languages)
def test_every_language_of_the_product_is_whole(language: str) -> None:
    assert PRODUCT.missing(language) == ()


@pytest.mark.parametrize("file", sorted((CONNECTOR / "web" / "translations").glob("*/LC_MESSAGES/survey.po")))
def test_a_catalogue_of_the_product_has_no_mistake_and_no_sentence_that_nobody_says(file: Path) -> None:
    found: list[Mistake] = []
    catalogue = read_catalogue(file, file.parts[-3].removesuffix("-informal"), found)
    assert found == []
    assert set(translated(catalogue)) - set(fixed_words()) == set()


def test_informal_dutch_never_says_u_and_holds_only_what_differs() -> None:
    formal, informal = PRODUCT.words("nl"), PRODUCT.words("nl", "informal")
    assert [informal(words) for words in fixed_words() if speaks_formally(informal(words), "nl")] == []
    own = CONNECTOR / "web" / "translations" / "nl-informal" / "LC_MESSAGES" / "survey.po"
    assert [words for words in translated(read_catalogue(own, "nl", [])) if formal(words) == informal(words)] == []


@pytest.mark.parametrize(("language", "tone"), [(each, tone) for each in PRODUCT.languages for tone in TONES])
def test_the_ends_of_a_scale_and_the_smileys_are_told_apart(language: str, tone: str) -> None:
    words = PRODUCT.words(language, tone)
    for scale in SCALES.values():
        low, high = map(words, ends(scale))
        assert low != high
    assert len(set(map(words, smiley_words()))) == 5


def test_a_language_without_a_file_is_spoken_to_in_english() -> None:
    assert PRODUCT.words("xx")("Send my answer") == "Send my answer"
    assert PRODUCT.words("nl-BE")("Send my answer") == "Antwoord versturen"
    assert [PRODUCT.near(wanted) for wanted in ("nl-BE", "nl_be", "xx", "")] == ["nl", "nl", "en", "en"]


def test_a_survey_may_name_the_language_to_fall_back_to() -> None:
    words = PRODUCT.words("fy", fallback="nl")
    assert (words("Send my answer"), words.language, words.direction) == ("Antwoord versturen", "fy", "ltr")


def test_the_direction_is_the_languages(tmp_path: Path) -> None:
    assert [PRODUCT.words(each).direction for each in ("en", "nl-BE", "ar", "he", "fa", "xx", "")] == [
        "ltr", "ltr", "rtl", "rtl", "rtl", "ltr", "ltr",
    ]  # fmt: skip


def test_a_house_adds_a_language_by_a_file(tmp_path: Path) -> None:
    house = own(tmp_path, fr=sentence("Send my answer", "Envoyer ma réponse"))
    brand = Brand(catalogues=house)
    assert house.languages == ("en", "ar", "fr", "nl")
    assert brand.words("fr-BE")("Send my answer") == "Envoyer ma réponse"
    assert "Privacy" in house.missing("fr")
    assert "Send my answer" not in house.missing("fr")
    assert PRODUCT.words("fr")("Send my answer") == "Send my answer"


def test_a_house_says_one_sentence_in_its_own_way_and_keeps_the_others(tmp_path: Path) -> None:
    words = own(tmp_path, nl=sentence("Send my answer", "Verzend"), en=sentence("Privacy", "Kept")).words
    assert (words("nl")("Send my answer"), words("nl")("Continue")) == ("Verzend", "Verder")
    assert (words("en")("Privacy"), words("en")("Continue")) == ("Kept", "Continue")


def test_a_tone_goes_before_the_language_and_a_region_before_both(tmp_path: Path) -> None:
    files = {
        "nl_informal": sentence("Privacy", "informal") + sentence("Continue", "informal"),
        "nl_BE": sentence("Privacy", "belgian"),
        "nl_BE_informal": sentence("Privacy", "belgian informal"),
    }
    words = own(tmp_path, **files).words
    assert [words(code, tone)("Privacy") for code in ("nl", "nl-BE") for tone in ("formal", "informal")] == [
        "Privacy", "informal", "belgian", "belgian informal",
    ]  # fmt: skip
    assert words("nl-BE", "informal")("Continue") == "informal"


def test_numbers_of_things_follow_the_languages_own_rules(tmp_path: Path) -> None:
    forms = "".join(f'msgstr[{index}] "form {index}"\n' for index in range(6))
    words = own(tmp_path, ar=f'msgid "{{n}} day"\nmsgid_plural "{{n}} days"\n{forms}').words("ar")
    said = [words.count("{n} day", "{n} days", number) for number in (0, 1, 2, 3, 10, 11, 99, 100, 103)]
    assert said == [f"form {index}" for index in (0, 1, 2, 3, 3, 4, 4, 5, 3)]
    assert [PRODUCT.words("en").count("day", "days", number) for number in (0, 1, 2)] == ["days", "day", "days"]


def test_what_is_wrong_with_a_house_s_own_file_is_told_with_its_place_and_remedy(tmp_path: Path) -> None:
    found = list(mistakes(
        tmp_path,
        fr=sentence("Please choose a number from {lowest} to {highest}.", "Choisissez de {lowest} à {hightest}."),
        de='msgid "{n} day"\nmsgid_plural "{n} days"\nmsgstr[0] "{n} Tag"\nmsgstr[1] ""\n',
        zz=sentence("Privacy", "x"), es="msgid oops",
    ))  # fmt: skip
    assert [each.partition("/survey.po:")[0] for each in found] == ["de", "es", "fr", "zz"]
    assert "It needs: {highest}, {lowest}." in found[2]
    assert "some of its plural forms are empty" in found[0]
    assert "'zz' is no language" in found[3]


def test_plural_forms_that_are_not_the_languages_are_refused(tmp_path: Path) -> None:
    header = 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=n != 1;\\n"\n\n'
    found = list(mistakes(tmp_path, ar=header + sentence("Privacy", "x")))
    assert re.search(r"its plural forms are 2, and the language has 6\. Write nplurals=6; plural=", found[0])

"""``ringback survey translate`` and ``words``: out to a translator and back, and nothing else of a file is touched."""

from __future__ import annotations

import difflib
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from babel.messages import pofile
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as some

from connector.cli.main import main
from connector.feedback.messaging.translations import Catalogues, fixed_words
from connector.feedback.surveys.files import built_in, parse
from connector.feedback.surveys.languages.wordings import texts
from connector.feedback.surveys.languages.yaml_edits import with_wordings

ARABIC = {
    "mail.subject": "سؤال واحد",
    "mail.greeting": "مرحبًا{% if customer.name != '' %} {{ customer.name }}{% endif %}،",
    "mail.intro": "{% if agent != '' %}تواصلتم مع {{ agent }}{% else %}تواصلنا معكم{% endif %}"
                  "{% if product != '' %} بخصوص {{ product }}{% endif %}. سؤال واحد ونقرة واحدة.",
    "questions[0].text": "ما مدى رضاكم عنا هذه المرة؟", "questions[1].text": "ما الذي لم يسر على ما يرام؟",
    "intro": "هذا السؤال فقط.", "promise": "تبقى إجابتكم داخل شركتنا وتساعدنا على التحسن.",
    "thanks.detractor.title": "شكرًا لصراحتكم",
    "thanks.detractor.text": "نأسف لذلك. وصلت إجابتكم إلى من يمكنهم التحسين.",
    "thanks.passive.title": "شكرًا لإجابتكم", "thanks.passive.text": "هذا كل شيء، وهو يساعدنا.",
    "thanks.promoter.title": "شكرًا لإجابتكم", "thanks.promoter.text": "هذا كل شيء، ويسعدنا ذلك.",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "surveys").mkdir()
    (tmp_path / "translations").mkdir()
    (tmp_path / "ringback.yaml").write_text("surveys: surveys/\ntranslations: translations/\n", "utf-8")
    return tmp_path


def run(folder: Path, *words: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["survey", *words], env={"RINGBACK_CONFIG": str(folder / "ringback.yaml")})
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def exported(folder: Path, name: str = "pulse", key: str = "ar", **changed: str) -> Path:
    """The PO file, filled in with these wordings over the Arabic ones."""
    file = folder / f"{name}.{key}.po"
    run(folder, "translate", name, "--language", key, "--export", str(file))
    catalogue = pofile.read_po(io.StringIO(file.read_text("utf-8")))
    for message in catalogue:
        if message.id:
            wanted = ARABIC.get(message.context, "") if key == "ar" else message.string
            message.string = changed.get(message.context, wanted)
    output = io.BytesIO()
    pofile.write_po(output, catalogue, width=0)
    file.write_bytes(output.getvalue())
    return file


def taken(folder: Path, file: Path, name: str = "pulse", key: str = "ar", code: int = 0) -> str:
    return run(folder, "translate", name, "--language", key, "--import", str(file), code=code)


def test_a_survey_comes_back_in_arabic_and_nothing_else_of_its_file_has_changed(folder: Path) -> None:
    assert "Wrote 13 texts in ar" in taken(folder, exported(folder))
    written = (folder / "surveys" / "pulse.yaml").read_text("utf-8")
    survey = parse(written, "pulse")
    assert survey.languages == ("en", "nl", "ar")
    assert {path: text["ar"] for path, text in texts(survey)} == ARABIC
    assert run(folder, "validate", str(folder / "surveys")).strip().endswith("good (pulse)")
    lines = difflib.ndiff(built_in()["pulse"].splitlines(), written.splitlines())
    gone = [line for line in lines if line.startswith("- ")]
    assert all("[en, nl]" in line or "{" in line for line in gone), gone  # in braces, a line is added to
    assert [line for line in written.splitlines() if "#" in line] == [
        line for line in built_in()["pulse"].splitlines() if "#" in line
    ]


def test_what_was_imported_is_exported_again_and_importing_it_twice_changes_nothing(folder: Path) -> None:
    file = exported(folder)
    taken(folder, file)
    once = (folder / "surveys" / "pulse.yaml").read_text("utf-8")
    again = folder / "again.po"
    run(folder, "translate", "pulse", "--language", "ar", "--export", str(again))
    catalogue = pofile.read_po(io.StringIO(again.read_text("utf-8")))
    assert {message.context: message.string for message in catalogue if message.id} == ARABIC
    assert "Wrote 0 texts" in taken(folder, file)
    assert (folder / "surveys" / "pulse.yaml").read_text("utf-8") == once


def test_one_wording_that_was_changed_is_replaced_at_its_place(folder: Path) -> None:
    taken(folder, exported(folder))
    before = (folder / "surveys" / "pulse.yaml").read_text("utf-8")
    assert "Wrote 1 texts" in taken(folder, exported(folder, intro="سؤال واحد لا غير."))
    after = (folder / "surveys" / "pulse.yaml").read_text("utf-8")
    assert after == before.replace(json.dumps(ARABIC["intro"], ensure_ascii=False), '"سؤال واحد لا غير."')


@pytest.mark.parametrize(("path", "wording", "told"), [
    ("mail.greeting", "مرحبًا،", "mail.greeting.ar: it fills in nothing; en has customer.name. Fill in the same."),
    ("mail.greeting", "{{ customer.nam }}", "mail.greeting.ar: it fills in customer.nam; en has customer.name."),
    ("intro", "", "intro: its wording in ar is missing. Fill in msgstr."),
    ("questions[0].text", "ما مدى رضاكم من ٥ إلى ١؟", "questions[0].text.ar: it names other numbers of the"),
    ("promise", "اقرأوا https://elsewhere.example/a.", "promise.ar: it leads https://elsewhere.example/a; en leads"),
])  # fmt: skip
def test_what_says_something_else_than_the_source_is_refused_whole(
    folder: Path, path: str, wording: str, told: str
) -> None:
    assert told in taken(folder, exported(folder, **{path: wording}), code=2)
    assert list((folder / "surveys").iterdir()) == []


def test_a_file_of_before_the_survey_changed_is_refused(folder: Path) -> None:
    file = exported(folder)
    text = built_in()["pulse"].replace("Just this one question.", "Just one question.")
    (folder / "surveys" / "mine.yaml").write_text(text, "utf-8")
    told = taken(folder, file, code=2)
    assert "intro: the wording in en has changed since. It is now: 'Just one question.'." in told
    assert (folder / "surveys" / "mine.yaml").read_text("utf-8") == text


def test_a_tone_is_handed_out_and_holds_only_what_differs(folder: Path) -> None:
    file = exported(folder, key="nl-informal", intro="Alleen deze ene vraag.", promise="Je antwoord blijft hier.")
    assert "Wrote 1 texts in nl-informal" in taken(folder, file, key="nl-informal")
    survey = parse((folder / "surveys" / "pulse.yaml").read_text("utf-8"), "pulse")
    assert survey.promise["nl-informal"] == "Je antwoord blijft hier."
    assert "nl-informal" not in survey.intro
    assert survey.languages == ("en", "nl")


@pytest.mark.parametrize(("words", "told"), [
    (("translate", "puls", "--language", "ar", "--export", "-"), "There is no survey 'puls'. Did you mean"),
    (("translate", "pulse", "--language", "xx", "--export", "-"), "'xx' is no language."),
    (("translate", "pulse", "--language", "ar"), "Say one of the two"),
    (("translate", "pulse", "--language", "de-informal", "--export", "-"), "pulse has no de, and so no de-informal."),
    (("translate", "pulse", "--language", "ar", "--import", "gone.po"), "does not exist"),
    (("words", "xx"), "'xx' is no language."),
])  # fmt: skip
def test_what_cannot_be_done_is_told_with_the_remedy(folder: Path, words: tuple[str, ...], told: str) -> None:
    assert told in run(folder, *words, code=2)


def test_every_built_in_survey_can_be_written_into(folder: Path) -> None:
    for slug, text in built_in().items():
        survey = parse(text, slug)
        wordings = {path: f"¡{number}: “{path}”! #?" for number, (path, _) in enumerate(texts(survey))}
        written = parse(with_wordings(text, "es", wordings), slug)
        assert {path: wording["es"] for path, wording in texts(written)} == wordings


@given(some.text(min_size=1, max_size=80).filter(lambda text: text.isprintable()))
def test_any_wording_comes_back_as_it_was(wording: str) -> None:
    text = "languages: [en]  # all\nintro: # why\n  en: |\n    Two\n    lines\n\n# end\npromise: {en: Plain, nl: x}\n"
    read: Any = yaml.safe_load(with_wordings(text, "fr", {"intro": wording, "promise": wording}))
    assert read == {"languages": ["en", "fr"], "intro": {"en": "Two\nlines\n", "fr": wording},
                    "promise": {"en": "Plain", "nl": "x", "fr": wording}}  # fmt: skip


def test_fixed_words_filled_in_make_a_language(folder: Path) -> None:
    file = folder / "translations" / "de" / "survey.po"
    run(folder, "words", "de", "--out", str(file))
    assert set(Catalogues(folder / "translations").missing("de")) == set(fixed_words())
    catalogue = pofile.read_po(io.StringIO(file.read_text("utf-8")), locale="de")
    for message in catalogue:
        if message.id:
            message.string = message.id  # whoever fills it in keeps the placeholders
    output = io.BytesIO()
    pofile.write_po(output, catalogue)
    file.write_bytes(output.getvalue())
    assert Catalogues(folder / "translations").missing("de") == ()
    assert "Antwoord versturen" in run(folder, "words", "nl-BE")

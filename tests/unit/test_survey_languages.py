"""A survey in several languages and tones: whole in each, and refused where the fixed words are missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from connector.definitions import parse_survey
from connector.feedback.messaging.brands import Brand
from connector.feedback.messaging.translations import PRODUCT, Catalogues
from connector.feedback.surveys.files import from_dict, lint, to_dict
from connector.feedback.surveys.invitation_email import Mailer
from connector.feedback.surveys.languages.tones import in_tone, speaks_formally
from connector.feedback.surveys.languages.wordings import texts
from workflows.errors import DefinitionError

SMALL = """
survey: small
name: Small
metric: nps
languages: [en, nl]
consent: "1"
intro: {en: Hello, nl: Dag}
promise: {en: Read by us, nl: Wij lezen uw antwoord, nl-informal: Wij lezen je antwoord}
mail:
  subject: {en: "How did we do?", nl: "Hoe hielpen wij u?", nl-informal: "Hoe hielpen wij je?"}
  greeting: {en: Hello, nl: Dag}
  intro: {en: "One question", nl: "Eén vraag"}
questions:
  - {id: score, type: nps, text: {en: "Likely?", nl: "Waarschijnlijk?"}}
  - {id: why, type: text, if: band != "", text: {en: "Why?", nl: "Waarom?"}}
thanks:
  detractor: {title: {en: Sorry, nl: Sorry}, text: {en: Thanks, nl: Dank u, nl-informal: Dank je}}
  passive: {title: {en: Thanks, nl: Bedankt}, text: {en: Thanks, nl: Bedankt}}
  promoter: {title: {en: Thanks, nl: Bedankt}, text: {en: Thanks, nl: Bedankt}}
"""


def small(**changes: Any) -> dict[str, Any]:
    return {**yaml.safe_load(SMALL), **changes}


def refused(data: dict[str, Any], catalogues: Catalogues = PRODUCT) -> list[str]:
    with pytest.raises(DefinitionError) as error:
        parse_survey(catalogues, yaml.safe_dump(data, allow_unicode=True), "survey")
    return [str(mistake) for mistake in error.value.mistakes]


def in_language(code: str, **more: Any) -> dict[str, Any]:
    """The small survey in one language alone."""
    return {**_only(code, small()), "languages": [code], **more}


def _only(code: str, value: Any) -> Any:
    if isinstance(value, dict):
        english = value.get("en")
        return {code: english} if english else {key: _only(code, each) for key, each in value.items()}
    return [_only(code, each) for each in value] if isinstance(value, list) else value


def test_a_brands_tone_chooses_the_wording_and_what_does_not_differ_is_written_once() -> None:
    survey = from_dict(small())
    formal, informal = in_tone(survey, "formal"), in_tone(survey, "informal")
    assert (formal.mail.subject["nl"], informal.mail.subject["nl"]) == ("Hoe hielpen wij u?", "Hoe hielpen wij je?")
    assert (formal.intro, informal.intro) == ({"en": "Hello", "nl": "Dag"},) * 2
    assert {code for each in (formal, informal) for _, text in texts(each) for code in text} == {"en", "nl"}
    assert from_dict(to_dict(survey)) == survey


def test_mails_speak_in_the_tone_of_the_surveys_brand() -> None:
    survey = from_dict(small(brand="young"))
    mailer = Mailer("https://f.example", {"default": Brand(), "young": Brand(name="young", tone="informal")})
    assert mailer.invitation(survey, "nl", {}, {}, "t").subject == "Hoe hielpen wij je?"
    assert mailer.invitation(from_dict(small()), "nl", {}, {}, "t").subject == "Hoe hielpen wij u?"


def test_a_tone_of_a_language_the_survey_has_not_and_a_tone_as_language_are_mistakes() -> None:
    told = refused(small(intro={"en": "a", "nl": "b", "de-informal": "c"}))
    assert told[0].startswith("intro: de-informal is not among")
    assert "languages[1]: nl-informal is a tone, not a language." in refused(small(languages=["en", "nl-informal"]))[0]
    assert refused(small(languages=["en", "nl", "en"])) == ["languages[2]: en is there twice. Remove one of them."]


def test_a_survey_with_informal_wordings_is_warned_of_those_it_forgot() -> None:
    assert lint(from_dict(small())) == ()
    promise = {"en": "Read by us", "nl": "Wij lezen uw antwoord"}
    told = [str(each) for each in lint(from_dict(small(promise=promise)))]
    assert len(told) == 1
    assert told[0].startswith("promise.nl: in an informal tone it would address people formally, ")
    assert told[0].endswith("Add nl-informal: beside it.")


@pytest.mark.parametrize(("wording", "language", "formal"), [
    ("Dank u wel", "nl", True), ("Uw antwoord", "nl-BE", True), ("Dank je wel", "nl", False), ("Muur", "nl", False),
    ("{{ u }} en {% if uw %}", "nl", False), ("Danke Ihnen", "de", True), ("für sie", "de", False),
    ("you", "en", False),
    ("À vous", "fr", True),
])  # fmt: skip
def test_formal_address_is_seen_in_single_words(wording: str, language: str, formal: bool) -> None:
    assert speaks_formally(wording, language) is formal


def test_a_language_without_a_catalogue_is_refused_with_the_remedy() -> None:
    [told] = refused(in_language("fy"))
    assert told.startswith("languages[0]: there is no catalogue of the fixed words (“Not at all likely”, …) in fy.")
    assert told.endswith("Write them with `ringback survey words fy`, or set fallback: en to have those in English.")


def test_a_language_without_a_catalogue_may_say_which_stands_in() -> None:
    survey = parse_survey(PRODUCT, yaml.safe_dump(in_language("fy", fallback="nl")), "survey")
    mail = Mailer("https://f.example", {}).invitation(survey, "fy", {}, {}, "t")
    assert "Geen enquêtes meer" in mail.html
    assert 'lang="fy"' in mail.html
    [told] = refused(in_language("fy", fallback="de"))
    assert told.startswith("fallback: there is no catalogue of the fixed words")
    assert told.endswith("in de. Use one of en, ar, nl.")


def test_a_catalogue_that_lacks_words_is_refused_by_name_and_a_whole_one_is_taken(tmp_path: Path) -> None:
    ours = Path(__file__).parents[2] / "connector/web/translations/nl/LC_MESSAGES/survey.po"
    file = tmp_path / "fy" / "survey.po"
    file.parent.mkdir()
    whole = ours.read_text("utf-8").replace("Language: nl", "Language: fy")
    file.write_text(whole, "utf-8")
    assert parse_survey(Catalogues(tmp_path), yaml.safe_dump(in_language("fy")), "survey").languages == ("fy",)
    file.write_text(whole.replace('msgstr "Taal"', 'msgstr ""'), "utf-8")
    [told] = refused(in_language("fy"), Catalogues(tmp_path))
    assert told.startswith("languages[0]: the catalogue in fy lacks 1 of ")
    assert "fixed words: “Language”." in told


def test_the_region_of_a_language_needs_no_catalogue_of_its_own() -> None:
    assert parse_survey(PRODUCT, yaml.safe_dump(in_language("nl-BE")), "survey").languages == ("nl-BE",)

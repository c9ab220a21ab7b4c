"""The surveys that come with the product: short, whole in both languages and tones, and usable as they are."""

from __future__ import annotations

from typing import Any

import pytest

from connector.feedback.messaging.brands import Brand
from connector.feedback.surveys.files import Survey, built_in, lint, parse
from connector.feedback.surveys.invitation_email import Mailer
from connector.feedback.surveys.languages.tones import in_tone, speaks_formally
from connector.feedback.surveys.languages.wordings import texts
from connector.feedback.surveys.model import QuestionType, points
from workflows.scoring import Band

LIBRARY = {slug: parse(text, slug) for slug, text in built_in().items()}
KINDS = {
    "after-support": "nps", "relationship": "nps", "support-effort": "ces", "retention": "csat", "onboarding": "csat",
    "after-delivery": "csat", "pulse": "csat",
}  # fmt: skip
KNOWN: dict[str, Any] = {"agent": "Jan", "product": "the bicycle"}
every_survey = pytest.mark.parametrize("survey", LIBRARY.values(), ids=LIBRARY)


def asked(survey: Survey, band: Band) -> list[str]:
    """The questions that somebody with a score of this band gets who answers only that."""
    score = next(each for each in points(survey.scale) if survey.band({survey.main.id: each}) == band)
    return [question.id for question in survey.asked({survey.main.id: score}, {})]


def test_there_is_a_survey_for_each_of_the_usual_occasions() -> None:
    assert {slug: survey.metric for slug, survey in LIBRARY.items()} == KINDS


@every_survey
def test_a_built_in_survey_has_no_warning_and_both_languages(survey: Survey) -> None:
    assert lint(survey) == ()
    assert survey.languages == ("en", "nl")


@every_survey
def test_it_is_short_and_shortest_for_who_is_happy(survey: Survey) -> None:
    assert len(asked(survey, Band.PROMOTER)) <= 3
    assert len(asked(survey, Band.DETRACTOR)) <= 4


@every_survey
def test_who_is_unhappy_is_asked_why(survey: Survey) -> None:
    questions = [survey.question(id_) for id_ in asked(survey, Band.DETRACTOR)]
    assert QuestionType.TEXT in {question.type for question in questions if question}


@every_survey
def test_it_leaves_people_in_peace_afterwards_or_belongs_to_an_answer_already_given(survey: Survey) -> None:
    assert survey.passes_fatigue == (survey.slug == "retention")
    assert survey.passes_fatigue or (survey.fatigue_days or 0) >= 30


@every_survey
def test_informal_dutch_never_says_u_and_formal_dutch_never_je(survey: Survey) -> None:
    informal = {path: text["nl"] for path, text in texts(in_tone(survey, "informal"))}
    assert [path for path, wording in informal.items() if speaks_formally(wording, "nl")] == []
    formal = {path: text["nl"].casefold().split() for path, text in texts(in_tone(survey, "formal"))}
    assert [path for path, words in formal.items() if {"je", "jij", "jouw", "hoi"} & set(words)] == []


@every_survey
@pytest.mark.parametrize("context", [{}, KNOWN], ids=["nothing known", "all known"])
@pytest.mark.parametrize(("language", "tone"), [("en", "formal"), ("nl", "formal"), ("nl", "informal")])
def test_its_mail_reads_well_with_and_without_what_is_known(
    survey: Survey, language: str, tone: str, context: dict[str, Any]
) -> None:
    mailer = Mailer("https://feedback.example", {"default": Brand(title="Acme", tone=tone)})
    mail = mailer.invitation(survey, language, {"name": "Ann"} if context else {}, context, "token")
    assert mail.subject
    assert "  " not in mail.subject + mail.text.replace("\n", "")
    assert not {"{{", "{%", " ,", " .", " ?"} & {mail.text[i : i + 2] for i in range(len(mail.text))}


def test_the_relationship_survey_asks_for_both_sides_of_the_loyalty_matrix() -> None:
    assert {question.type for question in LIBRARY["relationship"].questions} >= {QuestionType.NPS, QuestionType.NLS}


def test_the_pulse_is_one_question_for_all_but_the_unhappy() -> None:
    assert [asked(LIBRARY["pulse"], band) for band in Band] == [["score"], ["score"], ["score", "reason"]]

"""Surveys: reading them with every mistake named, and who gets which question."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from connector.feedback.surveys.answers import AnswerError, check_answer
from connector.feedback.surveys.files import Survey, built_in, from_dict, lint, parse, to_dict
from connector.feedback.surveys.model import MAX_COMMENT
from workflows.errors import DefinitionError

AFTER_SUPPORT = yaml.safe_load(built_in()["after-support"])


@pytest.fixture
def survey() -> Survey:
    return from_dict(AFTER_SUPPORT)


def changed(**parts: Any) -> dict[str, Any]:
    return {**copy.deepcopy(AFTER_SUPPORT), **parts}


def with_question(**question: Any) -> dict[str, Any]:
    texts = {"text": {"en": "A question", "nl": "Een vraag"}}
    return changed(questions=[*AFTER_SUPPORT["questions"], {**texts, **question}])


def mistakes(data: Any) -> list[str]:
    with pytest.raises(DefinitionError) as refused:
        from_dict(data)
    return [str(mistake) for mistake in refused.value.mistakes]


def ids(survey: Survey, answers: dict[str, Any], customer: dict[str, Any] | None = None) -> list[str]:
    return [question.id for question in survey.asked(answers, customer or {})]


@pytest.mark.parametrize("slug", ["after-support", "retention"])
def test_a_built_in_survey_is_free_of_mistakes_and_warnings_and_survives_a_round_trip(slug: str) -> None:
    survey = parse(built_in()[slug], slug)
    assert lint(survey) == ()
    assert from_dict(to_dict(survey)) == survey


@pytest.mark.parametrize(("score", "band"), [(0, "detractor"), (6, "detractor"), (7, "passive"), (8, "passive"),
                                             (9, "promoter"), (10, "promoter")])  # fmt: skip
def test_the_band_of_an_answer_is_scorings(survey: Survey, score: int, band: str) -> None:
    assert survey.band({"score": score}) == band


def test_nothing_but_the_main_question_is_asked_before_it_is_answered(survey: Survey) -> None:
    assert ids(survey, {}) == ["score"]


def test_every_score_may_carry_a_comment_and_only_a_low_one_is_offered_contact(survey: Survey) -> None:
    assert ids(survey, {"score": 6}) == ["score", "reason", "contact_consent", "improvements"]
    assert ids(survey, {"score": 7}) == ["score", "reason", "improvements"]
    assert ids(survey, {"score": 10}) == ["score", "reason", "improvements"]


def test_contact_details_are_asked_only_of_who_wants_contact(survey: Survey) -> None:
    assert "contact" in ids(survey, {"score": 2, "contact_consent": True})
    assert "contact" not in ids(survey, {"score": 2, "contact_consent": False})


def test_a_score_that_was_raised_leaves_no_consent_behind(survey: Survey) -> None:
    answers = {"score": 9, "reason": "fine", "contact_consent": True, "contact": {"phone": "+31612345678"}}
    assert survey.relevant(answers, {}) == {"score": 9, "reason": "fine"}


def test_a_question_may_depend_on_the_customer_and_is_left_out_when_that_is_unknown() -> None:
    survey = from_dict(with_question(id="playground", type="text", **{"if": 'customer.segment == "family"'}))
    assert "playground" in ids(survey, {"score": 8}, {"segment": "family"})
    assert "playground" not in ids(survey, {"score": 8}, {"segment": "business"})
    assert "playground" not in ids(survey, {"score": 8}, {})


def test_the_european_variant_has_its_own_bands() -> None:
    questions = [{**AFTER_SUPPORT["questions"][0], "scale": "european-nps"}, *AFTER_SUPPORT["questions"][1:]]
    survey = from_dict(changed(questions=questions))
    assert [survey.band({"score": score}) for score in (5, 6, 7, 8)] == ["detractor", "passive", "passive", "promoter"]


@pytest.mark.parametrize(("wanted", "spoken"), [("nl", "nl"), ("nl-BE", "nl"), ("nl_NL", "nl"), ("de", "en"),
                                                (None, "en"), ("", "en")])  # fmt: skip
def test_a_person_gets_the_nearest_language(survey: Survey, wanted: str | None, spoken: str) -> None:
    assert survey.language_for(wanted) == spoken


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (changed(nmae="x"), "nmae: it is not known. Did you mean name?"),
        (changed(metric="happiness"), "metric: 'happiness' is no metric. Use nps, nls, csat or ces."),
        (changed(metric="csat"), "questions[0].type: it is nps, and the survey's metric is csat."),
        (changed(survey="After Support"), "survey: 'After Support' is no name."),
        (changed(intro="Hello"), "intro: it is one text for all languages. Write it per language"),
        (changed(intro={"en": "Hello"}), "intro: its wording in nl is missing. Add nl: …"),
        (changed(intro={"en": "a", "nl": "b", "de": "c"}), "intro: de is not among the languages."),
        (changed(questions=[]), "questions: it is empty. List at least one."),
        (changed(expires_days=0), "expires_days: 0 is out of range. Give whole days from 1 to 3650."),
        (changed(thanks={}), "thanks.detractor: its thank-you text is missing."),
        (with_question(id="score", type="text"), "questions[5].id: 'score' is there twice."),
        (with_question(id="again", type="nps"), "questions[5].type: it is a second nps question."),
        (with_question(id="x", type="choice"), "questions[5].options: there is nothing to choose from."),
        (with_question(id="x", type="consent"), "questions[5].purpose: it does not fit a consent question."),
        (with_question(id="x", type="consent", purpose="contact"), "it is a second consent contact question."),
        (with_question(id="x", type="text", scale="nps"), "questions[5].scale: nps does not fit a text question."),
        (with_question(id="x", type="csat", scale="ces-7"), "questions[5].scale: ces-7 does not fit a csat question."),
        (with_question(id="x", type="text", **{"if": "band =="}), "questions[5].if: The condition"),
        (with_question(id="x", type="text", **{"if": "answers.y > 1"}), "answers.y is no earlier question."),
        (with_question(id="x", type="text", **{"if": "steps.a.done"}), "questions[5].if: steps is not known here."),
        (with_question(id="x", type="text", **{"if": "answers.reason > 3"}), "questions[5].if: The condition"),
        (with_question(id="x", type="slider"), "questions[5].type: it is none of the kinds there are. Use one of nps,"),
        (changed(mail={**AFTER_SUPPORT["mail"], "subject": {"en": "{{ event.id }}", "nl": "x"}}),
         "mail.subject.en: event is not known here."),
        (changed(mail={**AFTER_SUPPORT["mail"], "subject": {"en": "{% if %}", "nl": "x"}}), "mail.subject.en: "),
        ([], "file: "),
        ("text", "file: "),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_its_remedy(data: Any, expected: str) -> None:
    assert any(expected in mistake for mistake in mistakes(data)), mistakes(data)


def test_all_mistakes_are_reported_at_once() -> None:
    assert len(mistakes(changed(metric="x", intro="y", nmae="z"))) == 3


def test_yaml_that_is_none_is_refused_with_its_line() -> None:
    with pytest.raises(DefinitionError, match="line 2"):
        parse("survey: x\n  name: [", "broken.yaml")


def test_what_works_and_is_unwise_is_a_warning() -> None:
    thanks = linked(promoter={"override": {"by": "Marieke", "reason": "It leads to our referral programme."}})
    ten = {"id": "ten", "type": "csat", "scale": "csat-10", "text": {"en": "x", "nl": "y"}}
    survey = from_dict(changed(thanks=thanks, questions=[AFTER_SUPPORT["questions"][0], ten]))
    warned = lint(survey)
    assert [warning.path for warning in warned] == ["questions[1].scale", "thanks.promoter.link.override", "questions"]
    assert all(warning.warning for warning in warned)


def linked(**bands: dict[str, Any]) -> dict[str, Any]:
    """The thank-yous of a survey with a link in these bands; what is given replaces its fields."""
    link = {"url": "https://reviews.example", "text": {"en": "Review us", "nl": "Beoordeel ons"}}
    added = {band: {**AFTER_SUPPORT["thanks"][band], "link": {**link, **more}} for band, more in bands.items()}
    return {**AFTER_SUPPORT["thanks"], **added}


def test_a_link_that_all_bands_get_is_in_order() -> None:
    survey = from_dict(changed(thanks=linked(detractor={}, passive={}, promoter={})))
    assert "thanks" not in " ".join(warning.path for warning in lint(survey))
    assert from_dict(to_dict(survey)) == survey


@pytest.mark.parametrize(
    ("thanks", "named"),
    [
        (linked(promoter={}), ["thanks.promoter.link"]),
        (linked(promoter={}, passive={}), ["thanks.passive.link", "thanks.promoter.link"]),
        (
            linked(promoter={"url": "https://other.example"}, passive={}, detractor={}),
            ["thanks.detractor.link", "thanks.passive.link", "thanks.promoter.link"],
        ),
    ],
)
def test_a_link_for_some_bands_only_is_refused(thanks: dict[str, Any], named: list[str]) -> None:
    with pytest.raises(DefinitionError) as refused:
        from_dict(changed(thanks=thanks))
    assert sorted(each.path for each in refused.value.mistakes) == named
    assert "override: {by: …, reason: …}" in str(refused.value)


def test_who_answers_for_a_link_of_its_own_is_named_and_said_and_kept() -> None:
    survey = from_dict(changed(thanks=linked(promoter={"override": {"by": "Marieke", "reason": "A referral."}})))
    [warning] = [each for each in lint(survey) if "override" in each.path]
    assert "Marieke answers for a link of its own: A referral." in str(warning)
    assert "unlawful" in str(warning)
    assert to_dict(survey)["thanks"]["promoter"]["link"]["override"] == {"by": "Marieke", "reason": "A referral."}


@pytest.mark.parametrize("override", [{}, {"by": "Marieke"}, {"by": "", "reason": "x"}, {"by": "M", "reason": ""}, 1])
def test_an_override_needs_a_name_and_a_reason(override: Any) -> None:
    with pytest.raises(DefinitionError, match=r"thanks\.promoter.*override"):
        from_dict(changed(thanks=linked(promoter={"override": override})))


# answers


def refused_code(survey: Survey, question: str, given: Any) -> str:
    asked = survey.question(question)
    assert asked is not None
    with pytest.raises(AnswerError) as error:
        check_answer(asked, given)
    return error.value.code


def taken(survey: Survey, question: str, given: Any) -> Any:
    asked = survey.question(question)
    assert asked is not None
    return check_answer(asked, given)


@pytest.mark.parametrize("given", ["11", "-1", "nine", "9.5", "1e1", "٣", " 9", "9999999999", "<b>"])
def test_a_score_that_is_not_on_the_scale_is_refused(survey: Survey, given: str) -> None:
    assert refused_code(survey, "score", given) == "score"


def test_scores_at_both_ends_are_taken(survey: Survey) -> None:
    assert (taken(survey, "score", "0"), taken(survey, "score", "10")) == (0, 10)


def test_nothing_given_is_no_answer(survey: Survey) -> None:
    assert [taken(survey, question.id, "") for question in survey.questions] == [None] * 5


def test_a_comment_is_kept_whole_up_to_its_limit_and_refused_beyond(survey: Survey) -> None:
    assert taken(survey, "reason", "é" * MAX_COMMENT) == "é" * MAX_COMMENT
    assert refused_code(survey, "reason", "x" * (MAX_COMMENT + 1)) == "too_long"


def test_a_comment_loses_control_characters_and_keeps_its_lines(survey: Survey) -> None:
    assert taken(survey, "reason", " a\r\nb\x00\x1b[31m\u202ec ") == "a\nb[31mc"


@pytest.mark.parametrize(("given", "stored"), [("06 12345678", "+31612345678"), ("+32 470 12 34 56", "+32470123456"),
                                               ("+1 (212) 555-0123", "+12125550123")])  # fmt: skip
def test_a_phone_number_is_stored_so_that_anybody_can_dial_it(survey: Survey, given: str, stored: str) -> None:
    assert taken(survey, "contact", {"phone": given}) == {"phone": stored}


@pytest.mark.parametrize("given", ["o'neill+a@b.nl", "jan@bücher.example", "a@b_c.nl", "A@B.co.uk"])
def test_an_e_mail_address_is_kept_as_it_was_typed(survey: Survey, given: str) -> None:
    assert taken(survey, "contact", {"email": f" {given} "}) == {"email": given}


@pytest.mark.parametrize(("part", "given", "code"), [
    ("phone", "12", "phone"), ("phone", "call me", "phone"), ("phone", "9" * 500, "phone"),
    ("email", "ann", "email"), ("email", "ann@example", "email"), ("email", "a@b.nl\nBcc: c@d.nl", "email"),
    ("email", "a@b..nl", "email"), ("email", "a.@b.nl", "email"), ("email", "<a@b.nl>", "email"),
    ("window", "midnight", "choice"),
])  # fmt: skip
def test_contact_details_nobody_could_use_are_refused(survey: Survey, part: str, given: str, code: str) -> None:
    assert refused_code(survey, "contact", {part: given}) == code


def test_only_offered_choices_are_taken_and_each_once() -> None:
    options = [{"value": v, "text": {"en": v, "nl": v}} for v in ("price", "speed")]
    survey = from_dict(with_question(id="why", type="choices", options=options))
    assert taken(survey, "why", ["speed", "price", "speed"]) == ["speed", "price"]
    assert refused_code(survey, "why", ["speed", "<script>"]) == "choice"

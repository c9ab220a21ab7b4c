"""What must hold between the fields of a survey, and what is allowed but unwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connector.feedback.surveys.languages.agreement import disagreements
from connector.feedback.surveys.languages.tones import mixed
from connector.feedback.surveys.languages.wordings import language_and_tone, mail_texts, texts
from connector.feedback.surveys.model import (
    Option,
    Question,
    QuestionType,
    Survey,
    condition_names,
    points,
)
from workflows.errors import ConditionError, Mistake, TemplateError
from workflows.expressions import condition, references
from workflows.scoring import CSAT_10, SCALES, Band
from workflows.templates import check_template, template_references

MAIL_NAMES = frozenset({"customer", "agent", "product", "ticket", "context"})
_CONDITION_NAMES = frozenset({"answers", "band", "customer"})
_WITH_OPTIONS = frozenset({QuestionType.CHOICE, QuestionType.CHOICES, QuestionType.CONTACT})


def check(survey: Survey) -> Iterator[Mistake]:
    """Every mistake that makes the survey unusable."""
    yield from _check_main(survey)
    yield from _check_ids(survey)
    scales = list(_check_scales(survey))
    yield from scales
    yield from _check_questions(survey)
    yield from _check_languages(survey)
    yield from _check_templates(survey)
    yield from _check_links(survey)
    yield from _check_who(survey)
    if not scales and survey.main.scale is not None:  # bands and conditions cannot be judged without a scale
        yield from _check_bands(survey)
        yield from _check_conditions(survey)


def lint(survey: Survey) -> tuple[Mistake, ...]:
    """What works and is still unwise, as warnings."""
    return (
        *_warn_of_ten_points(survey), *_warn_of_gated_links(survey), *_warn_of_missing_reason(survey),
        *_warn_of_mixed_tones(survey), *(replace(each, warning=True) for each in disagreements(survey)),
    )  # fmt: skip


def _check_main(survey: Survey) -> Iterator[Mistake]:
    main, metric = survey.main, survey.metric
    if main.type != metric:
        yield Mistake(
            "questions[0].type", f"it is {main.type}, and the survey's metric is {metric}.",
            f"Put the {metric} question first, or set metric: {main.type}.",
        )
    for index, question in enumerate(survey.questions[1:], 1):
        if question.type == metric:
            yield Mistake(f"questions[{index}].type", f"it is a second {metric} question.", "Ask it once.")
    if main.condition is not None:
        yield Mistake("questions[0].if", "the main question is always asked.", "Remove the condition.")


def _check_ids(survey: Survey) -> Iterator[Mistake]:
    seen: set[str] = set()
    for index, question in enumerate(survey.questions):
        if question.id in seen:
            yield Mistake(f"questions[{index}].id", f"{question.id!r} is there twice.", "Give it another id.")
        seen.add(question.id)


def _check_scales(survey: Survey) -> Iterator[Mistake]:
    for index, question in enumerate(survey.questions):
        if question.scale is not None:
            yield from _check_scale(f"questions[{index}].scale", question)


def _check_scale(path: str, question: Question) -> Iterator[Mistake]:
    given = question.scale
    if given is not None and given.metric.value != question.type.value:
        fitting = ", ".join(name for name, scale in SCALES.items() if scale.metric.value == question.type.value)
        remedy = f"Use one of {fitting}." if fitting else "Remove it."
        yield Mistake(path, f"{given.name} does not fit a {question.type} question.", remedy)


def _check_questions(survey: Survey) -> Iterator[Mistake]:
    for index, question in enumerate(survey.questions):
        path = f"questions[{index}]"
        if question.options and question.type not in _WITH_OPTIONS:
            yield Mistake(f"{path}.options", f"a {question.type} question has no options.", "Remove them.")
        if not question.options and question.type in (QuestionType.CHOICE, QuestionType.CHOICES):
            yield Mistake(f"{path}.options", "there is nothing to choose from.", "List options: [{value, text}, …].")
        if (question.type is QuestionType.CONSENT) != (question.purpose is not None):
            remedy = "Give a consent question, and no other, purpose: contact or improvements."
            yield Mistake(f"{path}.purpose", f"it does not fit a {question.type} question.", remedy)
        yield from _check_options(f"{path}.options", question.options)
    yield from _check_single(survey)


def _check_options(path: str, options: tuple[Option, ...]) -> Iterator[Mistake]:
    values = [option.value for option in options]
    for value in sorted({value for value in values if values.count(value) > 1}):
        yield Mistake(path, f"the value {value!r} is there twice.", "Give each option its own value.")


def _check_single(survey: Survey) -> Iterator[Mistake]:
    """One consent per purpose and one contact question: two that differ could not both be right."""
    seen: set[str] = set()
    for index, question in enumerate(survey.questions):
        kind = f"{question.type} {question.purpose or ''}".strip()
        if question.type in (QuestionType.CONSENT, QuestionType.CONTACT) and kind in seen:
            yield Mistake(f"questions[{index}].type", f"it is a second {kind} question.", "Ask it once.")
        seen.add(kind)


def _check_languages(survey: Survey) -> Iterator[Mistake]:
    for index, language in enumerate(survey.languages):
        if language in survey.languages[:index]:
            yield Mistake(f"languages[{index}]", f"{language} is there twice.", "Remove one of them.")
        if tone := language_and_tone(language)[1]:
            remedy = f"Write the language here, and {language}: beside it in texts that differ in an {tone} tone."
            yield Mistake(f"languages[{index}]", f"{language} is a tone, not a language.", remedy)
    for path, text in texts(survey):
        for language in survey.languages:
            if language not in text:
                yield Mistake(path, f"its wording in {language} is missing.", f"Add {language}: …")
        for extra in sorted(key for key in text if language_and_tone(key)[0] not in survey.languages):
            yield Mistake(path, f"{extra} is not among the languages.", f"Add {extra} to languages, or remove it.")


def _check_templates(survey: Survey) -> Iterator[Mistake]:
    for path, text in mail_texts(survey):
        for language, wording in text.items():
            yield from _check_template(f"{path}.{language}", wording)


def _check_who(survey: Survey) -> Iterator[Mistake]:
    """The condition on who is asked; a reminder has words of its own, or it is the same mail twice."""
    if survey.who.condition is not None:
        try:
            condition(survey.who.condition)
            names = {name.partition(".")[0] for name in references(survey.who.condition)}
        except ConditionError as error:
            yield Mistake("who.if", str(error), "Correct the condition.")
            return
        for unknown in sorted(names - {"customer", "context"}):
            yield Mistake("who.if", f"{unknown} is not known here.", "Use customer and context.")
    for index, reminder in enumerate(survey.reminders):
        if reminder.subject == survey.mail.subject and reminder.intro == survey.mail.intro:
            yield Mistake(f"reminders[{index}]", "it says the same as the invitation.", "Say it in other words.")
    last = sum((each.after.span for each in survey.reminders), timedelta())
    if survey.reminders and last >= timedelta(days=survey.expires_days):
        yield Mistake("reminders", "they come after the link has run out.", "Remind earlier, or raise expires_days.")


def _check_template(path: str, wording: str) -> Iterator[Mistake]:
    try:
        check_template(wording)
        names = {name.partition(".")[0] for name in template_references(wording)}
    except TemplateError as error:
        yield Mistake(path, str(error), "Correct the template.")
        return
    for unknown in sorted(names - MAIL_NAMES):
        yield Mistake(path, f"{unknown} is not known here.", f"Use {', '.join(sorted(MAIL_NAMES))}.")


def _check_bands(survey: Survey) -> Iterator[Mistake]:
    bands = {band.value for band in Band}
    for band in sorted(bands - set(survey.thanks)):
        yield Mistake(f"thanks.{band}", "its thank-you text is missing.", f"Add {band}: {{title: …, text: …}}.")
    places: list[tuple[str, Mapping[str, Any]]] = [("thanks", survey.thanks)]
    places += [(f"questions[{i}].text_by_band", q.text_by_band) for i, q in enumerate(survey.questions)]
    for path, given in places:
        for unknown in sorted(set(given) - bands):
            remedy = f"The bands of {survey.metric} are {', '.join(sorted(bands))}."
            yield Mistake(f"{path}.{unknown}", "there is no such band.", remedy)


def _check_conditions(survey: Survey) -> Iterator[Mistake]:
    for index, question in enumerate(survey.questions):
        if question.condition is not None:
            yield from _check_condition(survey, index, question.condition)


def _check_condition(survey: Survey, index: int, text: str) -> Iterator[Mistake]:
    path = f"questions[{index}].if"
    try:
        names = references(text)
        condition(text)
    except ConditionError as error:
        yield Mistake(path, str(error), "Correct the condition.")
        return
    unknown = sorted({name.partition(".")[0] for name in names} - _CONDITION_NAMES)
    earlier = {question.id for question in survey.questions[:index]}
    later = sorted({name.split(".")[1] for name in names if name.startswith("answers.")} - earlier)
    if unknown:
        yield Mistake(path, f"{unknown[0]} is not known here.", "Use answers, band and customer.")
    elif later:
        yield Mistake(path, f"answers.{later[0]} is no earlier question.", "Name a question that comes before it.")
    elif not any(name.startswith("customer") for name in names):
        yield from _try_condition(path, survey, text)


def _try_condition(path: str, survey: Survey, text: str) -> Iterator[Mistake]:
    """Decide it once per band with nothing else answered: a condition that only fails live is found now."""
    for score in points(survey.scale):
        answers = {survey.main.id: score}
        try:
            condition(text).decide(condition_names(survey, answers, survey.band(answers), {}))
        except ConditionError as error:
            yield Mistake(path, str(error), "It must be decidable while later answers are still open.")
            return


def _warn_of_ten_points(survey: Survey) -> Iterator[Mistake]:
    for index, question in enumerate(survey.questions):
        if question.scale is CSAT_10:
            yield Mistake(
                f"questions[{index}].scale", "people use ten points of satisfaction differently per culture.",
                "Five smileys compare better.", warning=True,
            )


def _check_links(survey: Survey) -> Iterator[Mistake]:
    """Everybody is led to the same place, whatever their score; who says and answers for it may have it otherwise."""
    bound = {band: thanks.link for band, thanks in survey.thanks.items() if not (thanks.link and thanks.link.override)}
    if len({link.url if link else None for link in bound.values()}) < 2:
        return
    for band, link in bound.items():
        if link is not None:
            yield Mistake(
                f"thanks.{band}.link", f"not every band is led to {link.url}.",
                "Give all bands the same link: to ask only happy customers for a review misleads its readers and is "
                "unlawful in many places. If it is none, say who answers for it: override: {by: …, reason: …}.",
            )


def _warn_of_gated_links(survey: Survey) -> Iterator[Mistake]:
    """An override is allowed, and never silent."""
    for band, thanks in survey.thanks.items():
        if thanks.link and (override := thanks.link.override):
            yield Mistake(
                f"thanks.{band}.link.override", f"{override.by} answers for a link of its own: {override.reason}",
                "For a public review site, give everybody the same link: asking only happy customers misleads readers "
                "and is unlawful in many places.", warning=True,
            )


def _warn_of_missing_reason(survey: Survey) -> Iterator[Mistake]:
    if not any(question.type is QuestionType.TEXT for question in survey.questions):
        yield Mistake("questions", "nothing asks for the reason.", "Add a question of type text.", warning=True)


def _warn_of_mixed_tones(survey: Survey) -> Iterator[Mistake]:
    """A survey that has informal wordings, and would still address somebody formally beside them."""
    toned = {language for _, text in texts(survey) for language, tone in map(language_and_tone, text) if tone}
    for path, language in mixed(survey):
        if language in toned:
            yield Mistake(
                f"{path}.{language}", "in an informal tone it would address people formally, beside texts that do not.",
                f"Add {language}-informal: beside it.", warning=True,
            )  # fmt: skip

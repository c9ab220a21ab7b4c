"""What is wrong with what a page gave, in sentences for the person, question by question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.feedback.surveys.answering.saving import Saved
from connector.feedback.surveys.answers import AnswerError, check_complete
from connector.web.survey.forms import Given, as_words, sentence
from connector.web.survey.visits import SurveyVisit


def wrong(visit: SurveyVisit, given: Given, saved: Saved) -> dict[str, str]:
    """A sentence for each question with which something is wrong, the worst first: what could not be read, what another
    page has overtaken, what is missing."""
    if given.errors or not saved.stale:
        return sentences(visit, given.errors or _missing(visit, given)) or _asked_no_more(visit, given)
    return {id_: _overtaken(visit, id_, here) for id_, here in saved.stale.items()}


def _asked_no_more(visit: SurveyVisit, given: Given) -> dict[str, str]:
    """The page was that of another version of the survey. Sent once more from this one, it is whole."""
    told = visit.frame.say("A question of this page is asked no more. Your other answers are kept: please look through "
                           "them and send once more.")  # fmt: skip
    return {visit.survey.main.id: told} if given.gone else {}


def _overtaken(visit: SurveyVisit, question_id: str, here: Any) -> str:
    """Both answers, the one that was kept and the one that this page still held."""
    question, language, say = visit.survey.question(question_id), visit.frame.language, visit.frame.say
    assert question is not None  # noqa: S101 - read_form knows no others
    kept = as_words(question, visit.invitation.answers.get(question_id), language, say, visit.origin)
    told = {"kept": kept, "here": as_words(question, here, language, say, visit.origin)}
    return say(
        "On another page you have since given “{kept}”, and this page still said “{here}”. We kept “{kept}”. "
        "If you meant “{here}”, give it again and send."
    ).format(**told)


def typed(given: Given, saved: Saved) -> dict[str, Any]:
    """What was typed and is still worth showing: in place of what another page has overtaken stands what was kept."""
    return {id_: value for id_, value in given.raw.items() if id_ not in saved.stale}


def _missing(visit: SurveyVisit, given: Given) -> dict[str, AnswerError]:
    """The first question on the page that must be answered and is not."""
    try:
        check_complete(tuple(q for q in visit.asked if q.id in given.shown), visit.invitation.answers)
    except AnswerError as error:
        return {error.question: error}
    return {}


def sentences(visit: SurveyVisit, errors: Mapping[str, AnswerError]) -> dict[str, str]:
    questions = {question.id: question for question in visit.survey.questions}
    return {id_: sentence(error, questions[id_], visit.frame.say) for id_, error in errors.items()}

"""The pages a customer sees: the survey, the thank-you, and the way out of surveys.

No cookie and no session: the token in the address is the secret, and whoever has it may answer. That is also why
the forms carry no CSRF token: a forged request would have to know the address, and who knows it needs no forgery;
there is no login that a stranger's page could borrow.

Link scanners open every address in a mail, some of them with a browser, and some of those press what they find. So a
GET gives no answer, not even with ``?score=9``: the score is only chosen on the page, and the person sends it. What was
touched is kept as a trace, and before anything counts it is asked who pressed (``feedback.surveys.who_pressed``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, redirect, request
from sqlalchemy import Connection
from werkzeug import Response as AnyResponse

from connector.clock import Clock
from connector.feedback.messaging.brands import Brand
from connector.feedback.surveys.answering import saving
from connector.feedback.surveys.answering.saving import Saved, Touch
from connector.feedback.surveys.answering.settling import Settling
from connector.feedback.surveys.who_pressed import taps, traces
from connector.feedback.surveys.who_pressed.traces import Touched
from connector.runtime.runs.outlook import Outlook
from connector.storage.engine.database import AWAY
from connector.storage.flow_control.guess_limit import GuessLimit
from connector.web.survey import mistakes, rendering
from connector.web.survey.compression import compress
from connector.web.survey.database_away import AwayPages
from connector.web.survey.forms import Form, Given, read_form
from connector.web.survey.guarded import GuardedPages
from connector.web.survey.reception import NOWHERE, Done, Reception
from connector.web.survey.rendering import OpenUntil
from connector.web.survey.sheets import Sheet
from connector.web.survey.thanks import Answered, promise_of, sentence_of
from connector.web.survey.visits import DrawnVisits, SurveyVisit
from workflows.calendars import BusinessCalendar

MAX_BODY = 256 * 1024  # bytes: several open answers of 5,000 characters, each up to 12 bytes in a form

def blueprint(
    settling: Settling, brands: Mapping[str, Brand], clock: Clock, ring: Callable[[], None],
    *, outlook: Outlook | None = None, answers_are_read: bool = False,
) -> Blueprint:  # fmt: skip
    """The routes under /s and /u. ``ring`` wakes the intake after an event of ours was stored; ``outlook`` tells what
    the workflows would do about an answer, so that the thank-you can say it; ``answers_are_read``: whoever answers our
    mail is heard."""
    parts = (settling, brands, clock, ring, GuessLimit(settling.database), outlook, answers_are_read)
    drawn = DrawnVisits()
    pages, guarded, unreached = SurveyPages(*parts, drawn), GuardedPages(*parts, drawn), AwayPages(*parts, drawn)
    found = Blueprint("survey", __name__, template_folder="../templates")
    found.add_app_template_filter(rendering.unmarked)
    routes: tuple[tuple[str, str, Any, str], ...] = (
        ("/s/<token>", "show", pages.show, "GET"),
        ("/s/<token>", "submit", pages.submit, "POST"),
        ("/s/<token>/answer", "answer", pages.answer, "POST"),
        ("/s/<token>/thanks", "thanks", pages.thanks, "GET"),
        ("/s/<token>/seen", "seen", guarded.seen, "POST"),
        ("/s/<token>/details", "trap", guarded.trap, "GET"),
        ("/s/<token>/confirm", "confirm", guarded.confirm, "POST"),
        ("/u/<token>", "leave", guarded.leave, "GET"),
        ("/u/<token>", "left", guarded.left, "POST"),
        ("/s/static/<name>", "file", pages.file, "GET"),
    )
    for rule, endpoint, view, method in routes:
        found.add_url_rule(rule, endpoint, view, methods=[method])
    found.before_request(_limit_body)
    found.after_request(lambda response: compress(request, rendering.guard(response)))
    found.after_app_request(_guard)
    found.register_error_handler(413, pages.too_large)
    for error in AWAY:
        found.register_error_handler(error, unreached.away)
    return found


def _guard(response: Response) -> Response:
    """Also where no route of ours is: the address holds the secret whatever stands behind it."""
    return rendering.guard(response) if request.path.startswith(("/s/", "/u/")) else response


def _limit_body() -> None:
    request.max_content_length = MAX_BODY
    request.max_form_memory_size = MAX_BODY


class SurveyPages(Reception):
    """The survey and its thank-you."""

    def show(self, token: str) -> AnyResponse:
        """The survey, or what there is to say instead. Nothing of it is an answer."""
        visit, doubt = self.look(token, Touched.SCORE if "score" in request.args else Touched.PAGE)
        if visit is None:
            return self.unknown()
        if doubt is not None:
            return rendering.was_this_you(visit.frame, visit.survey, doubt, visit.url("confirm"))
        with self.database.read() as connection:
            if closed := self._closed(connection, visit):
                return closed
            if visit.has_answered and not visit.wants_to_change:
                return self._thank_you(connection, visit, again=True, change=visit.change)
        return self._questions(visit, visit.sheet({}, {}, visit.chosen))

    def submit(self, token: str) -> AnyResponse:
        """Keep what was sent; then the next questions, the thank-you, or the same page with what is wrong."""
        return self.work(lambda tx: self._submit(tx, token))

    def _submit(self, tx: Connection, token: str) -> Done:
        visit = self.visit(tx, token, lock=True)
        if visit is None:
            return NOWHERE
        if closed := self._closed(tx, visit):
            return Done(closed)
        visit, given, saved = self._keep(tx, visit, request.form)
        told, wrong = saved.told, mistakes.wrong(visit, given, saved)
        if wrong:
            return Done(lambda: self._questions(visit, visit.sheet(mistakes.typed(given, saved), wrong)), told)
        if any(question.id not in given.shown for question in visit.asked):
            return Done(redirect(visit.url("show", "more"), 303), told)
        sent = saving.send(self.settling, tx, visit.invitation, visit.survey, self._touch(visit))
        return Done(redirect(visit.url("thanks"), 303), told or sent.told)

    def answer(self, token: str) -> AnyResponse:
        """Keep what was given so far, for the page's script; the reply is the questions that follow from it."""
        return self.work(lambda tx: self._answer(tx, token))

    def _answer(self, tx: Connection, token: str) -> Done:
        visit = self.visit(tx, token, lock=True)
        if visit is None:
            return NOWHERE
        if closed := self._closed(tx, visit):
            if closed.status_code == 200:
                closed.status_code = 409  # so that the script does not take it for saved
            return Done(closed)
        visit, given, saved = self._keep(tx, visit, request.form)
        status = 409 if saved.stale else 422 if given.errors else 200
        return Done(lambda: self._more(visit, given, status), saved.told)

    def _more(self, visit: SurveyVisit, given: Given, status: int) -> AnyResponse:
        sheet = visit.sheet(given.raw, mistakes.sentences(visit, given.errors), ahead=False)
        return rendering.more_questions(visit.frame, sheet, status)

    def thanks(self, token: str) -> AnyResponse:
        """The thank-you that fits the score, once there is one."""
        with self.database.read() as connection:
            visit = self.visit(connection, token)
            if visit is None:
                return self.unknown()
            if not visit.has_answered and not taps.is_held(visit.invitation):
                return redirect(visit.url("show"), 303)
            change = None if visit.invitation.is_over(self.clock()) else visit.change
            return self._thank_you(connection, visit, again=False, change=change)

    def file(self, name: str) -> AnyResponse:
        return rendering.asset(name)

    def too_large(self, _error: Exception) -> AnyResponse:
        return rendering.too_large(self.frame())

    def _thank_you(
        self, tx: Connection, visit: SurveyVisit, *, again: bool, change: OpenUntil | None = None
    ) -> AnyResponse:
        frame, now = visit.frame, self.clock()
        answered = Answered(visit.invitation, visit.survey, visit.customer, visit.known.masked(visit.origin))
        promise = promise_of(tx, answered, self.outlook, frame.language, now)
        zone = frame.brand.time_zone or (self.outlook.calendar if self.outlook else BusinessCalendar()).timezone
        told = sentence_of(promise, frame.say, zone, now) if promise else ""
        return rendering.thank_you(frame, answered, told, again=again, change=change)

    def _closed(self, tx: Connection, visit: SurveyVisit) -> AnyResponse | None:
        """What there is to say once the link has run out; None while it has not."""
        if not visit.invitation.is_over(self.clock()):
            return None
        if visit.band:  # also of who never sent it
            return self._thank_you(tx, visit, again=True)
        return rendering.expired(visit.frame, answers_are_read=self.answers_are_read)

    def _keep(self, tx: Connection, visit: SurveyVisit, form: Form) -> tuple[SurveyVisit, Given, Saved]:
        """What can be kept of the form is; → the visit with the invitation as it is now, and what became of it."""
        given = read_form(visit.survey, form, visit.origin, visit.known)
        score = given.answers.get(visit.survey.main.id)
        traces.keep(tx, visit.invitation.id, self.trace(Touched.GIVEN, "" if score is None else str(score)))
        touch = replace(self._touch(visit), page=given.page, revision=given.revision)
        saved = saving.save(self.settling, tx, visit.invitation, visit.survey, given.answers, touch)
        return replace(visit, invitation=saved.invitation), given, saved

    def _touch(self, visit: SurveyVisit) -> Touch:
        return Touch(self.clock(), visit.frame.language)

    def _questions(self, visit: SurveyVisit, sheet: Sheet) -> AnyResponse:
        self.drawn.remember(visit)
        here, save, seen = (visit.url(endpoint) for endpoint in ("submit", "answer", "seen"))
        return rendering.question_page(visit.frame, sheet, here, save, seen)

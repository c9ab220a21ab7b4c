"""The pages a customer sees: the survey, the thank-you, and the way out of surveys.

No cookie and no session: the token in the address is the secret, and whoever has it may answer. That is also why
the forms carry no CSRF token: a forged request would have to know the address, and who knows it needs no forgery;
there is no login that a stranger's page could borrow.

Link scanners open every address in a mail, some of them with a browser. So a GET records nothing but the time of
the first look, not even with ``?score=9``: the score is only chosen on the page, and the person sends it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, redirect, request, url_for
from sqlalchemy import Connection
from werkzeug import Response as AnyResponse

from connector.clock import Clock
from connector.feedback.consent import opt_outs
from connector.feedback.messaging.brands import Brand, choose
from connector.feedback.surveys import invitations
from connector.feedback.surveys.answering import saving
from connector.feedback.surveys.answering.saving import Saved, Touch
from connector.feedback.surveys.answering.settling import Settling
from connector.feedback.surveys.languages.tones import in_tone
from connector.ids import digest
from connector.runtime.runs.outlook import Outlook
from connector.storage.engine.database import Database
from connector.web.survey import mistakes, rendering
from connector.web.survey.compression import compress
from connector.web.survey.forms import Form, Given, read_form
from connector.web.survey.rendering import Frame, OpenUntil
from connector.web.survey.sheets import Sheet
from connector.web.survey.thanks import Answered, promise_of, sentence_of
from connector.web.survey.visits import SurveyVisit
from workflows.calendars import BusinessCalendar

MAX_BODY = 256 * 1024  # bytes: several open answers of 5,000 characters, each up to 12 bytes in a form

def blueprint(
    settling: Settling, brands: Mapping[str, Brand], clock: Clock, ring: Callable[[], None],
    *, outlook: Outlook | None = None, answers_are_read: bool = False,
) -> Blueprint:  # fmt: skip
    """The routes under /s and /u. ``ring`` wakes the intake after an event of ours was stored; ``outlook`` tells what
    the workflows would do about an answer, so that the thank-you can say it; ``answers_are_read``: whoever answers our
    mail is heard."""
    pages = _Pages(settling, brands, clock, ring, outlook, answers_are_read)
    found = Blueprint("survey", __name__, template_folder="../templates")
    found.add_app_template_filter(rendering.unmarked)
    routes: tuple[tuple[str, str, Any, str], ...] = (
        ("/s/<token>", "show", pages.show, "GET"),
        ("/s/<token>", "submit", pages.submit, "POST"),
        ("/s/<token>/answer", "answer", pages.answer, "POST"),
        ("/s/<token>/thanks", "thanks", pages.thanks, "GET"),
        ("/u/<token>", "leave", pages.leave, "GET"),
        ("/u/<token>", "left", pages.left, "POST"),
        ("/s/static/<name>", "file", pages.file, "GET"),
    )
    for rule, endpoint, view, method in routes:
        found.add_url_rule(rule, endpoint, view, methods=[method])
    found.before_request(_limit_body)
    found.after_request(lambda response: compress(request, rendering.guard(response)))
    found.register_error_handler(413, pages.too_large)
    return found


def _limit_body() -> None:
    request.max_content_length = MAX_BODY
    request.max_form_memory_size = MAX_BODY


@dataclass(frozen=True, slots=True)
class _Done:
    """What a POST is answered with. ``told``: events of ours were stored."""

    response: AnyResponse
    told: bool = False


@dataclass(frozen=True, slots=True)
class _Pages:
    settling: Settling
    brands: Mapping[str, Brand]
    clock: Clock
    ring: Callable[[], None]
    outlook: Outlook | None
    answers_are_read: bool

    @property
    def database(self) -> Database:
        return self.settling.database

    def show(self, token: str) -> AnyResponse:
        """The survey, or what there is to say instead. Records at most that it was opened."""
        with self.database.read() as connection:
            visit = self._visit(connection, token)
            if visit is None:
                return rendering.unknown(self._frame())
            if closed := self._closed(connection, visit):
                return closed
            if visit.has_answered and not visit.wants_to_change:
                return self._thank_you(connection, visit, again=True, change=visit.change)
        if visit.invitation.opened_at is None and _is_a_look():
            self.database.transact(lambda tx: invitations.mark_opened(tx, visit.invitation, self.clock()))
        return self._questions(visit, visit.sheet({}, {}, visit.chosen))

    def submit(self, token: str) -> AnyResponse:
        """Keep what was sent; then the next questions, the thank-you, or the same page with what is wrong."""
        return self._work(lambda tx: self._submit(tx, token))

    def _work(self, step: Callable[[Connection], _Done]) -> AnyResponse:
        done = self.database.transact(step)
        if done.told:
            self.ring()  # after the commit, so that what it wakes finds the event
        return done.response

    def _submit(self, tx: Connection, token: str) -> _Done:
        visit = self._visit(tx, token, lock=True)
        if visit is None:
            return _Done(rendering.unknown(self._frame()))
        if closed := self._closed(tx, visit):
            return _Done(closed)
        visit, given, saved = self._keep(tx, visit, request.form)
        told, wrong = saved.told, mistakes.wrong(visit, given, saved)
        if wrong:
            return _Done(self._questions(visit, visit.sheet(mistakes.typed(given, saved), wrong)), told)
        if any(question.id not in given.shown for question in visit.asked):
            return _Done(redirect(visit.url("show", "more"), 303), told)
        sent = saving.send(self.settling, tx, visit.invitation, visit.survey, self._touch(visit))
        return _Done(redirect(visit.url("thanks"), 303), told or sent.told)

    def answer(self, token: str) -> AnyResponse:
        """Keep what was given so far, for the page's script; the reply is the questions that follow from it."""
        return self._work(lambda tx: self._answer(tx, token))

    def _answer(self, tx: Connection, token: str) -> _Done:
        visit = self._visit(tx, token, lock=True)
        if visit is None:
            return _Done(rendering.unknown(self._frame()))
        if closed := self._closed(tx, visit):
            if closed.status_code == 200:
                closed.status_code = 409  # so that the script does not take it for saved
            return _Done(closed)
        visit, given, saved = self._keep(tx, visit, request.form)
        sheet = visit.sheet(given.raw, mistakes.sentences(visit, given.errors))
        status = 409 if saved.stale else 422 if given.errors else 200
        return _Done(rendering.more_questions(visit.frame, sheet, status), saved.told)

    def thanks(self, token: str) -> AnyResponse:
        """The thank-you that fits the score, once there is one."""
        with self.database.read() as connection:
            visit = self._visit(connection, token)
            if visit is None:
                return rendering.unknown(self._frame())
            if not visit.has_answered:
                return redirect(visit.url("show"), 303)
            change = None if visit.invitation.is_over(self.clock()) else visit.change
            return self._thank_you(connection, visit, again=False, change=change)

    def leave(self, token: str) -> AnyResponse:
        """Asks whether the surveys should stop. Records nothing."""
        with self.database.read() as connection:
            visit = self._visit(connection, token)
        if visit is None:
            return rendering.unknown(self._frame())
        frame = replace(visit.frame, unsubscribe="")
        if visit.customer.get("opted_out"):
            return rendering.stopped(frame)
        return rendering.stop_question(frame, visit.url("left"))

    def left(self, token: str) -> AnyResponse:
        """Stops the surveys. A mail program posts here by itself (RFC 8058); a person does by the page's button."""
        source = "one-click" if request.form.get("List-Unsubscribe") == "One-Click" else "unsubscribe page"
        response = self.database.transact(lambda tx: self._left(tx, token, source))
        self.ring()
        return response

    def _left(self, tx: Connection, token: str, source: str) -> AnyResponse:
        visit = self._visit(tx, token, lock=True)
        if visit is None:
            return rendering.unknown(self._frame())
        opt_outs.opt_out(self.database, tx, visit.invitation.customer_id, source, self.clock())
        return rendering.stopped(replace(visit.frame, unsubscribe=""))

    def file(self, name: str) -> AnyResponse:
        return rendering.asset(name)

    def too_large(self, _error: Exception) -> AnyResponse:
        return rendering.too_large(self._frame())

    def _visit(self, tx: Connection, token: str, *, lock: bool = False) -> SurveyVisit | None:
        invitation = invitations.find(tx, digest(token), lock=lock)
        if invitation is None or invitation.status == "withheld":
            return None
        survey = self.settling.surveys(invitation.survey, invitation.definition_id)
        brand, leave = choose(self.brands, survey.brand), url_for("survey.leave", token=token)
        survey = in_tone(survey, brand.tone)
        customer = invitations.customer_view(tx, invitation.customer_id)
        wanted = request.args.get("lang")
        language = survey.language_for(wanted if wanted in survey.languages else invitation.language)
        frame = Frame(brand, language, survey.languages, leave, survey.fallback)
        return SurveyVisit(token, invitation, survey, customer, frame)

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
        touch = replace(self._touch(visit), page=given.page, revision=given.revision)
        saved = saving.save(self.settling, tx, visit.invitation, visit.survey, given.answers, touch)
        return replace(visit, invitation=saved.invitation), given, saved

    def _touch(self, visit: SurveyVisit) -> Touch:
        return Touch(self.clock(), visit.frame.language)

    def _questions(self, visit: SurveyVisit, sheet: Sheet) -> AnyResponse:
        return rendering.question_page(visit.frame, sheet, visit.url("submit"), visit.url("answer"))

    def _frame(self) -> Frame:
        """For pages that belong to no survey: the browser's language, the default style."""
        brand = choose(self.brands, "")
        languages = brand.catalogues.languages
        wanted = request.args.get("lang") or request.accept_languages.best_match(languages) or languages[0]
        return Frame(brand, brand.catalogues.near(wanted))


def _is_a_look() -> bool:
    """Whether a person may be looking: not a HEAD, not a browser fetching ahead."""
    ahead = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    return request.method == "GET" and "prefetch" not in ahead

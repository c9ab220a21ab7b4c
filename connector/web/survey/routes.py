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
from connector.feedback.customers.phone_origins import Origin, origin_of
from connector.feedback.messaging.brands import Brand, choose
from connector.feedback.surveys import invitations
from connector.feedback.surveys.answering import saving
from connector.feedback.surveys.answering.saving import Touch
from connector.feedback.surveys.answering.settling import Settling
from connector.feedback.surveys.answers import AnswerError, check_answer, check_complete
from connector.feedback.surveys.invitations import Invitation
from connector.feedback.surveys.languages.tones import in_tone
from connector.feedback.surveys.model import Survey
from connector.ids import digest
from connector.storage.engine.database import Database
from connector.web.survey import rendering
from connector.web.survey.compression import compress
from connector.web.survey.contacts import Known, as_shown, known_of
from connector.web.survey.forms import Form, Given, read_form, sentence
from connector.web.survey.rendering import Frame
from connector.web.survey.sheets import Sheet, branch_of, branches_of

MAX_BODY = 256 * 1024  # bytes: several open answers of 5,000 characters, each up to 12 bytes in a form

def blueprint(
    settling: Settling, brands: Mapping[str, Brand], clock: Clock, ring: Callable[[], None],
    *, answers_are_read: bool = False,
) -> Blueprint:  # fmt: skip
    """The routes under /s and /u. ``ring`` wakes the intake after an event of ours was stored; ``answers_are_read``:
    whoever answers our mail is heard."""
    pages = _Pages(settling, brands, clock, ring, answers_are_read)
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
class _Visit:
    """Who came: the invitation, its survey, the customer's facts, and the frame of their pages."""

    token: str
    invitation: Invitation
    survey: Survey
    customer: Mapping[str, Any]
    frame: Frame

    @property
    def has_answered(self) -> bool:
        return self.invitation.answered_at is not None

    @property
    def origin(self) -> Origin:
        """Where the person's phone number is from, if it does not say so."""
        return origin_of(self.customer, self.frame.brand.country)

    @property
    def known(self) -> Known:
        return known_of(self.survey, self.invitation.answers, self.customer, self.origin)

    def url(self, endpoint: str, anchor: str | None = None) -> str:
        """An address of this visit; the chosen language goes along."""
        language = self.frame.language if "lang" in request.args else None  # None is left out of the address
        return url_for(f"survey.{endpoint}", _anchor=anchor, token=self.token, lang=language)

    def sheet(self, values: Mapping[str, Any], errors: Mapping[str, str], chosen: int | None = None) -> Sheet:
        """The page for the answers so far; ``values`` (what was typed) is shown in their place where it differs."""
        preset = {} if chosen is None else {self.survey.main.id: chosen}
        answers = {**self.invitation.answers, **preset}
        branch = branch_of(self.survey, answers, self.customer)
        branches = branches_of(self.survey, answers, self.customer)
        shown = {**answers, **as_shown(self.survey, answers), **values}
        return Sheet(self.survey, branch, shown, errors, chosen, branches, self.known.masked(self.origin))


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
        if closed := self._closed(visit):
            return closed
        if visit.invitation.opened_at is None and _is_a_look():
            self.database.transact(lambda tx: invitations.mark_opened(tx, visit.invitation, self.clock()))
        return self._questions(visit, visit.sheet({}, {}, _chosen(visit)))

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
        if closed := self._closed(visit):
            return _Done(closed)
        visit, given, told = self._keep(tx, visit, request.form)
        errors = given.errors or _missing(visit, given)
        if errors:
            return _Done(self._questions(visit, visit.sheet(given.raw, _sentences(visit, errors))), told)
        if any(question.id not in given.shown for question in _asked(visit)):
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
        if closed := self._closed(visit):
            if visit.has_answered:
                closed.status_code = 409  # so that the script does not take it for saved
            return _Done(closed)
        visit, given, told = self._keep(tx, visit, request.form)
        sheet = visit.sheet(given.raw, _sentences(visit, given.errors))
        return _Done(rendering.more_questions(visit.frame, sheet, 422 if given.errors else 200), told)

    def thanks(self, token: str) -> AnyResponse:
        """The thank-you that fits the score, once there is one."""
        with self.database.read() as connection:
            visit = self._visit(connection, token)
        if visit is None:
            return rendering.unknown(self._frame())
        if not visit.has_answered:
            return redirect(visit.url("show"), 303)
        return rendering.thank_you(visit.frame, visit.survey, _band(visit), again=False)

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

    def _visit(self, tx: Connection, token: str, *, lock: bool = False) -> _Visit | None:
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
        return _Visit(token, invitation, survey, customer, frame)

    def _closed(self, visit: _Visit) -> AnyResponse | None:
        if visit.has_answered:
            return rendering.thank_you(visit.frame, visit.survey, _band(visit), again=True)
        if not visit.invitation.is_expired(self.clock()):
            return None
        return rendering.expired(visit.frame, answers_are_read=self.answers_are_read)

    def _keep(self, tx: Connection, visit: _Visit, form: Form) -> tuple[_Visit, Given, bool]:
        """What can be kept of the form is; → with the invitation as it is now, and whether events were stored."""
        given = read_form(visit.survey, form, visit.origin, visit.known)
        kept = saving.save(self.settling, tx, visit.invitation, visit.survey, given.answers, self._touch(visit))
        return replace(visit, invitation=kept.invitation), given, kept.told

    def _touch(self, visit: _Visit) -> Touch:
        return Touch(self.clock(), visit.frame.language)

    def _questions(self, visit: _Visit, sheet: Sheet) -> AnyResponse:
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


def _chosen(visit: _Visit) -> int | None:
    """The score that was clicked in the mail, if it is one."""
    try:
        chosen = check_answer(visit.survey.main, request.args.get("score"))
    except AnswerError:
        return None
    return None if chosen == visit.survey.score(visit.invitation.answers) else chosen


def _band(visit: _Visit) -> str:
    return visit.survey.band(visit.invitation.answers)


def _asked(visit: _Visit) -> Any:
    return visit.survey.asked(visit.invitation.answers, visit.customer)


def _missing(visit: _Visit, given: Given) -> dict[str, AnswerError]:
    """The first question on the page that must be answered and is not."""
    try:
        check_complete(tuple(q for q in _asked(visit) if q.id in given.shown), visit.invitation.answers)
    except AnswerError as error:
        return {error.question: error}
    return {}


def _sentences(visit: _Visit, errors: Mapping[str, AnswerError]) -> dict[str, str]:
    questions = {question.id: question for question in visit.survey.questions}
    return {id_: sentence(error, questions[id_], visit.frame.say) for id_, error in errors.items()}

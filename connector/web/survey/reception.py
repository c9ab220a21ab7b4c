"""Who came to a page of ours: found by the token in its address, traced, and answered.

What all pages share. An address that is not there is a guess, and guesses are counted by network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import request, url_for
from sqlalchemy import Connection
from werkzeug import Response as AnyResponse

from connector.clock import Clock
from connector.feedback.messaging.brands import Brand, choose
from connector.feedback.surveys import invitations
from connector.feedback.surveys.answering.settling import Settling
from connector.feedback.surveys.invitations import Invitation
from connector.feedback.surveys.languages.tones import in_tone
from connector.feedback.surveys.who_pressed import guard, taps, traces
from connector.feedback.surveys.who_pressed.doubts import Doubt
from connector.feedback.surveys.who_pressed.judging import judge_all
from connector.feedback.surveys.who_pressed.rules import Presser
from connector.feedback.surveys.who_pressed.traces import Touched, Trace
from connector.ids import digest
from connector.runtime.runs.outlook import Outlook
from connector.storage.engine.database import Database
from connector.storage.flow_control.guess_limit import GuessLimit
from connector.web.survey import rendering
from connector.web.survey.rendering import Frame
from connector.web.survey.visitor import is_ahead, network_of, visitor_of
from connector.web.survey.visits import DrawnVisits, SurveyVisit


@dataclass(frozen=True, slots=True)
class Done:
    """What a POST is answered with; None: there is no such page. What takes its time is drawn after the commit, as
    others wait for SQLite's one writer. ``told``: events of ours were stored."""

    response: AnyResponse | Callable[[], AnyResponse] | None
    told: bool = False


NOWHERE = Done(None)


@dataclass(frozen=True, slots=True)
class Reception:
    """Finds whose page it is. ``ring`` wakes the intake after an event of ours was stored; ``outlook`` tells what the
    workflows would do about an answer; ``answers_are_read``: whoever answers our mail is heard; ``drawn`` are those
    whose form was drawn lately."""

    settling: Settling
    brands: Mapping[str, Brand]
    clock: Clock
    ring: Callable[[], None]
    guesses: GuessLimit
    outlook: Outlook | None
    answers_are_read: bool
    drawn: DrawnVisits

    @property
    def database(self) -> Database:
        return self.settling.database

    def work(self, step: Callable[[Connection], Done]) -> AnyResponse:
        """Do a step in one transaction, then answer."""
        done = self.database.transact(step)
        if done.told:
            self.ring()  # after the commit, so that what it wakes finds the event
        drawn = done.response if isinstance(done.response, AnyResponse | None) else done.response()
        return drawn or self.unknown()

    def visit(self, tx: Connection, token: str, *, lock: bool = False) -> SurveyVisit | None:
        """Whose page it is; None: nobody's."""
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

    def look(self, token: str, touched: Touched) -> tuple[SurveyVisit | None, Doubt | None]:
        """The visit of who looks, and what they are to be asked; with the trace that it leaves."""
        now = self.clock()
        with self.database.read() as tx:
            visit = self.visit(tx, token)
            doubt = taps.asked_about(tx, visit.invitation, now) if visit else None
            machine = visit is not None and _is_a_machines(tx, visit.invitation)
        if visit is not None and not is_ahead(request):
            self.database.transact(lambda tx: self._note(tx, visit, touched), lasting=False)
        return (self.database.transact(lambda tx: self._cleared(tx, token)) if machine else visit), doubt

    def _note(self, tx: Connection, visit: SurveyVisit, touched: Touched) -> None:
        trace = self.trace(touched, _score() if touched is Touched.SCORE else "")
        traces.keep(tx, visit.invitation.id, trace)
        may_open = request.method == "GET" and not trace.scanner and not visit.invitation.is_over(trace.first_at)
        if may_open and visit.invitation.opened_at is None and touched in (Touched.PAGE, Touched.SCORE):
            invitations.mark_opened(tx, visit.invitation, trace.first_at)

    def _cleared(self, tx: Connection, token: str) -> SurveyVisit | None:
        """The visit without what a machine gave, which must not stand in the way of who comes after it."""
        visit = self.visit(tx, token, lock=True)
        if visit is None or not _is_a_machines(tx, visit.invitation):
            return visit
        judged = judge_all(tx, [visit.invitation.id])[visit.invitation.id]
        guard.hold(self.database, tx, visit.invitation, judged, self.clock())
        return self.visit(tx, token)

    def trace(self, touched: Touched, value: str = "") -> Trace:
        """What this request touches."""
        return visitor_of(request).trace(touched, self.clock(), value)

    def unknown(self) -> AnyResponse:
        """The same for every address that is not there; outside of a transaction, as the guess is counted."""
        if (wait := self.guesses.count(network_of(request), self.clock())) is not None:
            return rendering.too_many(self.frame(), wait)
        return rendering.unknown(self.frame())

    def frame(self) -> Frame:
        """For pages that belong to no survey: the browser's language, the default style."""
        brand = choose(self.brands, "")
        languages = brand.catalogues.languages
        wanted = request.args.get("lang") or request.accept_languages.best_match(languages) or languages[0]
        return Frame(brand, brand.catalogues.near(wanted))


def _score() -> str:
    """The score of the link, as far as it may be one."""
    score = request.args.get("score", "")
    return score if len(score) <= 2 and score.isdecimal() and score.isascii() else ""


def _is_a_machines(tx: Connection, found: Invitation) -> bool:
    """Whether what waits there to count was given by a machine."""
    waits = found.settles_at is not None
    return waits and judge_all(tx, [found.id])[found.id].verdict is Presser.MACHINE

"""The pages behind the guard: the way out of surveys, "Was this you?", the link nobody sees, and a first touch."""

from __future__ import annotations

from dataclasses import replace

from flask import Response, redirect, request
from sqlalchemy import Connection
from werkzeug import Response as AnyResponse

from connector.feedback.consent import opt_outs
from connector.feedback.surveys.who_pressed import taps
from connector.feedback.surveys.who_pressed.traces import Touched
from connector.web.survey import rendering
from connector.web.survey.reception import NOWHERE, Done, Reception


class GuardedPages(Reception):
    """What a tap does besides answering."""

    def leave(self, token: str) -> AnyResponse:
        """Asks whether the surveys should stop; nothing stops by looking."""
        visit, _ = self.look(token, Touched.WAY_OUT)
        if visit is None:
            return self.unknown()
        frame = replace(visit.frame, unsubscribe="")
        if visit.customer.get("opted_out"):
            return rendering.stopped(frame)
        return rendering.stop_question(frame, visit.url("left"))

    def left(self, token: str) -> AnyResponse:
        """Stops the surveys. A mail program posts here by itself (RFC 8058); a person does by the page's button."""
        return self.work(lambda tx: self._left(tx, token))

    def _left(self, tx: Connection, token: str) -> Done:
        visit = self.visit(tx, token, lock=True)
        if visit is None:
            return NOWHERE
        frame = replace(visit.frame, unsubscribe="")
        if request.form.get("List-Unsubscribe") == "One-Click":
            told = opt_outs.opt_out(self.database, tx, visit.invitation.customer_id, "one-click", self.clock())
            return Done(rendering.stopped(frame), told)
        if taps.stop(self.settling, tx, visit.invitation, self.trace(Touched.LEFT), self.clock()):
            return Done(rendering.stopped(frame), told=True)
        return Done(rendering.stop_for_sure(frame, visit.url("left")))

    def seen(self, token: str) -> AnyResponse:
        """The page's script noticed a first touch."""
        return self.work(lambda tx: self._seen(tx, token))

    def _seen(self, tx: Connection, token: str) -> Done:
        visit = self.visit(tx, token, lock=True)
        if visit is None:
            return NOWHERE
        trace = self.trace(Touched.SEEN)
        return Done(Response(status=204), taps.seen(self.settling, tx, visit.invitation, trace, self.clock()))

    def trap(self, token: str) -> AnyResponse:
        """The link in the mail that people do not see. Who comes by it all the same is shown the way."""
        visit, _ = self.look(token, Touched.TRAP)
        if visit is None:
            return self.unknown()
        return rendering.trap(visit.frame, visit.url("show"))

    def confirm(self, token: str) -> AnyResponse:
        """"Was this you?" was answered; then the thank-you, or the page as it was before."""
        return self.work(lambda tx: self._confirm(tx, token))

    def _confirm(self, tx: Connection, token: str) -> Done:
        visit = self.visit(tx, token, lock=True)
        if visit is None:
            return NOWHERE
        was_me, trace = request.form.get("was_me") == "yes", self.trace(Touched.CONFIRMED)
        done = taps.answer_whether(self.settling, tx, visit.invitation, trace, was_me, self.clock())
        return Done(redirect(visit.url("thanks" if done and was_me else "show"), 303), told=done)

"""/u/m/…: the way out of what workflows write to customers. A mail program leaves by one click (RFC 8058), a person by
two taps: programs open links and press what they find, but do not come back to press again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, request, url_for
from werkzeug import Response as AnyResponse

from connector.clock import Clock
from connector.feedback.consent import opt_outs
from connector.feedback.messaging.brands import Brand, choose
from connector.feedback.messaging.way_out import PATH, Leaver, WayOut
from connector.storage.engine.database import Database
from connector.storage.flow_control.guess_limit import GuessLimit
from connector.web.survey import rendering
from connector.web.survey.rendering import Frame
from connector.web.survey.visitor import network_of

AT_ONCE = timedelta(seconds=2)
"""Nobody reads the second question faster."""

MAX_BODY = 4096  # bytes


def blueprint(
    database: Database, way_out: WayOut, brands: Mapping[str, Brand], clock: Clock, ring: Callable[[], None]
) -> Blueprint:
    """``ring`` wakes the intake, which tells that somebody left."""
    pages = _Pages(database, way_out, brands, clock, ring, GuessLimit(database))
    made = Blueprint("way_out", __name__)
    made.add_url_rule(f"{PATH}<mark>", "ask", pages.ask, methods=["GET"])
    made.add_url_rule(f"{PATH}<mark>", "leave", pages.leave, methods=["POST"])
    made.before_request(_limit_body)
    return made


def _limit_body() -> None:
    request.max_content_length = MAX_BODY


@dataclass(frozen=True, slots=True)
class _Pages:
    database: Database
    way_out: WayOut
    brands: Mapping[str, Brand]
    clock: Clock
    ring: Callable[[], None]
    guesses: GuessLimit

    def ask(self, mark: str) -> AnyResponse:
        """Asks first; nothing stops by looking."""
        leaver = self._leaver(mark)
        if leaver is None:
            return self._unknown()
        frame = self._frame(leaver.locale)
        if leaver.has_left:
            return rendering.stopped(frame)
        return rendering.mail_question(frame, url_for(".leave", mark=mark))

    def leave(self, mark: str) -> AnyResponse:
        leaver = self._leaver(mark)
        if leaver is None:
            return self._unknown()
        frame, now = self._frame(leaver.locale), self.clock()
        if request.form.get("List-Unsubscribe") == "One-Click":
            return self._left(leaver, frame, "one-click", now)
        if _is_second(now):
            return self._left(leaver, frame, "message page", now)
        return rendering.stop_for_sure(frame, url_for(".leave", mark=mark, asked=int(now.timestamp())))

    def _left(self, leaver: Leaver, frame: Frame, source: str, now: datetime) -> AnyResponse:
        told = self.database.transact(lambda tx: opt_outs.opt_out(self.database, tx, leaver.customer_id, source, now))
        if told:
            self.ring()
        return rendering.stopped(frame)

    def _leaver(self, mark: str) -> Leaver | None:
        with self.database.read() as tx:
            return self.way_out.leaver(tx, mark)

    def _frame(self, locale: str) -> Frame:
        brand = choose(self.brands, "")
        return Frame(brand, brand.catalogues.near(locale))

    def _unknown(self) -> AnyResponse:
        """The same for every address that is not there; guesses are counted by network."""
        frame = self._frame(request.accept_languages.best or "")
        if (wait := self.guesses.count(network_of(request), self.clock())) is not None:
            return rendering.too_many(frame, wait)
        return rendering.unknown(frame)


def _is_second(now: datetime) -> bool:
    """Whether the button of the second question was pressed, and not at the moment it was shown."""
    asked = request.args.get("asked", "")
    is_number = asked.isdecimal() and asked.isascii() and len(asked) < 12
    return is_number and now.timestamp() - int(asked) >= AT_ONCE.total_seconds()

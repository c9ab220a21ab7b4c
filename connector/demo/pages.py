"""The tour's pages: the story, its moving part, what a visitor can press. Runs and deliveries are shown
by the admin's own pages.

The tour is a page on the visitor's own machine and knows no sign-in; so that no other page can press its
buttons, a POST must come from the tour itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request
from requests import RequestException
from werkzeug import Response as AnyResponse
from werkzeug.exceptions import HTTPException

from connector.demo.scene import Turn, turn_of
from connector.demo.shortened import HOUR, INSTEAD
from connector.demo.story import current, headline, steps_of
from connector.demo.tour import Tour
from connector.demo.values import PATHS, Journey, Path

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "frame-src {mail}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


Welcome = Callable[[AnyResponse], AnyResponse]


def blueprint(tour: Tour, welcome: Welcome) -> Blueprint:
    """``/`` and everything under ``/demo``. ``welcome`` signs the browser in that gets this answer, for the
    admin's pages that the tour leads to."""
    pages = _Pages(tour, welcome)
    made = Blueprint("tour", __name__, template_folder="templates", static_folder="static",
                     static_url_path="/demo/static")  # fmt: skip
    routes: tuple[tuple[str, str, Callable[..., Any], str], ...] = (
        ("/", "story", pages.story, "GET"),
        ("/demo/story", "fragment", pages.fragment, "GET"),
        ("/demo/journeys", "begin", pages.begin, "POST"),
        ("/demo/journeys/<int:number>/<any(solve,'solve-callback',play):move>", "move", pages.move, "POST"),
    )
    for rule, endpoint, view, method in routes:
        made.add_url_rule(rule, endpoint, view, methods=[method])
    made.before_request(_from_here)
    for status in (400, 403, 404):
        made.register_error_handler(status, pages.refused)
    made.register_error_handler(RequestException, pages.outside_failed)
    made.after_request(pages.guard)
    made.add_app_template_filter(_moment, "moment")
    return made


def _from_here() -> None:
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin is not None and urlsplit(origin).netloc != request.host:
        abort(403, "The tour's buttons work on the tour's own pages only.")


def _moment(at: datetime, style: str) -> str:
    """On this machine's clock, for visitors without scripts; see ``zone.js``."""
    return f"{at.astimezone():%A %d %B, %H:%M}" if style == "day" else f"{at.astimezone():%H:%M:%S}"


@dataclass(frozen=True, slots=True)
class _Pages:
    tour: Tour
    welcome: Welcome

    def story(self) -> AnyResponse:
        journey = self._journey(request.args.get("journey", type=int))
        return self.welcome(Response(render_template("tour/story.html", **self._telling(journey), **self._frame())))

    def fragment(self) -> AnyResponse:
        """The moving part of the page; 304 when nothing moved."""
        journey = self._journey(request.args.get("journey", type=int))
        response = Response(render_template("tour/fragment.html", **self._telling(journey), **self._frame()))
        response.set_etag(_tag(response.get_data(as_text=True)))
        return response.make_conditional(request)

    def begin(self) -> AnyResponse:
        try:
            path = Path(request.form.get("path", Path.LOOP))
        except ValueError:
            abort(400, f"path must be one of {', '.join(Path)}.")
        return redirect(f"/?journey={self.tour.begin(path).number}", 303)

    def move(self, number: int, move: str) -> AnyResponse:
        journey = self._journey(number)
        moves = {"solve": self.tour.solve, "solve-callback": self.tour.solve_callback, "play": self.tour.play}
        moves[move](journey)
        return redirect(f"/?journey={number}#{'now' if move == 'play' else move}", 303)

    def refused(self, error: HTTPException) -> tuple[str, int]:
        said = {"title": "This does not work", "text": error.description}
        return render_template("tour/message.html", **said, **self._frame()), error.code or 500

    def outside_failed(self, _error: RequestException) -> tuple[str, int]:
        """A visitor did at a stand-in what the story cannot follow, such as deleting a ticket."""
        text = "The stand-ins do not go along with this. Start with another customer."
        said = {"title": "The story cannot go on", "text": text}
        return render_template("tour/message.html", **said, **self._frame()), 502

    def guard(self, response: Any) -> Any:
        if request.endpoint == "tour.static":
            return response
        response.headers["Content-Security-Policy"] = _POLICY.format(mail=self.tour.places.mail)
        response.headers["Cache-Control"] = "no-cache" if "ETag" in response.headers else "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    def _journey(self, number: int | None) -> Journey:
        """The round of this number, the latest one without a number."""
        journeys = self.tour.journeys
        found = journeys[-1] if number is None else next((j for j in journeys if j.number == number), None)
        if found is None:
            abort(404, "There is no such round.")
        return found

    def _telling(self, journey: Journey) -> Mapping[str, Any]:
        scene = self.tour.scene(journey)
        steps = steps_of(scene)
        return {
            "journey": journey,
            "who": journey.customer.who,
            "path": PATHS[journey.path],
            "steps": [(step, _tag(repr(step))) for step in steps],
            "now": current(steps),
            "headline": headline(scene, steps),
            "over": turn_of(scene) is Turn.OVER,
            "playing": scene.is_playing,
            "earlier": [each for each in self.tour.journeys if each.number != journey.number],
            "runs": scene.record.runs,
        }

    def _frame(self) -> Mapping[str, Any]:
        return {"paths": PATHS, "places": self.tour.places, "hour": HOUR, "instead": INSTEAD}


def _tag(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]

"""Who has no password yet, or forgot it: the first admin, an invitation, a new password. Addresses work once."""

from __future__ import annotations

from flask import Response, abort, redirect, request, url_for
from werkzeug import Response as AnyResponse

from connector.access.audit import NOBODY, Actor
from connector.access.errors import BlockedError, FieldError, GoneError
from connector.access.way_in import first_admin
from connector.services import Services
from connector.web.admin import form_token
from connector.web.admin.entry import current, rendering
from connector.web.admin.entry.gate import SessionGate
from connector.web.admin.entry.letters import Letters


class Newcomers:
    """The views."""

    def __init__(self, services: Services, gate: SessionGate, letters: Letters) -> None:
        self._services, self._gate, self._letters = services, gate, letters

    # --- the first admin

    def first(self, secret: str) -> AnyResponse:
        self._only_while_closed(secret)
        return rendering.page(self._services, "first.html")

    def first_made(self, secret: str) -> AnyResponse:
        self._only_while_closed(secret)
        self._only_from_here()
        email, name = request.form.get("email", ""), request.form.get("name", "")
        by, now = Actor(NOBODY, "first admin", current.came().network), self._services.clock()
        try:
            self._services.access.people.make_admin(by, email, name, self._password(), now, only_first=True)
        except FieldError as error:
            wrong = {error.field: rendering.words()(error.words)}
            return rendering.page(self._services, "first.html", faults=wrong, typed={"email": email, "name": name})
        except BlockedError:
            abort(404)
        return redirect(url_for("entry.sign_in"), 303)

    # --- forgotten

    def forgot(self) -> AnyResponse:
        self._only_if_open()
        return rendering.page(self._services, "forgot.html")

    def asked(self) -> AnyResponse:
        """The same answer, after the same work, whether the address is somebody's or not."""
        self._only_if_open()
        self._only_from_here()
        email, now, came, say = request.form.get("email", ""), self._services.clock(), current.came(), rendering.words()
        if self._services.access.sign_in.may_ask(email, came, now):
            asked = self._services.access.people.ask_reset(email, came.network, now)
            if asked is not None:
                self._letters.reset(*asked, rendering.words(asked[0].language))
        text = say("If somebody has this address here, a mail is on its way to it. It works for an hour.")
        return rendering.message(self._services, say("Look into your mail"), text,
                                 way=(url_for("entry.sign_in"), say("To the sign-in")))  # fmt: skip

    # --- an address that came by mail

    def welcome(self, secret: str) -> AnyResponse:
        self._only_if_open()
        user = self._services.access.people.whose(secret, self._services.clock())
        return self._gone() if user is None else rendering.page(self._services, "welcome.html", user=user)

    def chosen(self, secret: str) -> AnyResponse:
        self._only_if_open()
        self._only_from_here()
        people, now = self._services.access.people, self._services.clock()
        try:
            people.choose_password(secret, self._password(), current.came().network, now)
        except GoneError:
            return self._gone()
        except FieldError as error:
            wrong = {error.field: rendering.words()(error.words)}
            return rendering.page(self._services, "welcome.html", user=people.whose(secret, now), faults=wrong)
        say = rendering.words()
        text = say("Your password is kept. Sign in with it now.")
        way = (url_for("entry.sign_in"), say("To the sign-in"))
        return rendering.message(self._services, say("Done"), text, way=way)

    # --- parts

    def _gone(self) -> Response:
        say = rendering.words()
        way = (url_for("entry.forgot"), say("Ask for a new one"))
        text = say("This address works no more: it was used, or its time is over.")
        return rendering.message(self._services, say("Too late"), text, status=410, way=way)

    def _password(self) -> str:
        return request.form.get("password", "")

    def _only_while_closed(self, secret: str) -> None:
        key, now = self._services.secret_keys.first, self._services.clock()
        if self._gate.is_open() or not first_admin.is_right(key, secret, now):
            abort(404)

    def _only_if_open(self) -> None:
        if not self._gate.is_open():
            abort(404)

    def _only_from_here(self) -> None:
        if not form_token.came_from_here(request):
            abort(403)

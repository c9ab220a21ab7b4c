"""The way in and what is proved again: password, code, setting up an app. Each answers the same whoever asks."""

from __future__ import annotations

import math
from collections.abc import Callable

from flask import Response, abort, redirect, request, url_for
from werkzeug import Response as AnyResponse

from connector.access.way_in import second_factor
from connector.access.way_in.sessions import Stage
from connector.access.way_in.sign_in import Entered, Outcome
from connector.services import Services
from connector.web.admin import form_token
from connector.web.admin.addresses import inside
from connector.web.admin.entry import carried, cookies, current, rendering
from connector.web.admin.entry.carried import FIELD, Carried
from connector.web.admin.entry.current import Current
from connector.web.admin.entry.gate import SessionGate
from connector.web.admin.words import later

_ISSUER = "Ringback"
_NO_CODE = later("This code is not right. Compare the clock of your telephone, and wait for the next one.")
_NEXT = {Stage.CODE: "entry.code", Stage.SET_UP: "entry.set_up"}


class Doors:
    """The views."""

    def __init__(self, services: Services, gate: SessionGate) -> None:
        self._services, self._gate, self._sign_in = services, gate, services.access.sign_in

    # --- by password

    def sign_in(self) -> AnyResponse:
        self._only_if_open()
        found = current.look_up(self._services)
        if found is not None:
            stage = found.session.stage
            return self._to(_next()) if stage is Stage.FULL else redirect(url_for(_NEXT[stage], next=_next()), 303)
        return self._door(_next())

    def signed_in(self) -> AnyResponse:
        self._only_if_open()
        held, next_ = carried.read(request.form.get(FIELD, "")), _next()
        email, password = request.form.get("email", ""), request.form.get("password", "")
        if not form_token.came_from_here(request):
            return self._from_elsewhere()
        before = cookies.secret_of(request, self._services.settings)
        done = self._sign_in.by_password(email, password, current.came(), self._services.clock(), before)
        if isinstance(done, Entered):
            return self._entered(done, next_, held)
        say = rendering.words()
        wrong = {"email": say("Address and password do not belong together, or the account is not active.")}
        return self._refused(done, wrong, lambda **more: self._door(next_, held, typed={"email": email}, **more))

    def _door(self, next_: str, held: Carried | None = None, **more: object) -> Response:
        rules = self._services.config.sign_in
        values = {"passwords": rules.password or bool(rules.emergency), "oidc": rules.oidc, "ended": held is not None}
        return rendering.page(self._services, "sign_in.html", next=next_, carried=held, **values, **more)  # type: ignore[arg-type]

    # --- the code

    def code(self) -> AnyResponse:
        found = self._half(Stage.CODE)
        return found if isinstance(found, AnyResponse) else self._code(_next(), None)

    def code_given(self) -> AnyResponse:
        held, next_ = carried.read(request.form.get(FIELD, "")), _next()
        found = self._half(Stage.CODE)
        if isinstance(found, AnyResponse):
            return found
        if not self._is_ours(found):
            return self._from_elsewhere()
        given = request.form.get("code", "")
        done = self._sign_in.by_code(found.session, given, current.came(), self._services.clock())
        if isinstance(done, Entered):
            return self._entered(done, next_, held)
        say = rendering.words()
        wrong = {"code": say("This code is not right, or it was used already. Wait for the next one.")}
        return self._refused(done, wrong, lambda **more: self._code(next_, held, **more))

    def _code(self, next_: str, held: Carried | None, **more: object) -> Response:
        return rendering.page(self._services, "code.html", next=next_, carried=held, **more)  # type: ignore[arg-type]

    # --- setting up an app

    def set_up(self) -> AnyResponse:
        found = self._for_set_up()
        return found if isinstance(found, AnyResponse) else self._app(found, self._sign_in.new_factor(found.user))

    def set_up_done(self) -> AnyResponse:
        found = self._for_set_up()
        if isinstance(found, AnyResponse):
            return found
        if not self._is_ours(found):
            return self._from_elsewhere()
        sealed, code = request.form.get("sealed", ""), request.form.get("code", "")
        done = self._sign_in.set_up(found.session, sealed, code, current.came(), self._services.clock())
        if done is None:
            wrong = {"code": rendering.words()(_NO_CODE)}
            return self._app(found, sealed, faults=wrong)
        entered, codes = done
        way = request.script_root + _next()
        shown = rendering.page(self._services, "codes.html", codes=codes, way=way)
        return cookies.keep(shown, self._services.settings, entered.secret)

    def _app(self, found: Current, sealed: str, **more: object) -> Response:
        secret = self._sign_in.secret_of(found.user, sealed)
        if secret is None:
            sealed = self._sign_in.new_factor(found.user)
            secret = self._sign_in.secret_of(found.user, sealed) or ""
        picture = second_factor.picture(second_factor.address(secret, found.user.email, _ISSUER))
        groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
        values = {"picture": picture, "secret": groups, "sealed": sealed, "next": _next()}
        return rendering.page(self._services, "set_up.html", **values, **more)  # type: ignore[arg-type]

    def _for_set_up(self) -> Current | AnyResponse:
        """Whoever has to set one up, or wants another and proved lately who they are."""
        found = current.look_up(self._services)
        if found is None or found.session.stage is Stage.CODE:
            return redirect(url_for("entry.sign_in"), 303)
        now = self._services.clock()
        if found.session.stage is Stage.FULL and not found.session.is_recent(now):
            return redirect(url_for("entry.again", next=request.full_path.rstrip("?")), 303)
        return found

    # --- once more

    def again(self) -> AnyResponse:
        found = self._half(Stage.FULL)
        return found if isinstance(found, AnyResponse) else self._again(found, _next(), None)

    def again_given(self) -> AnyResponse:
        held, next_ = carried.read(request.form.get(FIELD, "")), _next()
        found = self._half(Stage.FULL)
        if isinstance(found, AnyResponse):
            return found
        if not self._is_ours(found):
            return self._from_elsewhere()
        password, code = request.form.get("password", ""), request.form.get("code", "")
        done = self._sign_in.again(found.session, password, code, current.came(), self._services.clock())
        if isinstance(done, Entered):
            return self._entered(done, next_, held)
        say = rendering.words()
        wrong = {"password": say("This is not right. Nothing was changed.")}
        return self._refused(done, wrong, lambda **more: self._again(found, next_, held, **more))

    def _again(self, found: Current, next_: str, held: Carried | None, **more: object) -> Response:
        values = {"user": found.user, "oidc": self._services.config.sign_in.oidc}
        return rendering.page(self._services, "again.html", next=next_, carried=held, **values, **more)  # type: ignore[arg-type]

    # --- parts

    def entered(self, done: Entered, next_: str) -> AnyResponse:
        """A whole session began, by whatever way."""
        return self._entered(done, next_, None)

    def _entered(self, done: Entered, next_: str, held: Carried | None) -> AnyResponse:
        """On, with the new cookie. What was carried along comes with the person to the last page, and is sent there."""
        settings = self._services.settings
        if held is None:
            way = url_for(_NEXT[done.stage], next=next_) if done.stage in _NEXT else request.script_root + next_
            return cookies.keep(redirect(way, 303), settings, done.secret)
        if done.stage in _NEXT and done.stage is not Stage.CODE:
            return self._entered(done, next_, None)
        if done.stage is Stage.CODE:
            shown = self._code(next_, held, session=done.secret)
        else:
            to = request.script_root + held.to
            shown = rendering.page(self._services, "send_again.html", session=done.secret, carried=held, to=to)
        return cookies.keep(shown, settings, done.secret)

    def _refused(self, done: Outcome, wrong: dict[str, str], show: Callable[..., Response]) -> Response:
        wait = getattr(done, "wait", None)
        if wait is None:
            return show(faults=wrong)
        seconds = math.ceil(wait.total_seconds())
        told = rendering.words().plural(
            "That was tried too often. Wait {number} second, then try again.",
            "That was tried too often. Wait {number} seconds, then try again.", seconds,
        )  # fmt: skip
        response = show(faults={next(iter(wrong)): told}, status=429)
        response.headers["Retry-After"] = str(seconds)
        return response

    def _half(self, stage: Stage) -> Current | AnyResponse:
        """Somebody who came so far; else the way to where they are."""
        self._only_if_open()
        found = current.look_up(self._services)
        if found is None or found.session.stage is not stage:
            return redirect(url_for("entry.sign_in", next=_next()), 303)
        return found

    def _is_ours(self, found: Current) -> bool:
        return form_token.is_ours(request, cookies.form_token(found.secret))

    def _from_elsewhere(self) -> Response:
        say = rendering.words()
        text = say("This form was not sent by a page of yours, or its session has ended. Nothing was changed.")
        way = (url_for("entry.sign_in"), say("To the sign-in"))
        return rendering.message(self._services, say("Nothing was changed"), text, status=403, way=way)

    def _to(self, next_: str) -> AnyResponse:
        return redirect(request.script_root + next_, 303)

    def _only_if_open(self) -> None:
        if not self._gate.is_open():
            abort(404)


def _next() -> str:
    """Where they wanted to go: a page of ours."""
    return inside(request.values.get("next", ""))


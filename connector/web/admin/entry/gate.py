"""The gate before the admin pages: who has a whole session is let in, everybody else is shown the way."""

from __future__ import annotations

from flask import abort, redirect, request, url_for
from sqlalchemy.exc import OperationalError
from werkzeug import Response as AnyResponse

from connector.access import users
from connector.access.way_in.sessions import Stage
from connector.services import Services
from connector.web.admin.entry import carried, current, rendering
from connector.web.admin.entry.cookies import form_token
from connector.web.admin.entry.current import Current
from connector.web.admin.page import Page, SignedIn


class SessionGate:
    """Remembers that there is an admin: before there is one, nothing answers."""

    def __init__(self, services: Services) -> None:
        self._services, self._is_open = services, False

    def __call__(self, page: Page) -> SignedIn | AnyResponse:
        try:
            return self._asked(page)
        except OperationalError as error:
            return rendering.away(self._services, error)

    def _asked(self, page: Page) -> SignedIn | AnyResponse:
        if not self.is_open():
            abort(404)
        found = current.look_up(self._services)
        if found is None:
            return self._to_the_door()
        if found.session.stage is not Stage.FULL:
            return redirect(url_for(f"entry.{_NEXT[found.session.stage]}", next=_here()), 303)
        if page.recent and not found.session.is_recent(self._services.clock()):
            return self._once_more(found)
        if found.session.looks_as and page.method != "GET" and page.name not in _WHILE_LOOKING:
            return _only_looks(self._services)
        return SignedIn(found.user.looking_as(found.session.looks_as), form_token(found.secret))

    def is_open(self) -> bool:
        """Whether there is an admin."""
        if not self._is_open:
            with self._services.database.read() as tx:
                self._is_open = users.any_admin(tx)
        return self._is_open

    def _to_the_door(self) -> AnyResponse:
        if request.method == "GET":
            return redirect(url_for("entry.sign_in", next=_here()), 303)
        return _sign_in_again(self._services)

    def _once_more(self, found: Current) -> AnyResponse:
        if request.method == "GET":
            return redirect(url_for("entry.again", next=_here()), 303)
        held = carried.of_request(request)
        return rendering.page(self._services, "again.html", status=401, user=found.user, next="", carried=held)


_NEXT = {Stage.CODE: "code", Stage.SET_UP: "set_up"}


_WHILE_LOOKING = frozenset({"look_as_end", "sign_out", "preferences"})
"""What somebody does who looks at the pages as another role; all else they only see."""


def _only_looks(services: Services) -> AnyResponse:
    say = rendering.words()
    text = say("You look at the pages as another role, and only look. Nothing was changed.")
    way = (url_for("admin.home"), say("To the first page"))
    return rendering.message(services, say("Nothing was changed"), text, status=409, way=way)


def _sign_in_again(services: Services) -> AnyResponse:
    """What was typed comes along, and is sent again after the sign-in."""
    oidc, rules = services.config.sign_in.oidc, services.config.sign_in
    return rendering.page(
        services, "sign_in.html", status=401, next="", oidc=oidc, passwords=rules.password or bool(rules.emergency),
        carried=carried.of_request(request), ended=True,
    )  # fmt: skip


def _here() -> str:
    return request.full_path.rstrip("?")

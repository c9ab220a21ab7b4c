"""Who plays with the demo is its admin, without a sign-in: all there is in it is invented, and on their own machine."""

from __future__ import annotations

import secrets
from datetime import timedelta

from werkzeug import Response as AnyResponse

from connector.access.audit import COMMAND, Actor
from connector.access.way_in import sessions
from connector.access.way_in.sessions import Stage
from connector.services import Services
from connector.web.admin.entry import cookies, current

_A_DAY = timedelta(days=1)


class Guest:
    """Makes the admin ``name``, whose password nobody knows, and signs in every browser that has no session."""

    def __init__(self, services: Services, email: str, name: str) -> None:
        self._services, password = services, secrets.token_urlsafe(24)
        by = Actor(COMMAND, "demo")
        self._admin = services.access.people.make_admin(by, email, name, password, services.clock())

    def welcome(self, response: AnyResponse) -> AnyResponse:
        """The same answer, which signs the browser in when nobody is."""
        if current.look_up(self._services) is not None:
            return response
        return cookies.keep(response, self._services.settings, self._begin())

    def _begin(self) -> str:
        now, came = self._services.clock(), current.came()
        return self._services.database.transact(
            lambda tx: sessions.begin(tx, self._admin.id, Stage.FULL, came, now, now + _A_DAY)
        )

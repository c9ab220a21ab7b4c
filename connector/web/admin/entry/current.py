"""Whose request this is: found once, and remembered until it is answered."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, request

from connector.access import users
from connector.access.audit import NOBODY, USER, Actor
from connector.access.users import User
from connector.access.way_in import sessions
from connector.access.way_in.sessions import SEEN_EVERY, Came, Session
from connector.services import Services
from connector.web.admin.entry import cookies
from connector.web.survey.visitor import network_of

POLL = "Rb-Poll"
"""The header of a page that asks by itself whether something changed: that is nobody's work."""


@dataclass(frozen=True, slots=True)
class Current:
    """Somebody with a session that goes on, however far it has come. ``secret`` is what their browser holds."""

    session: Session
    user: User
    secret: str


def came() -> Came:
    """From where this request comes."""
    return Came(network_of(request), request.headers.get("User-Agent", "")[:200])


def look_up(services: Services) -> Current | None:
    """Who asks; None: nobody we know."""
    if "ringback_current" not in g:
        g.ringback_current = _found(services)
    found: Current | None = g.ringback_current
    return found


def signed_in() -> Current:
    """The same, where the gate let somebody in."""
    found: Current = g.ringback_current
    return found


def looks_as() -> str:
    """The role as which an admin looks at the pages; "" for everybody who looks as themselves."""
    found: Current | None = g.get("ringback_current")
    return (found.session.looks_as or "") if found else ""


def actor() -> Actor:
    """The same, as the audit log has them."""
    found: Current | None = g.get("ringback_current")
    return Actor(USER, found.user.id, came().network) if found else Actor(NOBODY, "", came().network)


def _found(services: Services) -> Current | None:
    secret, now = cookies.secret_of(request, services.settings), services.clock()
    if not secret:
        return None
    with services.database.read() as tx:
        session = sessions.find(tx, secret, now, services.access.sign_in.rules.idle)
        user = users.find(tx, session.user_id) if session else None
    if session is None or user is None or user.disabled_at is not None:
        return None
    if POLL not in request.headers and now - session.seen_at >= SEEN_EVERY:
        services.database.transact(lambda tx: sessions.seen(tx, session, now), lasting=False)
    return Current(session, user, secret)

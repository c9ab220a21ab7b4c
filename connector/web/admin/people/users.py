"""Who may come in, and what they may: list, invite, change, disable."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, validate
from sqlalchemy import Connection

from connector.access import users
from connector.access.audit import AuditEntry
from connector.access.rights import HOME, ROLES
from connector.access.users import User
from connector.access.way_in import sessions
from connector.runtime.operations.errors import UnknownError
from connector.web.admin import rendering
from connector.web.admin.entry import current
from connector.web.admin.entry.letters import Letters
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.people.browsers import in_short
from connector.web.admin.people.forms import ROLE_WORDS, InviteSchema, RightsSchema, refusals, rights_of
from connector.web.admin.words import later, speech

STATES = {"active": later("active"), "invited": later("invited"), "disabled": later("disabled")}


class LookSchema(Schema):
    """As whom."""

    role = fields.String(required=True, validate=validate.OneOf(ROLES))


def _list(visit: AdminVisit) -> Response:
    with visit.services.database.read() as tx:
        found = users.every(tx)
    return rendering.page(visit, "admin/people/users.html", users=found, **_words(visit), **_choices(visit))


def _new(visit: AdminVisit) -> Response:
    return rendering.page(visit, "admin/people/invite.html", section="users", user=None, **_choices(visit))


def _invite(visit: AdminVisit) -> ResponseReturnValue:
    given, people = visit.given, visit.services.access.people
    with refusals(visit):
        user, secret = people.invite(current.actor(), given["email"], given["name"], rights_of(visit), visit.now)
    return _invited(visit, user, secret)


def _invited(visit: AdminVisit, user: User, secret: str) -> ResponseReturnValue:
    """By mail; where none leaves, the admin gets the address to pass on, once."""
    letters = Letters(visit.services)
    if letters.invite(user, secret, speech(user.language or visit.say.language)):
        return rendering.back(visit, visit.say("An invitation is on its way to {email}.", email=user.email), "users")
    address = letters.address(secret)
    return rendering.page(visit, "admin/people/invited.html", section="users", user=user, way_in=address)


def _one(visit: AdminVisit) -> Response:
    with visit.services.database.read() as tx:
        user = users.find(tx, visit.path["user_id"])
        if user is None:
            raise UnknownError("person", visit.path["user_id"][:40], "")
        going = sessions.of_user(tx, user.id, visit.now, visit.services.config.sign_in.idle)
    values: dict[str, Any] = {"user": user, "sessions": going, "in_short": in_short}
    around = {**_choices(visit), **_words(visit)}
    return rendering.page(visit, "admin/people/user.html", section="users", **values, **around)


def _rights(visit: AdminVisit) -> ResponseReturnValue:
    with refusals(visit):
        _people(visit).change_rights(current.actor(), visit.path["user_id"], rights_of(visit), visit.now)
    return _done(visit, visit.say("What this person may was changed. Their sessions have ended."))


def _disable(visit: AdminVisit) -> ResponseReturnValue:
    with refusals(visit):
        _people(visit).disable(current.actor(), visit.path["user_id"], visit.now)
    return _done(visit, visit.say("This person comes in no more. Their sessions have ended."))


def _enable(visit: AdminVisit) -> ResponseReturnValue:
    with refusals(visit):
        _people(visit).enable(current.actor(), visit.path["user_id"], visit.now)
    return _done(visit, visit.say("This person may come in again."))


def _again(visit: AdminVisit) -> ResponseReturnValue:
    with refusals(visit):
        user, secret = _people(visit).invite_again(current.actor(), visit.path["user_id"], visit.now)
    return _invited(visit, user, secret)


def _forget_factor(visit: AdminVisit) -> ResponseReturnValue:
    with refusals(visit):
        _people(visit).forget_second_factor(current.actor(), visit.path["user_id"], visit.now)
    return _done(visit, visit.say("Their second factor is forgotten. They set up another at the next sign-in."))


def _look_as(visit: AdminVisit) -> ResponseReturnValue:
    """The pages as another role has them, to look only."""
    me, role, log = current.signed_in(), visit.given["role"], visit.services.access.audit
    entry = AuditEntry(action="session.look-as", object_kind="user", object=me.user.id, after={"role": role})
    by, now = current.actor(), visit.now

    def work(tx: Connection) -> None:
        sessions.look_as(tx, me.session.id, role)
        log.add(tx, by, entry, now)

    visit.services.database.transact(work)
    return redirect(url_for("admin.home"), 303)


def _look_as_end(visit: AdminVisit) -> ResponseReturnValue:
    visit.services.database.transact(lambda tx: sessions.look_as(tx, current.signed_in().session.id, None))
    return redirect(url_for("admin.users"), 303)


def _done(visit: AdminVisit, told: str) -> ResponseReturnValue:
    """Back to the person; whoever changed themselves is asked to sign in there."""
    return rendering.back(visit, told, "user", user_id=visit.path["user_id"])


def _people(visit: AdminVisit) -> Any:
    return visit.services.access.people


def _words(visit: AdminVisit) -> dict[str, Any]:
    return {"roles": rendering.labels(visit.say, ROLE_WORDS), "states": rendering.labels(visit.say, STATES)}


def _choices(visit: AdminVisit) -> dict[str, Any]:
    config = visit.services.config
    return {
        "role_choices": [(role, visit.say(words)) for role, words in ROLE_WORDS.items()],
        "teams": sorted(config.teams), "brands": sorted(config.brands),
    }  # fmt: skip


_ONE, _READ, _WRITE = "/users/<user_id>", "users:read", "users:write"

PAGES = (
    Page("GET", "/users", "users", _READ, _list, title=later("Users"), group="house", icon="users"),
    Page("GET", "/users/new", "invite", _WRITE, _new, recent=True),
    Page("POST", "/users/new", "invite_sent", _WRITE, _invite, recent=True, takes=InviteSchema(),
         back=_new, audited=True),
    Page("GET", _ONE, "user", _READ, _one, recent=True),
    Page("POST", f"{_ONE}/rights", "user_rights", _WRITE, _rights, recent=True, takes=RightsSchema(),
         back=_one, audited=True),
    Page("POST", f"{_ONE}/disable", "user_disable", _WRITE, _disable, recent=True, back=_one, audited=True),
    Page("POST", f"{_ONE}/enable", "user_enable", _WRITE, _enable, recent=True, back=_one, audited=True),
    Page("POST", f"{_ONE}/invite", "user_invite", _WRITE, _again, recent=True, back=_one, audited=True),
    Page("POST", f"{_ONE}/second-factor", "user_factor", _WRITE, _forget_factor, recent=True, back=_one, audited=True),
    Page("POST", "/look-as", "look_as", "users:write", _look_as, takes=LookSchema(), back=_list,
         audited=True),
    Page("POST", "/look-as/end", "look_as_end", HOME, _look_as_end, audited=True),
)  # fmt: skip

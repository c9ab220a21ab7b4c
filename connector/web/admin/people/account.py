"""One's own account: password, second factor, sessions, language; and the way out."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, validate

from connector.access.rights import HOME
from connector.access.way_in import second_factor, sessions
from connector.runtime.operations.errors import InputError
from connector.web.admin import rendering
from connector.web.admin.entry import cookies, current
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.people.browsers import in_short
from connector.web.admin.people.forms import ROLE_WORDS, PasswordSchema, refusals
from connector.web.admin.words import LANGUAGES, NAMES


class LanguageSchema(Schema):
    """Empty: the browser's."""

    language = fields.String(load_default="", validate=validate.OneOf(["", *LANGUAGES]))


def _account(visit: AdminVisit) -> Response:
    me = current.signed_in()
    with visit.services.database.read() as tx:
        going = sessions.of_user(tx, me.user.id, visit.now, visit.services.config.sign_in.idle)
        codes = second_factor.left(tx, me.user.id)
    values: dict[str, Any] = {
        "user": me.user, "sessions": going, "mine": me.session.id, "codes": codes,
        "roles": rendering.labels(visit.say, ROLE_WORDS), "tongues": [(code, NAMES[code]) for code in LANGUAGES],
        "in_short": in_short, "needs_factor": visit.services.access.sign_in.needs_factor(me.user),
    }  # fmt: skip
    return rendering.page(visit, "admin/people/account.html", **values)


def _password(visit: AdminVisit) -> ResponseReturnValue:
    me, people = current.signed_in(), visit.services.access.people
    old, new = visit.given["old"], visit.given["new"]
    if visit.services.access.sign_in.too_soon(me.user, current.came(), visit.now):
        raise InputError("old", visit.say("That was tried too often. Wait a minute, then try again."), "")
    with refusals(visit):
        secret = people.change_password(current.actor(), me.user, old, new, me.session.id, visit.now)
    told = visit.say("Your password is changed. Your other sessions have ended.")
    return cookies.keep(rendering.back(visit, told, "account"), visit.services.settings, secret)


def _language(visit: AdminVisit) -> ResponseReturnValue:
    visit.services.access.people.speak(visit.viewer.user_id, visit.given["language"])
    return rendering.back(visit, visit.say("Your language is kept."), "account")


def _end(visit: AdminVisit) -> ResponseReturnValue:
    with refusals(visit):
        people = visit.services.access.people
        people.end_session(current.actor(), visit.viewer.user_id, visit.path["session_id"], visit.now)
    return rendering.back(visit, visit.say("That session has ended."), "account")


def _codes(visit: AdminVisit) -> ResponseReturnValue:
    me = current.signed_in()
    codes = visit.services.access.sign_in.new_recovery_codes(me.user, current.came(), visit.now)
    return rendering.page(visit, "admin/people/codes.html", section="account", codes=codes)


def _sign_out(visit: AdminVisit) -> ResponseReturnValue:
    me = current.signed_in()
    visit.services.access.sign_in.sign_out(me.session, current.came(), visit.now)
    return cookies.drop(redirect(url_for("entry.sign_in"), 303), visit.services.settings)


PAGES = (
    Page("GET", "/account", "account", HOME, _account),
    Page("POST", "/account/password", "account_password", HOME, _password, recent=True, takes=PasswordSchema(),
         back=_account, audited=True),
    Page("POST", "/account/language", "account_language", HOME, _language, takes=LanguageSchema(),
         back=_account, audited=True),
    Page("POST", "/account/sessions/<session_id>/end", "account_session", HOME, _end, back=_account, audited=True),
    Page("POST", "/account/codes", "account_codes", HOME, _codes, recent=True, back=_account, audited=True),
    Page("POST", "/sign-out", "sign_out", HOME, _sign_out, audited=True),
)  # fmt: skip

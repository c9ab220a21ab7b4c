"""Tokens of the API: made, shown once, revoked."""

from __future__ import annotations

from datetime import timedelta

from flask import Response
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields
from sqlalchemy.exc import IntegrityError

from connector.access import tokens
from connector.access.rights import TOKEN_SCOPES
from connector.runtime.operations.errors import InputError, RefusedError
from connector.storage.stores import api_tokens
from connector.web.admin import rendering
from connector.web.admin.entry import current
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.people.forms import TokenSchema
from connector.web.admin.words import later

STATES = {"valid": later("valid"), "expired": later("expired"), "revoked": later("revoked")}


class WhichSchema(Schema):
    """One of them."""

    name = fields.String(required=True)


def _list(visit: AdminVisit) -> Response:
    with visit.services.database.read() as tx:
        found = [(each, each.state(visit.now)) for each in reversed(api_tokens.every(tx))]
    found.sort(key=lambda each: each[1] != "valid")
    return rendering.page(visit, "admin/people/tokens.html", tokens=found, states=rendering.labels(visit.say, STATES))


def _new(visit: AdminVisit) -> Response:
    return rendering.page(visit, "admin/people/token_new.html", section="tokens", scopes=TOKEN_SCOPES)


def _create(visit: AdminVisit) -> ResponseReturnValue:
    given, log, now = visit.given, visit.services.access.audit, visit.now
    name, until = given["name"].strip(), now + timedelta(days=given["days"]) if given["days"] else None
    try:
        secret = visit.services.database.transact(
            lambda tx: tokens.create(tx, log, current.actor(), name, given["scopes"], now, until)
        )
    except IntegrityError as error:
        trouble = visit.say("A token of this name is in use. Choose another name, or revoke that one first.")
        raise InputError("name", trouble, "") from error
    return rendering.page(visit, "admin/people/token_made.html", section="tokens", name=name, secret=secret)


def _revoke(visit: AdminVisit) -> ResponseReturnValue:
    name, log, now = visit.given["name"], visit.services.access.audit, visit.now
    by = current.actor()
    if not visit.services.database.transact(lambda tx: tokens.revoke(tx, log, by, name, now)):
        raise RefusedError(visit.say("This token is not in use any more."))
    return rendering.back(visit, visit.say("The token {name} is revoked.", name=name), "tokens")


PAGES = (
    Page("GET", "/tokens", "tokens", "tokens:read", _list, title=later("API tokens"), group="house", icon="key"),
    Page("GET", "/tokens/new", "token_new", "tokens:write", _new, recent=True),
    Page("POST", "/tokens/new", "token_made", "tokens:write", _create, recent=True, takes=TokenSchema(),
         back=_new, audited=True),
    Page("POST", "/tokens/revoke", "token_revoke", "tokens:write", _revoke, recent=True, takes=WhichSchema(),
         back=_list, audited=True),
)  # fmt: skip

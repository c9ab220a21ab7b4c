"""The fields of these pages, and what the room below refuses, as the frame says it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from marshmallow import Schema, fields, validate

from connector.access.errors import AccessError, FieldError, GoneError
from connector.access.people import Rights
from connector.access.rights import ROLES, TOKEN_SCOPES
from connector.runtime.operations.errors import InputError, RefusedError, UnknownError
from connector.web.admin.page import AdminVisit
from connector.web.admin.words import later

ALL, SOME = "all", "some"
ROLE_WORDS = {
    "admin": later("Admin: everything"),
    "editor": later("Editor: workflows, surveys, and what runs"),
    "lead": later("Lead: a team's customers, callbacks and runs"),
    "agent": later("Agent: customers and callbacks"),
    "marketing": later("Marketing: customers, answers and surveys"),
    "viewer": later("Viewer: looks on, sees no personal data"),
}
_MISSING: dict[str, Any] = {"required": later("Fill this in.")}


class RightsSchema(Schema):
    """What an admin decides about a person."""

    role = fields.String(required=True, validate=validate.OneOf(ROLES), error_messages=_MISSING)
    teams_reach = fields.String(load_default=ALL)
    teams = fields.List(fields.String(), load_default=list)
    brands_reach = fields.String(load_default=ALL)
    brands = fields.List(fields.String(), load_default=list)
    personal = fields.String(load_default="")


class InviteSchema(RightsSchema):
    """A new person."""

    name = fields.String(required=True, error_messages=_MISSING)
    email = fields.String(required=True, error_messages=_MISSING)


class PasswordSchema(Schema):
    """One's own new password."""

    old = fields.String(required=True, error_messages=_MISSING)
    new = fields.String(required=True, error_messages=_MISSING)


class TokenSchema(Schema):
    """A new token."""

    name = fields.String(required=True, validate=validate.Length(1, 60), error_messages=_MISSING)
    scopes = fields.List(
        fields.String(validate=validate.OneOf(TOKEN_SCOPES)), required=True, validate=validate.Length(min=1),
        error_messages={"required": later("Choose at least one.")},
    )  # fmt: skip
    days = fields.Integer(load_default=None, validate=validate.Range(1, 3650))


def rights_of(visit: AdminVisit) -> Rights:
    """What the form says."""
    given = visit.given
    return Rights(
        role=given["role"],
        teams=given["teams"] if given["teams_reach"] == SOME else None,
        brands=given["brands"] if given["brands_reach"] == SOME else None,
        personal=given["personal"] == "yes",
    )


@contextmanager
def refusals(visit: AdminVisit) -> Iterator[None]:
    """What the room below refuses: at its field, as a refusal, or as something that is not there."""
    try:
        yield
    except FieldError as error:
        raise InputError(error.field, visit.say(error.words), "") from error
    except GoneError as error:
        raise UnknownError("person", "", visit.say(error.words)) from error
    except AccessError as error:
        raise RefusedError(visit.say(error.words)) from error

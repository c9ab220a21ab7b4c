"""The shape of ``sign_in:``, and what contradicts itself there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields, post_load, validate

from connector.config.schema_parts import EMPTY, Read, Strict, texts, yes_or_no
from connector.config.sign_in.rules import ROLE_NAMES, OidcConfig, SignInRules
from integrations.base_url import is_local
from workflows.durations import parse

_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(days=7)
_NO_TEXT = "must be text.\nPut it in quotes."


def _span(value: Any) -> timedelta:
    """Raises ValueError and DurationError with the remedy."""
    duration = parse(value) if isinstance(value, str) else None
    if duration is None or duration.business or not _SHORTEST <= duration.span <= _LONGEST:
        raise ValueError("is no time from 1 minute to 7 days.\nWrite one as 30 minutes or 12 hours.")
    return duration.span


def _roles(value: Any) -> frozenset[str]:
    if not isinstance(value, list):
        raise ValueError("must be a list of roles.\nPut it in square brackets: [admin, editor].")  # noqa: TRY004
    return _known({str(each) for each in value})


def _known(names: set[str]) -> frozenset[str]:
    if unknown := sorted(names - set(ROLE_NAMES)):
        raise ValueError(f"names no role with {unknown[0][:40]!r}.\nThe roles are: {', '.join(ROLE_NAMES)}.")
    return frozenset(names)


def _by_group(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ValueError("is no mapping of groups.\nWrite {group-there: name-here}.")
    return {str(group): name for group, name in value.items()}


def _roles_by_group(value: Any) -> dict[str, str]:
    roles = _by_group(value)
    _known(set(roles.values()))
    return roles


def _needed(what: str) -> fields.String:
    messages: dict[str, Any] = {"required": f"is missing.\nGive {what}.", "invalid": _NO_TEXT, "null": EMPTY}
    check = validate.Length(1, 2000, error="is empty.\nGive it a value.")
    return fields.String(required=True, validate=check, error_messages=messages)


def _word() -> fields.String:
    return fields.String(validate=validate.Length(1, 200), error_messages={"invalid": _NO_TEXT, "null": EMPTY})


class OidcSchema(Strict):
    """One provider."""

    issuer = _needed("the provider's address, as https://login.example.org")
    client_id = _needed("the id under which the provider knows us")
    client_secret = _needed('the provider\'s secret, as "${OIDC_SECRET}"')
    title = _word()
    groups = _word()
    scopes = texts(validate.Length(1, 100, error="is empty.\nWrite a scope, as groups."))
    roles = Read(_roles_by_group)
    teams = Read(_by_group)

    @post_load
    def _provider(self, values: dict[str, Any], **_: Any) -> OidcConfig:
        address = urlsplit(values["issuer"])
        if address.scheme != "https" and not (address.scheme == "http" and is_local(address.hostname or "")):
            raise ValidationError({"issuer": ["is no https address.\nOur secret goes there: give one with https."]})
        if "scopes" in values:
            values["scopes"] = tuple(dict.fromkeys(("openid", *values["scopes"])))
        return OidcConfig(**values)


class SignInSchema(Strict):
    """All of it."""

    second_factor = Read(_roles)
    idle = Read(_span)
    longest = Read(_span)
    password = Read(yes_or_no)
    emergency = fields.Email(error_messages={"invalid": "is no e-mail address.\nWrite one as ada@example.org."})
    oidc = fields.Nested(OidcSchema, error_messages={"null": EMPTY})

    @post_load
    def _rules(self, values: dict[str, Any], **_: Any) -> SignInRules:
        rules = SignInRules(**{**values, "emergency": values.get("emergency", "").lower()})
        if not rules.password and (rules.oidc is None or not rules.emergency):
            remedy = "Give oidc, and an admin's address as emergency: it opens the door when the provider is away."
            raise ValidationError({"password": [f"is false, and nobody may be able to sign in.\n{remedy}"]})
        return rules

"""The settings of a Zendesk connection, as they stand in ringback.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from marshmallow import ValidationError, fields, validate

from integrations.base_url import Address
from integrations.option_fields import (
    Auth,
    Checked,
    ConnectionOptions,
    FieldNames,
    FixedToken,
    Login,
    Options,
    meant,
    renamed,
    text_field,
)
from integrations.zendesk.mapping import LOYALTY_FIELD
from integrations.zendesk.plans import PLANS
from integrations.zendesk.records import OrganizationFields


class _ZendeskOAuth(Login):
    scope = fields.String()
    grant = fields.String(
        load_default="client_credentials",
        validate=validate.OneOf(
            ["client_credentials", "authorization_code"],
            error="is not known; write client_credentials or authorization_code",
        ),
    )


class _ApiToken(Options):
    email = text_field()
    token = text_field()


class _Plan(fields.Field[Any]):
    """The account's plan, which sets its rate limits."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> str:
        if str(value) not in PLANS:
            raise ValidationError(f"{value} is not known{meant(str(value), PLANS)}")
        return str(value)


class _Organizations(fields.Field[Any]):
    """true, false, or a mapping of names. → None or the names."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> OrganizationFields | None:
        if isinstance(value, bool):
            return OrganizationFields() if value else None
        if not isinstance(value, Mapping):
            raise ValidationError("is no table of names; write true, false or a mapping of names")
        return replace(OrganizationFields(), **renamed(OrganizationFields)().load(value))


class ZendeskOptions(ConnectionOptions):
    """The whole of them."""

    plan = _Plan()
    organizations = _Organizations(load_default=None)
    base_url = Checked(Address.parse)
    auth = Auth({"oauth": _ZendeskOAuth, "api_token": _ApiToken, "token": FixedToken})
    score_fields = FieldNames(data_key="fields")
    loyalty = fields.String(
        load_default=LOYALTY_FIELD,
        validate=validate.Regexp(r"([A-Za-z]\w*)?\Z", error="is no field name; leave it empty to leave it out"),
    )

"""From the settings of a Salesforce connection to its client."""

from __future__ import annotations

from integrations.auth.tokens import (
    Clock,
    FixedCredentials,
    Grant,
    SharedToken,
    token_dialect,
)
from integrations.http import TokenSource, VendorSession
from integrations.kind import Given, Kind, Sharing
from integrations.option_fields import field_map
from integrations.salesforce.auth import client_credentials, jwt_bearer
from integrations.salesforce.client import Kept, SalesforceCrm
from integrations.salesforce.mapping import DEFAULT_FIELDS, DIALECT
from integrations.salesforce.options import SalesforceOptions, audience, private_key
from integrations.salesforce.writeback.records import BULK_ABOVE
from integrations.salesforce.writeback.render import Names
from integrations.scores import FieldMap
from integrations.transport.bounded_http import TOKEN

_RESERVE = 0.2


def make(given: Given, sharing: Sharing) -> SalesforceCrm:
    """``given`` is what ``SalesforceOptions`` read."""
    session = VendorSession(given["base_url"], DIALECT, _tokens(given["base_url"], given["auth"], sharing))
    fields = field_map(given.get("score_fields"), DEFAULT_FIELDS)
    named = {"cases": given["cases"], "account_value": given["account_value"]}
    kept = _kept(given, fields, sharing)
    return SalesforceCrm(session, fields, given["api_version"].removeprefix("v"), kept, **named)


def _kept(given: Given, fields: FieldMap, sharing: Sharing) -> Kept:
    """Who keeps everything leaves a fifth of the day's calls to others, unless the settings say how much."""
    parts = given.get("write_back")
    names = Names(fields, **parts) if parts else None
    reserve = given.get("api_reserve", _RESERVE if names else 0.0)
    return Kept(names, reserve, given.get("bulk_above", BULK_ABOVE), sharing.now)


def _tokens(base_url: str, auth: Given, sharing: Sharing) -> TokenSource:
    if auth["type"] == "token":
        return FixedCredentials.bearer(auth["token"])
    return SharedToken(_grant(base_url, auth, sharing.now), sharing.store, sharing.now)


def _grant(base_url: str, auth: Given, now: Clock) -> Grant:
    session = VendorSession(base_url, token_dialect("Salesforce"), bound=TOKEN)
    if auth["type"] == "client_credentials":
        return client_credentials(session, auth["client_id"], auth["client_secret"])
    whom = auth.get("audience") or audience(session.address.host)
    return jwt_bearer(session, auth["client_id"], auth["username"], private_key(auth), whom, now)


KIND = Kind(
    schema=SalesforceOptions,
    make=make,
    helpdesk=lambda client: client.cases,
    crm=lambda client: client,
    sales=lambda client: client.sales,
    seen_limits=lambda client: client.session.limits,
)

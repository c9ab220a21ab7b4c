"""The table of kinds: from a connection's settings to its client."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError

from integrations import option_fields as options
from integrations.errors import OptionsError
from integrations.http import TokenSource, VendorSession
from integrations.limits import UNLIMITED, Rates
from integrations.oauth_refresh import Client as RefreshingClient
from integrations.oauth_refresh import RefreshedToken
from integrations.protocols import Crm, Helpdesk, Messenger
from integrations.salesforce import mapping as salesforce_mapping
from integrations.salesforce.client import Kept, SalesforceCrm
from integrations.salesforce.records import BULK_ABOVE
from integrations.salesforce.render import Names
from integrations.scores import FieldMap
from integrations.smtp.client import SmtpMessenger
from integrations.tokens import (
    Clock,
    FixedCredentials,
    Grant,
    SharedToken,
    TokenStore,
    salesforce_client_credentials,
    salesforce_jwt,
    token_dialect,
    zendesk_client_credentials,
)
from integrations.zendesk import dialect as zendesk_dialect
from integrations.zendesk import mapping as zendesk_mapping
from integrations.zendesk import plans
from integrations.zendesk.client import ALIASES, ZendeskHelpdesk

_RESERVE = 0.2

Client = Helpdesk | Crm | Messenger
Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sharing:
    """What clients of one connection share beyond their process: the token store, and the clock it is read by."""

    store: TokenStore | None = None
    now: Clock = time.time


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of connection: the protocol its client implements, its settings, and how it is made."""

    implements: type[Any]
    schema: type[options.Options]
    make: Callable[[Given, Sharing], Client]


def build(kind: str, name: str, settings: Given, *, store: TokenStore | None = None, now: Clock = time.time) -> Client:
    """The client of the connection ``name``. Raises OptionsError with every mistake, its path and its remedy.

    ``store`` shares the connection's token between processes; ``now`` is in seconds since the epoch. Nothing
    is sent yet.
    """
    if kind not in KINDS:
        raise OptionsError(name, (f"kind: {kind} is not known{options.meant(kind, KINDS)}",))
    try:
        given = KINDS[kind].schema().load(settings)
    except ValidationError as error:
        raise OptionsError(name, tuple(options.mistakes(error.messages))) from error
    return KINDS[kind].make(given, Sharing(store, now))


def rates(kind: str, settings: Given) -> Rates:
    """What the vendor allows, as far as we know it: by the plan that the settings name."""
    return plans.PLANS.get(str(settings.get("plan")), plans.UNKNOWN) if kind == "zendesk" else UNLIMITED


def _zendesk(given: Given, sharing: Sharing) -> ZendeskHelpdesk:
    tokens = _zendesk_tokens(given["base_url"], given["auth"], sharing)
    session = VendorSession(given["base_url"], zendesk_dialect.DIALECT, tokens, aliases=ALIASES)
    fields = options.field_map(given.get("score_fields"), zendesk_mapping.DEFAULT_FIELDS)
    return ZendeskHelpdesk(session, fields, given["organizations"])


def _zendesk_tokens(base_url: str, auth: Given, sharing: Sharing) -> TokenSource:
    if auth["type"] == "api_token":
        return FixedCredentials.zendesk_api_token(auth["email"], auth["token"])
    if auth["type"] == "token":
        return FixedCredentials.bearer(auth["token"])
    if auth["grant"] == "authorization_code":
        return RefreshedToken(zendesk_client(base_url, auth, sharing.now), sharing.store)
    session = VendorSession(base_url, token_dialect("Zendesk"))
    grant = zendesk_client_credentials(
        session, auth["client_id"], auth["client_secret"], auth.get("scope", "read write"), sharing.now
    )
    return SharedToken(grant, sharing.store, sharing.now)


def zendesk_client(base_url: str, auth: Given, now: Clock = time.time) -> RefreshingClient:
    """The OAuth client of ``auth: {type: oauth, …}``."""
    session = VendorSession(base_url, token_dialect("Zendesk"))
    return RefreshingClient(
        session, auth["client_id"], auth["client_secret"], auth.get("scope", "read write"), now
    )


def _salesforce(given: Given, sharing: Sharing) -> SalesforceCrm:
    tokens = _salesforce_tokens(given["base_url"], given["auth"], sharing)
    session = VendorSession(given["base_url"], salesforce_mapping.DIALECT, tokens)
    fields = options.field_map(given.get("score_fields"), salesforce_mapping.DEFAULT_FIELDS)
    named = {"cases": given["cases"], "account_value": given["account_value"]}
    kept = _kept(given, fields, sharing)
    return SalesforceCrm(session, fields, given["api_version"].removeprefix("v"), kept, **named)


def _kept(given: Given, fields: FieldMap, sharing: Sharing) -> Kept:
    """Who keeps everything leaves a fifth of the day's calls to others, unless the settings say how much."""
    parts = given.get("write_back")
    names = Names(fields, **parts) if parts else None
    reserve = given.get("api_reserve", _RESERVE if names else 0.0)
    return Kept(names, reserve, given.get("bulk_above", BULK_ABOVE), sharing.now)


def _salesforce_tokens(base_url: str, auth: Given, sharing: Sharing) -> TokenSource:
    if auth["type"] == "token":
        return FixedCredentials.bearer(auth["token"])
    return SharedToken(_salesforce_grant(base_url, auth, sharing.now), sharing.store, sharing.now)


def _salesforce_grant(base_url: str, auth: Given, now: Clock) -> Grant:
    session = VendorSession(base_url, token_dialect("Salesforce"))
    if auth["type"] == "client_credentials":
        return salesforce_client_credentials(session, auth["client_id"], auth["client_secret"])
    audience = auth.get("audience") or options.audience(session.address.host)
    return salesforce_jwt(session, auth["client_id"], auth["username"], options.private_key(auth), audience, now)


def _smtp(given: Given, sharing: Sharing) -> SmtpMessenger:
    return SmtpMessenger(given["url"], given["sender"])


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "zendesk": Kind(Helpdesk, options.ZendeskOptions, _zendesk),
        "salesforce": Kind(Crm, options.SalesforceOptions, _salesforce),
        "smtp": Kind(Messenger, options.SmtpOptions, _smtp),
    }
)

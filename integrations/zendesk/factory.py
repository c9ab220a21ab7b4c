"""From the settings of a Zendesk connection to its client."""

from __future__ import annotations

import time

from integrations.auth.oauth_refresh import Client as OAuthClient
from integrations.auth.oauth_refresh import RefreshedToken
from integrations.auth.tokens import Clock, FixedCredentials, SharedToken, token_dialect
from integrations.http import TokenSource, VendorSession
from integrations.kind import Given, Kind, Sharing
from integrations.limits import Rates
from integrations.option_fields import field_map
from integrations.transport.bounded_http import TOKEN
from integrations.zendesk import plans
from integrations.zendesk.auth import api_token, client_credentials
from integrations.zendesk.client import ALIASES, ZendeskHelpdesk
from integrations.zendesk.dialect import DIALECT
from integrations.zendesk.mapping import DEFAULT_FIELDS
from integrations.zendesk.options import ZendeskOptions

_SCOPE = "read write"


def make(given: Given, sharing: Sharing) -> ZendeskHelpdesk:
    """``given`` is what ``ZendeskOptions`` read."""
    tokens = _tokens(given, sharing)
    session = VendorSession(given["base_url"], DIALECT, tokens, aliases=ALIASES)
    fields = field_map(given.get("score_fields"), DEFAULT_FIELDS)
    return ZendeskHelpdesk(session, fields, given["organizations"], given["loyalty"])


def _tokens(given: Given, sharing: Sharing) -> TokenSource:
    auth = given["auth"]
    if auth["type"] == "api_token":
        return api_token(auth["email"], auth["token"])
    if auth["type"] == "token":
        return FixedCredentials.bearer(auth["token"])
    if auth["grant"] == "authorization_code":
        return RefreshedToken(oauth_client(given, sharing.now), sharing.store)
    session = VendorSession(given["base_url"], token_dialect("Zendesk"), bound=TOKEN)
    scope = auth.get("scope", _SCOPE)
    grant = client_credentials(session, auth["client_id"], auth["client_secret"], scope, sharing.now)
    return SharedToken(grant, sharing.store, sharing.now)


def oauth_client(given: Given, now: Clock = time.time) -> OAuthClient:
    """The OAuth client of ``auth: {type: oauth, …}``."""
    auth, session = given["auth"], VendorSession(str(given["base_url"]), token_dialect("Zendesk"), bound=TOKEN)
    return OAuthClient(session, auth["client_id"], auth["client_secret"], auth.get("scope", _SCOPE), now)


def rates(given: Given) -> Rates:
    """By the plan that the settings name."""
    return plans.PLANS.get(str(given.get("plan")), plans.UNKNOWN)


KIND = Kind(
    schema=ZendeskOptions,
    make=make,
    helpdesk=lambda client: client,
    rates=rates,
    seen_limits=lambda client: client.session.limits,
    oauth=oauth_client,
)

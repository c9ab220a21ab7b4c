"""``ringback.env``: secrets that are made here, and those that only a vendor can give, to be filled in."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from connector.cli.common.environment_file import assignment
from connector.cli.init.installation import Installation
from connector.config.settings import new_key

_HEAD = """\
# Secrets and addresses of this installation. Ringback reads this file beside ringback.yaml; what stands in the
# environment goes before. Only its owner may read it (chmod 600), and it belongs in no repository.
"""


def environment_text(wanted: Installation) -> str:
    """The whole file. Secrets of our own are new at every call."""
    return _HEAD + "".join(_lines(wanted))


def missing(wanted: Installation) -> tuple[str, ...]:
    """The variables that somebody must fill in before anything runs."""
    return tuple(name for name, value, _ in _given(wanted) if not value)


def _lines(wanted: Installation) -> Iterator[str]:
    for name, value, said in (*_made(wanted), *_given(wanted)):
        yield f"\n# {said}\n{assignment(name, value)}\n"


def _made(wanted: Installation) -> Iterator[tuple[str, str, str]]:
    yield "RINGBACK_SECRET_KEY", new_key(), "Seals what is stored. Lost, it opens nothing any more."
    yield "RINGBACK_BASE_URL", wanted.base_url, "Where customers and vendors reach Ringback."
    yield "SHOP_WEBHOOK_SECRET", f"whsec_{secrets.token_hex(24)}", "What the other system signs its events with."
    if wanted.salesforce:
        yield "SALESFORCE_WEBHOOK_TOKEN", secrets.token_urlsafe(24), "The last part of the address Salesforce sends to."


def _given(wanted: Installation) -> Iterator[tuple[str, str, str]]:
    yield "MAIL_URL", wanted.mail_url, "smtp://user:password@host:587, or smtps://…:465."
    if account := wanted.zendesk:
        yield "ZENDESK_CLIENT_ID", account.client_id, "Zendesk's OAuth client (Admin Center → APIs → OAuth clients)."
        yield "ZENDESK_CLIENT_SECRET", account.client_secret, "Its secret."
    if account := wanted.salesforce:
        yield "SALESFORCE_ORGANIZATION_ID", wanted.organization_id, "Setup → Company Information → Organization ID."
        yield "SALESFORCE_CLIENT_ID", account.client_id, "The External Client App's consumer key."
        yield "SALESFORCE_CLIENT_SECRET", account.client_secret, "Its consumer secret."

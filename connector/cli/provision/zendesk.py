"""``ringback provision zendesk``: a Zendesk account with all that Ringback needs there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from connector.cli.common.context import BadInputError, open_database, read_config, read_settings
from connector.cli.provision.account import account_argument
from connector.cli.provision.output import ProvisionOptions, leave, provision, provision_options
from connector.cli.provision.sidebar_app import app_option, pack_app
from connector.clock import system_clock
from connector.config.file import ConnectionConfig
from connector.config.settings import Settings
from connector.feedback.base.actions import NotPossibleError
from connector.storage.engine.encryption import Box
from connector.storage.stores.oauth_tokens import DatabaseTokenStore
from connector.storage.stores.webhook_secrets import PURPOSE
from connector.vendors.clients import Connections
from connector.vendors.provisioning import ProvisioningMemory
from connector.vendors.zendesk.vendor import api_token_findings
from integrations.base_url import is_local
from integrations.zendesk.client import ZendeskHelpdesk
from integrations.zendesk.setup.blueprint import AccountNames
from integrations.zendesk.setup.provision import ZendeskProvisioner
from integrations.zendesk.setup.words import LANGUAGES


@click.command()
@account_argument("zendesk")
@click.option("--language", type=click.Choice(LANGUAGES), default=None,
              help="Of titles and choices. Left out: as what is there, else as the account's.")  # fmt: skip
@click.option("--triggers", is_flag=True, help="Be told by triggers: for plans without event subscriptions.")
@app_option
@provision_options
def zendesk(connection: str, language: str | None, triggers: bool, app_file: Path | None, **wish: Any) -> None:
    """Set up the Zendesk account of CONNECTION: the webhook with its secret, fields of tickets, users and
    organisations, views for callback agents, and macros.

    Run it again whenever you like: it shows what somebody changed there, and mends it. What an admin made by hand
    is used and never removed.
    """
    if app_file is not None:
        pack_app(connection, app_file)
        return
    with _account(connection) as account:
        _warn_of(account)
        fields, loyalty = account.client.fields, account.client.loyalty
        wanted = AccountNames(language or "", account.endpoint, fields, loyalty, by_trigger=triggers)
        well = provision(
            f"{connection} ({account.client.session.address.url})",
            ZendeskProvisioner(account.client.session, wanted),
            account.memory,
            ProvisionOptions(**wish),
        )
    leave(well)


@dataclass(frozen=True, slots=True)
class _Account:
    client: ZendeskHelpdesk
    memory: ProvisioningMemory
    endpoint: str
    configured: ConnectionConfig


@contextmanager
def _account(connection: str) -> Iterator[_Account]:
    settings = read_settings()
    with open_database() as database:
        keys = settings.secret_keys(lambda said: click.echo(said, err=True))
        config = read_config(settings)
        clients = Connections(config, lambda name: DatabaseTokenStore(database, name, keys, system_clock))
        client, memory = (
            _client(clients, connection),
            ProvisioningMemory(database, connection, Box(keys, PURPOSE), system_clock),
        )
        yield _Account(client, memory, _endpoint(settings, connection), config.connections[connection])


def _client(clients: Connections, connection: str) -> ZendeskHelpdesk:
    try:
        client = clients.client(connection)
    except NotPossibleError as error:
        raise BadInputError(str(error)) from error
    if not isinstance(client, ZendeskHelpdesk):
        raise BadInputError(f"connection: {connection!r} is no Zendesk account.")
    return client


def _endpoint(settings: Settings, connection: str) -> str:
    return f"{settings.base_url}/webhooks/{connection}"


def _warn_of(account: _Account) -> None:
    """Of an address that Zendesk would take and never reach, and of credentials that end."""
    host = urlsplit(account.endpoint).hostname or ""
    if is_local(host) and not is_local(account.client.session.address.host):
        click.echo(f"Zendesk cannot reach {account.endpoint}: set RINGBACK_BASE_URL to the public address.", err=True)
    for found in api_token_findings(account.configured, system_clock().date()):
        click.echo(f"{found.check}: {found.says} {found.remedy}", err=True)

"""``ringback provision salesforce``: an org with all that Ringback needs there."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import click

from connector.cli.common.context import BadInputError, open_database, read_config, read_settings
from connector.cli.provision.account import account_argument
from connector.cli.provision.output import ProvisionOptions, leave, provision, provision_options
from connector.clock import system_clock
from connector.config.file import ConnectionConfig
from connector.feedback.base.actions import NotPossibleError
from connector.storage.engine.encryption import Box
from connector.storage.stores.oauth_tokens import DatabaseTokenStore
from connector.storage.stores.webhook_secrets import PURPOSE
from connector.vendors.clients import Connections
from connector.vendors.provisioning import ProvisioningMemory
from integrations.base_url import is_local
from integrations.http import VendorSession
from integrations.option_fields import meant
from integrations.salesforce.client import API_VERSION, SalesforceCrm
from integrations.salesforce.options import writes_everything
from integrations.salesforce.setup import bundle
from integrations.salesforce.setup.provision import SalesforceProvisioner, Target, as_admin


@click.command()
@account_argument("salesforce")
@click.option(
    "--admin-token-file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    help="Deploy with the access token in this file (- for standard input) instead of as the integration user, "
    "which then needs no right to change the set-up. `sf org auth show-access-token` shows one.",
)  # fmt: skip
@click.option(
    "--leave-out", multiple=True, metavar="WHAT",
    help="Go on without what the org objects to: a type of the plan (FlexiPage), a name, a permission (Task.WhoId), a "
    "column. May be given again.",
)  # fmt: skip
@click.option("--source", is_flag=True, help="Only print where the sources lie, for `sf project deploy`.")
@provision_options
def salesforce(
    connection: str, admin_token_file: Path | None, leave_out: tuple[str, ...], source: bool, **wish: Any
) -> None:
    """Set up the Salesforce org of CONNECTION: fields on contacts, leads and accounts, an object for responses,
    permission sets, list views, reports, record pages, and the messages that tell Ringback of changes.

    Salesforce itself makes the plan: the package is checked in the org and changes nothing. Then everything is
    deployed at once, or nothing. Run it again whenever you like: it shows what somebody changed, and mends it.
    """
    if source:
        click.echo(bundle.PROJECT)
        return
    with _org(connection) as (client, memory, configured, base_url):
        own = client.session
        deployer = as_admin(own, _token(admin_token_file)) if admin_token_file else own
        target = replace(_target(configured, base_url, own), without=_known(leave_out))
        provisioner = SalesforceProvisioner(own, deployer, target, sleep=time.sleep, progress=_progress())
        well = provision(f"{connection} ({own.address.url})", provisioner, memory, ProvisionOptions(**wish))
    leave(well)


@contextmanager
def _org(connection: str) -> Iterator[tuple[SalesforceCrm, ProvisioningMemory, ConnectionConfig, str]]:
    settings = read_settings()
    config = read_config(settings)
    with open_database() as database:
        keys = settings.secret_keys(lambda said: click.echo(said, err=True))
        clients = Connections(config, lambda name: DatabaseTokenStore(database, name, keys, system_clock))
        client = _client(clients, connection)
        memory = ProvisioningMemory(database, connection, Box(keys, PURPOSE), system_clock)
        yield client, memory, config.connections[connection], settings.base_url


def _client(clients: Connections, connection: str) -> SalesforceCrm:
    try:
        client = clients.crm(connection)
    except NotPossibleError as error:
        raise BadInputError(str(error)) from error
    if not isinstance(client, SalesforceCrm):
        raise BadInputError(f"connection: {connection!r} is no Salesforce org.")
    return client


def _target(configured: ConnectionConfig, base_url: str, own: VendorSession) -> Target:
    """Salesforce sends to public addresses over https only; a stand-in on this machine sends to this machine."""
    options = configured.options
    given = options.get("webhook_token") or ()
    token = given if isinstance(given, str) else next(iter(given), "")
    here = is_local(urlsplit(base_url).hostname or "")
    reachable = is_local(own.address.host) if here else base_url.startswith("https://")
    endpoint = f"{base_url}/webhooks/{quote(configured.name)}/{quote(token)}" if token and reachable else ""
    version = str(options.get("api_version") or API_VERSION).removeprefix("v")
    organization = str(options.get("organization_id") or "")
    return Target(endpoint, organization, version, everything=writes_everything(options))


def _known(leave_out: tuple[str, ...]) -> frozenset[str]:
    names = bundle.names() if leave_out else frozenset()
    for each in leave_out:
        if each not in names:
            raise BadInputError(f"--leave-out: {each!r} is no part of the package{meant(each, names)}")
    return frozenset(leave_out)


def _token(file: Path) -> str:
    with click.open_file(str(file)) as opened:
        token = str(opened.read()).strip()
    if not token or any(sign.isspace() for sign in token):
        said = f"--admin-token-file: {file} holds no access token."
        raise BadInputError(f"{said} Put the token into it, and nothing else.")
    return token


def _progress() -> Any:
    """A line that counts up, for people at a terminal only."""
    shown = sys.stderr.isatty()

    def progress(done: int, total: int) -> None:
        if shown and total:
            click.echo(f"\r  Salesforce: {done} of {total} components ", nl=done >= total, err=True)

    return progress

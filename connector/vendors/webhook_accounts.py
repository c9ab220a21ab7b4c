"""What the way in must know of each connection, to tell its webhooks from forgeries and to understand them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connector.config.file import Config
from connector.storage.stores.inbox import OWN
from connector.storage.stores.webhook_secrets import Secrets
from connector.vendors.base import Vendors, secrets_of
from connector.vendors.registry import VENDORS
from integrations.roles import Role
from webhooks.delivery import Account
from webhooks.inbound.own_events import OwnEventsSource

_OURS = OwnEventsSource()


class WebhookAccounts:
    """``own_users`` says whom we act as, as far as known; ``kept`` are the webhook secrets that provisioning fetched,
    beside those of the configuration."""

    def __init__(
        self,
        config: Config,
        own_users: Callable[[], Mapping[str, str]],
        kept: Callable[[], Secrets] = dict,
        vendors: Vendors = VENDORS,
    ) -> None:
        self._config, self._own_users, self._kept, self._vendors = config, own_users, kept, vendors
        self._owners, self._helpdesk = _owners(config, vendors), _first_helpdesk(config, vendors)
        self._consents = tuple(each.consent_of for each in vendors.values() if each.consent_of)

    def __call__(self, connection: str) -> Account | None:
        if connection == OWN:
            return Account(OWN, "internal", source=_OURS, owners=self._owners, helpdesk=self._helpdesk)
        configured = self._config.connections.get(connection)
        vendor = self._vendors.get(configured.kind) if configured else None
        if configured is None or vendor is None or vendor.source is None:
            return None
        own = configured.options.get("integration_user") or self._own_users().get(connection)
        secrets = (*secrets_of(configured), *self._kept().get(connection, ()))
        return Account(
            connection, configured.kind, secrets, configured.options, own_user=own, source=vendor.source,
            max_bytes=vendor.max_body_bytes, owners=self._owners, helpdesk=self._helpdesk, consents=self._consents,
        )  # fmt: skip


def _owners(config: Config, vendors: Vendors) -> dict[str, str]:
    """The name of an id in other systems' events → the connection whose id it is; its kind where none is configured."""
    fields = {vendor.identity_field: kind for kind, vendor in vendors.items() if vendor.identity_field}
    return {
        field: next((each.name for each in config.of_kind(kind)), kind) for field, kind in fields.items()
    }


def _first_helpdesk(config: Config, vendors: Vendors) -> str | None:
    """Whose tickets other systems' events mean, where they name none."""
    for each in config.connections.values():
        if each.kind in vendors and Role.HELPDESK in vendors[each.kind].roles:
            return each.name
    return None

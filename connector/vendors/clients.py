"""The configured connections' clients: each built once, and given as what it is to us."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from connector.config.file import Config, ConnectionConfig
from connector.feedback.base.actions import NotPossibleError
from connector.feedback.customers.record_ids import RecordIds
from connector.storage.flow_control.rate_budget import Budget, Limits, within
from connector.vendors import option_checks
from connector.vendors.base import Vendor, Vendors
from connector.vendors.registry import VENDORS
from integrations import kind as kinds
from integrations.auth.oauth_refresh import Client as RefreshingClient
from integrations.auth.tokens import TokenStore
from integrations.error_mapping import Limit
from integrations.errors import OptionsError
from integrations.kind import Kind
from integrations.limits import SHARE, UNLIMITED, Rate, Rates
from integrations.messaging import Mailbox, Messenger
from integrations.protocols import Crm, Helpdesk, Sales, VendorUser
from integrations.roles import Role
from workflows.errors import Mistake


class Connections:
    """Clients by connection name, each built once and kept. ``store`` shares a connection's token between
    processes; without one each process asks for its own. ``now`` is in seconds since the epoch."""

    def __init__(
        self,
        config: Config,
        store: Callable[[str], TokenStore | None] | None = None,
        now: Callable[[], float] = time.time,
        vendors: Vendors = VENDORS,
    ) -> None:
        self._config, self._store, self._now, self._vendors = config, store, now, vendors
        self._guard = threading.Lock()
        self._clients: dict[str, Any] = {}
        self.ids = ids_of(config, vendors)

    # --- what a connection is

    @property
    def kinds(self) -> dict[str, str]:
        """Connection name → kind."""
        return {name: each.kind for name, each in self._config.connections.items()}

    def vendor(self, connection: str) -> Vendor:
        """The row of its kind. Raises NotPossibleError."""
        return self._row(self._configured(connection))

    def has(self, connection: str, role: Role) -> bool:
        configured = self._config.connections.get(connection)
        vendor = self._vendors.get(configured.kind) if configured else None
        return vendor is not None and role in vendor.roles

    def having(self, *roles: Role) -> list[str]:
        """Connections that have one of these roles, in the configuration's order."""
        return [name for name in self._config.connections if any(self.has(name, role) for role in roles)]

    def hears_answers(self) -> bool:
        """Whether what people answer to our mail is read by somebody: a mailbox that is not for bounces alone."""
        boxes = self.having(Role.MAILBOX)
        return any(self._config.connections[name].options.get("replies") is not False for name in boxes)

    def with_a_user(self) -> list[str]:
        """Connections at which we act as a user, whose own writes come back as events."""
        return self.having(Role.HELPDESK, Role.CRM)

    # --- its client

    def client(self, connection: str) -> Any:
        """The client itself, for its vendor's own rooms. Raises NotPossibleError or OptionsError."""
        configured = self._configured(connection)
        kind = self._kind(configured)
        with self._guard:
            if connection not in self._clients:
                self._clients[connection] = self._built(kind, configured)
            return self._clients[connection]

    def helpdesk(self, connection: str) -> Helpdesk:
        """A helpdesk of its own, or the cases of a CRM."""
        kind = self.vendor(connection).client
        face = kind.helpdesk if kind else None
        return face(self.client(connection)) if face else self._refuse(connection, Role.HELPDESK)

    def crm(self, connection: str) -> Crm:
        kind = self.vendor(connection).client
        face = kind.crm if kind else None
        return face(self.client(connection)) if face else self._refuse(connection, Role.CRM)

    def sales(self, connection: str) -> Sales:
        kind = self.vendor(connection).client
        face = kind.sales if kind else None
        return face(self.client(connection)) if face else self._refuse(connection, Role.CRM)

    def messenger(self, connection: str | None) -> tuple[str, Messenger]:
        """The named messenger, or the first one configured; with its name."""
        name = connection or self._first_messenger()
        kind = self.vendor(name).client
        face = kind.messenger if kind else None
        return name, face(self.client(name)) if face else self._refuse(name, Role.MESSENGER)

    def mailbox(self, connection: str) -> Mailbox:
        kind = self.vendor(connection).client
        face = kind.mailbox if kind else None
        return face(self.client(connection)) if face else self._refuse(connection, Role.MAILBOX)

    def oauth_client(self, connection: str) -> RefreshingClient:
        """The OAuth client that a person agrees to. Raises KeyError when the connection is none that needs it."""
        configured = self._config.connections[connection]
        vendor = self._vendors.get(configured.kind)
        if vendor is None or vendor.client is None or vendor.client.oauth is None or not needs_agreement(configured):
            raise KeyError(connection)
        return vendor.client.oauth(configured.options, self._now)

    def me(self, connection: str) -> str:
        """The id of the user we act as."""
        return self.whom(connection).id

    def whom(self, connection: str) -> VendorUser:
        """The user we act as."""
        return (self.crm(connection) if self.has(connection, Role.CRM) else self.helpdesk(connection)).me()

    # --- how fast, and how many

    def budget(self, connection: str) -> Budget | None:
        """The rate the connection's owner allows us, if the configuration names one; else our share of what the vendor
        allows on the configured plan."""
        configured = self._config.connections.get(connection)
        rate = configured.options.get("requests_per_minute") if configured else None
        if rate:
            return Budget(float(rate))
        account = self._rates(connection).account
        return _our_share(account) if account else None

    def limits(self, connection: str) -> Limits:
        """Our share of the vendor's limits on kinds of requests."""
        rates = self._rates(connection)
        per_kind, per_record = (
            {name: _our_share(rate) for name, rate in each.items()} for each in (rates.kinds, rates.records)
        )
        return Limits(per_kind, per_record)

    def _rates(self, connection: str) -> Rates:
        configured = self._config.connections.get(connection)
        vendor = self._vendors.get(configured.kind) if configured else None
        if configured is None or vendor is None or vendor.client is None:
            return UNLIMITED
        return vendor.client.rates(configured.options)

    def told_limits(self, connection: str) -> Mapping[str, Limit]:
        """What the vendor last said of its limits to this process; nothing before the first answer."""
        client = self._clients.get(connection)
        return {} if client is None else self._kind(self._configured(connection)).seen_limits(client)

    def daily_reserve(self, connection: str) -> float:
        """The part (0…1) of a vendor's daily calls that is left to others."""
        return self.crm(connection).reserve if self.has(connection, Role.CRM) else 0.0

    def concurrency(self, connection: str) -> int:
        """How many calls may be under way on the connection at once, those of all processes together."""
        configured = self._config.connections.get(connection)
        most = configured.options.get("concurrency") if configured else None
        vendor = self._vendors.get(configured.kind) if configured else None
        return int(most) if most else (vendor or _UNKNOWN).default_concurrency

    def longest_hold(self, connection: str) -> float:
        """Seconds that its vendor may hold the connection by one answer."""
        configured = self._config.connections.get(connection)
        return option_checks.hold_of(configured.options.get("longest_hold") if configured else None).total_seconds()

    # --- mistakes

    def check(self) -> tuple[Mistake, ...]:
        """Every mistake in the connections' options, without calling anybody."""
        return tuple(mistake for each in self._config.connections.values() for mistake in self._mistakes(each))

    def _mistakes(self, each: ConnectionConfig) -> list[Mistake]:
        vendor = self._vendors.get(each.kind)
        if vendor is None:
            return [option_checks.unknown_kind(each, self._vendors)]
        found = [*option_checks.usual(each), *vendor.check_options(each)]
        if vendor.client is None:
            return found
        try:
            self.client(each.name)
        except OptionsError as error:
            found += [option_checks.told(each, mistake) for mistake in error.mistakes]
        return found

    # --- parts

    def _first_messenger(self) -> str:
        for name in self.having(Role.MESSENGER):
            return name
        raise NotPossibleError("no connection can send mail. Add one of kind smtp to ringback.yaml.")

    def _configured(self, connection: str) -> ConnectionConfig:
        if connection not in self._config.connections:
            known = ", ".join(sorted(self._config.connections)) or "none"
            raise NotPossibleError(
                f"connection: {connection!r} is not configured. "
                f"Add it to ringback.yaml or use another (known: {known})."
            )
        return self._config.connections[connection]

    def _row(self, configured: ConnectionConfig) -> Vendor:
        """A kind that nobody knows has nothing; ``check`` tells of it."""
        return self._vendors.get(configured.kind) or replace(_UNKNOWN, kind=configured.kind)

    def _kind(self, configured: ConnectionConfig) -> Kind[Any]:
        kind = self._row(configured).client
        if kind is None:
            raise NotPossibleError(
                f"connection: {configured.name!r} is of kind {configured.kind}, which cannot be asked for anything."
            )
        return kind

    def _refuse(self, connection: str, role: Role) -> Any:
        kind = self._configured(connection).kind
        raise NotPossibleError(f"connection: {connection!r} is of kind {kind}, which is not {role.value}.")

    def _built(self, kind: Kind[Any], configured: ConnectionConfig) -> Any:
        store = self._store(configured.name) if self._store else None
        return kinds.build(kind, configured.name, self._options(configured), store=store, now=self._now)

    def _options(self, configured: ConnectionConfig) -> Mapping[str, Any]:
        """The options, with files of keys found beside the configuration's."""
        path = self._config.path
        return configured.options if path is None else _with_key_files(configured.options, path.parent)


def _with_key_files(given: Any, folder: Path) -> Any:
    """``private_key_file``, wherever it stands, from the folder on."""
    if isinstance(given, list):
        return [_with_key_files(each, folder) for each in given]
    if not isinstance(given, Mapping):
        return given
    file = given.get("private_key_file")
    found = {"private_key_file": str(folder / file)} if isinstance(file, str) and file else {}
    return {name: _with_key_files(each, folder) for name, each in given.items()} | found


_UNKNOWN = Vendor(kind="", title="")


def ids_of(config: Config, vendors: Vendors = VENDORS) -> RecordIds:
    """How the connections name their records."""
    rows = {name: vendors[each.kind] for name, each in config.connections.items() if each.kind in vendors}
    return RecordIds({name: vendor.id_form for name, vendor in rows.items()})


def needs_agreement(each: ConnectionConfig) -> bool:
    """Whether a person must have agreed to it."""
    auth = each.options.get("auth")
    return isinstance(auth, Mapping) and auth.get("grant") == "authorization_code"


def _our_share(rate: Rate) -> Budget:
    """A limit of one is not shared: whoever comes second waits."""
    return within(max(1, int(rate.count * SHARE)), rate.seconds)

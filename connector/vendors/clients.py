"""The configured connections: their clients for the way out, their accounts for the way in."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connector.config.file import Config, ConnectionConfig
from connector.feedback.base.actions import NotPossibleError
from connector.storage.flow_control.rate_budget import CONCURRENCY, Budget, Limits, within
from connector.storage.stores.inbox import OWN
from connector.storage.stores.webhook_secrets import Secrets
from integrations import registry
from integrations.error_mapping import Limit
from integrations.errors import OptionsError
from integrations.limits import SHARE, UNLIMITED, Rate, Rates
from integrations.oauth_refresh import Client as RefreshingClient
from integrations.protocols import Crm, Helpdesk, Messenger, Sales
from integrations.roles import Role
from integrations.salesforce.changes import SalesforceChanges
from integrations.tokens import TokenStore
from integrations.zendesk.client import ZendeskHelpdesk
from webhooks.delivery import Account
from webhooks.salesforce import rules as salesforce_rules
from webhooks.signatures import standard_key
from workflows.errors import Mistake

log = logging.getLogger(__name__)

_HELPDESKS, _CRMS, _MESSENGERS = ("zendesk",), ("salesforce",), ("smtp",)
_ROLES = {
    Role.HELPDESK: _HELPDESKS, Role.TICKETS: (*_HELPDESKS, *_CRMS), Role.CRM: _CRMS, Role.SALES: _CRMS,
    Role.MESSENGER: _MESSENGERS,
}  # fmt: skip
_LISTENING = ("zendesk", "salesforce", "inbound")
_SIDE_BY_SIDE = {"salesforce": 20}  # an org has 25 places for requests that take long, and we are not alone in it
_MOST_SIDE_BY_SIDE = 200


class Connections:
    """Clients by connection name, each built once and kept. ``store`` shares a connection's token between
    processes; without one each process asks for its own. ``now`` is in seconds since the epoch."""

    def __init__(
        self,
        config: Config,
        store: Callable[[str], TokenStore | None] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._config, self._store, self._now = config, store, now
        self._guard = threading.Lock()
        self._clients: dict[str, Any] = {}

    @property
    def kinds(self) -> dict[str, str]:
        """Connection name → kind."""
        return {name: each.kind for name, each in self._config.connections.items()}

    def kind(self, connection: str) -> str:
        return self._configured(connection).kind

    def has(self, connection: str, role: Role) -> bool:
        return self.kinds.get(connection, "") in _ROLES[role]

    def helpdesk(self, connection: str) -> Helpdesk:
        """A helpdesk of its own, or the cases of a CRM."""
        client = self._client(connection, (*_HELPDESKS, *_CRMS), "a helpdesk")
        helpdesk: Helpdesk = client.cases if self.kind(connection) in _CRMS else client
        return helpdesk

    def changes(self, connection: str) -> SalesforceChanges:
        """What changed there, for who looks for gaps."""
        changes: SalesforceChanges = self._client(connection, _CRMS, "a CRM").changes
        return changes

    def sales(self, connection: str) -> Sales:
        sales: Sales = self._client(connection, _CRMS, "a CRM").sales
        return sales

    def zendesk(self, connection: str) -> ZendeskHelpdesk:
        """For what only Zendesk has: its furniture and its log of webhooks."""
        client: ZendeskHelpdesk = self._client(connection, ("zendesk",), "a Zendesk account")
        return client

    def oauth_client(self, connection: str) -> RefreshingClient:
        """The OAuth client that a person agrees to. Raises KeyError when the connection is none that needs it."""
        configured = self._config.connections[connection]
        auth = configured.options.get("auth")
        if not isinstance(auth, Mapping) or auth.get("grant") != "authorization_code":
            raise KeyError(connection)
        return registry.zendesk_client(str(configured.options["base_url"]), auth, self._now)

    def crm(self, connection: str) -> Crm:
        client: Crm = self._client(connection, _CRMS, "a CRM")
        return client

    def messenger(self, connection: str | None) -> tuple[str, Messenger]:
        """The named messenger, or the first one configured; with its name."""
        name = connection or self._first_messenger()
        return name, self._client(name, _MESSENGERS, "a messenger")

    def crms(self) -> list[str]:
        """The connections to CRMs."""
        return [name for name, kind in self.kinds.items() if kind in _CRMS]

    def with_a_user(self) -> list[str]:
        """Connections at which we act as a user, whose own writes come back as events."""
        return [name for name, kind in self.kinds.items() if kind in (*_HELPDESKS, *_CRMS)]

    def helpdesks(self) -> list[str]:
        """Connections to helpdesks, in the configuration's order."""
        return [name for name, kind in self.kinds.items() if kind in _HELPDESKS]

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
        kinds, records = (
            {name: _our_share(rate) for name, rate in each.items()} for each in (rates.kinds, rates.records)
        )
        return Limits(kinds, records)

    def _rates(self, connection: str) -> Rates:
        configured = self._config.connections.get(connection)
        return registry.rates(configured.kind, configured.options) if configured else UNLIMITED

    def told_limits(self, connection: str) -> Mapping[str, Limit]:
        """What the vendor last said of its limits to this process; nothing before the first answer."""
        session = getattr(self._clients.get(connection), "session", None)
        told: Mapping[str, Limit] = session.limits if session is not None else {}
        return told

    def daily_reserve(self, connection: str) -> float:
        """The part (0…1) of a vendor's daily calls that is left to others."""
        return self.crm(connection).reserve if self.kinds.get(connection) in _CRMS else 0.0

    def concurrency(self, connection: str) -> int:
        """How many calls may be under way on the connection at once, those of all processes together."""
        configured = self._config.connections.get(connection)
        most = configured.options.get("concurrency") if configured else None
        return int(most) if most else _SIDE_BY_SIDE.get(self.kinds.get(connection, ""), CONCURRENCY)

    def me(self, connection: str) -> str:
        """The id of the user we act as."""
        kind = self.kind(connection)
        client = self.crm(connection) if kind in _CRMS else self.helpdesk(connection)
        return client.me().id

    def check(self) -> tuple[Mistake, ...]:
        """Every mistake in the connections' options, without calling anybody."""
        found = []
        for name, each in self._config.connections.items():
            if each.kind not in (*registry.KINDS, *_LISTENING):
                known = ", ".join(sorted({*registry.KINDS, *_LISTENING}))
                path, said = f"connections.{name}.kind", f"{each.kind!r} is not known."
                found.append(Mistake(path, said, f"Use one of {known}."))
                continue
            found.extend(_mistakes_of_the_way_in(each))
            if each.kind in registry.KINDS:
                found.extend(self._mistakes(each))
        return tuple(found)

    def _mistakes(self, each: ConnectionConfig) -> list[Mistake]:
        try:
            self._client(each.name, (each.kind,), each.kind)
        except OptionsError as error:
            return [Mistake(f"connections.{each.name}", f"{mistake}.", "") for mistake in error.mistakes]
        return []

    def _first_messenger(self) -> str:
        for name, kind in self.kinds.items():
            if kind in _MESSENGERS:
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

    def _client(self, connection: str, kinds: tuple[str, ...], what: str) -> Any:
        configured = self._configured(connection)
        if configured.kind not in kinds:
            raise NotPossibleError(f"connection: {connection!r} is of kind {configured.kind}, which is not {what}.")
        with self._guard:
            if connection not in self._clients:
                store = self._store(connection) if self._store else None
                options = self._options(configured)
                self._clients[connection] = registry.build(
                    configured.kind, connection, options, store=store, now=self._now
                )
            return self._clients[connection]

    def _options(self, configured: ConnectionConfig) -> Mapping[str, Any]:
        """The options, with the key's file found beside the configuration's."""
        auth = configured.options.get("auth")
        if self._config.path is None or not isinstance(auth, Mapping) or not auth.get("private_key_file"):
            return configured.options
        file = self._config.path.parent / str(auth["private_key_file"])
        return {**configured.options, "auth": {**auth, "private_key_file": str(file)}}


class WebhookAccounts:
    """What the way in must know of each connection. ``own_users`` says whom we act as, as far as known; ``kept`` are
    the webhook secrets that provisioning fetched, beside those of the configuration."""

    def __init__(
        self, config: Config, own_users: Callable[[], Mapping[str, str]], kept: Callable[[], Secrets] = dict
    ) -> None:
        self._config, self._own_users, self._kept = config, own_users, kept
        self._systems = {
            kind: configured[0].name for kind in (*_HELPDESKS, *_CRMS) if (configured := config.of_kind(kind))
        }

    def __call__(self, connection: str) -> Account | None:
        if connection == OWN:
            return Account(OWN, "internal", systems=self._systems)
        configured = self._config.connections.get(connection)
        if configured is None or configured.kind not in _LISTENING:
            return None
        own = configured.options.get("integration_user") or self._own_users().get(connection)
        secrets = (*_secrets(configured), *self._kept().get(connection, ()))
        return Account(
            connection, configured.kind, secrets, configured.options, own_user=own, systems=self._systems
        )


def _our_share(rate: Rate) -> Budget:
    """A limit of one is not shared: whoever comes second waits."""
    return within(max(1, int(rate.count * SHARE)), rate.seconds)


def _mistakes_of_the_way_in(each: ConnectionConfig) -> Iterator[Mistake]:
    """What is wrong with the settings that are the connector's own: secrets, the rate, calls side by side."""
    path, rate = f"connections.{each.name}", each.options.get("requests_per_minute")
    if rate is not None and not (isinstance(rate, int | float) and rate > 0):
        yield Mistake(f"{path}.requests_per_minute", f"{rate!r} is no rate.", "Write a number above 0.")
    most = each.options.get("concurrency")
    if most is not None and not (type(most) is int and 1 <= most <= _MOST_SIDE_BY_SIDE):
        said = f"{most!r} is no number of calls."
        yield Mistake(f"{path}.concurrency", said, f"Write a whole number from 1 to {_MOST_SIDE_BY_SIDE}.")
    yield from (Mistake(f"{path}.gaps", *said) for said in _mistakes_in_gaps(each.options.get("gaps", {})))
    if each.kind == "salesforce" and each.options.get("events") is not None:
        for said in salesforce_rules.mistakes(each.options["events"]):
            what, _, remedy = said.partition("; ")
            yield Mistake(f"{path}.events", f"{what}.", f"{remedy[:1].upper()}{remedy[1:]}.")
    if each.kind != "inbound":
        return
    if not _secrets(each):
        yield Mistake(f"{path}.webhook_secret", "is missing.", "Without it nobody's events can be told from forgeries.")
    for secret in _secrets(each):
        try:
            standard_key(secret)
        except ValueError:
            yield Mistake(f"{path}.webhook_secret", "is no secret of Standard Webhooks.", "It is whsec_ and base64.")


def _mistakes_in_gaps(gaps: Any) -> Iterator[tuple[str, str]]:
    """``gaps: {every_minutes: 15, objects: [Contact, Case]}``, or false."""
    if gaps is False:
        return
    known = {"every_minutes", "objects"}
    if not isinstance(gaps, Mapping) or not known >= set(gaps):
        yield "is no mapping of every_minutes and objects.", "Write {every_minutes: 15, objects: [Contact]}, or false."
        return
    every, objects = gaps.get("every_minutes", 15), gaps.get("objects", ["Contact"])
    if type(every) not in (int, float) or not 1 <= every <= 1440:
        yield f"every_minutes is {every!r}.", "Write a number from 1 to 1440."
    if not isinstance(objects, list) or not objects or not all(salesforce_rules.is_name(each) for each in objects):
        yield "objects is no list of API names.", "Write them as [Contact, Case, IO__Order__c]."


def _secrets(configured: ConnectionConfig) -> tuple[str, ...]:
    """One secret, or several while rotating."""
    given = configured.options.get("webhook_secret") or ()
    return (given,) if isinstance(given, str) else tuple(given)

"""A vendor as one row: all that the house knows of a kind of connection outside the vendor's own folders.

Nothing else in the house names a vendor or compares kinds, but for the commands that set one up: it asks this row, or
the role that the row's client has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from connector.clock import Clock
from connector.config.file import ConnectionConfig
from connector.feedback.base.event_hooks import EventHook
from connector.feedback.customers.record_ids import AS_TOLD, IdForm
from connector.observe.findings import Finding
from connector.runtime.jobs.job import Job
from connector.storage.engine.database import Database
from connector.storage.flow_control.rate_budget import CONCURRENCY, Budget
from connector.storage.stores.inbox import Inbox
from integrations.kind import Kind
from integrations.roles import Role
from webhooks.delivery import ReadConsent, Source
from webhooks.receiver import MAX_BYTES
from workflows.errors import Mistake

SECRET = "webhook_secret"  # noqa: S105 - the name of a setting

NONE: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobParts:
    """What a vendor's jobs are made of. ``connections`` are those of its kind; ``client`` gives the connection's own
    client, ``budget`` its rate budget; ``ring`` wakes the intake."""

    connections: Sequence[ConnectionConfig]
    database: Database
    inbox: Inbox
    clock: Clock
    client: Callable[[str], Any]
    budget: Callable[[str], Budget | None]
    ring: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One kind of connection. What is left out is as with most: see the defaults."""

    kind: str
    """As it stands in ringback.yaml: "zendesk"."""
    title: str
    """As people call it: "Zendesk"."""
    client: Kind[Any] | None = None
    """How its client is made; None: it only sends to us."""
    source: Source | None = None
    """How its webhooks are read; None: it sends nothing."""
    max_body_bytes: int = MAX_BYTES
    proof_option: str = SECRET
    """The setting without which its webhooks cannot be told from forgeries."""
    proof_remedy: str = "Set it"
    """How that setting is got, as a sentence without its end; ``{connection}`` is its name."""
    account_option: str = ""
    """The setting that says by its id which account is meant; webhooks of another are refused."""
    address_option: str = "base_url"
    """The setting that says where it is reached."""
    default_concurrency: int = CONCURRENCY
    """Calls under way at once, those of all processes together."""
    id_form: IdForm = AS_TOLD
    """How it writes the ids of its records."""
    identity_field: str = ""
    """The name of its people's ids in other systems' events: "zendesk_user_id" of an inbound customer."""
    consent_of: ReadConsent | None = None
    """What a record of its people allows, when another system hands it on."""
    check_options: Callable[[ConnectionConfig], Iterable[Mistake]] = lambda _: ()
    """Mistakes in settings that the connector reads, beside those of the client's schema."""
    jobs: Callable[[JobParts], Sequence[Job]] = lambda _: ()
    """What is done for its connections by the clock."""
    hooks: Callable[[], Sequence[EventHook]] = lambda: ()
    """Its part in the intake, before the features that count on it."""
    emits: Callable[[Mapping[str, Any]], Iterable[str]] = lambda _: ()
    """The types of events that a connection with these settings sends, and those that we tell because of it."""
    emits_anything: bool = False
    """Whether it may send events of any type."""
    guide: str = ""
    """The document that tells an admin how to connect it."""
    credentials_remedy: str = "Correct its credentials."
    hidden_remedy: str = "Let our user see and write these fields."
    """What to do about fields that our user cannot write."""
    findings: Callable[[ConnectionConfig, date], Iterable[Finding]] = lambda _each, _today: ()
    """What the doctor should say of its settings, as of a day."""

    @property
    def roles(self) -> frozenset[Role]:
        """What its client is to us."""
        return NONE if self.client is None else self.client.roles


OF_CALLBACKS = ("ticket.first_contact", "callback.changed")
"""What we tell ourselves of the tickets of whoever is a helpdesk."""

Vendors = Mapping[str, Vendor]
"""By kind."""


def secrets_of(configured: ConnectionConfig) -> tuple[str, ...]:
    """One secret, or several while rotating."""
    given = configured.options.get("webhook_secret") or ()
    return tuple(given) if isinstance(given, list | tuple) else (given,)

"""The composition root: everything is built here and handed to whoever needs it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from a2wsgi import WSGIMiddleware
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from connector.clock import Clock, system_clock
from connector.config.file import Config
from connector.config.settings import Settings
from connector.feedback.agent.sidebar import SidebarService
from connector.feedback.base.actions import Handler
from connector.feedback.callbacks import store as callbacks
from connector.feedback.callbacks.actions import CountCallbacks, ReadCallback, ReopenCallback, RequestCall
from connector.feedback.callbacks.open_ticket import OpenTicket, Rules
from connector.feedback.callbacks.update_ticket import ChangeTicket
from connector.feedback.consent import opt_out_events
from connector.feedback.crm import people_cache, record_merges
from connector.feedback.crm.consent_check import CrmConsents
from connector.feedback.crm.sales_actions import CreateTask, FindAccount
from connector.feedback.crm.write_score import WriteScore
from connector.feedback.messaging.actions import SendAlert, SendMessage
from connector.feedback.messaging.brands import choose, read_brands
from connector.feedback.messaging.email_layout import Mailer
from connector.feedback.responses import store as responses
from connector.feedback.surveys.catalog import SurveyCatalog
from connector.feedback.surveys.send_survey import SendSurvey
from connector.ids import new_id
from connector.observe.collector import StateCollector
from connector.observe.counters import Counters
from connector.observe.measured import measured
from connector.runtime.doorbell import INTAKE, Doorbell, Share
from connector.runtime.effects.background_calls import BackgroundCallBudget
from connector.runtime.effects.claims import ClaimPolicy
from connector.runtime.effects.outcomes import Outcomes
from connector.runtime.effects.reported_limits import ReportedLimits
from connector.runtime.intake.deliveries import Intake
from connector.runtime.jobs.own_users import OwnUsers
from connector.runtime.jobs.retention import RetentionJob
from connector.runtime.jobs.sweep import Sweep
from connector.runtime.operations.connections import ConnectionCommands
from connector.runtime.operations.runs import RunCommands
from connector.runtime.queues import celery_app
from connector.runtime.queues.consumers import Pumps
from connector.runtime.runs.advance import OpenAdvancer, RunAdvancer
from connector.runtime.runs.timers import Timers
from connector.runtime.runs.workflow_cache import WorkflowCache
from connector.storage.engine.database import Database
from connector.storage.flow_control import connection_state as storage_accounts
from connector.storage.stores.inbox import Inbox
from connector.storage.stores.oauth_tokens import DatabaseTokenStore
from connector.storage.stores.provisioned import FieldIds
from connector.storage.stores.webhook_secrets import HookSecrets
from connector.vendors.clients import Connections, WebhookAccounts
from connector.vendors.oauth_consent import return_address
from connector.vendors.salesforce import case_reopenings
from connector.vendors.salesforce.change_polling import ChangePoller, PollPlan, looks_of
from connector.vendors.zendesk.reconcile.run import Reconciler
from connector.web import api, health, metrics, oauth_callback
from connector.web.survey import pages as survey_pages
from integrations.alerts.client import AppriseAlerter
from integrations.zendesk.history import ZendeskHistory
from webhooks import receiver
from webhooks.asgi import AsgiApp, KeepSoon
from webhooks.delivery import Delivery
from webhooks.errors import StoreDown
from webhooks.sources import SOURCES

if TYPE_CHECKING:
    from celery import Celery

log = logging.getLogger(__name__)

PAGE_THREADS = 16
"""Pages that are made side by side."""


@dataclass(frozen=True, slots=True)
class Services:
    """One process's parts. The commands start those they need; ``close`` ends what was started here.

    ``celery`` is None in a process that has no share of the work: its rings go to another by a line of their own.
    """

    settings: Settings
    config: Config
    database: Database
    connections: Connections
    inbox: Inbox
    bell: Doorbell
    share: Share
    celery: Celery | None
    pumps: Pumps
    sweep: Sweep
    own_users: OwnUsers
    surveys: SurveyCatalog
    accounts: WebhookAccounts
    mailer: Mailer
    clock: Clock
    counters: Counters
    controls: RunCommands
    switches: ConnectionCommands
    agents: SidebarService
    keeper: RetentionJob
    gaps: ChangePoller
    field_ids: FieldIds
    reconciler: Reconciler
    secret_key: str = field(repr=False)

    def close(self) -> None:
        self.inbox.close()
        self.pumps.close()
        self.bell.close()
        if self.celery is not None:
            self.celery.close()
        self.database.close()


def build(
    settings: Settings,
    config: Config,
    *,
    secret_key: str,
    clock: Clock = system_clock,
    share: Share = Share.ALL,
    ring: Callable[[str], None] | None = None,
) -> Services:
    """Build one process's parts. Raises ``NotPossibleError``, ``OptionsError`` or ``DefinitionError`` with remedies.

    ``ring`` passes on to another process what is rung for no ``share`` of this one; without it the broker does.
    """
    counters = Counters()
    database = Database(settings.database_url, retried=counters.retried)
    connections = Connections(
        config, lambda name: DatabaseTokenStore(database, name, secret_key, clock), lambda: clock().timestamp()
    )
    surveys = SurveyCatalog(database, clock)
    mailer = Mailer(settings.base_url, read_brands(config.brands))
    field_ids = FieldIds(database, clock)
    handlers = measured(_handlers(database, config, connections, surveys, mailer, secret_key, field_ids), counters)
    counters.registry.register(
        StateCollector(database, connections.kinds.keys(), connections.budget, connections.daily_reserve, clock)
    )
    celery = None
    if ring is None or share is not Share.NOTHING:
        celery = celery_app.make_celery(settings.broker_url, namespace=_namespace(settings))
    bell = Doorbell(_sender(celery, share, ring))
    own_users = OwnUsers(database, connections.me, clock)
    accounts = WebhookAccounts(config, own_users.known, HookSecrets(database, secret_key, clock))
    inbox, book = Inbox(database), WorkflowCache()
    open_desk = _desks(database, book, handlers)
    pumps = _pumps(database, config, connections, accounts, handlers, book, open_desk, bell, clock)
    if celery is not None:
        celery_app.register(celery, pumps.pump)
        if celery_app.in_memory(settings.broker_url):
            bell.prefer(pumps.nudge)
    return Services(
        settings, config, database, connections, inbox, bell, share, celery, pumps,
        Sweep(database, bell, clock), own_users, surveys, accounts, mailer, clock, counters,
        RunCommands(database, open_desk, book, config.calendar, clock, bell.ring),
        ConnectionCommands(database, connections.kinds, connections.budget, clock, bell.ring),
        SidebarService(database, surveys, config.fatigue_days, book.listens, clock),
        RetentionJob(database, config.retention, clock, counters.removed),
        ChangePoller(database, _looks(config), connections.changes, clock, lambda: bell.ring(INTAKE)),
        field_ids, _reconciler(database, inbox, connections, bell, clock),
        secret_key,
    )  # fmt: skip


def _looks(config: Config) -> list[PollPlan]:
    """What is asked for by us, because messages may be lost."""
    found = [looks_of(each.name, each.options) for each in config.of_kind("salesforce")]
    return [looks for looks in found if looks is not None]


def _sender(
    celery: Celery | None, share: Share, away: Callable[[str], None] | None
) -> Callable[[str], None]:
    """Where a ring goes: to our own workers, or away."""
    here = celery_app.sender(celery) if celery is not None else None

    def send(queue: str) -> None:
        chosen = here if away is None or share.has(queue) else away
        assert chosen is not None  # noqa: S101 - without a share everything goes away
        chosen(queue)

    return send


def _reconciler(
    database: Database, inbox: Inbox, connections: Connections, bell: Doorbell, clock: Clock
) -> Reconciler:
    def permits(name: str) -> BackgroundCallBudget:
        return BackgroundCallBudget(database, name, connections.budget(name), clock)

    def accounts() -> list[str]:
        return [name for name, kind in connections.kinds.items() if kind == "zendesk"]

    def ledger(name: str) -> ZendeskHistory:
        return ZendeskHistory(connections.zendesk(name).session)

    return Reconciler(database, inbox, accounts, ledger, permits, lambda: bell.ring(INTAKE), clock)


def _handlers(
    database: Database,
    config: Config,
    connections: Connections,
    surveys: SurveyCatalog,
    mailer: Mailer,
    secret_key: str,
    fields: FieldIds,
) -> Mapping[str, Handler]:
    """The table of actions; a test holds it against the catalogue in ``workflows.actions``."""
    change = ChangeTicket(connections, config.calendar, fields.ticket_fields)
    rules = Rules(config.calendar, choose(mailer.brands, "").country, config.customer_value)
    return {
        "survey.send": SendSurvey(
            database, connections, surveys, mailer.invitation, config.calendar, secret_key, config.fatigue_days,
            CrmConsents(database, connections, connections.crms()).look, rules.country,
        ),
        "ticket.open": OpenTicket(connections, rules, fields.ticket_fields),
        "ticket.comment": change,
        "ticket.update": change,
        "ticket.escalate": change,
        "account.find": FindAccount(database, connections),
        "task.create": CreateTask(connections, config.calendar),
        "callback.read": ReadCallback(connections, fields.ticket_fields),
        "callback.reopen": ReopenCallback(connections, rules, fields.ticket_fields),
        "callback.count": CountCallbacks(connections),
        "call.request": RequestCall(connections, rules.country),
        "score.write": WriteScore(database, connections, rules.country),
        "alert.send": SendAlert(connections, AppriseAlerter(), config.teams),
        "message.send": SendMessage(database, connections, mailer.message),
    }


def _desks(database: Database, book: WorkflowCache, handlers: Mapping[str, Handler]) -> OpenAdvancer:
    return lambda tx, moment: RunAdvancer(database, tx, book, handlers, moment)


def _pumps(
    database: Database,
    config: Config,
    connections: Connections,
    accounts: WebhookAccounts,
    handlers: Mapping[str, Handler],
    book: WorkflowCache,
    open_desk: OpenAdvancer,
    bell: Doorbell,
    clock: Clock,
) -> Pumps:
    recorders = (
        record_merges.record, responses.record, case_reopenings.record, callbacks.record, opt_out_events.record,
        people_cache.record,
    )  # fmt: skip
    intake = Intake(
        database, book, open_desk, config.calendar, accounts, SOURCES, recorders, connections.kinds, clock,
        choose(read_brands(config.brands), "").country,
    )  # fmt: skip
    timers = Timers(database, open_desk, config.calendar, clock)
    outcomes = Outcomes(database, open_desk, config.calendar, clock)
    owner = new_id()

    def claimant(connection: str) -> ClaimPolicy:
        return ClaimPolicy(
            connection, owner, connections.budget(connection), connections.concurrency(connection),
            connections.limits(connection), ReportedLimits(lambda: connections.told_limits(connection)),
        )  # fmt: skip

    return Pumps(database, intake, timers, outcomes, handlers, bell, claimant, clock)


def web_app(house: Services) -> Flask:
    """The web side as Flask has it: webhooks in, survey pages, health and metrics. See ``front_door``."""
    app = Flask("ringback", static_folder=None)
    app.register_blueprint(receiver.blueprint(house.accounts, _keeper(house), house.clock))
    app.register_blueprint(
        survey_pages.blueprint(
            house.database, house.surveys.get, house.mailer.brands, house.clock, lambda: house.bell.ring(INTAKE)
        )
    )
    app.register_blueprint(health.blueprint(house.database))
    app.register_blueprint(oauth_callback.blueprint(house.secret_key, _completing(house), house.clock))
    app.register_blueprint(
        api.blueprint(
            house.database, house.controls, house.switches, house.agents, house.connections.helpdesks(),
            house.clock, house.bell.ring,
        )
    )  # fmt: skip
    metrics.install(app, house.counters, house.settings.metrics_token, house.settings.base_url)
    return app


def front_door(house: Services, pages: Flask) -> AsgiApp:
    """What a web server serves: webhooks on its event loop, ``pages`` in threads."""
    refused = partial(metrics.count_refusal, house.counters)
    reception = receiver.Receiver(house.accounts, house.clock)
    in_threads: Any = WSGIMiddleware(pages, workers=PAGE_THREADS)  # type: ignore[arg-type]  # TypedDicts of its own
    return AsgiApp(reception, _keeper_soon(house), refused, in_threads)


def _completing(house: Services) -> oauth_callback.Complete:
    def complete(connection: str, code: str, verifier: str) -> None:
        """The connection works from now on, also where it was paused for its credentials."""
        back = return_address(house.settings.base_url, connection)
        token = house.connections.oauth_client(connection).exchange(code, back, verifier)
        DatabaseTokenStore(house.database, connection, house.secret_key, house.clock).replace(token)
        house.database.transact(lambda tx: storage_accounts.resume(tx, connection, house.clock()))

    return complete


def _keeper(house: Services) -> receiver.Keep:
    """Store, then ring. A database that does not answer is the only reason to send a sender away."""

    def keep(delivery: Delivery, unreadable: str) -> bool:
        with _said():
            new = house.inbox.keep(delivery, unreadable)
        return _kept(house, delivery, unreadable, new)

    return keep


def _keeper_soon(house: Services) -> KeepSoon:
    """The same, for an event loop."""

    async def keep(delivery: Delivery, unreadable: str) -> bool:
        with _said():
            new = await asyncio.wrap_future(house.inbox.enter(delivery, unreadable))
        return _kept(house, delivery, unreadable, new)

    return keep


def _kept(house: Services, delivery: Delivery, unreadable: str, new: bool) -> bool:
    house.counters.kept(delivery.connection, "unreadable" if unreadable else "new" if new else "duplicate")
    if new and not unreadable:
        house.bell.ring(INTAKE)
    return new


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        log.exception("the inbox cannot be written")
        raise StoreDown("the inbox cannot be written") from error


def _namespace(settings: Settings) -> str:
    """Installations that share a broker but not a database must not hear each other's bell."""
    return "-" + hashlib.sha256(settings.database_url.encode()).hexdigest()[:8]

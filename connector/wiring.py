"""The composition root: everything is built here and handed to whoever needs it. Nothing here decides anything."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from connector.access.services import access_services
from connector.access.way_in.passwords import HASH_COST, HashCost
from connector.checks.installation import Examiner
from connector.checks.known import read_known
from connector.clock import Clock, system_clock
from connector.config.file import Config
from connector.config.settings import Settings
from connector.feedback import registry
from connector.feedback.agent.sidebar import SidebarService
from connector.feedback.agent.timeline import Timeline
from connector.feedback.base.actions import Handler
from connector.feedback.base.event_hooks import EventHook
from connector.feedback.customers.dates.round_of_all import RoundOfAll
from connector.feedback.customers.record_ids import Spelling
from connector.feedback.messaging.brands import home_country, read_brands
from connector.feedback.messaging.translations import Catalogues
from connector.feedback.registry import FeatureParts
from connector.feedback.surveys.answering.settling import Settling
from connector.feedback.surveys.asking.departures import Departures
from connector.feedback.surveys.asking.selection import AskingRules
from connector.feedback.surveys.catalog import SurveyCatalog
from connector.feedback.surveys.invitation_email import Mailer
from connector.feedback.surveys.model import Survey
from connector.feedback.surveys.overview.plan import SurveyPlanner
from connector.feedback.surveys.upkeep.due_moments import DueMoments
from connector.feedback.surveys.upkeep.expiry import Expiry
from connector.feedback.surveys.who_pressed.guard import PersonsOnly
from connector.feedback.surveys.who_pressed.judging import is_person
from connector.ids import new_id
from connector.observe.collector import StateCollector
from connector.observe.counters import Counters
from connector.observe.measured import measured
from connector.runtime.doorbell import INTAKE, Doorbell, Share, route
from connector.runtime.effects.outcomes import Outcomes
from connector.runtime.intake.brake import Brake
from connector.runtime.intake.deliveries import Intake
from connector.runtime.jobs import own_users as own_users_job
from connector.runtime.jobs import retention_job, settling_job
from connector.runtime.jobs import sweep as sweep_job
from connector.runtime.jobs.batch_job import BatchJob
from connector.runtime.jobs.job import Job
from connector.runtime.jobs.own_users import OwnUsers
from connector.runtime.jobs.retention_job import RetentionJob
from connector.runtime.jobs.settling_job import SettlingJob
from connector.runtime.jobs.sweep import Sweep
from connector.runtime.operations.connections import ConnectionCommands
from connector.runtime.operations.definition_overview import DefinitionReader
from connector.runtime.operations.definition_rules import rules_of
from connector.runtime.operations.definitions import DefinitionCommands
from connector.runtime.operations.doubtful import DoubtCommands
from connector.runtime.operations.runs import RunCommands
from connector.runtime.queues import celery_app
from connector.runtime.queues.consumers import Pumps
from connector.runtime.runs.advance import OpenAdvancer, opener
from connector.runtime.runs.timers import Timers
from connector.runtime.runs.workflow_cache import WorkflowCache
from connector.secret_keys import SecretKeys
from connector.services import Services
from connector.storage.engine.database import Database
from connector.storage.stores.inbox import Inbox
from connector.storage.stores.oauth_tokens import DatabaseTokenStore
from connector.storage.stores.provisioned import FieldIds
from connector.storage.stores.webhook_secrets import HookSecrets
from connector.vendors.base import JobParts, Vendors
from connector.vendors.claim_policies import ClaimPolicies
from connector.vendors.clients import Connections
from connector.vendors.registry import VENDORS
from connector.vendors.webhook_accounts import WebhookAccounts
from integrations.alerts.client import AppriseAlerter
from workflows.definitions import Workflow
from workflows.errors import Mistake

if TYPE_CHECKING:
    from celery import Celery


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What all else stands on."""

    settings: Settings
    config: Config
    vendors: Vendors
    secret_keys: SecretKeys
    clock: Clock
    counters: Counters
    database: Database
    connections: Connections
    surveys: SurveyCatalog
    mailer: Mailer
    inbox: Inbox
    book: WorkflowCache

    @property
    def country(self) -> str:
        """Where phone numbers without + are from."""
        return home_country(self.mailer.brands)

    @property
    def asking_rules(self) -> AskingRules:
        """Who may be asked."""
        return AskingRules(self.config.fatigue_days, self.config.household, self.country)

    @property
    def departures(self) -> Departures:
        """When mails may leave."""
        return Departures(self.config.quiet_hours, self.config.calendar, self.country, self.mailer.time_zone_of)


def build(
    settings: Settings,
    config: Config,
    *,
    secret_keys: SecretKeys,
    clock: Clock = system_clock,
    share: Share = Share.ALL,
    ring: Callable[[str], None] | None = None,
    vendors: Vendors = VENDORS,
    hash_cost: HashCost = HASH_COST,
) -> Services:
    """Build one process's parts. Raises ``NotPossibleError``, ``OptionsError`` or ``DefinitionError`` with remedies.

    ``ring`` passes on to another process what is rung for no ``share`` of this one; without it the broker does.
    ``hash_cost`` is what a password's hash costs.
    """
    ground = _ground(settings, config, secret_keys, clock, vendors)
    celery = None
    if ring is None or share is not Share.NOTHING:
        celery = celery_app.make_celery(settings.broker_url, namespace=_namespace(settings))
    bell = Doorbell(route(celery_app.sender(celery) if celery is not None else None, ring, share))
    return _services(ground, celery, bell, share, hash_cost)


def _ground(settings: Settings, config: Config, secret_keys: SecretKeys, clock: Clock, vendors: Vendors) -> _Ground:
    counters = Counters()
    database = Database(settings.database_url, retried=counters.retried)
    return _Ground(
        settings=settings,
        config=config,
        vendors=vendors,
        secret_keys=secret_keys,
        clock=clock,
        counters=counters,
        database=database,
        connections=Connections(
            config,
            store=lambda name: DatabaseTokenStore(database, name, secret_keys, clock),
            now=lambda: clock().timestamp(),
            vendors=vendors,
        ),
        surveys=SurveyCatalog(database),
        mailer=Mailer(settings.base_url, read_brands(config.brands, Catalogues(config.translations))),
        inbox=Inbox(database),
        book=WorkflowCache(),
    )


def _services(
    ground: _Ground, celery: Celery | None, bell: Doorbell, share: Share, hash_cost: HashCost
) -> Services:
    config, database, clock, connections = ground.config, ground.database, ground.clock, ground.connections
    ground.counters.registry.register(
        StateCollector(database, connections.kinds.keys(), connections.budget, connections.daily_reserve, clock)
    )
    features = _feature_parts(ground)
    handlers = measured(registry.handlers(features), ground.counters)
    open_desk = opener(database, ground.book, handlers)
    own_users = OwnUsers(database, connections.me, connections.with_a_user(), clock)
    secrets = HookSecrets(database, ground.secret_keys, clock)
    accounts = WebhookAccounts(config, own_users.known, secrets, ground.vendors)
    pumps = _pumps(ground, accounts, handlers, _hooks(ground, features), open_desk, bell)
    if celery is not None:
        celery_app.listen(celery, pumps, bell, ground.settings.broker_url)
    sweep = Sweep(database, bell, clock)
    keeper = RetentionJob(database, config.retention, registry.RETENTION_KINDS, clock, ground.counters.removed)
    settling = Settling(database, ground.surveys.get, config.answers, PersonsOnly(database), is_person)
    timeline = Timeline(registry.TIMELINE_SOURCES)
    parts = _JobPartsOf(ground, bell)
    rules = rules_of(config, _examine(ground))
    return Services(
        settings=ground.settings,
        config=config,
        database=database,
        connections=connections,
        inbox=ground.inbox,
        bell=bell,
        share=share,
        celery=celery,
        pumps=pumps,
        sweep=sweep,
        own_users=own_users,
        surveys=ground.surveys,
        settling=settling,
        accounts=accounts,
        mailer=ground.mailer,
        clock=clock,
        counters=ground.counters,
        controls=RunCommands(database, open_desk, ground.book, config.calendar, clock, bell.ring),
        switches=ConnectionCommands(database, connections.kinds, connections.budget, clock, bell.ring),
        definitions=DefinitionCommands(database, rules, clock),
        definition_reader=DefinitionReader(database, rules),
        doubts=DoubtCommands(settling, clock, bell.ring),
        planner=SurveyPlanner(database, ground.surveys, ground.asking_rules, ground.departures, clock),
        agents=SidebarService(
            database, ground.surveys, timeline, config.fatigue_days, ground.book.listens, clock, ground.country
        ),
        access=access_services(database, config.sign_in, ground.secret_keys, hash_cost),
        keeper=keeper,
        jobs=(
            sweep_job.job(sweep),
            own_users_job.job(own_users),
            retention_job.job(keeper),
            settling_job.job(SettlingJob(settling, clock, lambda: bell.ring(INTAKE))),
            *_upkeep_jobs(ground, lambda: bell.ring(INTAKE)),
            *_vendor_jobs(ground, parts),
        ),
        job_parts=parts,
        secret_keys=ground.secret_keys,
    )


@dataclass(frozen=True, slots=True)
class _JobPartsOf:
    """By kind of connection, what its jobs are made of."""

    ground: _Ground
    bell: Doorbell

    def __call__(self, kind: str) -> JobParts:
        return JobParts(
            connections=self.ground.config.of_kind(kind),
            database=self.ground.database,
            inbox=self.ground.inbox,
            clock=self.ground.clock,
            client=self.ground.connections.client,
            budget=self.ground.connections.budget,
            ring=lambda: self.bell.ring(INTAKE),
        )


def _vendor_jobs(ground: _Ground, parts: _JobPartsOf) -> Sequence[Job]:
    return [job for kind, vendor in ground.vendors.items() for job in vendor.jobs(parts(kind))]


def _upkeep_jobs(ground: _Ground, ring: Callable[[], None]) -> Sequence[Job]:
    """What becomes of invitations by the clock, and of customers' dates."""
    database, config = ground.database, ground.config
    works = {
        "expired invitations": (Expiry(database).due, 10.0),
        "due moments": (DueMoments(database, ground.surveys, ground.departures).due, 30.0),
        "dates of customers": (RoundOfAll(database, config.dates, config.calendar.timezone).due, 60.0),
    }
    return [BatchJob(name, work, 500, every, ground.clock, ring).job for name, (work, every) in works.items()]


def _feature_parts(ground: _Ground) -> FeatureParts:
    return FeatureParts(
        database=ground.database,
        clients=ground.connections,
        ids=ground.connections.ids,
        surveys=ground.surveys,
        mailer=ground.mailer,
        alerter=AppriseAlerter(),
        teams=ground.config.teams,
        calendar=ground.config.calendar,
        country=ground.country,
        valuation=replace(ground.config.customer_value, country=ground.country),
        ticket_fields=FieldIds(ground.database, ground.clock).ticket_fields,
        asking_rules=ground.asking_rules,
        departures=ground.departures,
        secret_keys=ground.secret_keys,
    )


def _examine(ground: _Ground) -> Callable[[Workflow | Survey], Iterable[Mistake]]:
    """By what is known in that moment: somebody may have published a survey, or told of a new fact."""

    def examine(read: Workflow | Survey) -> Iterable[Mistake]:
        with ground.database.read() as tx:
            known = read_known(tx)
        return Examiner(ground.config, ground.vendors, known).in_any(read)

    return examine


def _hooks(ground: _Ground, features: FeatureParts) -> Sequence[EventHook]:
    """Vendors first: who leaves an event out comes before who counts it."""
    vendors = [hook for vendor in ground.vendors.values() for hook in vendor.hooks()]
    return (*vendors, *registry.hooks(features))


def _pumps(
    ground: _Ground,
    accounts: WebhookAccounts,
    handlers: Mapping[str, Handler],
    hooks: Sequence[EventHook],
    open_desk: OpenAdvancer,
    bell: Doorbell,
) -> Pumps:
    config, database, clock = ground.config, ground.database, ground.clock
    intake = Intake(
        database=database,
        book=ground.book,
        open_desk=open_desk,
        calendar=config.calendar,
        accounts=accounts,
        hooks=hooks,
        spelling=Spelling(ground.connections.ids, ground.country),
        clock=clock,
        brake=Brake(config.runs_per_record),
    )
    return Pumps(
        database=database,
        intake=intake,
        timers=Timers(database, open_desk, config.calendar, clock),
        outcomes=Outcomes(
            database, open_desk, config.calendar, clock, longest_hold=ground.connections.longest_hold
        ),
        handlers=handlers,
        bell=bell,
        claimant=ClaimPolicies(ground.connections, new_id()),
        clock=clock,
    )


def _namespace(settings: Settings) -> str:
    """Installations that share a broker but not a database must not hear each other's bell."""
    return "-" + hashlib.sha256(settings.database_url.encode()).hexdigest()[:8]

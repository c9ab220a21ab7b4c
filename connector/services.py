"""One process's parts, as ``wiring`` builds them: what the commands start, and what the pages work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.access.services import AccessServices
from connector.clock import Clock
from connector.config.file import Config
from connector.config.settings import Settings
from connector.feedback.agent.sidebar import SidebarService
from connector.feedback.surveys.answering.settling import Settling
from connector.feedback.surveys.catalog import SurveyCatalog
from connector.feedback.surveys.invitation_email import Mailer
from connector.feedback.surveys.overview.plan import SurveyPlanner
from connector.observe.counters import Counters
from connector.runtime.doorbell import Doorbell, Share
from connector.runtime.jobs.job import Job
from connector.runtime.jobs.own_users import OwnUsers
from connector.runtime.jobs.retention_job import RetentionJob
from connector.runtime.jobs.sweep import Sweep
from connector.runtime.operations.connections import ConnectionCommands
from connector.runtime.operations.definition_overview import DefinitionReader
from connector.runtime.operations.definitions import DefinitionCommands
from connector.runtime.operations.doubtful import DoubtCommands
from connector.runtime.operations.runs import RunCommands
from connector.runtime.queues.consumers import Pumps
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.stores.inbox import Inbox
from connector.vendors.base import JobParts
from connector.vendors.clients import Connections
from connector.vendors.webhook_accounts import WebhookAccounts

if TYPE_CHECKING:
    from celery import Celery


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """``close`` ends what was started here.

    ``celery`` is None in a process that has no share of the work: its rings go to another by a line of their own.
    ``job_parts`` are what a kind's jobs are made of, for who does one of them by hand.
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
    settling: Settling
    accounts: WebhookAccounts
    mailer: Mailer
    clock: Clock
    counters: Counters
    controls: RunCommands
    switches: ConnectionCommands
    definitions: DefinitionCommands
    definition_reader: DefinitionReader
    doubts: DoubtCommands
    agents: SidebarService
    planner: SurveyPlanner
    access: AccessServices
    keeper: RetentionJob
    jobs: Sequence[Job]
    job_parts: Callable[[str], JobParts]
    secret_keys: SecretKeys

    def close(self) -> None:
        self.inbox.close()
        self.pumps.close()
        self.bell.close()
        if self.celery is not None:
            self.celery.close()
        self.database.close()

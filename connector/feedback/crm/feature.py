"""Writing to CRMs as a feature: scores onto records, work for sellers, and which record is whose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from connector.feedback.base.actions import Clients, Handler
from connector.feedback.base.feature import Feature, HookStage, StagedHook
from connector.feedback.crm.people_cache import ForgetChanged
from connector.feedback.crm.record_merges import RecordMerges
from connector.feedback.crm.sales_actions import CreateTask, FindAccount
from connector.feedback.crm.scores.write_score import WriteScore
from connector.feedback.customers.record_ids import RecordIds
from connector.storage.engine.database import Database
from workflows.calendars import BusinessCalendar


class CrmParts(Protocol):
    """What writing to CRMs needs of the house."""

    @property
    def database(self) -> Database: ...

    @property
    def clients(self) -> Clients: ...

    @property
    def ids(self) -> RecordIds: ...

    @property
    def calendar(self) -> BusinessCalendar: ...

    @property
    def country(self) -> str: ...


def _actions(parts: CrmParts) -> Mapping[str, Handler]:
    return {
        "account.find": FindAccount(parts.database, parts.clients),
        "task.create": CreateTask(parts.clients, parts.calendar),
        "score.write": WriteScore(parts.database, parts.clients, parts.country),
    }


FEATURE: Feature[CrmParts] = Feature(
    name="crm",
    actions=_actions,
    hooks=lambda parts: (
        StagedHook(HookStage.PEOPLE, RecordMerges(parts.ids)),
        StagedHook(HookStage.MEMORY, ForgetChanged(parts.ids.canonical)),
    ),
)

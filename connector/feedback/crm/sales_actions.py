"""Sales in the loop: ``account.find`` says whose account a customer's is, ``task.create`` puts a task on the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connector.feedback.base.actions import (
    ActionContext,
    Clients,
    CompletionContext,
    Effect,
    Intent,
    NotPossibleError,
    Output,
    Result,
)
from connector.feedback.customers import review_queue
from connector.storage.engine.database import Database
from integrations import mailboxes
from integrations.errors import IntegrationError
from integrations.protocols import Json, Sales
from workflows import durations
from workflows.calendars import BusinessCalendar
from workflows.sentences import say

_NOBODY = say("reason.not_found")
_SEVERAL = say("reason.several")


_AT_ONCE = 100
"""Effects of one call: what a query can name."""


class FindAccount:
    """Read-only: the account, its owner and its worth, for conditions and for whom to tell."""

    def __init__(self, database: Database, clients: Clients) -> None:
        self._database, self._clients = database, clients

    def batch(self, connection: str) -> int:
        return _AT_ONCE

    def prepare(self, ask: ActionContext) -> Intent | Output:
        connection = str(ask.params["connection"])
        self._clients.sales(connection)  # says now, not later, when there is no such connection
        contact, email = _contact(ask, connection), ask.facts.customer.get("email")
        if not contact and not email:
            return Output({"done": False, "reason": _NOBODY})
        whose = ask.facts.customer.get("id")
        return Intent(connection, {"contact": contact, "email": email, "customer": whose}, reads_only=True)

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        """Two queries for all of them: one for those whose record is known, one for those with an address."""
        known = [each for each in effects if each.request["contact"]]
        others = [each for each in effects if not each.request["contact"]]
        results = self._known(known) | self._by_email(others, now)
        return [results[each.id] for each in effects]

    def _known(self, effects: Sequence[Effect]) -> dict[str, Result]:
        def look(sales: Sales) -> Mapping[str, Result]:
            accounts = sales.accounts_of([e.request["contact"] for e in effects])
            rows = {sales.canonical_id(row["contact"]): row for row in accounts}
            return {e.id: _told(rows.get(sales.canonical_id(e.request["contact"]))) for e in effects}

        return self._looked(effects, look)

    def _by_email(self, effects: Sequence[Effect], now: datetime) -> dict[str, Result]:
        def look(sales: Sales) -> Mapping[str, Result]:
            same: dict[str, list[Json]] = {}
            for row in sales.accounts_by_email(sorted({_address(e) for e in effects})):
                same.setdefault(mailboxes.normal(str(row["email"])), []).append(row)
            return {e.id: self._one_of(same.get(_address(e), []), e, now) for e in effects}

        return self._looked(effects, look)

    def _one_of(self, rows: Sequence[Json], effect: Effect, now: datetime) -> Result:
        if len(rows) < 2:
            return _told(rows[0] if rows else None)
        whose, records = effect.request.get("customer"), [str(row["contact"]) for row in rows]
        review_queue.several(self._database, effect.connection, whose, records, now)
        return {"done": False, "reason": _SEVERAL}

    def _looked(self, effects: Sequence[Effect], look: Callable[[Sales], Mapping[str, Result]]) -> dict[str, Result]:
        """A query that fails is everybody's trouble."""
        if not effects:
            return {}
        try:
            return dict(look(self._clients.sales(effects[0].connection)))
        except IntegrationError as error:
            return {each.id: error for each in effects}
        except NotPossibleError as error:
            return {each.id: {"done": False, "reason": str(error)} for each in effects}

    def finish(self, done: CompletionContext) -> Output:
        return Output(done.result)


class CreateTask:
    """A task for a person of sales, on the contact's and the account's record."""

    def __init__(self, clients: Clients, calendar: BusinessCalendar) -> None:
        self._clients, self._calendar = clients, calendar

    def batch(self, connection: str) -> int:
        return 1

    def prepare(self, ask: ActionContext) -> Intent | Output:
        connection = str(ask.params["connection"])
        task = self._task(ask, connection)
        if not task["contact"] and not task["account"]:
            return Output({"done": False, "reason": f"no task: {_NOBODY}"})
        body = self._clients.sales(connection).render_task(task)
        return Intent(connection, {"body": body, "owner": task["owner"]})

    def _task(self, ask: ActionContext, connection: str) -> dict[str, Any]:
        given = ask.params
        return {
            "contact": given.get("contact") or _contact(ask, connection),
            "account": given.get("account") or None,
            "owner": given.get("owner") or None,
            "subject": str(given["subject"]),
            "body": given.get("body"),
            "priority": given.get("priority") or "normal",
            "due_on": self._due(given.get("due"), ask.now),
        }

    def _due(self, due: Any, now: datetime) -> str | None:
        """A task is due on a day, not at a moment: the day where the calendar is."""
        if not due:
            return None
        moment = durations.parse(str(due)).after(now, self._calendar)
        return moment.astimezone(ZoneInfo(self._calendar.timezone)).date().isoformat()

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        return [_attempt(self._create, effect) for effect in effects]

    def _create(self, effect: Effect) -> Result:
        sales = self._clients.sales(effect.connection)
        made: Result = sales.create_task(effect.request["body"], key=effect.key, repeated=effect.unsure)
        return made

    def finish(self, done: CompletionContext) -> Output:
        return Output({"owner": done.effect.request["owner"], **done.result})


def _told(row: Json | None) -> Result:
    if row is None:
        return {"done": False, "reason": _NOBODY}
    return {name: value for name, value in row.items() if name != "email"}


def _address(effect: Effect) -> str:
    return mailboxes.normal(str(effect.request["email"]))


def _contact(ask: ActionContext, connection: str) -> str | None:
    ids: Mapping[str, str] = ask.facts.customer.get("ids") or {}
    return ids.get(connection)


def _attempt(call: Any, effect: Effect) -> Result:
    """A vendor's error is a result: it concerns this effect and no other of its batch."""
    try:
        result: Result = call(effect)
    except IntegrationError as error:
        return error
    except NotPossibleError as error:
        return {"done": False, "reason": str(error)}
    return result

"""One simulated process: the parts that ``connector.wiring`` gives a worker, moved by hand, step by step.

Between any two steps it may freeze while its leases run out, or die with everything it had in its hands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sqlalchemy import Connection

from connector.feedback.base.actions import Effect, Handler
from connector.feedback.callbacks import store as callbacks
from connector.feedback.callbacks.actions import CountCallbacks, ReadCallback, ReopenCallback, RequestCall
from connector.feedback.callbacks.open_ticket import OpenTicket, Rules
from connector.feedback.callbacks.update_ticket import ChangeTicket
from connector.feedback.consent import opt_out_events
from connector.feedback.crm.scores.write_score import WriteScore
from connector.feedback.customers.record_ids import Spelling
from connector.feedback.messaging.actions import Post, SendAlert, SendMessage
from connector.feedback.messaging.way_out import WayOut
from connector.feedback.responses import store as responses
from connector.feedback.surveys.asking.departures import Departures
from connector.feedback.surveys.asking.selection import AskingRules
from connector.feedback.surveys.asking.send_survey import SendSurvey
from connector.feedback.surveys.model import Survey
from connector.ids import new_id
from connector.runtime.doorbell import INTAKE, TIMERS
from connector.runtime.effects import claims
from connector.runtime.effects.claims import ClaimPolicy
from connector.runtime.effects.outcomes import Outcomes, Results
from connector.runtime.effects.performer import Performer
from connector.runtime.intake.deliveries import Intake
from connector.runtime.jobs.sweep import Sweep
from connector.runtime.operations.connections import ConnectionCommands
from connector.runtime.operations.runs import RunCommands
from connector.runtime.runs.advance import RunAdvancer
from connector.runtime.runs.timers import Timers
from connector.secret_keys import SecretKeys
from connector.storage.flow_control.rate_budget import Budget
from connector.vendors.clients import ids_of
from connector.vendors.webhook_accounts import WebhookAccounts
from integrations.messaging import Mail
from tests.simulation.ground import OUR_USER, Ground, SimulatedClock
from tests.simulation.vendors import Vendors
from workflows.engine import Moment

Ring = Callable[[frozenset[str]], None]


class SeededBell:
    """Stands at the place of ``Bell``, which passes rings on from a thread: here the seed does."""

    def __init__(self, rung: Ring) -> None:
        self._rung = rung

    def ring(self, *queues: str) -> None:
        self._rung(frozenset(queues))


@dataclass(slots=True)
class Hands:
    """What a process holds in memory: claimed effects it has not begun, and results it has not written down."""

    claimed: list[tuple[Performer, list[Effect]]] = field(default_factory=list)
    landed: list[Results] = field(default_factory=list)

    @property
    def are_full(self) -> bool:
        return bool(self.claimed or self.landed)


class Worker:
    """A process. ``die`` forgets all it held; its parts hold no state but their caches."""

    def __init__(
        self, name: str, ground: Ground, vendors: Vendors, clock: SimulatedClock, chance: Random, rung: Ring,
        budget: Budget | None,
    ) -> None:  # fmt: skip
        self.name, self._ground, self._clock, self._chance, self._rung = name, ground, clock, chance, rung
        self._handlers, self._budget = _handlers(ground, vendors), budget
        self._kinds = {name: each.kind for name, each in ground.config.connections.items()}
        self._performers: dict[str, Performer] = {}
        self._build()

    def _desk(self, tx: Connection, moment: Moment) -> RunAdvancer:
        return RunAdvancer(self._ground.database, tx, self._ground.book, self._handlers, moment)

    def _build(self) -> None:
        ground, calendar, clock = self._ground, self._ground.config.calendar, self._clock
        database = ground.database

        accounts = WebhookAccounts(ground.config, lambda: {"zendesk": OUR_USER})
        hooks = (responses.record, callbacks.record, opt_out_events.record)
        self._intake = Intake(
            database=database, book=ground.book, open_desk=self._desk, calendar=calendar, accounts=accounts,
            hooks=hooks, spelling=Spelling(ids_of(ground.config)), clock=clock,
        )
        self._timers = Timers(database, self._desk, calendar, clock)
        self._outcomes = Outcomes(database, self._desk, calendar, clock, self._chance.random)
        self._sweep = Sweep(database, SeededBell(self._rung), clock)  # type: ignore[arg-type]  # rings like a Bell
        self.hands, self._owner = Hands(), new_id()

    # --- in people's hands

    @property
    def controls(self) -> RunCommands:
        ground = self._ground
        return RunCommands(
            ground.database, self._desk, ground.book, ground.config.calendar, self._clock, self._ring_by_hand
        )

    @property
    def switches(self) -> ConnectionCommands:
        kinds = {**self._kinds, "alerts": "alerts"}
        return ConnectionCommands(self._ground.database, kinds, lambda _: self._budget, self._clock, self._ring_by_hand)

    def _ring_by_hand(self, queue: str) -> None:
        self._rung(frozenset({queue}))

    # --- its steps

    def answer(self, queue: str) -> str:
        """Do what a ring asks for, once; ring again when there is more. → what it did"""
        if queue == INTAKE:
            taken = self._intake.take(limit := self._chance.choice((1, 3, 20, 200)))
            return self._went(queue, limit, taken.count, taken.asked)
        if queue == TIMERS:
            return self._went(queue, limit := self._chance.choice((1, 3, 200)), *self._timers.take(limit))
        return self._claim(queue.removeprefix("effects:"))

    def _went(self, queue: str, limit: int, count: int, asked: frozenset[str]) -> str:
        self._rung(asked | {queue} if count == limit else asked)
        return f"{queue}: {count}"

    def _claim(self, connection: str) -> str:
        """The performer's own way to group what was claimed; only its threads are left out."""
        performer, who = self._performer(connection)
        most = self._chance.choice((1, 2, 5, 50))
        database = self._ground.database
        calls = database.transact(
            lambda tx: claims.claim(database, tx, who, self._clock(), most, together=performer.together)
        )
        self.hands.claimed += [(performer, call) for call in calls]
        taken = [effect for call in calls for effect in call]
        if len(taken) == most:
            self._rung(frozenset({f"effects:{connection}"}))
        return f"claims {_named(taken)} at {connection}"

    def _performer(self, connection: str) -> tuple[Performer, ClaimPolicy]:
        who = ClaimPolicy(connection, self._owner, self._budget if connection == "zendesk" else None)
        if connection not in self._performers:
            self._performers[connection] = Performer(
                who, self._ground.database, self._handlers, self._outcomes, self._clock, self._rung
            )
        return self._performers[connection], who

    def perform(self) -> str:
        """Make the call of one group that was claimed; its results stay in memory."""
        performer, group = self.hands.claimed.pop(self._chance.randrange(len(self.hands.claimed)))
        results = performer._call(group)
        self.hands.landed.append(results)
        return "performs " + ", ".join(f"{_name(e)} → {_result(r)}" for e, r in results)

    def next_results(self) -> Results:
        """One of the groups that are to be written down."""
        return self.hands.landed.pop(self._chance.randrange(len(self.hands.landed)))

    def record(self, results: Results) -> str:
        """Write one group's results down."""
        self._rung(self._outcomes.record(results))
        return f"records {_named([effect for effect, _ in results])}"

    def sweep(self) -> str:
        self._sweep.tick()
        return "sweeps"

    def die(self) -> str:
        """Everything in memory is gone, and a new process takes its place."""
        self._performers = {}
        self._build()
        return "dies and comes back"

    def take_over(self) -> None:
        """What the start of the only process does."""
        database = self._ground.database
        database.transact(lambda tx: claims.release_orphans(tx, self._clock()))


def _handlers(ground: Ground, vendors: Vendors) -> Mapping[str, Handler]:
    """The table of ``connector.wiring``, between simulated vendors."""
    database, config = ground.database, ground.config
    post, way_out = Post(vendors, SecretKeys("secret key")), WayOut(SecretKeys("secret key"))
    change, rules = ChangeTicket(vendors, config.calendar, _no_fields), Rules(config.calendar)
    return {
        "survey.send": SendSurvey(
            database=database, clients=vendors, surveys=ground.surveys, render=_invitation,
            secret_keys=SecretKeys("secret key"), rules=AskingRules(config.fatigue_days, config.household, "NL"),
            departures=Departures(config.quiet_hours, config.calendar, "NL", lambda _brand: ""),
            look=lambda _customer, _now: None,
        ),
        "ticket.open": OpenTicket(vendors, rules, _no_fields),
        "ticket.comment": change,
        "ticket.update": change,
        "ticket.escalate": change,
        "callback.read": ReadCallback(vendors, _no_fields),
        "callback.reopen": ReopenCallback(vendors, rules, _no_fields),
        "callback.count": CountCallbacks(vendors),
        "call.request": RequestCall(vendors, rules.country),
        "score.write": WriteScore(database, vendors),
        "alert.send": SendAlert(vendors, post, vendors.chat, config.teams),
        "message.send": SendMessage(database, vendors, post, lambda subject, text, *_: {"html": text}, way_out),
    }


def _no_fields(connection: str) -> Mapping[str, str]:
    """The simulated helpdesk was never provisioned."""
    return {}


def _invitation(
    survey: Survey,
    language: str,
    customer: Mapping[str, Any],
    context: Mapping[str, Any],
    token: str,
    variants: Mapping[str, str],
) -> Mail:
    """A mail that says what it is about, for the invariants to read; how mails look is tested elsewhere."""
    told = {"survey": survey.slug, "ticket": context.get("ticket"), "link": token}
    return Mail(to=str(customer["email"]), subject=survey.slug, text=json.dumps(told))


def _named(effects: Sequence[Effect]) -> str:
    return ", ".join(_name(effect) for effect in effects) or "nothing"


def _name(effect: Effect) -> str:
    return f"{effect.action}[{effect.key[18:]} e{effect.epoch} a{effect.attempts}{' ?' if effect.unsure else ''}]"


def _result(result: object) -> str:
    return f"{type(result).__name__}: {result}" if isinstance(result, Exception) else str(result)[:60]

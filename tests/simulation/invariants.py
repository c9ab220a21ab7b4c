"""What must hold, whatever the seed does: asked of the database and of the vendors, never of the runtime."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.messaging import Mail
from tests.simulation.ground import Ground, SimulatedClock
from tests.simulation.trouble import Tally, Trouble
from tests.simulation.vendors import Vendors
from tests.simulation.worker import Worker

_EVERY = 10  # steps between two looks at the whole database
_SOON = timedelta(seconds=1)


class ViolationError(AssertionError):
    """An invariant does not hold."""


# Each selects what must not be there.
_NEVER: Mapping[str, str] = {
    "two writers advanced a run in one epoch": """
        SELECT run_id, epoch FROM seen_advances GROUP BY run_id, epoch HAVING count(*) > 1""",
    "two writers settled an effect in one epoch": """
        SELECT effect_id, epoch FROM seen_settlements GROUP BY effect_id, epoch HAVING count(*) > 1""",
    "a wait is open though its run does not wait": """
        SELECT w.id, r.status FROM waits w JOIN runs r ON r.id = w.run_id
        WHERE w.status = 'open' AND r.status <> 'waiting'""",
    "a run waits for nothing that could come": """
        SELECT r.id, r.workflow, r.step FROM runs r WHERE r.status = 'waiting' AND r.due_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM waits w WHERE w.run_id = r.id AND w.status = 'open')
        AND NOT EXISTS (SELECT 1 FROM effects e WHERE e.run_id = r.id AND e.status IN ('due', 'performing')
                        AND e.visit = r.state ->> 'waiting_for')""",
    "a call is to be made that its run does not wait for": """
        SELECT e.id, e.visit, r.status, r.state ->> 'waiting_for' FROM effects e JOIN runs r ON r.id = e.run_id
        WHERE (e.status = 'due' AND (r.status <> 'waiting' OR e.visit <> r.state ->> 'waiting_for'))
        OR (e.status = 'performing' AND r.status = 'waiting' AND e.visit <> r.state ->> 'waiting_for')""",
    "a history has more lists of notes than its run has epochs": """
        SELECT h.run_id, count(*), r.epoch FROM history h JOIN runs r ON r.id = h.run_id
        WHERE CAST(h.notes AS TEXT) NOT LIKE '%restarted_as%'
        GROUP BY h.run_id, r.epoch HAVING count(*) > r.epoch + 1""",
    "an event began two runs of one workflow, and nobody restarted any": """
        SELECT r.workflow, r.event_seq FROM runs r WHERE NOT EXISTS (SELECT 1 FROM history h
            WHERE h.run_id = r.id AND CAST(h.notes AS TEXT) LIKE '%Restarted by %, after run%')
        GROUP BY r.workflow, r.event_seq HAVING count(*) > 1""",
    "an event's run is in line though nobody is before it": """
        SELECT q.id FROM runs q WHERE q.status = 'queued'
        AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.slot = q.workflow || '|' || q.key)""",
    "a run could not be advanced": "SELECT id, workflow, reason FROM runs WHERE status = 'dead'",
    "a delivery was set aside": "SELECT id, reason FROM deliveries WHERE status IN ('unreadable', 'failed')",
}

_MISSED = """
    SELECT w.id, w.event_type, w.status, e.seq FROM waits w JOIN runs r ON r.id = w.run_id JOIN events e
    ON e.type = w.event_type AND e.seq > r.event_seq AND {same} AND e.received_at >= r.started_at
    AND (w.closed_at IS NULL OR e.received_at < w.closed_at)
    WHERE w.status IN ('open', 'timed_out') AND (w.event_type <> 'callback.changed' OR {ends}) AND e.seq > coalesce(
        (SELECT max(o.event_seq) FROM waits o WHERE o.run_id = w.run_id), 0)"""

_ENDS = "e.data ->> 'status' IN ('merged', 'deleted', 'spam')"
"""What every wait for a callback's change waits for."""

_FINALLY: Mapping[str, str] = {
    "a delivery was never understood": "SELECT id FROM deliveries WHERE status = 'new'",
    "an effect was never settled": "SELECT id, status FROM effects WHERE status IN ('due', 'performing')",
    "a run neither ended nor waits for the future": """
        SELECT id, workflow, status, step, due_at FROM runs WHERE status IN ('ready', 'waiting', 'queued')""",
    "a wait missed its event": _MISSED.format(same="e.subject = w.subject", ends=_ENDS),
    "a wait for a customer missed their event": _MISSED.format(
        same="w.subject IS NULL AND e.data ->> 'customer' = r.facts -> 'event' ->> 'customer'", ends="1 = 1"
    ),
    "an answer was not kept once": """
        SELECT e.id FROM events e LEFT JOIN responses a ON a.connection = e.connection AND a.external_id = e.external_id
        WHERE e.type = 'survey.answered' GROUP BY e.id HAVING count(a.id) <> 1""",
    "an event did not begin the run that it should": """
        SELECT e.seq, d.value ->> 'workflow' FROM events e, json_each(e.decisions) d
        WHERE CAST(d.value ->> 'starts' AS TEXT) IN ('1', 'true')
        AND d.value ->> 'workflow' IN ('pulse-parallel', 'pulse-queued', 'ticket-discussed', 'score-writeback')
        AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.event_seq = e.seq AND r.workflow = d.value ->> 'workflow')""",
}


class Invariants:
    """Looks at one seed's database and vendors; raises ``ViolationError``."""

    def __init__(self, ground: Ground, vendors: Vendors, clock: SimulatedClock, tally: Tally) -> None:
        self._vendors, self._clock, self._tally = vendors, clock, tally
        self._rows = ground.rows

    # --- at every moment

    def after_a_step(self, number: int) -> None:
        if number % _EVERY == 0:
            self.at_any_moment()

    def at_any_moment(self) -> None:
        self._none_of(_NEVER)
        self._vendors_saw_each_effect_once()

    def while_sweeping(self, worker: Worker) -> str:
        """Leases that ended are given back."""
        self._tally[Trouble.LEASE_ENDED] += len(self._overdue())
        said = worker.sweep()
        if late := self._overdue():
            raise ViolationError(f"leases that ended were not given back: {late}")
        return said

    def _overdue(self) -> list[Any]:
        late = "SELECT id FROM effects WHERE status = 'performing' AND lease_until <= ?"
        return self._rows(late, stored(self._clock()))

    def while_recording(self, worker: Worker) -> str:
        """Results of claims that somebody took over must leave their runs alone."""
        results = worker.next_results()
        stale = {effect.run_id for effect, _ in results if not self._holds(effect)}
        stale -= {effect.run_id for effect, _ in results if self._holds(effect)}
        before = self._epochs(stale)
        self._tally[Trouble.TOO_LATE] += len(stale)
        said = worker.record(results)
        if self._epochs(stale) != before:
            raise ViolationError(f"a worker whose lease had ended advanced a run: {worker.name} {said}")
        return said

    def _holds(self, effect: Any) -> bool:
        found = self._rows("SELECT 1 FROM effects WHERE id = ? AND epoch = ? AND status = 'performing'",
                           effect.id, effect.epoch)  # fmt: skip
        return bool(found)

    def _epochs(self, run_ids: Set[str]) -> list[Any]:
        return [self._rows("SELECT id, epoch FROM runs WHERE id = ?", id_) for id_ in sorted(run_ids)]

    def of_a_leaving_mail(self, mail: Mail) -> None:
        """None to a customer who opted out, and no retention survey about a ticket we know to be merged or deleted."""
        out = self._rows("""
            SELECT e.action FROM effects e JOIN runs r ON r.id = e.run_id JOIN customers c ON c.id = r.customer_id
            WHERE e.key = ? AND e.action <> 'alert.send' AND c.opted_out_at IS NOT NULL""", mail.key)
        if out:
            raise ViolationError(f"a mail leaves for a customer who opted out: {mail.key} {out}")
        ticket = self._ticket_of(mail)
        over = ticket and self._rows(
            "SELECT type FROM events WHERE subject = ? AND type IN ('ticket.merged', 'ticket.deleted')", ticket
        )
        if over:
            raise ViolationError(f"a retention survey leaves about {ticket}, which is over: {over}")

    def _ticket_of(self, mail: Mail) -> str | None:
        """The callback ticket a retention survey is about, by what it says or by the run it comes from."""
        told = json.loads(mail.text) if mail.text.startswith("{") else {}
        if told.get("survey") != "retention":
            return None
        own = self._rows("SELECT ticket_id FROM callbacks WHERE run_id = ?", mail.key[:26])
        return told["ticket"] or (f"zendesk:{own[0][0]}" if own else None)

    def _vendors_saw_each_effect_once(self) -> None:
        desk, mailbox = self._vendors.desk, self._vendors.mailbox
        _once("a ticket was opened twice", (t.external_id for t in desk.tickets.values() if t.external_id))
        _once("a comment was written twice", (mark for t in desk.tickets.values() for mark in t.marks))
        once = {id_ for id_, times in mailbox.ids.items() if times > 1} and self._at_most_once()
        _once("a mail left twice", (mail.key for mail in mailbox.mails if once and mail.key in once))
        for name, records in (("zendesk", desk.records), ("salesforce", self._vendors.contacts.records)):
            for place, moments in records.written.items():
                if moments != sorted(moments):
                    raise ViolationError(f"a score went back in time at {name} on {place}: {moments}")

    def _at_most_once(self) -> set[str]:
        rows = self._rows("SELECT key FROM effects WHERE delivery = 'at-most-once'")
        return {key for (key,) in rows}

    # --- when all is over

    def at_the_end(self, sent: Set[tuple[str, str]]) -> None:
        self.at_any_moment()
        self._none_of(_FINALLY)
        self._applied_once(sent)
        self._done_means_done()
        self._one_survey_per_solve()
        self._count_waits()

    def _count_waits(self) -> None:
        ends = """SELECT count(*) FILTER (WHERE status = 'matched' AND closed_at = opened_at),
                  count(*) FILTER (WHERE status = 'matched' AND closed_at > opened_at),
                  count(*) FILTER (WHERE status = 'timed_out') FROM waits"""
        [counted] = self._rows(ends)
        self._tally.update(dict(zip((Trouble.LOOKED_BACK, Trouble.MET, Trouble.TIMED_OUT), counted, strict=True)))

    def _applied_once(self, sent: Set[tuple[str, str]]) -> None:
        """What was accepted is an event, once; what were our own writes is none."""
        rows = self._rows("SELECT connection, external_id FROM events WHERE connection <> 'ringback'")
        _once("a delivery was applied twice", rows)
        if set(rows) != sent:
            raise ViolationError(f"not applied: {sorted(sent - set(rows))}; made up: {sorted(set(rows) - sent)}")

    def _done_means_done(self) -> None:
        rows = self._rows("""
            SELECT action, key, request ->> 'external_id', outcome ->> 'record', request ->> 'answered_at', connection
            FROM effects WHERE status = 'done' AND outcome ->> 'done' IS NULL AND outcome -> 'found' IS NULL
            AND (action <> 'survey.send' OR request ->> 'mail' IS NOT NULL)""")
        for action, key, mark, record, answered_at, connection in rows:
            if not self._happened(action, key, mark, record, answered_at, connection):
                raise ViolationError(f"{action} {key} is said to be done, and is not")

    def _happened(self, action: str, key: str, mark: str, record: str, at: str, connection: str) -> bool:
        desk = self._vendors.desk
        if action == "ticket.open":
            return any(ticket.external_id == mark for ticket in desk.tickets.values())
        if action in ("ticket.comment", "ticket.escalate"):
            return any(key in ticket.marks for ticket in desk.tickets.values())
        if action == "score.write":
            records = desk.records if connection == "zendesk" else self._vendors.contacts.records
            return datetime.fromisoformat(at) in records.written[record[:15], "nps"]
        mails = action in ("message.send", "alert.send", "survey.send") and connection == "mail"
        return not mails or self._vendors.mailbox.ids[key] > 0

    def _one_survey_per_solve(self) -> None:
        mails = {mail.key: mail for mail in self._vendors.mailbox.mails}
        asked = Counter(ticket for mail in mails.values() if (ticket := self._ticket_of(mail)))
        for ticket, times in asked.items():
            solves = self._vendors.desk.tickets[ticket.removeprefix("zendesk:")].solves
            if times > solves:
                raise ViolationError(f"{times} retention surveys about {ticket}, which was solved {solves} times")

    # --- what is left to do

    def dues(self) -> Iterator[datetime]:
        """Moments at which something is due; what is due already, and held up by a budget, is looked at soon."""
        soon = self._clock() + _SOON
        runs = "SELECT min(due_at) FROM runs WHERE status IN ('waiting', 'ready')"
        leases = "SELECT min(lease_until) FROM effects WHERE status = 'performing'"
        calls = """SELECT CASE WHEN c.blocked_until > min(e.due_at) THEN c.blocked_until ELSE min(e.due_at) END
                   FROM effects e LEFT JOIN connections c ON c.name = e.connection
                   WHERE e.status = 'due' GROUP BY e.connection, c.blocked_until"""
        for (moment,) in (row for query in (runs, leases, calls) for row in self._rows(query)):
            if moment:
                yield max(_moment(moment), soon)
        if self._rows("SELECT 1 FROM deliveries WHERE status = 'new' LIMIT 1"):
            yield soon

    def backlog(self) -> str:
        """What is left, for a message."""
        left = {name: found for name, query in _FINALLY.items() if (found := self._rows(query))}
        held = self._rows("SELECT name, status, blocked_until FROM connections")
        return f"{left}; connections {held}"

    def _none_of(self, queries: Mapping[str, str]) -> None:
        for what, query in queries.items():
            if found := self._rows(query):
                raise ViolationError(f"{what}: {found[:5]}")


def _once(what: str, things: Iterable[Any]) -> None:
    twice = [thing for thing, times in Counter(things).items() if times > 1]
    if twice:
        raise ViolationError(f"{what}: {twice[:5]}")


def _moment(stored: datetime | str) -> datetime:
    """SQLite keeps times as text, in UTC."""
    return datetime.fromisoformat(stored).replace(tzinfo=UTC) if isinstance(stored, str) else stored


def stored(moment: datetime) -> str:
    """As the database writes it."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")

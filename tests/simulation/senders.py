"""Who sends us things: a survey platform, and the helpdesk's webhooks with the people who make them happen.

Both are polite: nothing is lost. But everything may come twice, late, and in another order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from integrations.messaging import Mail
from integrations.protocols import VendorUser
from sandbox.clock import zulu
from tests.fixtures import payload
from tests.simulation.ground import OUR_USER, SimulatedClock
from tests.simulation.trouble import Tally, Trouble
from tests.simulation.vendors import Desk, Ticket
from webhooks.delivery import Delivery

_ENVELOPE = json.loads(payload("zendesk/ticket_solved.json"))
_AGENT = "7001"
_LONG = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Sender:
    """A person who answers. What their answers tell of them differs from time to time."""

    email: str
    contact: str | None
    user: str | None

    def told(self, chance: Random) -> dict[str, str]:
        """Their ids as one answer names them: at least one, not always the same."""
        contact = self.contact and self.contact[: chance.choice((15, 18))]
        known = {"email": self.email, "salesforce_contact_id": contact, "zendesk_user_id": self.user}
        named = {name: value for name, value in known.items() if value and chance.random() < 0.6}
        return named or {"email": self.email}


def people(chance: Random, many: int) -> list[Sender]:
    """A handful; the last two share a mail box, which no system may take for one person."""
    found = []
    for number in range(1, many + 1):
        contact = f"003000000000{number:03}AAA" if chance.random() < 0.7 else None
        user = f"80{number:02}" if chance.random() < 0.7 else None
        found.append(Sender(f"p{min(number, many - 1)}@example.com", contact, user))
    return found


def users_of(everybody: list[Sender]) -> list[VendorUser]:
    """Those whom the helpdesk knows."""
    return [VendorUser(each.user, each.email, "A name") for each in everybody if each.user]


def contacts_of(everybody: list[Sender]) -> list[VendorUser]:
    """Those whom the CRM knows."""
    return [VendorUser(each.contact, each.email, "A name") for each in everybody if each.contact]


class Post:
    """Deliveries on their way to us: each arrives at least once, when the seed says."""

    def __init__(self, chance: Random, clock: SimulatedClock, tally: Tally) -> None:
        self._chance, self._clock, self._tally = chance, clock, tally
        self._numbers = count(1)
        self.under_way: list[tuple[datetime, int, Delivery]] = []
        self._arrived: list[Delivery] = []
        self.sent: set[tuple[str, str]] = set()  # (connection, the event's id) of what is not our own doing

    def inbound(self, kind: str, id_: str, at: datetime, data: Mapping[str, Any]) -> None:
        body = {"type": kind, "id": id_, "time": at.isoformat(), "data": dict(data)}
        self.sent.add(("survey-platform", id_))
        self._send("survey-platform", id_, body)

    def envelope(self, ticket: Ticket, kind: str, event: Mapping[str, Any], actor: str) -> None:
        number = next(self._numbers)
        at = zulu(self._clock()).replace("Z", f".{self._clock().microsecond:06}Z")
        detail = {"id": ticket.id, "external_id": ticket.external_id, "requester_id": ticket.requester}
        body = {**_ENVELOPE, "id": f"event-{number}", "type": f"zen:event-type:{kind}", "time": at, "event": event}
        told = {**_ENVELOPE["detail"], **detail, "actor_id": actor, "status": ticket.status.upper()}
        if actor != OUR_USER:
            self.sent.add(("zendesk", f"event-{number}"))
        self._send("zendesk", f"invocation-{number}", {**body, "detail": told})

    def _send(self, connection: str, key: str, body: Mapping[str, Any]) -> None:
        self._put(connection, key, body)
        while self._chance.random() < 0.25:
            same = self._chance.random() < 0.5
            self._tally[Trouble.SENT_TWICE if same else Trouble.TOLD_TWICE] += 1
            self._put(connection, key if same else f"{key}-{next(self._numbers)}", body)

    def _put(self, connection: str, key: str, body: Mapping[str, Any]) -> None:
        at = self._clock() + (delay := self._delay())
        self._tally[Trouble.DELAYED] += delay > _LONG
        self._tally[Trouble.OVERTAKEN] += sum(due > at for due, _, _ in self.under_way)
        delivery = Delivery(connection, key, at, "application/json", {}, json.dumps(body).encode())
        self.under_way.append((at, next(self._numbers), delivery))

    def _delay(self) -> timedelta:
        """Mostly at once, sometimes minutes, rarely a day."""
        most = self._chance.choices((0.5, 120, 7200, 86_400), (60, 25, 10, 2))[0]
        return timedelta(seconds=self._chance.uniform(0, most))

    @property
    def is_due(self) -> bool:
        return any(at <= self._clock() for at, _, _ in self.under_way)

    def arrived(self) -> list[Delivery]:
        """Those whose time has come, in the order of their arrival."""
        now = self._clock()
        due = sorted((each for each in self.under_way if each[0] <= now), key=lambda each: each[:2])
        self.under_way = [each for each in self.under_way if each[0] > now]
        found = [delivery for _, _, delivery in due]
        self._arrived += found
        return found

    def again(self) -> None:
        """Any of those that arrived is on its way once more, however long ago it was."""
        if self._arrived:
            self.under_way.append((self._clock(), next(self._numbers), self._chance.choice(self._arrived)))


class Answers:
    """What customers say: a number of answers over the seed's months, and replies to what we ask."""

    def __init__(self, chance: Random, clock: SimulatedClock, post: Post, everybody: list[Sender], left: int) -> None:
        self._chance, self._clock, self._post, self._people, self.left = chance, clock, post, everybody, left
        self._numbers = count(1)

    def give(self) -> None:
        """Somebody answers, a little while ago."""
        self.left -= 1
        chance, person = self._chance, self._chance.choice(self._people)
        if chance.random() < 0.03:
            id_ = f"out-{next(self._numbers)}"
            return self._post.inbound("customer.opted_out", id_, self._clock(), {"customer": {"email": person.email}})
        survey = chance.choice(("after-support", "after-support", "pulse"))
        score = chance.choice((0, 3, 6, 6, 7, 8, 9, 10))
        self._answer(survey, "nps", score, {"customer": person.told(chance)})
        return None

    def _answer(self, survey: str, metric: str, score: int, more: Mapping[str, Any]) -> None:
        at = self._clock() - timedelta(seconds=self._chance.choice((0, 1, 60, 40_000)))
        id_ = f"answer-{next(self._numbers)}"
        data = {"response_id": id_, "survey": survey, "metric": metric, "score": score, "comment": "Waited.",
                "contact_consent": self._chance.random() < 0.8, "answered_at": at.isoformat()}  # fmt: skip
        self._post.inbound("survey.answered", id_, at, {**data, **more})

    def reply(self, mail: Mail) -> None:
        """A retention survey is sometimes answered, and about its ticket."""
        told = json.loads(mail.text) if mail.text.startswith("{") else {}
        if told.get("survey") == "retention" and told.get("ticket") and self._chance.random() < 0.5:
            about = {"customer": {"email": mail.to}, "context": {"ticket": told["ticket"]}}
            self._answer("retention", "csat", self._chance.randint(1, 5), about)


class Agents:
    """Those who work the tickets, and customers who reopen them."""

    def __init__(self, chance: Random, desk: Desk, everybody: list[Sender]) -> None:
        self._chance, self._desk, self._people = chance, desk, everybody

    def act(self) -> None:
        """One of them does something."""
        open_ = [ticket for ticket in self._desk.tickets.values() if not ticket.is_over]
        known = [person.user for person in self._people if person.user]
        if known and (not open_ or self._chance.random() < 0.08):
            self._desk.new_ticket(self._chance.choice(known))
            return
        if open_:
            self._work(self._chance.choice(open_))

    def _work(self, ticket: Ticket) -> None:
        if ticket.status == "solved":
            moves, weights = ("open", "deleted", "solved"), (10, 1, 0)
        else:
            moves, weights = ("solved", "merged", "deleted"), (20, 1, 1)
        self._desk.move(ticket, self._chance.choices(moves, weights)[0], _AGENT)

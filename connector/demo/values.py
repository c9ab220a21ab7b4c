"""What the tour passes around: who plays in it, what is wanted of it, and a step as it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from connector.demo.cast import Person

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is, without a slash at the end. ``care`` is the care team's e-mail address."""

    ringback: str
    zendesk: str
    salesforce: str
    mail: str
    care: str


@dataclass(frozen=True, slots=True)
class Customer:
    """A person who is known on both sides: as a user of the helpdesk and as a contact of sales."""

    who: Person
    user_id: str
    contact_id: str


class Path(StrEnum):
    """What a round shows."""

    LOOP = "loop"
    PROMOTER = "promoter"
    NO_CONSENT = "no-consent"
    TWICE = "twice"
    OUTAGE = "outage"


@dataclass(frozen=True, slots=True)
class PathWords:
    """How a path is offered (``title``, ``text``) and what it is called once it plays."""

    title: str
    text: str
    name: str


PATHS: Mapping[Path, PathWords] = {
    Path.PROMOTER: PathWords(
        "A happy customer", "A 10: no ticket. The team reads the compliment.", "A happy customer"
    ),
    Path.NO_CONSENT: PathWords(
        "Unhappy, but no call please", "Without consent there is no ticket.", "Unhappy, without consent"
    ),
    Path.TWICE: PathWords(
        "The same webhook twice", "Delivered again: nothing happens twice.", "The same webhook twice"
    ),
    Path.OUTAGE: PathWords(
        "Zendesk is down for 20 s", "The ticket waits and is tried again.", "Zendesk is down for 20 seconds"
    ),
    Path.LOOP: PathWords(
        "Start with another customer", "The whole loop from the beginning.", "The whole loop"
    ),
}


@dataclass(frozen=True, slots=True)
class Journey:
    """One customer's round. ``ticket`` is the helpdesk's number of the question it began with."""

    number: int
    path: Path
    customer: Customer
    ticket: int


class State(StrEnum):
    """Where a step stands. ``TROUBLE``: it went wrong for now, and is tried again."""

    WAITING = "waiting"
    TURN = "turn"
    WORKING = "working"
    TROUBLE = "trouble"
    DONE = "done"
    SKIPPED = "skipped"


STATE_WORDS: Mapping[State, str] = {
    State.WAITING: "waiting",
    State.TURN: "your turn",
    State.WORKING: "working on it",
    State.TROUBLE: "trying again",
    State.DONE: "done",
    State.SKIPPED: "not needed",
}


@dataclass(frozen=True, slots=True)
class Link:
    """Where to look further. ``outside`` links belong to a stand-in and open beside the tour."""

    text: str
    address: str
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Button:
    """Something the visitor does with one press: a POST to ``action``."""

    text: str
    action: str


@dataclass(frozen=True, slots=True)
class At:
    """A moment as a cell: shown by the visitor's own clock. ``style`` is "time", or "day" for another day's."""

    at: datetime
    style: str = "time"


@dataclass(frozen=True, slots=True)
class Table:
    """Facts in rows; the first cell of each is its heading. ``heads`` may be empty."""

    rows: tuple[tuple[str | At, ...], ...]
    heads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to show as its reader sees it. ``address`` is a page of its own; without it ``text`` is shown.

    ``is_open``: it is what the visitor should look at now; else only its head is shown, until it is opened.
    """

    sender: str
    to: str
    subject: str
    at: datetime
    address: str = ""
    text: str = ""
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the story. ``says`` are plain sentences of what happened; ``why`` is why it matters."""

    id: str
    title: str
    why: str
    state: State = State.WAITING
    says: tuple[str, ...] = ()
    table: Table | None = None
    mails: tuple[Mail, ...] = ()
    note: str = ""  # an internal comment, as its reader sees it
    links: tuple[Link, ...] = ()
    opening: Link | None = None  # the survey that waits for the visitor
    buttons: tuple[Button, ...] = ()

    @property
    def word(self) -> str:
        """The state for people."""
        return STATE_WORDS[self.state]

"""A delivery: the bytes that someone sent us, and what we make of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from workflows.events import Event

ReadConsent = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""A vendor's record as a mapping of its fields → {record, opted_out, do_not_call}, of the two what is told; or {}."""


@dataclass(frozen=True, slots=True)
class Request:
    """A webhook request as it arrived. Header names are lower case. ``token`` is the last part of the path."""

    body: bytes
    headers: Mapping[str, str]
    received_at: datetime
    token: str = ""

    @property
    def content_type(self) -> str:
        """As the sender declared it, cut to what is kept; "" if not at all."""
        return self.headers.get("content-type", "")[:200]


@dataclass(frozen=True, slots=True)
class Account:
    """What a source must know of its connection: secrets (several while rotating), and who we are there.

    ``options`` holds the connection's own settings ("organization_id", "events"); ``own_user`` is the id of
    the user we act as, whose events are our own writes coming back. ``source`` reads its webhooks, whose bodies may
    have ``max_bytes``. ``owners`` says of the ids that other systems name ("zendesk_user_id") to which connection they
    belong, ``helpdesk`` whose tickets they mean, ``consents`` read what a vendor's record allows that they hand on.
    """

    connection: str
    kind: str
    secrets: Sequence[str] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    own_user: str | None = None
    source: Source | None = None
    max_bytes: int = 0
    owners: Mapping[str, str] = field(default_factory=dict)
    helpdesk: str | None = None
    consents: Sequence[ReadConsent] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified request, as it is kept. ``key`` is the sender's id of it: the same key is the same delivery."""

    connection: str
    key: str
    received_at: datetime
    content_type: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What the sender gets to hear."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Translation:
    """What a delivery meant: events, or a reason why there are none.

    ``ignored`` is a decision (our own write, an event nobody listens to); ``trouble`` lists what could not be
    read, beside the events that could (one broken notification of a hundred).
    """

    events: tuple[Event, ...] = ()
    ignored: str = ""
    trouble: tuple[str, ...] = ()


class Source(Protocol):
    """One kind of sender."""

    def of(self, content_type: str) -> Source:
        """Who reads a request of this type, which may be "": itself, where all are read alike."""
        ...

    def verify(self, request: Request, account: Account) -> Delivery:
        """The delivery, if the request is genuine. Raises ``Refused``, or ``Unreadable`` to keep it all the same."""
        ...

    def translate(self, delivery: Delivery, account: Account) -> Translation:
        """What it means. Raises ``Unreadable``."""
        ...

    def answer(self, stored: bool) -> Reply:
        """The reply to an accepted delivery; ``stored`` false: it was there already."""
        ...

    def refuse(self, error: Exception) -> Reply:
        """The reply to a refused or unreadable one, in the sender's own format."""
        ...

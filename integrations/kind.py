"""A kind of connection: its settings, how its client is made, and what that client is to us."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from marshmallow import ValidationError

from integrations.auth.oauth_refresh import Client as OAuthClient
from integrations.auth.tokens import Clock, TokenStore
from integrations.error_mapping import Limit
from integrations.errors import OptionsError
from integrations.limits import UNLIMITED, Rates
from integrations.messaging import Mailbox, Messenger
from integrations.option_fields import Options, mistakes
from integrations.protocols import Crm, Helpdesk, Sales
from integrations.roles import Role

Client = TypeVar("Client")
Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sharing:
    """What clients of one connection share beyond their process: the token store, and the clock it is read by
    (seconds since the epoch)."""

    store: TokenStore | None = None
    now: Clock = time.time


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[Client]):
    """One kind of connection. ``schema`` reads its settings, ``make`` its client; nothing is sent by that.

    The client's faces: what of it is a helpdesk, a CRM, a CRM of sellers, a messenger, a mailbox; None where it is
    none. So a type checker holds each vendor against the protocols where its row is written.
    """

    schema: type[Options]
    make: Callable[[Given, Sharing], Client]
    helpdesk: Callable[[Client], Helpdesk] | None = None
    crm: Callable[[Client], Crm] | None = None
    sales: Callable[[Client], Sales] | None = None
    messenger: Callable[[Client], Messenger] | None = None
    mailbox: Callable[[Client], Mailbox] | None = None
    rates: Callable[[Given], Rates] = lambda _: UNLIMITED
    """What the vendor allows, as far as we know it, by the settings as they stand in the file."""
    seen_limits: Callable[[Client], Mapping[str, Limit]] = lambda _: {}
    """What the vendor last said of its limits to this client."""
    oauth: Callable[[Given, Clock], OAuthClient] | None = None
    """The OAuth client that a person agrees to, by the settings as they stand in the file."""

    @cached_property
    def roles(self) -> frozenset[Role]:
        """A CRM with cases has tickets, but is no helpdesk: agents do not live in it."""
        faces = {
            Role.TICKETS: self.helpdesk, Role.CRM: self.crm, Role.SALES: self.sales, Role.MESSENGER: self.messenger,
            Role.MAILBOX: self.mailbox,
            Role.HELPDESK: self.helpdesk if self.crm is None else None,
        }  # fmt: skip
        return frozenset(role for role, face in faces.items() if face is not None)


def build(
    kind: Kind[Client], name: str, settings: Given, *, store: TokenStore | None = None, now: Clock = time.time
) -> Client:
    """The client of the connection ``name``. Raises OptionsError with every mistake, its path and its remedy.

    ``store`` shares the connection's token between processes; ``now`` is in seconds since the epoch. Nothing
    is sent yet.
    """
    try:
        given = kind.schema().load(settings)
    except ValidationError as error:
        raise OptionsError(name, tuple(mistakes(error.messages))) from error
    return kind.make(given, Sharing(store, now))

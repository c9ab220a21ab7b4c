"""Looking into mailboxes: what lies behind the last place goes into the inbox as it is, and the place moves on.

Any number of processes may tick; a look is one process's by its lease. A server that numbers its mails anew is read
from the beginning again: the same bytes are the same delivery, so that doubles nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from connector.clock import Clock
from connector.config.file import ConnectionConfig
from connector.storage.engine.database import Database
from connector.storage.flow_control import connection_state
from connector.storage.stores import cursors
from connector.storage.stores.inbox import delivery_row, insert_deliveries
from connector.vendors.base import JobParts
from integrations.errors import AuthFailed, IntegrationError, Permanent
from integrations.messaging import Arrived, Mailbox, MailboxLook
from webhooks.delivery import Delivery
from webhooks.mailbox.source import CONTENT_TYPE
from webhooks.parsing import digest

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0
"""How often a process sees whether a look is due."""

JITTER_SECONDS = 10

EVERY = timedelta(seconds=45)
"""Between two looks, whoever looks."""

AFTER_A_REFUSAL = timedelta(minutes=15)
"""Whoever knocks with a wrong password every minute is locked out."""

PAGE = 25
"""Mails that are kept in one transaction."""

MOST_PAGES = 20
"""Pages of one look: what is left is for the next."""

_LEASE = timedelta(minutes=5)


class MailboxPoller:
    """One tick looks into every mailbox that is due. ``mailbox`` gives a connection's client."""

    def __init__(
        self,
        database: Database,
        connections: Sequence[ConnectionConfig],
        mailbox: Callable[[str], Mailbox],
        clock: Clock,
        ring: Callable[[], None],
    ) -> None:
        self._database, self._connections, self._mailbox = database, connections, mailbox
        self._clock, self._ring = clock, ring

    def tick(self) -> None:
        """Never raises: what went wrong is said, and looked at again when it is due again."""
        for each in self._connections:
            try:
                self._look_into(each.name)
            except IntegrationError as error:
                log.warning("the mailbox of connection %s: %s", each.name, error.reason)
                if isinstance(error, AuthFailed | Permanent):
                    self._database.transact(partial(self._wait, each.name))
            except Exception:
                log.exception("the mailbox of connection %s cannot be read", each.name)

    def _look_into(self, connection: str) -> None:
        place = self._database.transact(partial(self._take, connection))
        if place is None:
            return
        with self._mailbox(connection).look() as look:
            look.put_away(place)  # what a process kept that died before it could
            place = self._keep_all(connection, look, place)
        self._database.transact(lambda tx: cursors.move(tx, _name(connection), place, self._clock()))

    def _keep_all(self, connection: str, look: MailboxLook, place: str) -> str:
        for _ in range(MOST_PAGES):
            mails = look.after(place, PAGE)
            if not mails:
                break
            place = mails[-1].place
            new = self._database.transact(partial(self._keep, connection, mails))
            log.info("%d mails came to connection %s, %d of them new", len(mails), connection, new)
            self._ring()
            look.put_away(place)
        return place

    def _keep(self, connection: str, mails: Sequence[Arrived], tx: Connection) -> int:
        """Into the inbox, and the place on, together."""
        now = self._clock()
        new = insert_deliveries(self._database, tx, [delivery_row(_delivery(connection, each, now)) for each in mails])
        cursors.hold(tx, _name(connection), mails[-1].place, now + _LEASE)
        return sum(new)

    def _take(self, connection: str, tx: Connection) -> str | None:
        """Where to go on, if a look is due, nobody else looks, and nobody stopped the connection."""
        state = connection_state.state(tx, connection)
        if state is not None and state.status == "stopped":
            return None
        return cursors.take(
            self._database, tx, _name(connection), self._clock(), lease=_LEASE, every=EVERY, first=""
        )  # fmt: skip

    def _wait(self, connection: str, tx: Connection) -> None:
        place = cursors.where(tx, _name(connection)) or ""
        cursors.hold(tx, _name(connection), place, self._clock() + AFTER_A_REFUSAL)


def poller(parts: JobParts) -> MailboxPoller:
    """Of all mailboxes."""
    return MailboxPoller(parts.database, parts.connections, parts.client, parts.clock, parts.ring)


def _name(connection: str) -> str:
    return f"mailbox:{connection}"


def _delivery(connection: str, mail: Arrived, now: datetime) -> Delivery:
    headers = {"x-place": mail.place} | ({} if mail.is_whole else {"x-cut": "too large; its end was left there"})
    return Delivery(connection, digest(mail.raw), now, CONTENT_TYPE, headers, mail.raw)

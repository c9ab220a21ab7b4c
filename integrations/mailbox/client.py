"""A mailbox by IMAP (RFC 9051, and the elder RFC 3501), with ``imap-tools``: one connection a look, none is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted

from integrations.errors import Permanent
from integrations.mailbox.errors import translated
from integrations.mailbox.options import MailboxAddress
from integrations.messaging import Arrived
from integrations.transport import tls

LARGEST = 1_000_000
"""Bytes of a mail that are fetched; a report says all that matters before the mail that it returns."""

_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


class ImapMailbox:
    """A ``Mailbox``. ``timeout`` in seconds."""

    def __init__(self, address: MailboxAddress, folder: str, move_to: str = "", *, timeout: float = 30.0) -> None:
        self._address, self._folder, self._move_to, self._timeout = address, folder, move_to, timeout

    def greet(self) -> None:
        """Log in, open the folder and hang up. Raises what ``after`` raises."""
        with self._opened():
            pass

    @contextmanager
    def look(self) -> Iterator[Look]:
        """The folder, open for one look. Raises AuthFailed, Permanent or Transient, also of what is done in it."""
        with self._opened() as (box, validity):
            yield Look(box, validity, self._move_to)

    @contextmanager
    def _opened(self) -> Iterator[tuple[BaseMailBox, int]]:
        with translated():
            box = self._connected()
            try:
                box.login(self._address.user, self._address.password, initial_folder=None)
                validity = int(box.folder.status(self._folder, ["UIDVALIDITY"])["UIDVALIDITY"])
                box.folder.set(self._folder)
                yield box, validity
            finally:
                _hang_up(box)

    def _connected(self) -> BaseMailBox:
        host, port, timeout = self._address.host, self._address.port, self._timeout
        if self._address.implicit_tls:
            return MailBox(host, port, timeout=timeout, ssl_context=tls.context())
        plain = MailBoxUnencrypted(host, port, timeout=timeout)
        if "STARTTLS" not in plain.client.capabilities:
            if self._address.is_here:
                return plain
            _hang_up(plain)
            raise Permanent("the mail server takes passwords unencrypted only; write imaps://", code="unencrypted")
        _hang_up(plain)
        return MailBoxStartTls(host, port, timeout=timeout, ssl_context=tls.context())


class Look:
    """An open folder."""

    def __init__(self, box: BaseMailBox, validity: int, move_to: str) -> None:
        self._box, self._validity, self._move_to = box, validity, move_to

    def after(self, place: str, most: int) -> Sequence[Arrived]:
        """The oldest mails behind a place ("" for the very beginning), at most ``most``."""
        known = self._uid(place)
        told = map(int, self._box.uids(f"UID {known + 1}:*"))
        found = [uid for uid in told if uid > known]  # "*" names the last one also where it lies before
        return [each for uid in sorted(found)[:most] if (each := self._fetched(uid)) is not None]

    def put_away(self, place: str) -> None:
        """Everything up to a place is kept: marked as seen, and moved where the settings say so. Again: nothing."""
        known = self._uid(place)
        if not known:
            return
        which = f"UID 1:{known}" if self._move_to else f"UID 1:{known} UNSEEN"
        uids = [uid for uid in self._box.uids(which) if int(uid) <= known]
        if not uids:
            return
        self._box.flag(uids, "\\Seen", value=True, chunks=200)
        if self._move_to:
            self._box.move(uids, self._move_to, chunks=200)

    def _uid(self, place: str) -> int:
        """0 when the server numbers its mails anew since: then all of them are looked at again."""
        validity, _, uid = place.partition(":")
        return int(uid) if validity == str(self._validity) and uid.isdigit() else 0

    def _fetched(self, uid: int) -> Arrived | None:
        """None for a mail that somebody took away meanwhile."""
        _, told = self._box.client.uid("FETCH", str(uid), f"(RFC822.SIZE BODY.PEEK[]<0.{LARGEST}>)")
        parts = [part for part in told if isinstance(part, tuple)]
        if not parts:
            return None
        size = _SIZE.search(b" ".join(part if isinstance(part, bytes) else part[0] for part in told if part))
        raw = bytes(parts[0][1])
        return Arrived(f"{self._validity}:{uid}", raw, is_whole=size is None or int(size.group(1)) <= len(raw))


def _hang_up(box: BaseMailBox) -> None:
    """Politely, if it still listens."""
    try:
        box.logout()
    except Exception:
        box.client.shutdown()

"""The mails that came, and those that shall be refused."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from enum import StrEnum

from sandbox.faults import check_pattern


class Stage(StrEnum):
    """Where in the SMTP conversation a refusal happens."""

    RCPT = "rcpt"
    DATA = "data"
    DROP_AFTER_DATA = "drop-after-data"  # the mail is kept, and the connection is cut before the answer


@dataclass(frozen=True, slots=True)
class Refusal:
    """Applies ``times`` times to recipients that match ``to`` (a regular expression)."""

    to: str = ""
    stage: Stage = Stage.RCPT
    code: int = 550
    text: str = "5.1.1 No such user here"
    times: int = 1


@dataclass(frozen=True, slots=True)
class StoredMail:
    """One mail as it arrived. ``to`` are the addresses of the envelope, ``number`` counts from 1."""

    number: int
    at: datetime
    sender: str
    to: tuple[str, ...]
    subject: str
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    raw: bytes

    def header(self, name: str) -> str | None:
        """The first header of this name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class MailStore:
    """Keeps everything in memory. Safe for threads; ``wait`` is how a test learns that a mail has come."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._mails: list[StoredMail] = []
        self._refusals: list[Refusal] = []
        self._ending = False

    def add(self, raw: bytes, sender: str, to: tuple[str, ...], at: datetime) -> StoredMail:
        """Keep a mail."""
        message = BytesParser(_class=EmailMessage, policy=policy.default).parsebytes(raw)
        with self._changed:
            mail = _read(message, raw, sender, to, at, len(self._mails) + 1)
            self._mails.append(mail)
            self._changed.notify_all()
        return mail

    def clear(self) -> None:
        """Throw all mails away; numbers start again at 1."""
        with self._changed:
            self._mails.clear()

    def to(self, address: str = "") -> list[StoredMail]:
        """The mails to an address (in any case; "": all), oldest first."""
        with self._changed:
            return [mail for mail in self._mails if _is_to(mail, address)]

    def number(self, number: int) -> StoredMail | None:
        with self._changed:
            return next((mail for mail in self._mails if mail.number == number), None)

    def wait(self, address: str = "", count: int = 1, timeout: float = 60.0) -> list[StoredMail]:
        """Wait until ``count`` mails to ``address`` are there. → those that are, after ``timeout`` s maybe fewer."""
        with self._changed:
            self._changed.wait_for(lambda: self._ending or self._have(address, count), timeout)
        return self.to(address)

    def _have(self, address: str, count: int) -> bool:
        return sum(_is_to(mail, address) for mail in self._mails) >= count

    def release(self) -> None:
        """End every wait, now and from now on."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def refuse(self, refusal: Refusal) -> None:
        """Program a refusal. Raises ValueError for an unreadable ``to``."""
        check_pattern(refusal.to)
        with self._changed:
            self._refusals.append(refusal)

    def take_refusal(self, stages: tuple[Stage, ...], addresses: list[str]) -> Refusal | None:
        """The first refusal for one of these addresses at this stage, used up by one."""
        with self._changed:
            for place, refusal in enumerate(self._refusals):
                if refusal.stage in stages and any(re.search(refusal.to, each) for each in addresses):
                    left = replace(refusal, times=refusal.times - 1)
                    self._refusals[place : place + 1] = [left] if left.times > 0 else []
                    return refusal
        return None


def _is_to(mail: StoredMail, address: str) -> bool:
    return not address or address.lower() in (each.lower() for each in mail.to)


def _read(
    message: EmailMessage, raw: bytes, sender: str, to: tuple[str, ...], at: datetime, number: int
) -> StoredMail:
    headers = tuple((key, str(value)) for key, value in message.items())
    subject = str(message.get("Subject", ""))
    return StoredMail(
        number, at, sender, to, subject, headers, _part(message, "plain"), _part(message, "html"), raw
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part is not None else ""

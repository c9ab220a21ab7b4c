"""Mails that we fetched: their raw bytes stand in the inbox, and are read as ``webhooks.mail`` reads all mail."""

from __future__ import annotations

from webhooks import replies
from webhooks.delivery import Account, Delivery, Reply, Request, Source, Translation
from webhooks.errors import Refused
from webhooks.mail import events
from webhooks.mail.findings import Answer, NothingToDo
from webhooks.mail.parts import header, parse
from webhooks.mail.reading import read

CONTENT_TYPE = "message/rfc822"


class MailboxSource(events.TellsOfMail):
    """Deliveries that our own look wrote into the inbox."""

    def of(self, content_type: str) -> Source:
        return self

    def verify(self, request: Request, account: Account) -> Delivery:
        """Always raises ``Refused`` (404): a mailbox is asked, and posts nothing."""
        raise Refused("there is no such connection", status=404, remedy="check the last part of the URL")

    def translate(self, delivery: Delivery, account: Account) -> Translation:
        """What the mail says. Raises ``Unreadable``."""
        found = read(delivery.body)
        if account.options.get("replies") is False:
            found = [NothingToDo("an answer, and this mailbox is none for answers (replies: false)")
                     if isinstance(each, Answer) else each for each in found]  # fmt: skip
        mark = header(parse(delivery.body), "Message-ID") or delivery.key
        return events.translation(found, account.connection, delivery.received_at, mark, proved=False)

    def answer(self, stored: bool) -> Reply:
        return replies.accepted(stored)

    def refuse(self, error: Exception) -> Reply:
        return replies.refusal(error)

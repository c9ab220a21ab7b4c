"""What in a returning mail leads back to the one that we sent: the address it came to, and the ids it names."""

from __future__ import annotations

from email.message import Message

from webhooks.errors import Unreadable
from webhooks.mail.findings import Trail
from webhooks.mail.parts import Mail, addresses, message_ids, parse, text_of, walk

CAME_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Rcpt-To", "Resent-To", "To", "Cc")
"""Where servers write down which address a mail came to."""

_SENT_FROM = ("Return-Path", "X-Return-Path", "Sender", "Reply-To", "Errors-To")
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
_MOST = 30


def trail_of(mail: Mail) -> Trail:
    """Of a report: also what the mail says that it returns."""
    returned = sent_mail(mail)
    came_to = addresses(mail, *CAME_TO)
    if returned is None:
        return Trail(came_to[:_MOST], message_ids(mail, "In-Reply-To", "References"))
    ours = addresses(returned, *_SENT_FROM)
    ids = (*message_ids(returned, "Message-ID"), *message_ids(mail, "In-Reply-To", "References"))
    return Trail(tuple(dict.fromkeys((*came_to[:_MOST], *ours[:_MOST]))), tuple(dict.fromkeys(ids)))


def trail_of_reply(mail: Mail) -> Trail:
    """Of an answer: what a person attached is none of ours."""
    return Trail(addresses(mail, *CAME_TO)[:_MOST], message_ids(mail, "In-Reply-To", "References"))


def sent_mail(mail: Mail) -> Mail | None:
    """The mail that a report returns, whole or its headers alone; None when it returns none."""
    for part in walk(mail):
        if part is mail or part.get_content_type() not in _RETURNED:
            continue
        inside = part.get_payload()
        if isinstance(inside, list):
            return next((each for each in inside if isinstance(each, Message)), None)
        return _parsed(text_of(part))
    return None


def _parsed(text: str) -> Mail | None:
    try:
        return parse(text.strip().encode("utf-8", "replace"))
    except Unreadable:
        return None

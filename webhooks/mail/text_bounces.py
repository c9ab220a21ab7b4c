"""Bounces that are no report of RFC 3464: older servers write them for people.

``flufl.bounce`` knows their shapes and finds whom they are about; why, we read in the words ourselves. It is asked of
mail from servers only: a person's answer may quote anything.
"""

from __future__ import annotations

import re

from flufl.bounce import all_failures

from webhooks.mail import status
from webhooks.mail.findings import Bounce, Finding, NothingToDo, Trail
from webhooks.mail.parts import Mail, addresses, clean, header, text_of, walk
from webhooks.mail.trail import trail_of

_SERVERS = re.compile(r"(?:mailer-daemon|postmaster|mail-daemon|mdaemon|bounce[sd]?|no-?reply|null)\b", re.IGNORECASE)
_SUBJECTS = re.compile(
    r"undeliver|delivery (?:status|failure|failed|has failed|notification|problem)|fail(?:ed|ure) (?:notice|delivery)"
    r"|returned (?:mail|to sender)|mail delivery|non remis|onbestelbaar|unzustellbar|nicht zugestellt|niet bezorgd",
    re.IGNORECASE,
)
_DELAYED = re.compile(r"delay|still trying|will (?:keep|continue) (?:to )?try|warning: ", re.IGNORECASE)
_FAILED_RECIPIENTS = "X-Failed-Recipients"  # Exim, and Gmail
_RETURNED = re.compile(
    r"^-{2,} ?(?:this is a copy|below this line|original message|returned message|transcript)|^return-path: <",
    re.IGNORECASE | re.MULTILINE,
)
_MESSAGE_ID = re.compile(r"^message-id:\s*<([^<>\s]{3,300})>", re.IGNORECASE | re.MULTILINE)
_MOST_SAID = 500


def is_from_a_server(mail: Mail) -> bool:
    """Bounces have no envelope sender (RFC 5321, 4.5.5); where a mail store did not write that down, who wrote says
    it."""
    if str(mail.get("Return-Path", "")).strip() == "<>" or mail.get(_FAILED_RECIPIENTS):
        return True
    sender = next(iter(addresses(mail, "From")), "")
    return bool(_SERVERS.match(sender.rpartition("@")[0]) or (not sender and _SUBJECTS.search(header(mail, "Subject"))))


def read(mail: Mail) -> list[Finding] | None:
    """What it says of each recipient; None when it is no bounce that anybody knows."""
    if not is_from_a_server(mail):
        return None
    words = "\n".join(text_of(part) for part in walk(mail) if part.get_content_maintype() == "text")
    temporary, permanent = _failures(mail)
    named = list(dict.fromkeys([*addresses(mail, _FAILED_RECIPIENTS), *permanent]))
    subject = header(mail, "Subject")
    if not named and (temporary or (_SUBJECTS.search(subject) and _DELAYED.search(subject))):
        return [NothingToDo("the mail is late; its server goes on trying, and tells when it gives up")]
    if not named and not _SUBJECTS.search(subject):
        return None
    return [_bounce(mail, recipient, words) for recipient in named[:20] or [""]]


def _bounce(mail: Mail, recipient: str, words: str) -> Bounce:
    said = _said(words, recipient)
    hard, cause = status.judge("", said)
    shown = " ".join(said.split())[:_MOST_SAID]
    return Bounce(_trail(mail, words), recipient, hard, cause, status.code_in(said), shown)


def _trail(mail: Mail, words: str) -> Trail:
    """The mail that it returns stands in the text, below."""
    known = trail_of(mail)
    ids = (*known.message_ids, *(found.group(1) for found in _MESSAGE_ID.finditer(words)))
    return Trail(known.addresses, tuple(dict.fromkeys(ids))[:20])


def _said(words: str, recipient: str) -> str:
    """What the server says, without the mail that it returns below; from the recipient on, where it names them."""
    cut = _RETURNED.search(words, 1)
    own = words[: cut.start()] if cut else words
    place = own.lower().find(recipient.lower()) if recipient else -1
    after = own[place + len(recipient) :] if place >= 0 else own
    return (after if after.strip(" \n:<>.") else own)[:2_000].strip(" \n:<>")


def _failures(mail: Mail) -> tuple[list[str], list[str]]:
    """(that may pass, for good), as the library finds them. It was written for honest mail: what it stumbles over says
    nothing."""
    try:
        temporary, permanent = all_failures(mail)
    except Exception:
        return [], []
    return _texts(temporary), _texts(permanent)


def _texts(found: object) -> list[str]:
    values = found if isinstance(found, set | frozenset | list | tuple) else ()
    texts = [each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in values]
    return sorted(clean(each).strip()[:320] for each in texts if "@" in each)

"""From the bytes of a mail that came back to what it says.

In this order: a complaint, a report of RFC 3464, a bounce in words, and else an answer of a person. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from webhooks.errors import Unreadable
from webhooks.mail import answers, complaints, dsn, text_bounces
from webhooks.mail.findings import Finding
from webhooks.mail.parts import parse

_READERS = (complaints.read, dsn.read, text_bounces.read)


def read(raw: bytes) -> Sequence[Finding]:
    """At least one finding. Raises ``Unreadable``, and nothing else, for what cannot be taken apart."""
    mail = parse(raw)
    try:
        found = next((told for read_as in _READERS if (told := read_as(mail)) is not None), None)
        return found if found is not None else answers.read(mail)
    except Unreadable:
        raise
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        # The library's own stumbling over a mail that was broken on purpose: the mail is at fault, and kept.
        raise Unreadable(f"the mail cannot be read ({type(error).__name__})") from error

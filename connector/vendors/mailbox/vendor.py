"""A mailbox, as one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.runtime.jobs.job import Job
from connector.vendors.base import JobParts, Vendor
from connector.vendors.mailbox import polling
from integrations.mailbox.factory import KIND
from webhooks.mailbox.source import MailboxSource


def _jobs(parts: JobParts) -> Sequence[Job]:
    if not parts.connections:
        return ()
    tick = polling.poller(parts).tick
    return (Job(name="read mailboxes", run=tick, every=polling.EVERY_SECONDS, jitter=polling.JITTER_SECONDS),)


def _emits(options: Mapping[str, Any]) -> Sequence[str]:
    answers = () if options.get("replies") is False else ("feedback.logged",)
    return ("survey.bounced", "customer.opted_out", *answers)


VENDOR = Vendor(
    kind="mailbox",
    title="the mailbox",
    client=KIND,
    source=MailboxSource(),
    proof_option="url",  # nobody posts: what is in it is fetched
    address_option="url",
    jobs=_jobs,
    emits=_emits,
    guide="docs/mail.md",
    credentials_remedy="Correct user and password in url (docs/mail.md).",
)

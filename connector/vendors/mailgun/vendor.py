"""Mailgun, as one row. It is never called."""

from __future__ import annotations

from collections.abc import Iterator

from connector.config.file import ConnectionConfig
from connector.vendors.base import SECRET, Vendor, secrets_of
from connector.vendors.option_checks import EVERYBODYS
from webhooks.mailgun.source import MailgunSource
from workflows.errors import Mistake


def _mistakes(each: ConnectionConfig) -> Iterator[Mistake]:
    path = f"connections.{each.name}"
    for name in each.options.keys() - {SECRET, *EVERYBODYS}:
        yield Mistake(f"{path}.{name}", "is not known here.", f"It has no settings of its own but {SECRET}.")
    if not secrets_of(each):
        remedy = "Write the HTTP webhook signing key that Mailgun shows under API security."
        yield Mistake(f"{path}.{SECRET}", "is missing.", remedy)


VENDOR = Vendor(
    kind="mailgun",
    title="Mailgun",
    source=MailgunSource(),
    check_options=_mistakes,
    emits=lambda _options: ("survey.bounced", "customer.opted_out"),
    guide="docs/mail.md",
)

"""The settings of a mail server, as they stand in ringback.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from integrations import mailboxes
from integrations.mail.verp import MAX_LOCAL
from integrations.option_fields import Checked, ConnectionOptions, Options, text_field
from integrations.smtp.client import MailServer, parse_sender
from integrations.smtp.dkim import DkimKey
from integrations.smtp.key_files import read_key


def _mailbox(text: str) -> None:
    """A bare address to which "+" and a mark can be added."""
    box = mailboxes.read(text)
    if not box.local.isascii() or box.local.startswith('"'):
        raise ValueError("has quotes or other signs than ASCII before the @; use a plain address")
    if len(box.local) > MAX_LOCAL:
        raise ValueError(f"has more than {MAX_LOCAL} characters before the @, which leaves a mark no room; shorten it")


class _Key(Options):
    domain = Checked(mailboxes.ascii_domain)
    selector = Checked(mailboxes.ascii_domain)
    private_key_file = text_field()


class _Keys(fields.Field[Any]):
    """``dkim: [{domain, selector, private_key_file}, …]``; read, they are keys."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> tuple[DkimKey, ...]:
        if not isinstance(value, list):
            raise ValidationError("is no list; write - {domain: …, selector: …, private_key_file: …} below it")
        keys: dict[str, DkimKey] = {}
        for place, each in enumerate(value):
            key = _named(place, each)
            if key.record_name in keys:
                raise ValidationError({place: {"selector": [f"{key.selector} is there twice; give each key its own"]}})
            keys[key.record_name] = key
        return tuple(keys.values())


def _named(place: int, given: Any) -> DkimKey:
    try:
        told: Mapping[str, str] = _Key().load(given)
        private = read_key(told["private_key_file"])
    except ValidationError as error:
        raise ValidationError({place: error.messages}) from error
    except ValueError as error:
        raise ValidationError({place: {"private_key_file": [str(error)]}}) from error
    domain, selector = (mailboxes.ascii_domain(told[name]) for name in ("domain", "selector"))
    return DkimKey(domain, selector, private)


class SmtpOptions(ConnectionOptions):
    """The whole of them."""

    url = Checked(MailServer.parse)
    sender = Checked(parse_sender)
    bounce_address = Checked(_mailbox, required=False)
    unsubscribe_address = Checked(_mailbox, required=False)
    dkim = _Keys()

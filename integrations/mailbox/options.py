"""The settings of a mailbox, as they stand in ringback.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from marshmallow import fields, validate

from integrations.base_url import is_local
from integrations.mailboxes import ascii_domain
from integrations.option_fields import Checked, ConnectionOptions

_PORTS = {"imap": 143, "imaps": 993}


@dataclass(frozen=True, slots=True)
class MailboxAddress:
    """Where a mailbox is: "imaps://user:password@host[:port]"."""

    host: str
    port: int
    implicit_tls: bool
    user: str
    password: str = field(repr=False)

    @classmethod
    def parse(cls, url: str) -> MailboxAddress:
        """Raises ValueError with the remedy, which repeats nothing of the address."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise ValueError("is no IMAP address; write imaps://user:password@host")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if not user or not password:
            raise ValueError("has no user or no password; write imaps://user:password@host, with @ in them as %40")
        port = parts.port or _PORTS[parts.scheme]
        return cls(_host(parts.hostname), port, parts.scheme == "imaps", user, password)

    @property
    def is_here(self) -> bool:
        """On this machine, so that nobody listens on the way."""
        return is_local(self.host)


def _host(name: str) -> str:
    if ":" in name:
        return name
    try:
        return ascii_domain(name)
    except ValueError:
        raise ValueError("has a host name that is none; write imaps://user:password@host") from None


_NAME = r"[^\x00-\x1f\x7f*%]"
_WRONG = "is no name of a folder; write it as the server shows it"


class MailboxOptions(ConnectionOptions):
    """The whole of them."""

    url = Checked(MailboxAddress.parse)
    folder = fields.String(load_default="INBOX", validate=validate.Regexp(rf"{_NAME}{{1,200}}\Z", error=_WRONG))
    move_to = fields.String(load_default="", validate=validate.Regexp(rf"{_NAME}{{0,200}}\Z", error=_WRONG))
    replies = fields.Boolean(load_default=True)

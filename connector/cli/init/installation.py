"""What somebody wants, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Account:
    """A vendor's account. Credentials that are not known yet are empty."""

    base_url: str
    client_id: str = ""
    client_secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """``mail_url`` may hold a password. ``organization_id`` is Salesforce's, empty while it is not known."""

    title: str
    sender: str
    team: str  # e-mail address of who calls unhappy customers back
    mail_url: str = field(repr=False)
    zendesk: Account | None = None
    salesforce: Account | None = None
    organization_id: str = ""
    lead: str = ""  # e-mail address of who hears of a second bad answer; the team's, if empty
    country: str = "NL"
    time_zone: str = "Europe/Amsterdam"
    base_url: str = "http://127.0.0.1:8000"
    hurried: bool = False  # for trying it: answers count at once

    @property
    def connected(self) -> frozenset[str]:
        """The names of the connections that workflows may write."""
        named = {"zendesk": self.zendesk, "salesforce": self.salesforce}
        return frozenset(name for name, account in named.items() if account)

"""How people sign in to the pages: ``sign_in:`` of ringback.yaml. Everything may be left out.

    sign_in:
      second_factor: [admin, editor]       # roles that need a code beside the password; [] for none
      idle: 30 minutes
      longest: 12 hours
      password: true                       # false: by the provider alone, but for ``emergency``
      emergency: admin@acme.example        # the one admin whose password works all the same
      oidc:
        title: Acme
        issuer: https://login.acme.example
        client_id: ringback
        client_secret: "${OIDC_SECRET}"
        groups: groups                     # the claim that holds them
        roles: {ringback-admins: admin, care: agent}
        teams: {care: care-team}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

ROLE_NAMES = ("admin", "editor", "lead", "agent", "marketing", "viewer")
"""The roles of ``access.rights``, which stands above."""

LONGEST_BY_PROVIDER = timedelta(hours=12)
"""A session whose rights were read at a provider lasts no longer: they may have changed there."""


@dataclass(frozen=True, slots=True)
class OidcConfig:
    """One OpenID Connect provider. ``roles`` and ``teams``: by the name of a group there."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    title: str = ""
    groups: str = "groups"
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    roles: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignInRules:
    """How people sign in. ``idle`` and ``longest``: how long a session lasts without and with use."""

    second_factor: frozenset[str] = frozenset({"admin", "editor"})
    idle: timedelta = timedelta(minutes=30)
    longest: timedelta = timedelta(hours=12)
    password: bool = True
    emergency: str = ""
    oidc: OidcConfig | None = None

    def takes_password(self, email: str) -> bool:
        """Whether this person's password opens the door."""
        return self.password or (bool(self.emergency) and email == self.emergency)

"""Who may do what: one table of roles, and one question that pages and API ask alike.

A role is a set of scopes, the same that tokens of the API have. A *reach* says whose rows somebody sees; personal
data is a scope of its own, so that it can be taken from one person without another role.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

HOME = "home:read"
"""What everybody may who is signed in."""

PERSONAL = "personal:read"
"""To see names, addresses, numbers and words of customers; without it they are masked."""

AGENT = "agent"
"""What an agent does beside a ticket; it shows the customer of that ticket."""

TOKEN_SCOPES = (
    "runs:read",
    "runs:write",
    "deliveries:read",
    "deliveries:write",
    "connections:read",
    "connections:write",
    "customers:read",
    "customers:write",
    "reviews:read",
    "reviews:write",
    "responses:read",
    "responses:write",
    "workflows:read",
    "workflows:write",
    "surveys:read",
    "surveys:write",
    AGENT,
    PERSONAL,
)
"""What a token may be allowed to do: that for which the API has operations, and to see personal data."""

PAGE_SCOPES = (
    HOME,
    "callbacks:read",
    "callbacks:write",
    "webhooks:read",
    "webhooks:write",
    "system:read",
    "system:write",
    "users:read",
    "users:write",
    "tokens:read",
    "tokens:write",
    "audit:read",
)
"""What only people are allowed to do, on the pages."""

SCOPES = TOKEN_SCOPES + PAGE_SCOPES
"""Every scope there is."""


def _of(*names: str) -> frozenset[str]:
    """``runs`` stands for both of its scopes; ``runs:read`` for itself."""
    found = {scope for name in names for scope in SCOPES if scope == name or scope.startswith(f"{name}:")}
    return frozenset({HOME, *found})


ROLES: dict[str, frozenset[str]] = {
    "admin": frozenset(SCOPES),
    "editor": _of("runs", "deliveries", "connections:read", "webhooks:read", "reviews", "responses", "workflows",
                  "surveys", PERSONAL),
    "lead": _of("runs", "connections:read", "customers", "reviews", "responses", "callbacks", "workflows:read",
                "surveys:read", AGENT, PERSONAL),
    "agent": _of("customers", "callbacks", AGENT, PERSONAL),
    "marketing": _of("customers", "responses:read", "workflows:read", "surveys", PERSONAL),
    "viewer": _of("workflows:read", "surveys:read", "responses:read"),
}  # fmt: skip
"""By role, what it may do. The order is that of the forms."""

ALWAYS_EVERYTHING = "admin"
"""The role whose reach nothing cuts."""


class Holder(Protocol):
    """Whoever has scopes: somebody signed in, or a token of the API."""

    @property
    def scopes(self) -> Collection[str]: ...


def may(holder: Holder, scope: str) -> bool:
    """Whether this is allowed. A scope that nobody knows is a mistake of ours: raises ValueError."""
    if scope not in SCOPES:
        raise ValueError(f"there is no scope {scope!r}")
    return scope in holder.scopes


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose rows somebody sees, by names of teams and brands; None is all of them."""

    teams: frozenset[str] | None = None
    brands: frozenset[str] | None = None

    def has_team(self, team: str) -> bool:
        """Whether a row of this team is within reach. A row of no team ("") belongs to whoever sees all."""
        return self.teams is None or team in self.teams

    def has_brand(self, brand: str) -> bool:
        """The same of a brand; what carries no brand ("") is everybody's."""
        return self.brands is None or not brand or brand in self.brands


EVERYTHING = Reach()


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Somebody who is signed in, as the pages know them. ``language`` is a tag ("nl"), empty: the browser's."""

    user_id: str
    name: str
    email: str
    role: str
    scopes: frozenset[str]
    reach: Reach = EVERYTHING
    language: str = ""

    @property
    def sees_personal_data(self) -> bool:
        return PERSONAL in self.scopes


def viewer(
    user_id: str,
    name: str,
    email: str,
    role: str,
    *,
    teams: Iterable[str] | None = None,
    brands: Iterable[str] | None = None,
    language: str = "",
    personal: bool = True,
) -> Viewer:
    """Somebody of this role. ``personal`` False masks what the role would show; ``teams`` and ``brands`` cut the
    rows of all but admins. A role that is no more (a row of an older program) may nothing."""
    scopes = ROLES.get(role, frozenset())
    reach = EVERYTHING if role == ALWAYS_EVERYTHING else Reach(_names(teams), _names(brands))
    return Viewer(
        user_id=user_id,
        name=name,
        email=email,
        role=role,
        scopes=scopes if personal else scopes - {PERSONAL},
        reach=reach,
        language=language,
    )


def _names(names: Iterable[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)

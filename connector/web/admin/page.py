"""What a page of the admin is: one row, from which its route is made. A row says what it takes to see it.

Each module of pages ends with its ``PAGES``; ``gate`` lets in whoever is signed in and may, and hands the view a visit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask.typing import ResponseReturnValue

from connector.access.rights import Viewer
from connector.services import Services


@dataclass(frozen=True, slots=True)
class AdminVisit:
    """A request that was let in. ``path`` are the names in the address; ``form_token`` is what every form carries, in
    its field ``form_token``."""

    services: Services
    viewer: Viewer
    path: Mapping[str, str]
    form_token: str


View = Callable[[AdminVisit], ResponseReturnValue]


@dataclass(frozen=True, slots=True)
class Page:
    """One method of one path below ``/admin``. ``right`` is a scope of ``access.rights``; ``recent``: the sign-in must
    be younger than ten minutes, as for users, tokens and secrets."""

    method: str
    rule: str  # "/runs/<run_id>"
    name: str  # the endpoint: "admin.<name>"
    right: str
    view: View
    recent: bool = False

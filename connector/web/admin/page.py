"""What a page of the admin is: one row, from which its route is made. A row says what it takes to see it.

Each module of pages ends with its ``PAGES``; ``gate`` lets in whoever is signed in, and hands the view a visit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from flask.typing import ResponseReturnValue
from marshmallow import Schema
from werkzeug import Response as AnyResponse

from connector.access import masking, rights
from connector.access.rights import Viewer
from connector.runtime.operations.errors import RefusedError
from connector.services import Services
from connector.web.admin.words import Speech, later, speech

_Value = TypeVar("_Value")

GROUPS: Mapping[str, str] = {
    "now": "",
    "running": later("What runs"),
    "people": later("People"),
    "making": later("What follows"),
    "house": later("House"),
}
"""The groups of the navigation, in order, and their headings."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who asks, as the session of this request says; ``form_token`` is that session's own."""

    viewer: Viewer
    form_token: str


Gate = Callable[["Page"], SignedIn | AnyResponse]
"""Who asks for a page; or what they get to see instead, such as the way to the sign-in. Rights and form tokens are the
frame's business (``blueprint``)."""


@dataclass(frozen=True, slots=True)
class AdminVisit:
    """A request that was let in. ``path`` are the names in the address, ``given`` is the checked query or form;
    ``form_token`` is what every form carries, in its field ``form_token``.

    ``typed`` is the form as it came, ``faults`` are its mistakes by field, and ``refused`` is what could not be done:
    with these a view shows again where the person was. ``form`` is the name of the row they tried.
    """

    services: Services
    viewer: Viewer
    path: Mapping[str, str]
    form_token: str
    name: str = ""  # of the row
    say: Speech = field(default_factory=lambda: speech("en"))
    theme: str = "auto"
    given: Mapping[str, Any] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    refused: RefusedError | None = None
    form: str = ""

    @property
    def now(self) -> datetime:
        return self.services.clock()

    @property
    def by(self) -> str:
        """Who did it, as it stands in histories."""
        return self.viewer.name

    def may(self, right: str) -> bool:
        return rights.may(self.viewer, right)

    def shown(self, value: _Value) -> _Value | Any:
        """Something personal, as this viewer may see it."""
        return masking.shown(self.viewer, value)

    def again(self, **what: Any) -> AdminVisit:
        return replace(self, **what)


View = Callable[[AdminVisit], ResponseReturnValue]


@dataclass(frozen=True, slots=True)
class Page:
    """One method of one path below ``/admin``. ``right`` is a scope of ``access.rights``; ``recent``: the sign-in must
    be younger than ten minutes, as for users, tokens and secrets. With a ``group`` it stands in the navigation under
    its ``title``.

    ``takes`` checks the query of a GET and the form of a POST. ``back`` shows again where a form stands, when what was
    sent in it is wrong (422) or cannot be done (409). ``audited``: the view writes its own row of the audit log; else
    the frame tells what was done, and by whom.
    """

    method: str
    rule: str  # "/runs/<run_id>"
    name: str  # the endpoint: "admin.<name>"
    right: str
    view: View
    recent: bool = False
    title: str = ""
    group: str = ""
    icon: str = ""
    takes: Schema | None = None
    back: View | None = None
    audited: bool = False

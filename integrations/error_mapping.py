"""From a refusal to an error class: what a status, a vendor's code or a broken connection means. Pure.

Reasons are built from the status, the vendor's code, field names and the path without its ids; never from
messages, query strings or bodies, because those quote what people wrote and who they are. What a vendor says in its own
words is kept apart from the reason, for who is to mend it.
"""

from __future__ import annotations

import math
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests import exceptions as lost
from urllib3.exceptions import NewConnectionError

from integrations.errors import Ambiguous, AuthFailed, IntegrationError, Permanent, RateLimited, Transient
from integrations.limits import ACCOUNT
from integrations.transport.bounded_http import TooMuch

MOST_WORDS = 300
"""Characters of a vendor's own sentence that are kept."""

_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_ID = re.compile(r"\d+|[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOCKED = frozenset({408, 409, 423})  # a conflict with someone else's write, which passes
_NEVER_WROTE = (lost.InvalidURL, lost.InvalidHeader, lost.MissingSchema, lost.InvalidSchema, lost.InvalidJSONError)


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of one of the vendor's limits was left when it last answered. ``resets_in`` is in seconds."""

    name: str
    total: int
    remaining: int
    resets_in: float | None = None


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a vendor's error body says: its own code, and the names of the fields it is about.

    ``cause`` is the vendor's code of a cause inside, which outranks ``code``; ``remedy`` is ours. Neither may hold
    anything of a message. ``words`` are the vendor's sentences about settings, never about people. ``moved``: said of
    one record of many, that it was deleted or merged since we saw it.
    """

    code: str = ""
    fields: tuple[str, ...] = ()
    cause: str = ""
    remedy: str = ""
    moved: bool = False
    words: str = ""


def no_limits(headers: Mapping[str, str]) -> tuple[Limit, ...]:
    """For vendors that tell nothing about their limits."""
    return ()


def oauth_complaint(body: Any) -> Complaint:
    """The error body of RFC 6749, section 5.2."""
    return Complaint(str(body.get("error", "")) if isinstance(body, Mapping) else "")


def unauthorized(response: requests.Response) -> bool:
    """The answer to a token that is no longer good, at nearly all vendors."""
    return response.status_code == 401


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one vendor refuses. ``kinds`` maps its codes to the classes that outrank what the status says.

    ``rolls_back``: an internal server error (500) leaves nothing behind, so a write may simply be repeated.
    ``stale``: the answer means that our token is no longer good, and nothing was done.
    """

    vendor: str
    complaint: Callable[[Any], Complaint] = oauth_complaint
    kinds: Mapping[str, type[IntegrationError]] = field(default_factory=dict)
    limits: Callable[[Mapping[str, str]], tuple[Limit, ...]] = no_limits
    rolls_back: bool = False
    stale: Callable[[requests.Response], bool] = unauthorized


def classify(outcome: requests.Response | Exception, method: str, url: str, dialect: Dialect) -> IntegrationError:
    """The error for an answer that is none, or for the exception that came in its place."""
    what = f"{method.upper()} {_place(url)}"
    writes = method.upper() not in _READS
    if isinstance(outcome, Exception):
        return _from_exception(outcome, what, writes, dialect.vendor)
    return _from_response(outcome, what, writes, dialect)


def unreadable(response: requests.Response, method: str, url: str, dialect: Dialect) -> IntegrationError:
    """The error for a success whose body is no JSON: some proxy answered, so nobody knows what happened."""
    kind = Transient if method.upper() in _READS else Ambiguous
    reason = f"{dialect.vendor} answered {response.status_code} to {method.upper()} {_place(url)} without JSON"
    return kind(reason, code="unreadable", status=response.status_code)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by the ``Retry-After`` header (RFC 9110, 10.2.3); None when absent or nonsense.

    Zendesk has been seen to send fractions. A date counts from the answer's own ``Date``, not from our clock.
    """
    text = headers.get("Retry-After", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        return _until(text, headers.get("Date", ""))
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _until(text: str, date: str) -> float | None:
    try:
        then, sent = _aware(parsedate_to_datetime(text)), _aware(parsedate_to_datetime(date))
    except (ValueError, RecursionError):
        return None
    return max(0.0, (then - sent).total_seconds())


def _aware(moment: datetime) -> datetime:
    """``-0000`` and a missing zone parse as naive; HTTP knows GMT only."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def word(text: Any) -> str:
    """``text`` if it is a plain code or field name, else nothing: free text may hold personal data."""
    return text if isinstance(text, str) and _WORD.fullmatch(text) else ""


def _place(url: str) -> str:
    """The path with ids blanked, without the query."""
    return "/".join("{id}" if _ID.fullmatch(part) else part for part in urlsplit(url).path.split("/"))


def _from_exception(error: Exception, what: str, writes: bool, vendor: str) -> IntegrationError:
    if isinstance(error, _NEVER_WROTE):
        return Permanent(f"{what} cannot be sent to {vendor}: {type(error).__name__}", code="unsendable")
    if isinstance(error, TooMuch):
        kind = Ambiguous if writes else Transient
        return kind(f"{vendor} answered {what} with more than we take", code="too_large")
    if never_arrived(error):
        return Transient(f"no connection to {vendor} for {what}: {type(error).__name__}", code="no_connection")
    kind = Ambiguous if writes else Transient
    return kind(f"the connection to {vendor} was lost during {what}: {type(error).__name__}", code="lost")


def never_arrived(error: Exception) -> bool:
    """Whether the failure came before the request was on its way."""
    if isinstance(error, (lost.ConnectTimeout, lost.ProxyError)):
        return True
    inner = error.args[0] if error.args else None
    cause = getattr(inner, "reason", inner)
    if isinstance(cause, NewConnectionError):  # refused, unreachable, or no such host
        return True
    return any(isinstance(part, ssl.SSLCertVerificationError) for part in getattr(cause, "args", ()))


def _from_response(response: requests.Response, what: str, writes: bool, dialect: Dialect) -> IntegrationError:
    found = dialect.complaint(_json(response))
    code, fields = word(found.code), tuple(filter(None, map(word, found.fields)))
    status, wait = response.status_code, retry_after(response.headers)
    inside = f"({found.cause})" if found.cause else ""
    reason = " ".join(filter(None, [dialect.vendor, "answered", str(status), code, inside, "to", what]))
    reason += f" (fields: {', '.join(fields)})" if fields else ""
    reason += f"; {found.remedy}" if found.remedy else ""
    kind = AuthFailed if dialect.stale(response) else dialect.kinds.get(found.cause) or dialect.kinds.get(code)
    kind = kind or _kind(status, wait, writes, dialect)
    if kind is RateLimited:
        limited = RateLimited(reason, retry_after=wait, code=code, status=status)
        left = {limit.name: limit.remaining for limit in dialect.limits(response.headers)}
        limited.of_kind = left.get(ACCOUNT, 0) > 0
        return limited
    error = kind(reason, code=code, status=status)
    error.fields, error.words = fields, _bounded(found.words)
    return error


def _bounded(words: str) -> str:
    """A sentence on one line, not longer than people read."""
    return " ".join(words.split())[:MOST_WORDS]


def _kind(status: int, wait: float | None, writes: bool, dialect: Dialect) -> type[IntegrationError]:
    if status == 429 or (status == 503 and wait is not None):
        return RateLimited  # a 503 that names its end is maintenance: waiting costs no attempt
    if status in _LOCKED or status == 503:
        return Transient  # 503 is said at the door, before any work was begun
    if status == 500 and dialect.rolls_back:
        return Transient
    if status >= 500:
        # A gateway (502, 504, 52x) has handed the request on, and a 500 may come after the record was
        # saved: a write may have happened.
        return Ambiguous if writes else Transient
    return Permanent


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None

"""Checks of the connections: whether each vendor is reached and takes our credentials. Nothing is written."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from connector.clock import Clock
from connector.config.file import ConnectionConfig
from connector.feedback.base.actions import NotPossibleError
from connector.observe.findings import Finding, broken, ok, warning
from connector.observe.stored import TOLERANCE, compare
from connector.vendors.clients import Connections
from integrations.base_url import is_local
from integrations.errors import AuthFailed, IntegrationError, OptionsError, RateLimited
from integrations.protocols import Usage
from integrations.tokens import ZENDESK_API_TOKENS_END

SECONDS = 10.0
"""How long a vendor may take to answer before the doctor gives up on it."""

_DATE_PRECISION = 1.0  # seconds; the header has no fractions

_GUIDES = {"zendesk": "docs/connect-zendesk.md", "salesforce": "docs/connect-salesforce.md"}
_CREDENTIALS = {
    "zendesk": "Compare auth with the OAuth client in the Admin Center (docs/connect-zendesk.md, part 1).",
    "salesforce": "Compare auth with the External Client App (docs/connect-salesforce.md, part 2).",
    "smtp": "Correct user and password in url.",
}
_UNSEEN = (
    "Run `ringback provision salesforce CONNECTION`, or give our user a permission set that names these fields "
    "(docs/connect-salesforce.md, part 4)."
)
_NAMED = 5  # fields in a line
_SECRET_OF = {"zendesk": "webhook_secret", "salesforce": "webhook_token"}


@dataclass(frozen=True, slots=True)
class Visit:
    """One connection's check: what to say, and the call that finds it out."""

    name: str
    kind: str
    call: Callable[[], object]


def check_connections(
    connections: Connections, configured: Sequence[ConnectionConfig], seconds: float = SECONDS
) -> list[Finding]:
    """Ask every vendor who we are (a mail server: log in), all at once; → a finding each, in their order."""
    visits = [visit for each in configured if (visit := _visit(connections, each))]
    answers = _all_at_once(visits, seconds)
    return [_verdict(visit, answers.get(visit.name), seconds) for visit in visits]


def _visit(connections: Connections, each: ConnectionConfig) -> Visit | None:
    """None for a connection that only receives."""
    if each.kind in _GUIDES:
        return Visit(each.name, each.kind, lambda: _greeting(connections, each))
    if each.kind == "smtp":
        return Visit(each.name, each.kind, lambda: connections.messenger(each.name)[1].greet())
    return None


@dataclass(frozen=True, slots=True)
class Reached:
    """A CRM that took our credentials: how many of the day's calls are used, and the fields that our user cannot
    write."""

    usage: Usage
    hidden: Sequence[str]


def _greeting(connections: Connections, each: ConnectionConfig) -> Reached | str:
    """Who we are there; and in a CRM, what else is worth knowing."""
    me = connections.me(each.name)
    if each.kind != "salesforce":
        return me
    crm = connections.crm(each.name)
    return Reached(crm.usage(), crm.hidden())


def _all_at_once(visits: Sequence[Visit], seconds: float) -> Mapping[str, object]:
    """Name → what the call returned or raised; one that lasts too long is missing, and ends with us."""
    answers: queue.SimpleQueue[tuple[str, object]] = queue.SimpleQueue()
    threads = [threading.Thread(target=_pay, args=(visit, answers), daemon=True) for visit in visits]
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return dict(_arrived(answers))


def _pay(visit: Visit, answers: queue.SimpleQueue[tuple[str, object]]) -> None:
    try:
        answers.put((visit.name, visit.call() or visit.name))
    except Exception as error:  # told apart by _verdict, in the caller's thread
        answers.put((visit.name, error))


def _arrived(answers: queue.SimpleQueue[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    while not answers.empty():
        yield answers.get()


def _verdict(visit: Visit, answer: object, seconds: float) -> Finding:
    check = f"connection {visit.name}"
    if answer is None:
        return broken(check, f"no answer within {seconds:g} s.", _reach(visit.kind))
    if isinstance(answer, AuthFailed):
        return broken(check, f"our credentials are refused: {answer.reason}.", _CREDENTIALS[visit.kind])
    if isinstance(answer, RateLimited):
        return warning(
            check, f"reached, but it limits us now: {answer.reason}.", "Wait, or lower requests_per_minute."
        )
    if isinstance(answer, IntegrationError):
        return broken(check, f"{answer.reason}.", _reach(visit.kind))
    if isinstance(answer, OptionsError | NotPossibleError):
        return broken(check, "its settings cannot be used.", "Mend what the configuration's lines say.")
    if isinstance(answer, Exception):
        return broken(check, f"the check failed ({type(answer).__name__}).", _reach(visit.kind))
    taken = f"{visit.kind}: reached, and our credentials are taken"
    if not isinstance(answer, Reached):
        return ok(check, taken)
    if answer.hidden:
        return warning(check, f"{taken}, but our user cannot write {_some(answer.hidden)}.", _UNSEEN)
    return ok(check, f"{taken}; {answer.usage.used:,} of {answer.usage.total:,} daily calls are used")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _reach(kind: str) -> str:
    setting = "url" if kind == "smtp" else "base_url"
    guide = f" and {_GUIDES[kind]}" if kind in _GUIDES else ""
    return f"Compare {setting}{guide}, and look at the network from this machine."


def check_way_in(configured: Sequence[ConnectionConfig], kept: Collection[str] = ()) -> list[Finding]:
    """Connections whose webhooks would all be refused, because nothing tells them from forgeries. ``kept``: those whose
    secret provisioning fetched."""
    return [
        warning(
            f"connection {each.name}",
            f"{_SECRET_OF[each.kind]} is missing, so every webhook from there is refused.",
            f"Run `ringback provision {each.kind} {each.name}`, or set it as {_GUIDES[each.kind]} says.",
        )
        for each in configured
        if each.kind in _SECRET_OF and not each.options.get(_SECRET_OF[each.kind]) and each.name not in kept
    ]  # fmt: skip


def check_api_tokens(configured: Sequence[ConnectionConfig], today: date) -> list[Finding]:
    """Zendesk's API tokens, and for how long they still work."""
    return [_api_token(each.name, today) for each in configured if uses_api_token(each)]


def uses_api_token(each: ConnectionConfig) -> bool:
    """Whether it logs in by Zendesk's older way."""
    auth = each.options.get("auth")
    return each.kind == "zendesk" and isinstance(auth, Mapping) and auth.get("type") == "api_token"


def needs_agreement(each: ConnectionConfig) -> bool:
    """Whether a person must have agreed to it."""
    auth = each.options.get("auth")
    return isinstance(auth, Mapping) and auth.get("grant") == "authorization_code"


def _api_token(name: str, today: date) -> Finding:
    check, left = f"connection {name}", (ZENDESK_API_TOKENS_END - today).days
    remedy = "Make an OAuth client and use auth: {type: oauth, …} (docs/connect-zendesk.md, part 1)."
    if left < 0:
        return broken(check, f"Zendesk ended all API tokens on {ZENDESK_API_TOKENS_END}.", remedy)
    return warning(check, f"its API token ends on {ZENDESK_API_TOKENS_END}, in {left} days.", remedy)


def check_address(base_url: str) -> Finding:
    """Whether vendors and customers can reach us, and unseen by others."""
    parts = urlsplit(base_url)
    if is_local(parts.hostname or ""):
        said = f"{base_url} is this machine alone: no vendor and no customer can reach it."
        return warning("address", said, "Set RINGBACK_BASE_URL to the public https address.")
    if parts.scheme != "https":
        said = f"{base_url} is not encrypted: survey links and webhooks can be read on the way."
        return warning("address", said, "Put a TLS proxy in front and set RINGBACK_BASE_URL to https://….")
    return ok("address", base_url)


def check_vendor_clocks(configured: Sequence[ConnectionConfig], clock: Clock) -> list[Finding]:
    """The Date header of each vendor beside our clock: signatures and tokens soon grow stale."""
    return [_vendor_clock(each, clock) for each in configured if each.kind in _GUIDES]


def _vendor_clock(each: ConnectionConfig, clock: Clock) -> Finding:
    check = f"clock of {each.name}"
    try:
        before = clock()
        sent = _date(str(each.options.get("base_url")))
        ours = before + (clock() - before) / 2
    except (requests.RequestException, ValueError, TypeError) as error:
        return warning(check, f"it does not tell the time ({type(error).__name__}).", _reach(each.kind))
    return compare(check, each.name, (sent - ours).total_seconds(), TOLERANCE + _DATE_PRECISION)


def _date(url: str) -> Any:
    """What the server says it is now; without credentials, and following nobody."""
    with requests.Session() as session:
        session.trust_env = False
        return parsedate_to_datetime(
            session.head(url, timeout=SECONDS, allow_redirects=False).headers.get("Date", "")
        )

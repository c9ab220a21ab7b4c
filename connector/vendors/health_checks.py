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
from connector.vendors.base import Vendor, Vendors
from connector.vendors.clients import Connections
from connector.vendors.registry import VENDORS
from integrations.base_url import is_local
from integrations.errors import AuthFailed, IntegrationError, OptionsError, RateLimited
from integrations.protocols import Usage
from integrations.roles import Role
from integrations.transport.bounded_http import plain_session

SECONDS = 10.0
"""How long a vendor may take to answer before the doctor gives up on it."""

_DATE_PRECISION = 1.0  # seconds; the header has no fractions

_NAMED = 5  # fields in a line


@dataclass(frozen=True, slots=True)
class Visit:
    """One connection's check: what to say, and the call that finds it out."""

    name: str
    vendor: Vendor
    call: Callable[[], object]
    account: str = ""  # the id of the account that is meant, as the settings have it


def check_connections(
    connections: Connections, configured: Sequence[ConnectionConfig], seconds: float = SECONDS
) -> list[Finding]:
    """Ask every vendor who we are (a mail server: log in), all at once; → a finding each, in their order."""
    visits = [visit for each in configured if (visit := _visit(connections, each))]
    answers = _all_at_once(visits, seconds)
    return [_verdict(visit, answers.get(visit.name), seconds) for visit in visits]


def _visit(connections: Connections, configured: ConnectionConfig) -> Visit | None:
    """None for a connection that only receives."""
    name, vendor = configured.name, connections.vendor(configured.name)
    if Role.MAILBOX in vendor.roles:
        return Visit(name, vendor, lambda: connections.mailbox(name).greet())
    if Role.MESSENGER in vendor.roles:
        return Visit(name, vendor, lambda: connections.messenger(name)[1].greet())
    meant = str(configured.options.get(vendor.account_option) or "")
    return Visit(name, vendor, lambda: _greeting(connections, name), meant) if vendor.client is not None else None


@dataclass(frozen=True, slots=True)
class Reached:
    """A CRM that took our credentials: how many of the day's calls are used, the fields that our user cannot write, and
    whose it is."""

    usage: Usage
    hidden: Sequence[str]
    account: str = ""


def _greeting(connections: Connections, name: str) -> Reached | str:
    """Who we are there; and in a CRM, what else is worth knowing."""
    me = connections.whom(name)
    if not connections.has(name, Role.CRM):
        return me.id
    crm = connections.crm(name)
    return Reached(crm.usage(), crm.hidden(), me.account)


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
        return broken(check, f"no answer within {seconds:g} s.", _reach(visit.vendor))
    if isinstance(answer, AuthFailed):
        return broken(check, f"our credentials are refused: {answer.reason}.", visit.vendor.credentials_remedy)
    if isinstance(answer, RateLimited):
        return warning(
            check, f"reached, but it limits us now: {answer.reason}.", "Wait, or lower requests_per_minute."
        )
    if isinstance(answer, IntegrationError):
        return broken(check, f"{answer.reason}.", _reach(visit.vendor))
    if isinstance(answer, OptionsError | NotPossibleError):
        return broken(check, "its settings cannot be used.", "Mend what the configuration's lines say.")
    if isinstance(answer, Exception):
        return broken(check, f"the check failed ({type(answer).__name__}).", _reach(visit.vendor))
    taken = f"{visit.vendor.kind}: reached, and our credentials are taken"
    if not isinstance(answer, Reached):
        return ok(check, taken)
    if other := _other_account(visit, answer.account):
        return broken(check, f"{taken}, but {other}", f"Correct {visit.vendor.account_option}, or base_url.")
    if answer.hidden:
        return warning(check, f"{taken}, but our user cannot write {_some(answer.hidden)}.", visit.vendor.hidden_remedy)
    return ok(check, f"{taken}; {answer.usage.used:,} of {answer.usage.total:,} daily calls are used")


def _other_account(visit: Visit, found: str) -> str:
    """What to say where another account answers than the settings name; "" where it is that, or nobody knows."""
    same = visit.vendor.id_form.canonical
    if not found or not visit.account or same(found) == same(visit.account):
        return ""
    named = f"{visit.vendor.account_option} names {visit.account}"
    return f"{named}, and this is {found}: every webhook of it is refused."


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _reach(vendor: Vendor) -> str:
    guide = f" and {vendor.guide}" if vendor.guide else ""
    return f"Compare {vendor.address_option}{guide}, and look at the network from this machine."


def check_way_in(
    configured: Sequence[ConnectionConfig], kept: Collection[str] = (), vendors: Vendors = VENDORS
) -> list[Finding]:
    """Connections whose webhooks would all be refused, because nothing tells them from forgeries. ``kept``: those whose
    secret provisioning fetched."""
    rows = [(each, vendors[each.kind]) for each in configured if each.kind in vendors and each.name not in kept]
    return [_no_proof(each.name, vendor) for each, vendor in rows if _lacks_proof(each, vendor)]


def _lacks_proof(each: ConnectionConfig, vendor: Vendor) -> bool:
    """Of a kind that only sends, the configuration's own check has told it already."""
    tells = vendor.source is not None and vendor.client is not None
    return tells and not each.options.get(vendor.proof_option)


def _no_proof(name: str, vendor: Vendor) -> Finding:
    guide = f" as {vendor.guide} says" if vendor.guide else ""
    return warning(
        f"connection {name}",
        f"{vendor.proof_option} is missing, so every webhook from there is refused.",
        f"{vendor.proof_remedy.format(connection=name)}{guide}.",
    )


def check_settings(
    configured: Sequence[ConnectionConfig], today: date, vendors: Vendors = VENDORS
) -> list[Finding]:
    """What vendors have to say of settings that work today."""
    rows = [(each, vendors[each.kind]) for each in configured if each.kind in vendors]
    return [finding for each, vendor in rows for finding in vendor.findings(each, today)]


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


def check_vendor_clocks(
    configured: Sequence[ConnectionConfig], clock: Clock, vendors: Vendors = VENDORS
) -> list[Finding]:
    """The Date header of each vendor beside our clock: signatures and tokens soon grow stale."""
    rows = [(each, vendors[each.kind]) for each in configured if each.kind in vendors]
    return [_vendor_clock(each, vendor, clock) for each, vendor in rows if vendor.client and "base_url" in each.options]


def _vendor_clock(each: ConnectionConfig, vendor: Vendor, clock: Clock) -> Finding:
    check = f"clock of {each.name}"
    try:
        before = clock()
        sent = told_time(str(each.options.get("base_url")))
        half = (clock() - before) / 2
    except (requests.RequestException, ValueError, TypeError) as error:
        return warning(check, f"it does not tell the time ({type(error).__name__}).", _reach(vendor))
    tolerance = TOLERANCE + _DATE_PRECISION + half.total_seconds()
    return compare(check, each.name, (sent - before - half).total_seconds(), tolerance)


def told_time(url: str) -> Any:
    """What the server says it is now; without credentials, and following nobody."""
    with plain_session() as session:
        return parsedate_to_datetime(
            session.head(url, timeout=SECONDS, allow_redirects=False).headers.get("Date", "")
        )

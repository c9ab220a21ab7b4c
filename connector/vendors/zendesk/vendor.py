"""Zendesk, as one row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from connector.config.file import ConnectionConfig
from connector.observe.findings import Finding, broken, warning
from connector.runtime.jobs.job import Job
from connector.vendors.base import OF_CALLBACKS, JobParts, Vendor
from connector.vendors.zendesk.reconcile import run as reconcile
from integrations.zendesk.auth import API_TOKENS_END
from integrations.zendesk.factory import KIND
from webhooks.zendesk.source import ZendeskSource
from webhooks.zendesk.triggers import TYPES
from webhooks.zendesk.users import BACK, DELETED, MERGED

_OF_USERS = (MERGED, DELETED, BACK)
_GUIDE = "docs/connect-zendesk.md"


def _jobs(parts: JobParts) -> Sequence[Job]:
    ticks = reconcile.reconciler(parts).tick
    return (Job(name="reconcile zendesk", run=ticks, every=reconcile.EVERY_SECONDS, jitter=reconcile.JITTER_SECONDS),)


def uses_api_token(each: ConnectionConfig) -> bool:
    """Whether it logs in by Zendesk's older way."""
    auth = each.options.get("auth")
    return isinstance(auth, Mapping) and auth.get("type") == "api_token"


def api_token_findings(each: ConnectionConfig, today: date) -> Iterator[Finding]:
    """Zendesk's API tokens, and for how long they still work."""
    if not uses_api_token(each):
        return
    check, left = f"connection {each.name}", (API_TOKENS_END - today).days
    remedy = f"Make an OAuth client and use auth: {{type: oauth, …}} ({_GUIDE}, part 1)."
    if left < 0:
        yield broken(check, f"Zendesk ended all API tokens on {API_TOKENS_END}.", remedy)
    else:
        yield warning(check, f"its API token ends on {API_TOKENS_END}, in {left} days.", remedy)


VENDOR = Vendor(
    kind="zendesk",
    title="Zendesk",
    client=KIND,
    source=ZendeskSource(),
    proof_remedy="Run `ringback provision zendesk {connection}`, or set it",
    identity_field="zendesk_user_id",
    jobs=_jobs,
    emits=lambda _options: (*TYPES, *_OF_USERS, *OF_CALLBACKS),
    guide=_GUIDE,
    credentials_remedy=f"Compare auth with the OAuth client in the Admin Center ({_GUIDE}, part 1).",
    findings=api_token_findings,
)

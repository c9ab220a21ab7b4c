"""Salesforce, as one row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.config.file import ConnectionConfig
from connector.feedback.customers.record_ids import IdForm
from connector.runtime.jobs.job import Job
from connector.vendors.base import OF_CALLBACKS, JobParts, Vendor
from connector.vendors.salesforce import case_reopenings, change_polling
from integrations.salesforce.factory import KIND
from integrations.salesforce.record_ids import canonical, fault, forms
from webhooks.salesforce import cases, rules
from webhooks.salesforce.records import consent_of
from webhooks.salesforce.source import SalesforceSource
from workflows.errors import Mistake

_GUIDE = "docs/connect-salesforce.md"
_MOST_MINUTES = 1440


def _jobs(parts: JobParts) -> Sequence[Job]:
    tick, seconds = change_polling.poller(parts).tick, change_polling.EVERY_SECONDS
    return (Job(name="poll salesforce for changes", run=tick, every=seconds, jitter=change_polling.JITTER_SECONDS),)


def _mistakes(each: ConnectionConfig) -> Iterator[Mistake]:
    path = f"connections.{each.name}"
    yield from (Mistake(f"{path}.gaps", *said) for said in _mistakes_in_gaps(each.options.get("gaps", {})))
    if each.options.get("events") is not None:
        for said in rules.mistakes(each.options["events"]):
            what, _, remedy = said.partition("; ")
            yield Mistake(f"{path}.events", f"{what}.", f"{remedy[:1].upper()}{remedy[1:]}.")


def _mistakes_in_gaps(gaps: Any) -> Iterator[tuple[str, str]]:
    """``gaps: {every_minutes: 15, objects: [Contact, Case]}``, or false."""
    if gaps is False:
        return
    known = {"every_minutes", "objects"}
    if not isinstance(gaps, Mapping) or not known >= set(gaps):
        yield "is no mapping of every_minutes and objects.", "Write {every_minutes: 15, objects: [Contact]}, or false."
        return
    every, objects = gaps.get("every_minutes", 15), gaps.get("objects", ["Contact"])
    if type(every) not in (int, float) or not 1 <= every <= _MOST_MINUTES:
        yield f"every_minutes is {every!r}.", f"Write a number from 1 to {_MOST_MINUTES}."
    if not isinstance(objects, list) or not objects or not all(rules.is_name(each) for each in objects):
        yield "objects is no list of API names.", "Write them as [Contact, Case, IO__Order__c]."


VENDOR = Vendor(
    kind="salesforce",
    title="Salesforce",
    client=KIND,
    source=SalesforceSource(),
    max_body_bytes=4_000_000,  # 100 notifications of records with long texts are larger than what others send
    proof_option="webhook_token",
    proof_remedy="Run `ringback provision salesforce {connection}`, or set it",
    account_option="organization_id",
    default_concurrency=20,  # an org has 25 places for requests that take long, and we are not alone in it
    id_form=IdForm(canonical, forms, fault),
    identity_field="salesforce_contact_id",
    consent_of=consent_of,
    check_options=_mistakes,
    jobs=_jobs,
    emits=lambda options: (*rules.types(options.get("events")), *cases.TYPES, *OF_CALLBACKS, "score.due"),
    hooks=lambda: (case_reopenings.record,),
    guide=_GUIDE,
    credentials_remedy=f"Compare auth with the External Client App ({_GUIDE}, part 2).",
    hidden_remedy="Run `ringback provision salesforce CONNECTION`, or give our user a permission set that names these "
    f"fields ({_GUIDE}, part 4).",
)

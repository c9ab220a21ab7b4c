"""The table of sources: which kind of connection is read by what."""

from __future__ import annotations

from collections.abc import Mapping

from webhooks.delivery import Source
from webhooks.inbound.own_events import OwnEventsSource
from webhooks.inbound.source import InboundSource
from webhooks.parsing import declares_json
from webhooks.salesforce.source import CalloutSource, SalesforceSource
from webhooks.zendesk.source import ZendeskSource

SOURCES: Mapping[str, Source] = {
    "zendesk": ZendeskSource(),
    "salesforce": SalesforceSource(),
    "inbound": InboundSource(),
    "internal": OwnEventsSource(),
}
"""A connection of another kind (smtp) sends nothing; the receiver does not know it."""

MOST_BYTES: Mapping[str, int] = {"salesforce": 4_000_000}
"""Where a body may be larger than elsewhere: 100 notifications of records with long texts are."""

_CALLOUT = CalloutSource()


def source_of(kind: str, content_type: str) -> Source | None:
    """Who reads a request: Salesforce sends XML by itself, and JSON when a Flow calls out."""
    if kind == "salesforce" and content_type and declares_json(content_type):
        return _CALLOUT
    return SOURCES.get(kind)

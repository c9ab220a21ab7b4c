"""The table of sources: which kind of connection is read by what."""

from __future__ import annotations

from collections.abc import Mapping

from webhooks.delivery import Source
from webhooks.inbound import Inbound
from webhooks.internal import Internal
from webhooks.salesforce import Salesforce
from webhooks.zendesk import Zendesk

SOURCES: Mapping[str, Source] = {
    "zendesk": Zendesk(),
    "salesforce": Salesforce(),
    "inbound": Inbound(),
    "internal": Internal(),
}
"""A connection of another kind (smtp) sends nothing; the receiver does not know it."""

"""The last look at a CRM before a survey leaves: has the person opted out there?"""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import bindparam, select

from connector.feedback.base.actions import Clients
from connector.feedback.crm import people_cache
from connector.storage.engine.database import Database
from connector.storage.schema.tables import identities
from integrations.errors import IntegrationError
from integrations.roles import Role

log = logging.getLogger(__name__)

_RECORDS = select(identities.c.value).where(
    identities.c.system == bindparam("connection"), identities.c.customer_id == bindparam("customer")
)


class CrmConsents:
    """Asks the CRMs that everything is kept in: those we may read people from."""

    def __init__(self, database: Database, clients: Clients) -> None:
        self._database, self._clients = database, clients

    def look(self, customer: str, now: datetime) -> None:
        """See to it that what the CRMs say is known here. What was last seen counts when one cannot be asked."""
        for connection in self._clients.having(Role.CRM):
            crm = self._clients.crm(connection).pictures
            if crm is None:
                continue
            with self._database.read() as tx:
                asked = {"connection": connection, "customer": customer}
                records = list(tx.execute(_RECORDS, asked).scalars())
            try:
                people_cache.find(self._database, connection, crm, records, now)
            except IntegrationError as error:
                log.warning("connection %s could not be asked for a person's consent: %s", connection, error.reason)

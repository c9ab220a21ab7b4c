"""Before a process seals anything: is every key here on which something hangs?"""

from __future__ import annotations

from connector.observe.keys import missing, remedy, states
from connector.services import Services
from connector.storage.sealing import sealed_rows, sealing_since
from workflows.errors import DefinitionError, Mistake


def begin(house: Services) -> None:
    """Note with which key this process seals. Raises DefinitionError when something hangs on a key that is not here:
    links would be dead, and webhooks refused."""
    keys, now = house.secret_keys, house.clock()
    with house.database.read() as tx:
        if sealed_rows.used(tx) - {*keys.marks}:
            lost = [each for each in states(tx, keys, now) if each.role == "missing"]
            said = (Mistake("RINGBACK_SECRET_KEY", missing(each.mark, each.held), remedy(each.mark)) for each in lost)
            raise DefinitionError("The environment", tuple(said))
    house.database.transact(lambda tx: sealing_since.started(house.database, tx, keys.mark, now))

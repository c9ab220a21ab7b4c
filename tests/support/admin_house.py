"""A house in which much has happened, for tests that look at the admin pages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.runtime.runs import dead_letter
from sandbox.faults import Fault
from sandbox.mailbox.store import Stage
from tests.support.house import Harness, a_home, answer, signed_inbound
from tests.support.house_workflows import CALL_AND_WAIT, OPEN_A_TICKET

TICKETS = OPEN_A_TICKET.replace("{event: survey.answered}", '{event: survey.answered, if: event.band == "detractor"}')
THANKS = """\
trigger: {event: survey.answered, if: event.band == "promoter"}
run: {key: event.response, mode: parallel}
steps:
  - id: thank
    do: message.send
    delivery: needs-review
    with: {to: "{{ customer.email }}", subject: Thanks, text: Thank you}
"""
FOLLOW = CALL_AND_WAIT.replace("{event: survey.answered}", '{event: survey.answered, if: event.band == "passive"}')
CREATE = {"path": "/tickets$", "method": "POST"}


def copied(template: Path, folder: Path) -> str:
    """A migrated SQLite database of its own. → its URL."""
    return f"sqlite:///{shutil.copy(template, folder / 'ringback.db')}"


@contextmanager
def lively_house(database_url: str) -> Iterator[Harness]:
    """Three calls refused by one cause, one call in doubt, one dead run, one that waits, one that succeeded, a delivery
    that cannot be read, one of no concern, and a connection that somebody paused."""
    with a_home(database_url, call_back=TICKETS, thank_you=THANKS, follow_up=FOLLOW) as home:
        home.know()
        _refused(home)
        _in_doubt(home)
        _waiting_and_dead(home)
        _set_aside(home)
        home.house.switches.pause("salesforce", "Bo Beheer", "The sandbox is being refreshed.")
        yield home


def _refused(home: Harness) -> None:
    home.world.zendesk.faults.add(Fault(**CREATE, status=422, body={"error": "RecordInvalid"}, times=3))
    for number in range(3):
        home.deliver(answer(2, email=f"unhappy{number}@example.com", comment="Nobody called."))
    home.settle()
    home.deliver(answer(1))
    home.settle()


def _in_doubt(home: Harness) -> None:
    home.world.mailbox.refuse(stage=Stage.DROP_AFTER_DATA)
    home.deliver(answer(9))
    home.settle()
    home.wait(minutes=30)


def _waiting_and_dead(home: Harness) -> None:
    home.deliver(answer(7, response_id="waits"))
    home.deliver(answer(8, response_id="dies"))
    home.settle()
    dead = home.runs("follow-up")[-1].id
    error = RuntimeError("a mistake of ours")
    home.house.database.transact(lambda tx: dead_letter.mark_dead(tx, [dead], error, home.clock()))


def _set_aside(home: Harness) -> None:
    body = json.dumps({"type": "survey.answered", "id": "odd", "data": {"score": "many"}}).encode()
    home.post("/webhooks/survey-platform", body, signed_inbound(body, "odd", home.clock()))
    home.deliver({"type": "parcel.lost", "id": "parcel-1", "data": {"parcel": "4711"}})
    home.settle()

"""What else happens to tickets in people's hands: spam, taking back what was deleted, another requester.

A ticket that is marked as spam is deleted, and its requester suspended (Zendesk's help, "Marking a ticket as spam").
"""

from __future__ import annotations

from collections.abc import Callable

from sandbox.zendesk import events
from sandbox.zendesk.desk import Desk
from sandbox.zendesk.events import Happening
from sandbox.zendesk.state import Json

Action = Callable[[Desk, int, Json], None]


def _spam(desk: Desk, ticket_id: int, given: Json) -> None:
    writer, ticket = desk.as_agent(given.get("agent")), desk.state.ticket(ticket_id)
    desk.state.users[ticket["requester_id"]]["suspended"] = True
    _become(desk, writer.user, ticket, "deleted", [Happening("marked_as_spam"), Happening("soft_deleted")])


def _restore(desk: Desk, ticket_id: int, given: Json) -> None:
    """From the list of deleted tickets, with the status it had."""
    ticket, writer = desk.state.tickets[ticket_id], desk.as_agent(given.get("agent"))
    if ticket["status"] == "deleted":
        _become(desk, writer.user, ticket, desk.state.deleted.pop(ticket_id, "open"), [Happening("undeleted")])


def _give(desk: Desk, ticket_id: int, given: Json) -> None:
    writer = desk.as_agent(given.get("agent"))
    desk.tickets.update(writer, ticket_id, {"requester_id": given["requester"]})


def _become(desk: Desk, actor: Json, ticket: Json, status: str, happened: list[Happening]) -> None:
    previous, ticket["status"] = ticket["status"], status
    if status == "deleted":
        desk.state.deleted[ticket["id"]] = previous
    ticket["updated_at"] = desk.state.now()
    desk.tickets.announce(actor, ticket, [*events.changed("status", previous, status), *happened])


def _fill(desk: Desk, ticket_id: int, given: Json) -> None:
    """The agent fills in fields, and perhaps changes tags."""
    told = {name: given[name] for name in ("custom_fields", "tags") if name in given}
    desk.tickets.update(desk.as_agent(given.get("agent")), ticket_id, told)


ACTIONS: dict[str, Action] = {"spam": _spam, "restore": _restore, "give": _give, "fill": _fill}

"""What is done with many runs by hand: which actions there are, what each means, and what to say of it afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connector.runtime.operations import bulk
from connector.runtime.operations.bulk import Action, BulkLine
from connector.runtime.operations.errors import InputError
from connector.storage.stores import page_queries
from connector.web.admin.page import AdminVisit
from connector.web.admin.running import statuses
from connector.web.admin.words import later

AT_ONCE = 200
"""Runs that one request takes: each is a transaction of its own, and nobody waits longer than a few seconds."""


@dataclass(frozen=True, slots=True)
class HandAction:
    """An action, its title and what it means. ``states`` are those it is possible in; ``is_final``: nothing takes it
    back; ``reason``: somebody must say why."""

    name: str
    title: str
    means: str
    states: frozenset[str]
    is_final: bool = False
    reason: bool = False


_STOPPED = frozenset(statuses.STOPPED)
_ENDED = frozenset({"succeeded", "cancelled", "dismissed"})
_LIVE = frozenset({"queued", "ready", "waiting", "needs_review"})

ACTIONS: Sequence[HandAction] = (
    HandAction("retry", later("Retry"), later("Each goes on from where it stopped. What may have happened already is "
               "looked up first, so nothing happens twice."), _STOPPED),
    HandAction("restart", later("Restart"), later("Each begins anew from the same event, with the newest version "
               "of its workflow."), _STOPPED | _ENDED | {"waiting"}, is_final=True),
    HandAction("skip", later("Skip the step"), later("The step where each stands counts as done, without a result, "
               "and the run goes on after it."), _STOPPED | {"waiting"}, is_final=True),
    HandAction("cancel", later("Cancel"), later("Each ends. Calls that were not begun are not made."), _LIVE,
               is_final=True, reason=True),
    HandAction("dismiss", later("Dismiss"), later("Nothing more is to be done about them. They wait for nobody any "
               "more, and stay in the lists with who said so and why."), _STOPPED, is_final=True, reason=True),
    HandAction("happened", later("It happened"), later("Somebody looked: the call did happen. Each goes on after it."),
               frozenset({"needs_review"}), is_final=True),
    HandAction("did_not", later("It did not happen"), later("Somebody looked: the call did not happen. It is made "
               "again, with the same content and key."), frozenset({"needs_review"}), is_final=True),
)  # fmt: skip

BY_NAME: Mapping[str, HandAction] = {each.name: each for each in ACTIONS}


def possible_in(status: str) -> list[HandAction]:
    return [each for each in ACTIONS if status in each.states]


def do(visit: AdminVisit, name: str, run_ids: Sequence[str], reason: str) -> list[BulkLine]:
    """One transaction each; a refusal holds up no other. Raises InputError without a reason where one is needed."""
    if BY_NAME[name].reason and not reason.strip():
        raise InputError("reason", visit.say("Why they end is missing."), visit.say("Write a few words; they stand in "
                         "the history of each."))  # fmt: skip
    with visit.services.database.read() as tx:
        places = page_queries.places(tx, run_ids)
    return list(bulk.each(_action(visit, name, places, reason), run_ids))


def outcome(visit: AdminVisit, lines: Sequence[BulkLine]) -> tuple[str, bool]:
    """What to say of it, and whether it is a warning."""
    done = sum(line.done is not None for line in lines)
    said = visit.say.plural("{number} run was taken in hand.", "{number} runs were taken in hand.", done)
    refused = [line.error for line in lines if line.done is None]
    if not refused:
        return said, False
    also = visit.say.plural("{number} could not be: {first}", "{number} could not be, the first because: {first}",
                            len(refused), first=refused[0][:200])  # fmt: skip
    return f"{said} {also}", True


def _action(visit: AdminVisit, name: str, places: Mapping[str, str], reason: str) -> Action:
    controls, by = visit.services.controls, visit.by
    actions: Mapping[str, Action] = {
        "cancel": lambda run: controls.cancel([run], by, reason)[0],
        "dismiss": lambda run: controls.dismiss(run, by, reason),
        "retry": lambda run: controls.retry(run, by),
        "restart": lambda run: controls.restart(run, by),
        "skip": lambda run: controls.skip(run, places.get(run, ""), {}, by),
        "happened": lambda run: controls.answer_review(run, True, by),
        "did_not": lambda run: controls.answer_review(run, False, by),
    }
    return actions[name]

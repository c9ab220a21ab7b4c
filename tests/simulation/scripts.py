"""The workflows that seeds choose from: the documentation's own, the built-in library, and one for each run mode."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.simulation.sizes import Size
from tests.support.house_workflows import SUPPORT_RECOVERY
from workflows.library import library_texts

HEADLINE = "headline"
PULSE_MODES = ("single", "restart", "queued", "parallel")

_PULSE = """\
workflow: pulse-{mode}
name: Pulse, {mode}
trigger: {{event: survey.answered, if: event.survey == "pulse"}}
run: {{key: event.customer, mode: {mode}}}
steps:
  - {{id: note, do: message.send, with: {{subject: "Pulse {mode}", text: "We read it."}}, on_error: []}}
  - id: again
    wait: {{event: survey.answered, match: event.customer == trigger.customer, timeout: 20 hours}}
  - {{id: rest, wait: 3 hours}}
  - {{id: told, do: alert.send, with: {{to: care-lead, text: "Pulse {mode}"}}, on_error: []}}
"""

_DISCUSSED = """\
workflow: ticket-discussed
name: Write down each turn of a ticket
trigger: {event: ticket.reopened}
run: {key: event.ticket, mode: queued}
steps:
  - {id: note, do: ticket.comment, with: {ticket: "{{ event.ticket }}", body: "It was opened again."}, on_error: []}
  - {id: mark, do: ticket.update, with: {ticket: "{{ event.ticket }}", tags: [again]}, on_error: []}
  - id: solved
    wait: {event: ticket.solved, match: event.ticket == trigger.ticket, timeout: 5 days}
    on_timeout:
      - {id: urgent, do: ticket.escalate, with: {ticket: "{{ event.ticket }}"}, on_error: []}
"""


def scripts() -> Mapping[str, str]:
    """Every workflow's YAML, by slug."""
    library = {name.removesuffix(".yaml"): text for name, text in library_texts().items()}
    headline = SUPPORT_RECOVERY.replace("workflow: support-recovery", f"workflow: {HEADLINE}")
    pulses = {f"pulse-{mode}": _PULSE.format(mode=mode) for mode in PULSE_MODES}
    return {HEADLINE: headline, **library, **pulses, "ticket-discussed": _DISCUSSED}


def choose(chance: Random, size: Size) -> frozenset[str]:
    """What this seed's organisation has switched on.

    The headline workflow sends the retention survey itself, so it and the library's recovery exclude each other.
    """
    headline = {HEADLINE, "retention-answered"}
    library = {"support-recovery", "retention-survey", "retention-answered", "after-support"}
    recovery = headline if chance.random() < 0.4 else library
    others = {"score-writeback", "promoter-thanks", "ticket-discussed"}
    pulses = {f"pulse-{mode}" for mode in chance.sample(PULSE_MODES, 2 if chance.random() < size.more else 1)}
    return frozenset(recovery | {each for each in sorted(others) if chance.random() < size.more} | pulses)

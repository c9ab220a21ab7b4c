"""The workflows that several tests run."""

from __future__ import annotations

SUPPORT_RECOVERY = """\
workflow: support-recovery
name: Win back unhappy support customers
trigger:
  event: survey.answered
  if: event.survey == "after-support" && event.band == "detractor"
run: {key: event.customer, mode: single}
steps:
  - id: alert
    do: alert.send
    with: {to: care-team, text: "{{ customer.name }} gave {{ event.score }}: {{ event.comment }}"}
  - id: callback
    if: event.contact_consent
    do: ticket.open
    with:
      {connection: zendesk, subject: "Call back {{ customer.name }}", priority: high, due: 4 business hours}
  - id: solved
    if: steps.callback.done
    wait: {event: ticket.solved, match: event.ticket == steps.callback.ticket, timeout: 7 days}
    on_timeout:
      - {id: escalate, do: ticket.escalate, with: {ticket: "{{ steps.callback.ticket }}"}}
  - id: retention
    if: steps.solved.done
    do: survey.send
    with: {survey: retention, about: "{{ event.response }}", delay: 1 hour}
  - id: score
    do: score.write
    with: {connection: salesforce}
"""
"""The headline workflow, as the documentation shows it."""

OPEN_A_TICKET = """\
trigger: {event: survey.answered}
run: {key: event.response, mode: parallel}
steps:
  - {id: callback, do: ticket.open, with: {connection: zendesk, subject: Call back, tags: [call]}}
"""

WRITE_THE_SCORE = """\
trigger: {event: survey.answered}
run: {key: event.response, mode: parallel}
steps:
  - {id: score, do: score.write, with: {connection: salesforce}}
"""

CALL_AND_WAIT = """\
trigger: {event: survey.answered}
run: {key: event.response, mode: parallel}
steps:
  - {id: callback, do: ticket.open, with: {connection: zendesk, subject: Call back}}
  - id: solved
    wait: {event: ticket.solved, match: event.ticket == steps.callback.ticket, timeout: 7 days}
    on_timeout:
      - {id: late, do: ticket.escalate, with: {ticket: "{{ steps.callback.ticket }}"}}
"""

WRITE_TO_THE_CUSTOMER = """\
trigger: {event: survey.answered}
run: {key: event.response, mode: parallel}
steps:
  - {id: note, do: message.send, with: {subject: Thank you, text: We read it.}}
"""

"""The catalogue of actions: what a step may ask for. The doing is the connector's; a test holds both together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from workflows.definitions import DeliveryGuarantee


class EffectClass(StrEnum):
    """How an outward call is kept from happening twice."""

    KEYED = "A"  # the vendor honours an idempotency key
    UPSERT = "B"  # writing the same again changes nothing
    MARKED = "C"  # we look for our own mark before we write again
    BLIND = "D"  # none of these: the delivery rule decides what to do when nobody can know


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action: its parameters, its effect class, and what it leaves under ``steps.<id>``."""

    name: str
    meaning: str
    effect: EffectClass
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    delivery: DeliveryGuarantee | None = None  # the rule for class D when the step names none

    @property
    def params(self) -> tuple[str, ...]:
        return self.required + self.optional


def _catalogue(*specs: ActionSpec) -> Mapping[str, ActionSpec]:
    return {spec.name: spec for spec in specs}


_CALLBACK = ("outcome", "root_cause", "missing", "remind", "cycle", "tries", "handed_over", "closed")
_TICKET_FIELDS = ("group", "tags", "custom_fields", "priority", "due", "assignee")

ACTIONS: Mapping[str, ActionSpec] = _catalogue(
    ActionSpec("survey.send", "send a survey to the customer", EffectClass.BLIND, ("survey",),
               ("about", "delay", "channel", "via", "once", "context", "verify",
                "languages", "sample"), ("invitation", "sent_to"),
               DeliveryGuarantee.AT_MOST_ONCE),
    ActionSpec("survey.remind", "remind of a survey that nobody answered, as the survey's file says", EffectClass.BLIND,
               ("invitation",), ("number", "via"), ("sent_to", "number"), DeliveryGuarantee.AT_MOST_ONCE),
    ActionSpec("survey.confirm", "ask by one mail whether a doubtful answer was theirs", EffectClass.BLIND, ("doubt",),
               ("delay", "via"), ("sent_to",), DeliveryGuarantee.AT_MOST_ONCE),
    ActionSpec("ticket.open", "open a ticket in the helpdesk", EffectClass.KEYED, ("connection",),
               ("subject", "body", "type", "high_value_priority", "follow_up", "team", *_TICKET_FIELDS),
               ("ticket", "ticket_id", "url", "ignored_fields")),
    ActionSpec("ticket.comment", "write on a ticket; internal unless public: true", EffectClass.MARKED,
               ("ticket", "body"), ("public",), ("ticket",)),
    ActionSpec("ticket.update", "change fields of a ticket; tags are added", EffectClass.UPSERT,
               ("ticket",), ("status", "remove_tags", *_TICKET_FIELDS), ("ticket",)),
    ActionSpec("ticket.escalate", "raise a ticket's priority, say why, and optionally move it", EffectClass.MARKED,
               ("ticket",), ("priority", "group", "assignee", "reason"), ("ticket",)),
    ActionSpec("account.find", "find the customer's account in the CRM, who owns it and what it is worth",
               EffectClass.UPSERT, ("connection",), (),
               ("contact", "account", "account_name", "value", "owner", "owner_name", "owner_email")),
    ActionSpec("task.create", "put a task for someone of sales on the customer's record", EffectClass.MARKED,
               ("connection", "subject"), ("body", "due", "priority", "owner", "contact", "account"),
               ("task", "url", "owner")),
    ActionSpec("callback.read", "look where a callback stands, and keep its outcome and root cause", EffectClass.UPSERT,
               ("ticket",), (), ("ticket", "status", "loop_status", *_CALLBACK)),
    ActionSpec("callback.reopen", "open a callback again, or follow it up when it is closed", EffectClass.MARKED,
               ("ticket", "body"), ("due", "priority", "group", "assignee", "final"), ("ticket", "followed_up")),
    ActionSpec("callback.note", "write an internal note on a callback's ticket, also when it is still to be opened",
               EffectClass.MARKED, ("callback", "body"), (), ("ticket",)),
    ActionSpec("callback.count", "count the callbacks that wait for the team", EffectClass.UPSERT,
               ("connection",), (), ("waiting",)),
    ActionSpec("call.request", "put the customer into the helpdesk's queue of calls", EffectClass.BLIND,
               ("connection", "line"), ("group",), ("requested",), DeliveryGuarantee.AT_MOST_ONCE),
    ActionSpec("score.write", "write the score onto the customer's record", EffectClass.UPSERT,
               ("connection",), ("response",), ("record",)),
    ActionSpec("alert.send", "tell a team of ours", EffectClass.BLIND, ("to", "text"), ("subject", "ticket"), (),
               DeliveryGuarantee.AT_LEAST_ONCE),
    ActionSpec("message.send", "write an e-mail to the customer", EffectClass.BLIND, ("subject", "text"),
               ("to", "via"), ("sent_to",), DeliveryGuarantee.AT_MOST_ONCE),
)

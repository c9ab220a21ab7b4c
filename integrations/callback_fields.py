"""The fields of a callback ticket, in neutral words: what they are called, what they hold, what may be chosen.

Every helpdesk keeps them in its own way (Zendesk: ``zendesk/setup/blueprint.py``); workflows and the web know only
these names. A choice is kept at the vendor as ``chosen(key, value)``, because Zendesk makes a tag of it, and a tag must
be unique in the account and say whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SCORE, METRIC, BAND = "ringback_score", "ringback_metric", "ringback_band"
COMMENT, CONSENT = "ringback_comment", "ringback_consent"
WORDS, PHONE, VALUE = "ringback_words", "ringback_phone", "ringback_value"
OUTCOME, ROOT_CAUSE, LOOP_STATUS = "ringback_outcome", "ringback_root_cause", "ringback_loop_status"
ANSWERED_AT = "ringback_answered_at"  # on users and organisations: when the latest score was given


@dataclass(frozen=True, slots=True)
class CallbackField:
    """One field. ``kind``: number, text, line (a short text, for lists), choice, yes_no or date. ``choices``: neutral
    values, in their order."""

    key: str
    kind: str
    choices: tuple[str, ...] = ()


OUTCOMES = ("recovered", "partly", "not_recovered", "not_reached", "not_needed")
"""What the agent reached. A callback is closed only with one of them and a root cause; "not_reached" is tried again."""

ROOT_CAUSES = (
    "product", "delivery", "waiting_time", "communication", "price_or_invoice", "staff", "website_or_app", "other",
)  # fmt: skip
"""Why it went wrong."""

LOOP_STATUSES = (
    "to_call",  # opened, nobody has called
    "contacted",  # an agent has been in touch, the ticket is not solved
    "not_reached",  # called in vain; to be tried again
    "waiting_for_retention",  # solved; the second survey is out or will be
    "recovered",  # the customer says so
    "not_recovered",  # the customer says so, or the agent
    "closed",  # ended without a second answer
)
"""Where the callback stands."""

FIELDS = (
    CallbackField(SCORE, "number"),
    CallbackField(METRIC, "choice", ("nps", "nls", "csat", "ces")),
    CallbackField(BAND, "choice", ("promoter", "passive", "detractor")),
    CallbackField(COMMENT, "text"),
    CallbackField(WORDS, "line"),
    CallbackField(PHONE, "line"),
    CallbackField(VALUE, "line"),
    CallbackField(CONSENT, "yes_no"),
    CallbackField(OUTCOME, "choice", OUTCOMES),
    CallbackField(ROOT_CAUSE, "choice", ROOT_CAUSES),
    CallbackField(LOOP_STATUS, "choice", LOOP_STATUSES),
)
"""All fields of a callback ticket, in the order in which agents see them. A new one also needs its words
(``zendesk/setup/words.py``) and, where the answer fills it, its value
(``connector.feedback.callbacks.field_values``)."""

BY_KEY: Mapping[str, CallbackField] = MappingProxyType({each.key: each for each in FIELDS})


def chosen(key: str, value: str) -> str:
    """A choice as the vendor keeps it: ("ringback_outcome", "recovered") → "ringback_outcome_recovered"."""
    return f"{key}_{value}"


def choice(key: str, kept: object) -> str | None:
    """The neutral value of what the vendor keeps; None when it is empty or none of our choices."""
    if not isinstance(kept, str):
        return None
    value = kept.removeprefix(f"{key}_")
    return value if key in BY_KEY and value in BY_KEY[key].choices else None

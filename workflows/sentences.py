"""Sentences that are kept: in English, and beside it which sentence it is and what was filled in, so that it can be
told in every language when it is read.

Which language is spoken is the caller's business: ``told`` is handed the words of one. An id is never used for another
sentence, as rows of years ago name it; a sentence may be worded better under its id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_UNDER_WAY = "Run {run}: {action} at {connection} is under way; {wish} must wait for its outcome "
_UNEXPECTED = "Something came for {visit}, which the run does not wait for: "

SENTENCES: Mapping[str, str] = {
    "run.started": "Started by {event}.",
    "run.again": "Tried again from this step.",
    "run.not_replayed": "A run that is {status} is not replayed.",
    "run.not_cancelled": "Not cancelled: the run is {status} already.",
    "run.cancelled": "Cancelled: {reason}.",
    "run.unexpected_waits": _UNEXPECTED + "it waits for {waiting_for}.",
    "run.unexpected_is": _UNEXPECTED + "it is {status}.",
    "run.all_done": "All steps are done.",
    "run.stopped": "The workflow stopped the run.",
    "run.with_failures": "{ending} What failed on the way, and can be tried again: {places}.",
    "run.not_advanced": "The run could not be advanced: an error of ours ({error}); the log says where.",
    "run.too_late": "came after the run had ended; nothing follows from it",
    "run.moved_on": "{action} succeeded after the run had moved on",
    "step.failed_goes_on": "This step failed: {reason}. The run goes on, as on_error says.",
    "step.failed_stops": "This step failed: {reason}. The run stops here.",
    "step.skipped": "Skipped, because {why}.",
    "step.asked": "Asked for {action}.",
    "step.asked_because": "Asked for {action}, because {why}.",
    "step.done": "{action} is done.",
    "step.done_reason": "{action} is done: {reason}.",
    "step.not_done": "{action} was not done.",
    "step.not_done_reason": "{action} was not done: {reason}.",
    "step.stopped": "Stopped: {reason}.",
    "step.stopped_because": "Stopped: {reason}, because {why}.",
    "wait.event_until": "Waiting for {event} until {until} UTC.",
    "wait.event_until_because": "Waiting for {event} until {until} UTC, because {why}.",
    "wait.event": "Waiting for {event} as long as it takes.",
    "wait.event_because": "Waiting for {event} as long as it takes, because {why}.",
    "wait.until": "Waiting until {until} UTC.",
    "wait.until_because": "Waiting until {until} UTC, because {why}.",
    "wait.came": "{event} came.",
    "wait.not_in_time": "{event} did not come in time.",
    "wait.time_passed": "The time has passed.",
    "wait.not_compared": "an event could not be compared: {error}",
    "wait.any": "any {event} will do",
    "wait.none": "the run does not wait for an event",
    "branch.none": "No branch applies, so the run goes on.",
    "branch.taken": "Took branch {number}, because {why}.",
    "branch.otherwise": "no other branch applies",
    "each.one": "Going through 1 item.",
    "each.one_because": "Going through 1 item, because {why}.",
    "each.many": "Going through {count} items.",
    "each.many_because": "Going through {count} items, because {why}.",
    "trigger.off": "the workflow is switched off",
    "trigger.every": "it starts on every {event}",
    "trigger.other": "it starts on {events}, and this is {event}",
    "condition.true": "{condition} is true",
    "condition.true_for": "{condition} is true ({facts})",
    "condition.false": "{condition} is false",
    "condition.false_for": "{condition} is false ({facts})",
    "hand.retried_same": "Retried by {by}: the same call is made again.",
    "hand.retried_done": "Retried by {by}: the call had succeeded.",
    "hand.retried_anew": "Retried by {by}: anew, under a new key.",
    "hand.skipped": "Skipped by {by}, with an output by hand.",
    "hand.happened": "{by} looked: it happened.",
    "hand.not_happened": "{by} looked: it did not happen. The same call is made again.",
    "hand.restarted_after": "Restarted by {by}, after run {run}.",
    "hand.restarted_as": "Restarted by {by} as run {run}.",
    "story.expects": "expects {event}",
    "story.expects_about": "expects {event} about {subject}",
    "story.wait": "{event}: {status}",
    "story.wanted": "{action} on {connection} is wanted",
    "story.tried": "{action} on {connection} is tried",
    "story.ended_once": "{action} on {connection} is {status} after 1 attempt",
    "story.ended_once_error": "{action} on {connection} is {status} after 1 attempt: {error}",
    "story.ended": "{action} on {connection} is {status} after {attempts} attempts",
    "story.ended_error": "{action} on {connection} is {status} after {attempts} attempts: {error}",
    "refused.state": "Run {run} is {status}: {wish} is not possible.",
    "refused.under_way": _UNDER_WAY + "(a minute at most). Try again then.",
    "refused.under_way_until": _UNDER_WAY + "(until {until} UTC at most). Try again then.",
    "refused.key_held": "Run {run}: {wish} is not possible while run {holder} has the same key.",
    "refused.key_taken": "Run {run}: another run has its key by now.",
    "refused.same_key": "Run {run}: run {holder} has the same key.",
    "refused.at_once": "Another run of the same key began at this moment.",
    "refused.elsewhere": "Run {run} is not at the step '{step}': it is at '{place}' now. Look at its history first.",
    "refused.nowhere": "Run {run} is not at the step '{step}': it is at no step. Look at its history first.",
    "refused.workflow_gone": "Run {run}: the workflow {workflow} is retired or switched off.",
    "refused.other_event": "Run {run}: version {version} starts on {events}, and this run began with {event}.",
    "refused.no_key": "Run {run}: version {version} finds no key for it: {error}",
    "refused.restarted": "Run {run} was restarted already, as run {successor}.",
    "refused.no_output": "Run {run}: '{place}' is neither an action nor a wait, so it takes no output.",
    "refused.no_folder": "No folder of {kind}s is configured. Write `{kind}s: {kind}s/` in ringback.yaml.",
    "refused.retired": "The workflow {workflow} is retired: its file is gone.",
    "refused.off_by_text": "Its text switches {workflow} off.",
    "refused.file_undecided": "The file was not written: it differs, and nobody has decided yet.",
    "refused.file_changed": "The file was not written: somebody changed it since it was last read.",
    "refused.nothing_to_decide": "File and browser do not differ for {kind} {slug}: there is nothing to decide.",
    "refused.file_once_more": "The file has changed once more since you looked.",
    "refused.no_base": "There is no {kind} {slug} yet, so it can be based on none: give 0.",
    "refused.published": "Version {version} of {slug} was published meanwhile.",
    "refused.published_by": "Version {version} of {slug} was published by {by} meanwhile.",
    "status.matched": "matched",
    "status.timed_out": "timed_out",
    "status.cancelled": "cancelled",
    "status.done": "done",
    "status.failed": "failed",
    "status.review": "review",
    "refusal.no_address": "not sent: no e-mail address is known",
    "refusal.no_address_there": "not sent: the customer has no e-mail address",
    "refusal.opted_out": "not sent: the customer opted out of surveys",
    "refusal.suspended": "not sent: the customer is suspended in the helpdesk",
    "refusal.staff": "not sent: the requester works here (agent or admin in the helpdesk); colleagues are no customers",
    "refusal.side_conversation": "not sent: the ticket is a side conversation of an agent's, and not a customer's",
    "refusal.internal": "not sent: the ticket is internal; the customer never saw it",
    "refusal.unknown": "not sent: the helpdesk does not know the customer any more",
    "refusal.anothers_address": "not sent: this e-mail address belongs to another customer",
    "refusal.occasion": "not sent: already asked for this occasion",
    "refusal.in_hand": "not sent: a person has this callback in hand since the last answer",
    "refusal.callback_reopened": "not sent: the callback ticket was reopened",
    "refusal.callback_merged": "not sent: the callback ticket was merged",
    "refusal.callback_deleted": "not sent: the callback ticket was deleted",
    "refusal.callback_spam": "not sent: the callback ticket was marked as spam",
    "refusal.not_reached": "not sent: the customer was not reached",
    "refusal.fatigue": "not sent: asked {days_ago} days ago, the rule is {rule_days}",
    "refusal.undeliverable": "not sent: mail to this address comes back ({why}); correct the address, or release it",
    "refusal.language_unknown": "not sent: the customer's language is not known, and only {wanted} is asked",
    "refusal.language": "not sent: the customer's language is {language}, and only {wanted} is asked",
    "refusal.ticket_reopened": "not sent: the ticket was reopened",
    "refusal.ticket_merged": "not sent: the ticket was merged",
    "refusal.ticket_deleted": "not sent: the ticket was deleted",
    "refusal.ticket_spam": "not sent: the ticket was marked as spam",
    "refusal.household": "not sent: somebody of the household (same {by}) was asked {days_ago} days ago, the rule is "
    "{rule_days}",
    "refusal.segment": "not sent: they are not of the segment the survey is for ({segment})",
    "refusal.segment_unknown": "not sent: whether they are of the segment ({segment}) is not known: {error}",
    "refusal.sample": "not sent: {share} % are asked, and the draw here was {drawn}",
    "refusal.quota": "not sent: {asked} people were asked in the last {span}, the quota is {quota}",
    "refusal.team_quota": "not sent: {asked} people of team {team} were asked in the last {span}, the quota is {quota}",
    "reason.newer_answer": "not written: a newer answer of this customer is on the record, or on its way to it",
    "reason.nobody_known": "not written: neither a record, nor an e-mail address or phone number is known",
    "reason.no_record": "not written: no record with this e-mail address",
    "reason.no_record_or_phone": "not written: no record with this e-mail address or phone number",
    "reason.none_of_them": "not written: somebody decided that none of the records with this e-mail address or number "
    "is theirs",
    "reason.not_found": "not found: the customer has no record there that we know",
    "reason.several": "not found: several records share this customer's e-mail address; see "
    "`ringback customers review`",
    "reason.in_hand": "a person has this callback in hand already",
    "reason.no_number": "not requested: no phone number that can be dialled is known",
    "reason.no_fields": "nothing to write: this account has none of the fields it names",
    "reason.no_ticket_any_more": "the callback has no ticket any more",
    "reason.never_opened": "the callback's ticket was never opened",
    "reason.no_mail_wanted": "not sent: the customer wants no mail from us",
    "reason.nothing_doubtful": "not asked: nothing is doubtful there any more, or they were asked before",
    "reason.not_asked_no_address": "not asked: no e-mail address is known",
    "no_reminder.no_invitation": "no reminder: there is no such invitation",
    "no_reminder.not_sent": "no reminder: the invitation did not leave",
    "no_reminder.answered": "no reminder: the survey is answered",
    "no_reminder.under_way": "no reminder: an answer was begun",
    "no_reminder.bounced": "no reminder: the invitation came back",
    "no_reminder.opted_out": "no reminder: the customer opted out of surveys",
    "no_reminder.run_out": "no reminder: the link runs out before it could leave",
    "no_reminder.reminded": "no reminder: this one was sent already",
    "no_reminder.newer_survey": "no reminder: a newer survey was sent to the customer",
    "no_reminder.once": "no reminder: the survey reminds 1 time",
    "no_reminder.no_more": "no reminder: the survey reminds {times} times",
    "no_reminder.open_callback": "no reminder: a callback of theirs is open",
    "no_reminder.undeliverable": "no reminder: mail to this address comes back ({why}); correct the address, or "
    "release it",
    "no_reminder.ticket_reopened": "no reminder: the ticket was reopened",
    "no_reminder.ticket_merged": "no reminder: the ticket was merged",
    "no_reminder.ticket_deleted": "no reminder: the ticket was deleted",
    "no_reminder.ticket_spam": "no reminder: the ticket was marked as spam",
}  # fmt: skip
"""Id → English, with the places that are filled in."""


_ALONE = {words: id_ for id_, words in SENTENCES.items() if "{" not in words}


class Sentence(str):
    """A sentence in English. ``id`` says which, ``values`` what was filled in: texts, numbers and sentences."""

    id: str
    values: Mapping[str, Any]

    def __new__(cls, id_: str, text: str, values: Mapping[str, Any]) -> Sentence:
        made = super().__new__(cls, text)
        made.id, made.values = id_, values
        return made

    def __getnewargs__(self) -> tuple[str, str, Mapping[str, Any]]:  # type: ignore[override]  # a str has one
        """So that it can be copied."""
        return self.id, str(self), self.values


def say(id_: str, /, **values: Any) -> Sentence:
    """The sentence of this id."""
    return Sentence(id_, SENTENCES[id_].format_map(values), values)


def say_because(id_: str, why: str, /, **values: Any) -> Sentence:
    """The same, and why, where there is a reason."""
    return say(f"{id_}_because", why=why, **values) if why else say(id_, **values)


def kept(text: str) -> list[Any] | None:
    """What is stored beside the text, as JSON; None of a text that is no sentence of ours."""
    if not isinstance(text, Sentence):
        return None
    return [text.id, {name: _as_json(value) for name, value in text.values.items()}]


def found(text: str, stored: Any) -> str:
    """The sentence that was stored so; the text alone where nothing, or nothing that we know, stands beside it."""
    match stored:
        case [str(id_), dict(values)] if id_ in SENTENCES:
            return Sentence(id_, text, {name: _of_json(value) for name, value in values.items()})
    return text


def recognised(text: str) -> str:
    """A text that stands alone, as results of calls are kept: the sentence with these very words, if there is one."""
    id_ = _ALONE.get(text)
    return Sentence(id_, text, {}) if id_ is not None else text


def told(text: Any, words: Callable[[str], str]) -> str | None:
    """The sentence in another language: ``words`` has the translation of an English one. None where it cannot be told,
    as it is no sentence of ours."""
    if not isinstance(text, Sentence):
        return None
    try:
        filled = {name: told(value, words) or value for name, value in text.values.items()}
        return words(SENTENCES[text.id]).format_map(filled)
    except (KeyError, IndexError):  # a row of an older program, which filled in something else
        return None


def _as_json(value: Any) -> Any:
    if isinstance(value, Sentence):
        return {"text": str(value), "said": kept(value)}
    return value if isinstance(value, (int, float)) else str(value)


def _of_json(value: Any) -> Any:
    match value:
        case {"text": str(text), "said": said}:
            return found(text, said)
    return value

"""One round at one moment: what of the record and of the outside belongs to which part of the loop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.demo.outside import Attempt, Letter, Sight
from connector.demo.records import Answer, Asked, Call, Callback, Happened, Record, Run
from connector.demo.values import Journey, Json, Path, Places
from connector.demo.visitor import survey_link

_SETTLED = ("solved", "closed")
_OVER = ("succeeded", "done_with_failure", "failed", "dead", "cancelled", "needs_review", "dismissed")


class Turn(StrEnum):
    """Whose move it is. ``WAIT``: the product's; ``OVER``: nobody's, the story is told."""

    SOLVE = "solve"
    REPEAT = "repeat"
    ANSWER = "answer"
    SOLVE_CALLBACK = "solve-callback"
    ANSWER_AGAIN = "answer-again"
    WAIT = "wait"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Scene:
    """The round as a whole. What has not happened yet is None, or an empty text."""

    journey: Journey
    record: Record
    sight: Sight
    places: Places
    now: datetime
    is_playing: bool

    @property
    def ticket(self) -> Json:
        """The question as the helpdesk shows it."""
        return self.sight.tickets.get(self.journey.ticket, {})

    @property
    def is_solved(self) -> bool:
        return self.ticket.get("status") in _SETTLED

    @property
    def solved(self) -> Happened | None:
        return self.record.event("ticket.solved", f"zendesk:{self.journey.ticket}")

    def attempts(self, event: Happened | None) -> tuple[Attempt, ...]:
        """How often the helpdesk delivered the webhook behind this event."""
        return tuple(each for each in self.sight.attempts if event and each.invocation == event.key)

    @property
    def asking(self) -> Run | None:
        return self.record.run("after-support", self.solved)

    @property
    def asked(self) -> Asked | None:
        return self.record.invitation(self.asking)

    @property
    def letter(self) -> Letter | None:
        return self._letter(self.asking, "survey.send")

    @property
    def link(self) -> str:
        """The address of the first survey."""
        return survey_link(self.letter.text) if self.letter else ""

    @property
    def answered(self) -> Happened | None:
        return self.record.event("survey.answered", external_id=self.asked.id) if self.asked else None

    @property
    def answer(self) -> Answer | None:
        return self.record.answer(self.asked)

    @property
    def recovery(self) -> Run | None:
        return self.record.run("support-recovery", self.answered)

    @property
    def alert(self) -> Letter | None:
        return self._letter(self.recovery, "alert.send")

    @property
    def opening(self) -> Call | None:
        """The call that opens the callback ticket."""
        return next(iter(self.record.calls_of(self.recovery, "ticket.open")), None)

    @property
    def callback(self) -> Callback | None:
        return self.record.callback(self.answer)

    @property
    def callback_ticket(self) -> Json:
        """The callback as the helpdesk shows it."""
        number = self.callback.ticket_id if self.callback else None
        return self.sight.tickets.get(int(number), {}) if number else {}

    @property
    def solved_again(self) -> Happened | None:
        """The latest solve of the callback: reopened and solved again, it counts anew."""
        ticket = self.callback_ticket
        return self.record.event("ticket.solved", f"zendesk:{ticket['id']}", latest=True) if ticket else None

    @property
    def retention(self) -> Run | None:
        return self.record.run("retention-survey", self.solved_again)

    @property
    def asked_again(self) -> Asked | None:
        return self.record.invitation(self.retention)

    @property
    def second_letter(self) -> Letter | None:
        return self._letter(self.retention, "survey.send")

    @property
    def second_link(self) -> str:
        """The address of the retention survey."""
        return survey_link(self.second_letter.text) if self.second_letter else ""

    @property
    def second_answer(self) -> Answer | None:
        return self.record.answer(self.asked_again)

    @property
    def handover(self) -> Run | None:
        """The run that gives a customer who is still unhappy to a person."""
        again = self.asked_again
        answered = self.record.event("survey.answered", external_id=again.id) if again else None
        return self.record.run("retention-answered", answered)

    @property
    def writing(self) -> Run | None:
        """The run that writes the score on the records."""
        return self.record.run("score-writeback", self.answered)

    @property
    def writes(self) -> tuple[Call, ...]:
        return self.record.calls_of(self.writing, "score.write")

    def _letter(self, run: Run | None, action: str) -> Letter | None:
        """The mail that a call of this run sent: its Message-ID is made of the call's key."""
        sent = {call.key for call in self.record.calls_of(run, action)}
        return next((each for each in self.sight.letters if each.key in sent), None)


def is_over(run: Run | None) -> bool:
    """Whether nothing more comes of this run."""
    return run is not None and run.status in _OVER


def turn_of(scene: Scene) -> Turn:
    """Whose move it is now."""
    if not scene.is_solved:
        return Turn.SOLVE
    if scene.journey.path is Path.TWICE and len(scene.attempts(scene.solved)) == 1:
        return Turn.REPEAT
    if scene.answer:
        return _after_the_answer(scene)
    if scene.link:
        return Turn.WAIT if scene.asked and scene.asked.answered_at else Turn.ANSWER
    return Turn.OVER if is_over(scene.asking) and not scene.asked else Turn.WAIT


def _after_the_answer(scene: Scene) -> Turn:
    if scene.callback is None:
        settled = scene.recovery is None or is_over(scene.recovery)
        return Turn.OVER if settled and is_over(scene.writing) else Turn.WAIT
    if not scene.callback_ticket:
        return Turn.OVER if is_over(scene.recovery) else Turn.WAIT
    if scene.second_answer:  # first: a bad one opens the ticket again, for a person who asks nobody any more
        follows = [each for each in (scene.writing, scene.handover) if each is not None]
        return Turn.OVER if all(map(is_over, follows)) else Turn.WAIT
    if scene.callback_ticket["status"] not in _SETTLED:
        return Turn.SOLVE_CALLBACK
    if scene.second_link:
        return Turn.WAIT if scene.asked_again and scene.asked_again.answered_at else Turn.ANSWER_AGAIN
    return Turn.OVER if is_over(scene.retention) and not scene.asked_again else Turn.WAIT

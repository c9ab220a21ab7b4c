"""The nine steps of the loop for one customer: a scene in, steps to show out. Nothing is done here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from connector.demo.outside import Letter
from connector.demo.pieces import button, many, plain, run_link, sentences, shown, ticket_link
from connector.demo.records import Answer, Call, Happened, Run
from connector.demo.scene import Scene, Turn, is_over, turn_of
from connector.demo.shortened import HOUR, INSTEAD
from connector.demo.values import At, Link, State, Step, Table

_NOTHING = "–"
_BANDS = {"detractor": "an unhappy customer", "passive": "a neutral customer", "promoter": "a happy customer"}


def steps_of(scene: Scene) -> tuple[Step, ...]:
    """The whole story, in its order."""
    return tuple(tell(scene) for tell in _TELLERS)


def current(steps: tuple[Step, ...]) -> int:
    """The place of the step to look at now, from 0; the last one when all is told."""
    busy = (State.TURN, State.TROUBLE, State.WORKING)
    turns = [place for place, step in enumerate(steps) if step.state is State.TURN]
    return next(
        iter(turns), next((place for place, step in enumerate(steps) if step.state in busy), len(steps) - 1)
    )


def _solve(scene: Scene) -> Step:
    who, number = scene.journey.customer.who, scene.journey.ticket
    asked = f"{who.name} of {who.company} wrote to support: “{who.subject}”."
    done = f"Anna, the agent, has solved ticket #{number}." if scene.is_solved else ""
    return Step(
        "solve",
        "An agent solves a question in Zendesk",
        "Feedback starts where your people already work. Nobody has to remember to send a survey.",
        State.DONE if scene.is_solved else State.TURN,
        says=sentences(asked, done),
        links=(ticket_link(scene, number),),
        buttons=() if scene.is_solved else (button(scene, "Solve the ticket", "solve"),),
    )


def _webhook(scene: Scene) -> Step:
    return Step(
        "webhook",
        "A signed webhook comes in",
        "Each delivery is checked against its signature and stored on disk before Zendesk hears “thank you”. "
        "What was accepted cannot get lost.",
        *_webhook_now(scene),
    )


def _webhook_now(scene: Scene) -> tuple[Any, ...]:
    event = scene.solved
    if event is None:
        return (State.WORKING if scene.is_solved else State.WAITING,)
    arrived = (
        f"Zendesk reports ticket.solved. The signature is right, and delivery #{event.delivery_id} is stored."
    )
    tries = scene.attempts(event)
    rows = tuple(
        (f"Delivery {number}", At(each.at), f"answered {each.status}, {_reply(each.reply)}")
        for number, each in enumerate(tries, 1)
    )
    return (
        State.DONE,
        sentences(arrived, _twice(scene, event, len(tries))),
        Table(rows, ("Attempt", "When", "What we said")) if rows else None,
        (),
        "",
        (Link("See the delivery", f"/admin/deliveries/{event.delivery_id}"),),
    )


def _reply(reply: str) -> str:
    return "kept before" if "duplicate" in reply or "known" in reply else "stored"


def _twice(scene: Scene, event: Happened, tries: int) -> str:
    if tries < 2:
        return ""
    started = sum(each.event_seq == event.seq for each in scene.record.runs)
    return (
        f"Zendesk delivered it {tries} times. All were answered kindly and one was kept: "
        f"{many(started, 'run')}, {many(len(_letters_of(scene)), 'mail')}."
    )


def _letters_of(scene: Scene) -> list[Letter]:
    return [each for each in scene.sight.letters if each.to == scene.journey.customer.who.email]


def _decide(scene: Scene) -> Step:
    return Step(
        "decide",
        "A workflow decides",
        "Every workflow looks at the event and says why it starts or not. You read the reasons, not a log.",
        *_decided(scene),
    )


def _decided(scene: Scene) -> tuple[Any, ...]:
    event, run = scene.solved, scene.asking
    if event is None:
        return (State.WAITING,)
    starts = "An ordinary question was solved, so the workflow “after-support” starts." if run else ""
    pause = f"It waits {INSTEAD} before it asks, where you would say {HOUR}." if run else ""
    rows = tuple(
        (str(each["workflow"]), "starts" if each["starts"] else "does not start", plain(str(each["why"])))
        for each in event.decisions
    )
    links = (run_link(run, "See this run and its reasons"),) if run else ()
    return (
        State.DONE,
        sentences(starts, pause),
        Table(rows, ("Workflow", "Decision", "Why")),
        (),
        "",
        links,
    )


def _mail(scene: Scene) -> Step:
    state, says = _mail_now(scene)
    return Step(
        "mail",
        "The customer gets a mail",
        "Opt-outs and the rule “not too often” are checked at the moment of sending, in both systems.",
        state,
        sentences(*says),
        mails=(shown(scene, scene.letter, is_open=scene.answer is None),) if scene.letter else (),
    )


def _mail_now(scene: Scene) -> tuple[State, list[str]]:
    if scene.letter:
        said = (
            "One question, with the scale inside the mail. A click opens the survey with that score chosen."
        )
        return State.DONE, [said]
    if is_over(scene.asking):
        return State.SKIPPED, ["No mail went out; the run of “after-support” says why."]
    if scene.asking:
        return State.WORKING, ["The mail goes out in a few seconds.", *_trouble(scene, scene.asking)]
    return State.WAITING, []


def _answer(scene: Scene) -> Step:
    state = _answer_state(scene)
    is_turn = state is State.TURN
    says = ["You are the customer now. Give a low score, and say that you may be called."] if is_turn else []
    if scene.answer:
        says = [_in_words(scene.answer), f"May we call? {'Yes' if scene.answer.contact_consent else 'No'}."]
    return Step(
        "answer",
        "The customer answers",
        "Opening the link records nothing, because link scanners open links too. Only what a person gives does.",
        state,
        tuple(says),
        opening=Link("Open the survey", scene.link, outside=True) if is_turn else None,
    )


def _answer_state(scene: Scene) -> State:
    if scene.answer:
        return State.DONE
    if scene.asked and scene.asked.answered_at:
        return State.WORKING
    return State.TURN if turn_of(scene) is Turn.ANSWER else State.WAITING


def _in_words(answer: Answer) -> str:
    comment = f" “{answer.comment}”" if answer.comment else ""
    return f"Score {answer.score}: {_BANDS.get(answer.band, answer.band)}.{comment}"


def _callback(scene: Scene) -> Step:
    ticket = scene.callback_ticket
    return Step(
        "callback",
        "The team is alerted and a callback ticket opened",
        "Whoever calls back knows the score, the words, the phone number and the history, before they dial.",
        _callback_state(scene),
        sentences(*_callback_says(scene)),
        Table(_ticket_rows(ticket)) if ticket else None,
        (shown(scene, scene.alert),) if scene.alert else (),
        _first_note(scene) if ticket else "",
        _callback_links(scene),
    )


def _callback_state(scene: Scene) -> State:
    if scene.answer is None:
        return State.WAITING
    if scene.callback_ticket:
        return State.DONE
    if scene.answered and scene.recovery is None:
        return State.SKIPPED
    if is_over(scene.recovery):
        return State.DONE
    return State.TROUBLE if scene.opening and scene.opening.is_trying_again else State.WORKING


def _callback_says(scene: Scene) -> list[str]:
    if scene.answer is None:
        return []
    if scene.answered and scene.recovery is None:
        return [f"Nobody is alerted, because {plain(scene.answered.why('support-recovery'))}."]
    says = [f"The care team ({scene.places.care}) got an alert."] if scene.alert else []
    if scene.callback_ticket:
        return [*says, f"Ticket #{scene.callback_ticket['id']} is in Zendesk.", _tries(scene.opening)]
    if is_over(scene.recovery) and not scene.answer.contact_consent:
        return [
            *says,
            "There is no ticket: the customer did not want to be contacted, and that is respected.",
        ]
    return says + _trouble(scene, scene.recovery)


def _tries(call: Call | None) -> str:
    if call is None or call.attempts < 2:
        return ""
    return f"Zendesk was away: it took {call.attempts} tries, and exactly one ticket was opened."


def _trouble(scene: Scene, run: Run | None) -> list[str]:
    """What is being tried again, and when."""
    calls = [call for call in scene.record.calls_of(run) if call.is_trying_again]
    return [
        f"{plain(call.error)}. Tried {many(call.attempts, 'time')}; the request is stored and tried again."
        for call in calls
    ]


def _ticket_rows(ticket: Mapping[str, Any]) -> tuple[tuple[str | At, ...], ...]:
    named = {"Subject": "subject", "Status": "status", "Priority": "priority", "Due": "due_at"}
    rows: list[tuple[str | At, ...]] = [(label, _cell(label, ticket.get(name))) for label, name in named.items()]
    return (*rows, ("Tags", ", ".join(ticket.get("tags", ()))))


def _cell(label: str, value: Any) -> str | At:
    if label == "Due" and value:
        return At(datetime.fromisoformat(value), "day")
    return str(value or _NOTHING)


def _first_note(scene: Scene) -> str:
    comments = scene.sight.comments.get(scene.callback_ticket["id"], ())
    return str(comments[0]["body"]) if comments else ""


def _callback_links(scene: Scene) -> tuple[Link, ...]:
    ticket = (ticket_link(scene, scene.callback_ticket["id"]),) if scene.callback_ticket else ()
    run = (run_link(scene.recovery, "See the recovery run"),) if scene.recovery else ()
    return (*ticket, *run)


def _solve_callback(scene: Scene) -> Step:
    turn, ticket = turn_of(scene), scene.callback_ticket
    state = _after(scene, State.DONE if ticket and turn is not Turn.SOLVE_CALLBACK else State.TURN)
    says = {
        State.TURN: "The agent calls, listens and makes it good. Then they solve the callback ticket.",
        State.DONE: f"Ticket #{ticket.get('id')} is solved, with outcome and cause. The waiting run goes on.",
        State.SKIPPED: "There is no callback to solve.",
    }
    return Step(
        "solve-callback",
        "The agent calls back and solves it",
        "If nobody solves it within two business days, the ticket is escalated by itself.",
        state,
        sentences(says.get(state, "")),
        buttons=(button(scene, "Solve the callback", "solve-callback"),) if state is State.TURN else (),
    )


def _after(scene: Scene, otherwise: State) -> State:
    """The state of a step that needs the callback: not needed without one, waiting while it is to come."""
    if scene.callback_ticket:
        return otherwise
    none = scene.answered is not None and (scene.recovery is None or is_over(scene.recovery))
    return State.SKIPPED if none else State.WAITING


def _retention(scene: Scene) -> Step:
    state = _after(scene, _retention_state(scene))
    says = {
        State.WORKING: f"Unless it is reopened within {INSTEAD} (in real life {HOUR}), one last question goes out.",
        State.TURN: "The retention mail is there. Are you satisfied with the solution?",
        State.SKIPPED: "Nobody is asked about a callback that did not hold or never was.",
    }
    said = _in_stars(scene.second_answer) if scene.second_answer else says.get(state, "")
    handed = (
        "Still unhappy: the care lead is alerted, and nobody is surveyed again." if scene.handover else ""
    )
    return Step(
        "retention",
        "“How satisfied are you with the solution?”",
        "The loop is closed when the customer says so, not the ticket. A second bad answer goes to a person.",
        state,
        sentences(said, handed),
        mails=(shown(scene, scene.second_letter, is_open=not scene.second_answer),)
        if scene.second_letter
        else (),
        links=(run_link(scene.retention, "See this run"),) if scene.retention else (),
        opening=Link("Open the retention survey", scene.second_link, outside=True)
        if state is State.TURN
        else None,
    )


def _retention_state(scene: Scene) -> State:
    turn = turn_of(scene)
    if turn is Turn.SOLVE_CALLBACK:
        return State.WAITING
    if scene.second_answer:
        return State.DONE
    if is_over(scene.retention) and not scene.asked_again:
        return State.SKIPPED
    return State.TURN if turn is Turn.ANSWER_AGAIN else State.WORKING


def _in_stars(answer: Answer) -> str:
    comment = f": “{answer.comment}”" if answer.comment else "."
    return f"{answer.score} out of 5{comment}"


def _score(scene: Scene) -> Step:
    return Step(
        "score",
        "The score stands on the customer’s record",
        "Sales sees it before the next visit, support before the next call. An older answer never wins.",
        _score_state(scene),
        _score_says(scene),
        _score_table(scene) if scene.writes else None,
        links=_score_links(scene),
    )


def _score_state(scene: Scene) -> State:
    if not scene.answer:
        return State.WAITING
    if is_over(scene.writing):
        return State.DONE
    return State.TROUBLE if any(call.is_trying_again for call in scene.writes) else State.WORKING


def _score_says(scene: Scene) -> tuple[str, ...]:
    if not scene.answer:
        return ()
    tries = max((call.attempts for call in scene.writes), default=0)
    again = f"Zendesk was away: it took {tries} tries." if tries > 1 and is_over(scene.writing) else ""
    done = "Salesforce and Zendesk both show it." if is_over(scene.writing) else ""
    return sentences(done, again, *_trouble(scene, scene.writing))


def _score_table(scene: Scene) -> Table:
    earlier = scene.journey.customer.who.earlier
    sales, desk = scene.sight.salesforce, scene.sight.zendesk
    rows = (
        (
            "Salesforce contact",
            _figure(earlier, ""),
            _figure(sales.get("NPS_Score__c"), sales.get("NPS_Band__c")),
        ),
        ("Zendesk user", _NOTHING, _figure(desk.get("ringback_score"), desk.get("ringback_band")) + _loop(desk)),
    )
    return Table(rows, ("Record", "Before", "Now"))


def _figure(score: Any, band: Any) -> str:
    return _NOTHING if score is None else f"{score:g} ({band})" if band else f"{score:g}"


def _loop(desk: Mapping[str, Any]) -> str:
    """How far the callback is, once there is one."""
    status = desk.get("ringback_loop_status")
    return f", {status}" if status else ""


def _score_links(scene: Scene) -> tuple[Link, ...]:
    if not scene.writing:
        return ()
    contact = f"{scene.places.salesforce}/lightning/r/Contact/{scene.journey.customer.contact_id}/view"
    return (
        Link("See the contact in Salesforce", contact, outside=True),
        run_link(scene.writing, "See this run"),
    )


_TELLERS: tuple[Callable[[Scene], Step], ...] = (
    _solve, _webhook, _decide, _mail, _answer, _callback, _solve_callback, _retention, _score,
)  # fmt: skip


def headline(scene: Scene, steps: tuple[Step, ...]) -> str:
    """One line about where the story stands, also for people who do not see the page."""
    if turn_of(scene) is Turn.OVER:
        return _ending(scene)
    place = current(steps)
    return f"Step {place + 1} of {len(steps)}, {steps[place].word}: {steps[place].title}."


def _ending(scene: Scene) -> str:
    if scene.handover:
        return "Still unhappy: a person takes over now."
    if scene.second_answer:
        return "The loop is closed: asked, called back, made good, and the score is on the record."
    if scene.callback:
        return "The story ends here: nobody is asked about this callback."
    if scene.answer:
        return "That is all: the score is on the record, and nobody has to do anything more."
    return "The story ends here: no survey was sent, and the run says why."

"""The built-in workflows do what their names promise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.feedback.surveys.files import built_in, parse
from workflows.library import library_texts, load_library
from workflows.runs import Status
from workflows.schema import lint
from workflows.simulate import Happening, Outcome, Trace, simulate

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)  # a Monday, 11:00 in Amsterdam
ANSWER: dict[str, Any] = {
    "response": "r1", "response_id": "r1", "survey": "after-support", "metric": "nps", "score": 3, "band": "detractor",
    "comment": "it took days", "contact_consent": True, "customer": "c1", "about": None, "context": {"ticket_id": "7"},
}
TICKET: dict[str, Any] = {
    "ticket": "zendesk:7", "ticket_id": "7", "status": "solved", "tags": [], "group": None, "agent": None,
    "subject": "Help", "external_id": None, "channel": "email", "callback": None, "customer": "c1",
}
STANDING: dict[str, Any] = {
    "response": "r1", "cycle": 2, "survey": "after-support", "status": "solved", "moved": True, "handed_over": False,
}
CALLBACK = {**TICKET, "callback": STANDING}
OPENED = {"callback": (Outcome({"ticket": "zendesk:9", "url": "https://acme.example/9"}),)}
LOOKED: dict[str, Any] = {"loop_status": "solved", "cycle": 2, "remind": False, "missing": ""}
SEEN = {"look": (Outcome(LOOKED),)}


def changed(status: str, **more: Any) -> dict[str, Any]:
    """``callback.changed`` of ticket 7."""
    known = {"ticket": "zendesk:7", "ticket_id": "7", "handed_over": False, "tries": 0, "cycle": STANDING["cycle"]}
    return {**known, "status": status, **more}


def play(slug: str, *events: tuple[float, str, dict[str, Any]], outcomes: Any = None, customer: Any = None) -> Trace:
    person = {"id": "c1", "name": "Ann"} if customer is None else customer
    happenings = [Happening(NOW + timedelta(hours=hours), name, data, person) for hours, name, data in events]
    return simulate(replace(load_library()[slug], enabled=True), happenings, outcomes)


def actions(trace: Trace) -> list[str]:
    return [asked.action for asked in trace.actions]


def test_an_answer_by_mail_reaches_the_team_and_nobody_writes_to_the_customer() -> None:
    reply = {"response": "r9", "comment": "too slow", "context": {"conversation": "reply", "mail_subject": "Re: Hi"}}
    trace = play("mail-answers", (0, "feedback.logged", reply))
    assert actions(trace) == ["alert.send"]
    assert "too slow" in trace.actions[0].params["text"]
    assert actions(play("mail-answers", (0, "feedback.logged", {**reply, "context": {"conversation": "call"}}))) == []


def test_the_library_is_complete_and_its_files_are_named_after_their_workflows() -> None:
    assert set(load_library()) == {
        "after-support", "support-recovery", "proactive-recovery", "retention-survey", "retention-answered",
        "callback-not-reached", "callback-status", "callback-closed", "promoter-thanks", "score-writeback",
        "send-by-hand", "logged-feedback", "mail-answers", "outcome-by-hand", "answer-changed",
        "account-owner-alert", "score-after-conversion", "score-after-merge",
        "score-backfill",
        "was-this-you", "answers-in-salesforce", "loop-in-salesforce", "loop-on-records",
        "answers-on-tickets",
        "support-effort", "after-delivery", "onboarding", "relationship",
        "survey-reminders",
    }
    assert [name.removesuffix(".yaml") for name in library_texts()] == sorted(load_library())


@pytest.mark.parametrize("slug", sorted(load_library()))
def test_a_built_in_workflow_has_no_warning(slug: str) -> None:
    assert lint(load_library()[slug]) == ()


def test_an_answer_about_a_ticket_is_noted_and_tagged_there() -> None:
    about = {**ANSWER, "context": {"ticket": "zendesk:7"}}
    trace = play("answers-on-tickets", (0, "survey.answered", about), outcomes={"note": (Outcome({"done": True}),)})
    assert actions(trace) == ["ticket.comment", "ticket.update"]
    assert trace.actions[0].params["body"] == "The customer answered: NPS 3 (detractor)\nit took days"
    assert trace.actions[1].params["tags"] == ["ringback_detractor"]
    assert play("answers-on-tickets", (0, "survey.answered", ANSWER)).runs == ()


@pytest.mark.parametrize(("band", "there", "gone"), [
    ("promoter", ["ringback_recovered"], ["ringback_not_recovered", "ringback_detractor"]),
    ("passive", ["ringback_recovered"], ["ringback_not_recovered", "ringback_detractor"]),
    ("detractor", ["ringback_not_recovered", "ringback_detractor"], ["ringback_recovered"]),
])
def test_an_answer_about_a_solution_says_on_its_ticket_whether_it_was_recovered(
    band: str, there: list[str], gone: list[str]
) -> None:
    second = {**ANSWER, "band": band, "about": "a1", "context": {"ticket": "zendesk:9"}}
    trace = play("answers-on-tickets", (0, "survey.answered", second), outcomes={"note": (Outcome({"done": True}),)})
    [tagged] = [asked.params for asked in trace.actions if asked.action == "ticket.update"]
    assert (tagged["tags"], tagged["remove_tags"]) == (there, gone)


@pytest.mark.parametrize(("status", "actions_"), [("recovered", ["score.write"]), ("taken", [])])
def test_how_far_the_loop_is_stands_on_the_customers_record(status: str, actions_: list[str]) -> None:
    trace = play("loop-on-records", (0, "callback.changed", changed(status, response="a1")))
    assert actions(trace) == actions_


def test_a_solved_ticket_asks_once_per_ticket() -> None:
    trace = play("after-support", (0, "ticket.solved", TICKET))
    assert trace.actions[0].params == {
        "survey": "after-support", "delay": "1 hour", "once": "zendesk:7", "verify": True,
        "context": {"ticket_id": "7"},
    }


def test_support_effort_asks_as_after_support_does() -> None:
    slugs = ("support-effort", "after-support")
    effort, support = (play(slug, (0, "ticket.solved", TICKET)).actions[0].params for slug in slugs)
    assert effort == {**support, "survey": "support-effort"}
    assert not load_library()["support-effort"].enabled  # both at once would ask by chance
    assert play("support-effort", (0, "ticket.solved", CALLBACK)).runs == ()


@pytest.mark.parametrize(("slug", "event", "data", "days", "params"), [
    ("after-delivery", "order.delivered", {"order": "o1", "product": "Bike"}, 3,
     {"once": "o1", "context": {"order": "o1", "product": "Bike"}}),
    ("onboarding", "opportunity.won", {"opportunity": "006A"}, 30, {"once": "006A"}),
    ("relationship", "customer.anniversary",
     {"id": "a1", "date": "2020-03-02", "on": "2026-03-02", "kind": "customer_since", "customer": "c1"}, 0,
     {"once": "customer_since/c1/2026-03-02"}),
])  # fmt: skip
def test_a_survey_is_asked_once_per_occasion_when_its_time_has_come(
    slug: str, event: str, data: dict[str, Any], days: int, params: dict[str, Any]
) -> None:
    trace = play(slug, (0, event, {**data, "customer": "c1"}))
    [asked] = trace.actions
    assert (asked.action, asked.params) == ("survey.send", {"survey": slug, **params})
    assert asked.time == NOW + timedelta(days=days)


@pytest.mark.parametrize("survey", [slug for slug, text in built_in().items() if parse(text, slug).question("contact")])
def test_every_survey_that_offers_a_call_has_somebody_who_calls(survey: str) -> None:
    trace = play("support-recovery", (0, "survey.answered", {**ANSWER, "survey": survey}), outcomes=OPENED)
    assert actions(trace)[:2] == ["alert.send", "ticket.open"]
    assert trace.actions[0].params["subject"] == f"Score 3 in {survey}"


def test_a_ticket_that_an_agent_took_out_is_not_asked_about() -> None:
    assert play("after-support", (0, "ticket.solved", {**TICKET, "tags": ["ringback_no_survey"]})).runs == ()
    assert len(play("after-support", (0, "ticket.solved", {**TICKET, "tags": None})).runs) == 1


def test_a_solved_callback_ticket_is_not_asked_about_like_any_other() -> None:
    assert play("after-support", (0, "ticket.solved", CALLBACK)).runs == ()


def test_a_detractor_with_consent_is_alerted_about_and_called_back() -> None:
    solved = changed("solved", ticket="zendesk:9")
    trace = play("support-recovery", (0, "survey.answered", ANSWER), (3, "callback.changed", solved), outcomes=OPENED)
    assert actions(trace) == ["alert.send", "ticket.open"]
    assert trace.actions[0].params["text"] == "Ann gave 3: it took days"
    assert trace.runs[0].state.status is Status.SUCCEEDED


@pytest.mark.parametrize("consent", [False, None])
def test_a_detractor_without_consent_gets_no_ticket_but_the_alert(consent: object) -> None:
    trace = play("support-recovery", (0, "survey.answered", {**ANSWER, "contact_consent": consent}))
    assert actions(trace) == ["alert.send"]
    assert trace.runs[0].state.status is Status.SUCCEEDED


def test_a_survey_that_an_agent_asked_for_is_sent() -> None:
    asked = {"id": "click-1", "survey": "after-support", "customer": "c1"}
    trace = play("send-by-hand", (0, "survey.requested", asked))
    params = {"survey": "after-support", "sample": "100 %"}  # a person chose whom to ask
    assert [(each.action, each.params) for each in trace.actions] == [("survey.send", params)]


@pytest.mark.parametrize(("outcome", "step"), [("recovered", "remove_tags"), ("not_reached", "tags")])
def test_what_an_agent_said_of_a_callback_is_written_onto_the_ticket(outcome: str, step: str) -> None:
    said = {"ticket": "zendesk:9", "outcome": outcome, "root_cause": "staff", "note": "", "by": {"name": "Jan"}}
    trace = play("outcome-by-hand", (0, "callback.outcome", said))
    assert actions(trace) == ["ticket.update", "ticket.comment"]
    assert trace.actions[0].params[step] == ["ringback_not_reached"]
    assert trace.actions[0].params["custom_fields"]["ringback_outcome"] == outcome


LOGGED: dict[str, Any] = {"response": "r1", "survey": None, "comment": "It squeaks", "customer": "c1", "context": {}}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"contact_consent": True}, ["alert.send", "ticket.open"]),
        ({"contact_consent": False}, []),
        ({"contact_consent": False, "score": 2, "band": "detractor"}, ["alert.send"]),
        ({"contact_consent": True, "score": 2, "band": "detractor"}, ["alert.send", "ticket.open"]),
        ({"contact_consent": False, "score": 9, "band": "promoter"}, []),
    ],
)
def test_logged_feedback_is_taken_up_like_an_unhappy_answer(more: dict[str, Any], expected: list[str]) -> None:
    solved = {**TICKET, "ticket": "zendesk:9", "status": "solved"}
    events = ((0, "feedback.logged", {**LOGGED, **more}), (5, "callback.changed", solved))
    assert actions(play("logged-feedback", *events, outcomes=OPENED)) == expected


def test_a_broken_chat_tool_does_not_cost_the_callback() -> None:
    trace = play("support-recovery", (0, "survey.answered", ANSWER),
                 outcomes={**OPENED, "alert": (Outcome(fails="permanent"),)})
    assert "ticket.open" in actions(trace)


def test_an_answer_without_name_and_comment_is_alerted_about_all_the_same() -> None:
    trace = play("support-recovery", (0, "survey.answered", {**ANSWER, "comment": None}), customer={"id": "c1"})
    assert trace.actions[0].params["text"] == "A customer gave 3: no comment"


@pytest.mark.parametrize(("band", "survey"), [("passive", "after-support"), ("detractor", "retention")])
def test_other_answers_start_no_recovery(band: str, survey: str) -> None:
    assert play("support-recovery", (0, "survey.answered", {**ANSWER, "band": band, "survey": survey})).runs == ()


def test_a_callback_that_nobody_touches_is_escalated_and_told_and_once_more_when_nobody_solves_it() -> None:
    trace = play("support-recovery", (0, "survey.answered", ANSWER), outcomes=OPENED)
    assert actions(trace) == ["alert.send", "ticket.open", "ticket.escalate", "alert.send", "ticket.escalate"]
    assert [asked.time - NOW for asked in trace.actions[2:]] == [
        timedelta(hours=4), timedelta(hours=4), timedelta(days=2, hours=4),
    ]
    assert trace.runs[0].state.status is Status.SUCCEEDED


@pytest.mark.parametrize("end", ["solved", "not_reached", "merged", "deleted", "spam"])
def test_a_callback_that_came_to_its_end_is_not_escalated(end: str) -> None:
    ended = (1.0, "callback.changed", changed(end, ticket="zendesk:9"))
    trace = play("support-recovery", (0, "survey.answered", ANSWER), ended, outcomes=OPENED)
    assert actions(trace) == ["alert.send", "ticket.open"]


def test_a_callback_that_the_helpdesk_refuses_is_told_to_the_team() -> None:
    refused = {"callback": (Outcome(fails="permanent", reason="the group was deleted"),)}
    trace = play("support-recovery", (0, "survey.answered", ANSWER), outcomes=refused)
    assert actions(trace) == ["alert.send", "ticket.open", "alert.send"]
    assert "the group was deleted" in trace.actions[2].params["text"]


def test_the_recovery_sends_no_survey_itself() -> None:
    trace = play("support-recovery", (0, "survey.answered", ANSWER), outcomes=OPENED)
    assert "survey.send" not in actions(trace)


def test_a_solved_callback_is_asked_about_an_hour_later_linked_to_the_first_answer() -> None:
    trace = play("retention-survey", (0, "ticket.solved", CALLBACK), outcomes=SEEN)
    hour = NOW + timedelta(hours=1)
    assert [(asked.action, asked.time) for asked in trace.actions] == [("callback.read", hour), ("survey.send", hour)]
    assert trace.actions[1].params == {
        "survey": "retention", "about": "r1", "once": "zendesk:7/2",
        "context": {"ticket": "zendesk:7", "ticket_id": "7"},
    }


def test_an_ordinary_ticket_gets_no_retention_survey() -> None:
    assert play("retention-survey", (0, "ticket.solved", TICKET)).runs == ()


@pytest.mark.parametrize(
    "more", [{"status": "not_reached"}, {"status": "merged"}, {"moved": False}, {"handed_over": True}]
)
def test_who_was_not_reached_or_asked_before_is_not_asked(more: dict[str, Any]) -> None:
    assert play("retention-survey", (0, "ticket.solved", {**CALLBACK, "callback": {**STANDING, **more}})).runs == ()


@pytest.mark.parametrize("status", ["reopened", "not_reached", "merged", "deleted", "spam"])
def test_a_callback_that_changes_within_the_hour_is_not_asked_about_until_it_is_solved_again(status: str) -> None:
    trace = play("retention-survey", (0, "ticket.solved", CALLBACK), (0.5, "callback.changed", changed(status)),
                 (2, "ticket.solved", CALLBACK), outcomes=SEEN)
    assert [asked.time for asked in trace.actions if asked.action == "survey.send"] == [NOW + timedelta(hours=3)]


def test_another_tickets_reopening_changes_nothing() -> None:
    trace = play("retention-survey", (0, "ticket.solved", CALLBACK),
                 (0.5, "callback.changed", changed("reopened", ticket="zendesk:8")),
                 (0.6, "callback.changed", changed("reopened", cycle=STANDING["cycle"] - 1)), outcomes=SEEN)
    assert "survey.send" in actions(trace)


def test_a_callback_solved_twice_within_the_hour_is_asked_about_once() -> None:
    trace = play("retention-survey", (0, "ticket.solved", CALLBACK), (0.5, "ticket.solved", CALLBACK), outcomes=SEEN)
    assert [asked.time for asked in trace.actions if asked.action == "survey.send"] == [NOW + timedelta(hours=1.5)]


def test_an_agent_who_forgot_the_outcome_is_reminded_and_the_customer_asked_in_the_afternoon() -> None:
    missing = {**LOOKED, "remind": True, "missing": "the outcome"}
    forgot = {"look": (Outcome(missing),), "look_again": (Outcome(LOOKED),)}
    trace = play("retention-survey", (0, "ticket.solved", CALLBACK), outcomes=forgot)
    assert actions(trace) == ["callback.read", "ticket.comment", "callback.read", "survey.send"]
    assert trace.actions[3].time == NOW + timedelta(hours=5)


@pytest.mark.parametrize("status", ["reopened", "not_reached", "merged", "deleted", "closed"])
def test_what_the_ticket_itself_says_outweighs_what_we_were_told(status: str) -> None:
    seen = {"look": (Outcome({**LOOKED, "loop_status": status}),)}
    assert actions(play("retention-survey", (0, "ticket.solved", CALLBACK), outcomes=seen)) == ["callback.read"]


@pytest.mark.parametrize(("tries", "does"), [(1, "callback.reopen"), (2, "callback.reopen"), (3, "ticket.comment")])
def test_who_was_not_reached_is_tried_again_twice(tries: int, does: str) -> None:
    trace = play("callback-not-reached", (0, "callback.changed", changed("not_reached", tries=tries)))
    assert actions(trace) == [does]
    assert f"{min(tries + 1, 3)}" in trace.actions[0].params["body"]


def test_who_called_back_meanwhile_is_not_called_again() -> None:
    trace = play("callback-not-reached", (0, "callback.changed", changed("not_reached", tries=1)),
                 (1, "callback.changed", changed("reopened")))
    assert actions(trace) == []


@pytest.mark.parametrize(("waiting", "consent", "refused", "called"), [
    (0, False, False, True), (20, False, False, False), (20, True, False, True), (0, False, True, False),
])
def test_every_detractor_is_called_while_there_is_room(
    waiting: int, consent: bool, refused: bool, called: bool
) -> None:
    data = {**ANSWER, "contact_consent": consent, "contact_refused": refused}
    load = {"load": (Outcome({"waiting": waiting}),)}
    trace = play("proactive-recovery", (0, "survey.answered", data), outcomes=load)
    assert ("ticket.open" in actions(trace)) is called


RETENTION = {**ANSWER, "survey": "retention", "about": "r1", "response": "r2"}


def test_a_second_bad_score_goes_to_a_human_and_never_asks_again() -> None:
    trace = play("retention-answered", (0, "survey.answered", {**RETENTION, "context": {"ticket": "zendesk:9"}}))
    assert actions(trace) == ["alert.send", "callback.reopen"]
    assert (trace.actions[1].params["ticket"], trace.actions[1].params["final"]) == ("zendesk:9", True)


@pytest.mark.parametrize("context", [{}, None, {"ticket": None}, {"ticket_id": "9"}])
def test_a_second_bad_score_is_told_also_when_the_ticket_is_unknown(context: object) -> None:
    trace = play("retention-answered", (0, "survey.answered", {**RETENTION, "context": context}))
    assert actions(trace) == ["alert.send"]
    assert trace.runs[0].state.status is Status.SUCCEEDED


@pytest.mark.parametrize("data", [{**RETENTION, "band": "promoter"}, ANSWER])
def test_other_answers_need_no_second_human(data: dict[str, Any]) -> None:
    assert play("retention-answered", (0, "survey.answered", data)).runs == ()


PRAISE = {**ANSWER, "score": 10, "band": "promoter", "comment": "Anna was great", "contact_consent": False}


def test_a_compliment_is_passed_on_and_whoever_wishes_to_hear_of_it_is_thanked() -> None:
    about = {"context": {"ticket": "zendesk:7", "agent": "Anna"}, "improvements": True}
    trace = play("promoter-thanks", (0, "survey.answered", {**PRAISE, **about}))
    assert actions(trace) == ["alert.send", "message.send"]
    told, thanked = (asked.params for asked in trace.actions)
    assert (told["subject"], told["text"]) == ("A compliment for Anna", "Ann gave 10: Anna was great")
    assert told["ticket"] == "zendesk:7"
    assert thanked["text"].startswith("Dear Ann,\n\nThank you for your answer.")


def test_a_dutch_promoter_is_thanked_in_dutch() -> None:
    person = {"id": "c1", "name": "Ann", "locale": "nl-NL"}
    trace = play("promoter-thanks", (0, "survey.answered", {**PRAISE, "improvements": True}), customer=person)
    thanked = trace.actions[-1].params
    assert (thanked["subject"], thanked["text"].split(",")[0]) == ("Dank u wel", "Beste Ann")


@pytest.mark.parametrize("wish", [{}, {"improvements": False}, {"contact_consent": None, "improvements": None}])
def test_a_promoter_who_wishes_no_mail_gets_none_and_their_words_are_passed_on(wish: dict[str, Any]) -> None:
    assert actions(play("promoter-thanks", (0, "survey.answered", {**PRAISE, **wish}))) == ["alert.send"]


def test_a_score_without_words_is_nothing_to_pass_on_and_a_second_answer_no_compliment() -> None:
    assert actions(play("promoter-thanks", (0, "survey.answered", {**PRAISE, "comment": ""}))) == []
    assert play("promoter-thanks", (0, "survey.answered", {**PRAISE, "about": "a1"})).runs == ()


@pytest.mark.parametrize("broken", ["salesforce", "zendesk"])
def test_one_vendors_trouble_does_not_keep_the_score_from_the_other(broken: str) -> None:
    trace = play("score-writeback", (0, "survey.answered", ANSWER),
                 outcomes={broken: (Outcome(fails="permanent", reason="no such field"),)})
    assert [asked.params["connection"] for asked in trace.actions] == ["salesforce", "zendesk"]
    ended = trace.runs[0].state
    assert (ended.status, ended.reason) == (Status.DONE_WITH_FAILURE, f"{broken}: no such field")


# answers that were changed

BETTER = {"score": 9, "band": "promoter", "comment": "All good now", "contact_consent": False}


def change(said: dict[str, Any], before: dict[str, Any], *bands: str, **more: Any) -> dict[str, Any]:
    """``survey.changed`` from one answer to another; ``bands`` are those of all revisions before."""
    told = {name: before[name] for name in ("score", "band", "comment", "contact_consent")}
    return {**said, "previous": {**told, "bands": list(bands)}, "callback": None, **more}


@pytest.mark.parametrize("slug", ["support-recovery", "proactive-recovery"])
def test_a_change_to_a_low_score_starts_recovery(slug: str) -> None:
    event = change(ANSWER, {**ANSWER, **BETTER}, "promoter")
    trace = play(slug, (0, "survey.changed", event), outcomes={**OPENED, "load": (Outcome({"waiting": 0}),)})
    assert "ticket.open" in actions(trace)


def test_a_second_change_to_a_low_score_starts_nothing() -> None:
    again = change(ANSWER, {**ANSWER, **BETTER}, "detractor", "promoter")
    assert play("support-recovery", (0, "survey.changed", {**again, "contact_consent": False})).runs == ()
    for slug in ("account-owner-alert", "retention-answered"):
        assert play(slug, (0, "survey.changed", {**again, "survey": "retention"})).runs == ()


def test_who_says_later_that_they_may_be_called_is_called_and_alerted_about_once() -> None:
    event = change(ANSWER, {**ANSWER, "contact_consent": False}, "detractor")
    trace = play("support-recovery", (0, "survey.changed", event), outcomes=OPENED)
    assert actions(trace)[0] == "ticket.open"


def test_a_change_for_the_better_starts_no_recovery_and_is_thanked_for_once() -> None:
    better = change({**ANSWER, **BETTER, "contact_consent": True}, ANSWER, "detractor")
    assert play("support-recovery", (0, "survey.changed", better)).runs == ()
    assert actions(play("promoter-thanks", (0, "survey.changed", better))) == ["alert.send", "message.send"]
    again = change({**ANSWER, **BETTER, "contact_consent": True}, ANSWER, "promoter", "detractor")
    assert play("promoter-thanks", (0, "survey.changed", again)).runs == ()


@pytest.mark.parametrize("status", ["asked", "open", "taken", "contacted", "reopened"])
def test_whoever_is_about_to_call_reads_of_the_change(status: str) -> None:
    event = change({**ANSWER, **BETTER}, ANSWER, "detractor", callback={"id": "c7", "status": status})
    [note] = play("answer-changed", (0, "survey.changed", event)).actions
    assert (note.action, note.params["callback"]) == ("callback.note", "c7")
    assert note.params["body"].split("\n")[0].startswith("Good news: the customer changed the answer for the better.")
    assert "Before: 3 (detractor): it took days\nNow: 9 (promoter): All good now" in note.params["body"]


@pytest.mark.parametrize("callback", [None, *({"id": "c7", "status": each} for each in ("solved", "deleted", "spam"))])
def test_without_an_open_callback_nobody_is_told(callback: Any) -> None:
    event = change({**ANSWER, **BETTER}, ANSWER, "detractor", callback=callback)
    assert play("answer-changed", (0, "survey.changed", event)).runs == ()


def test_a_changed_answer_is_noted_and_tagged_anew_on_the_ticket_it_is_about() -> None:
    about = {**ANSWER, **BETTER, "context": {"ticket": "zendesk:7"}}
    event = change(about, ANSWER, "detractor")
    trace = play("answers-on-tickets", (0, "survey.changed", event), outcomes={"note": (Outcome({"done": True}),)})
    assert actions(trace) == ["ticket.comment", "ticket.update", "ticket.update"]
    assert trace.actions[0].params["body"] == "The customer changed the answer from 3 to NPS 9 (promoter)\nAll good now"
    assert [asked.params.get("tags", asked.params.get("remove_tags")) for asked in trace.actions[1:]] == [
        ["ringback_promoter"], ["ringback_detractor"],
    ]  # fmt: skip


@pytest.mark.parametrize("slug", ["score-writeback", "answers-in-salesforce"])
def test_a_changed_answer_is_written_again_after_the_first(slug: str) -> None:
    first, second = (0.0, "survey.answered", ANSWER), (1.0, "survey.changed", change({**ANSWER, **BETTER}, ANSWER))
    assert set(actions(play(slug, first, second))) == {"score.write"}
    assert len(play(slug, first, second).runs) == 2

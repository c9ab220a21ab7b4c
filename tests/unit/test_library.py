"""The built-in workflows do what their names promise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

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
CALLBACK = {**TICKET, "callback": {"response": "r1", "cycle": 2, "survey": "after-support"}}
OPENED = {"callback": (Outcome({"ticket": "zendesk:9"}),)}


def play(slug: str, *events: tuple[float, str, dict[str, Any]], outcomes: Any = None, customer: Any = None) -> Trace:
    person = {"id": "c1", "name": "Ann"} if customer is None else customer
    happenings = [Happening(NOW + timedelta(hours=hours), name, data, person) for hours, name, data in events]
    return simulate(load_library()[slug], happenings, outcomes)


def actions(trace: Trace) -> list[str]:
    return [asked.action for asked in trace.actions]


def test_the_library_is_complete_and_its_files_are_named_after_their_workflows() -> None:
    assert set(load_library()) == {
        "after-support", "support-recovery", "retention-survey", "retention-answered", "promoter-thanks",
        "score-writeback", "send-by-hand", "logged-feedback", "account-owner-alert", "score-after-merge",
        "score-backfill",
    }
    assert [name.removesuffix(".yaml") for name in library_texts()] == sorted(load_library())


@pytest.mark.parametrize("slug", sorted(load_library()))
def test_a_built_in_workflow_has_no_warning(slug: str) -> None:
    assert lint(load_library()[slug]) == ()


def test_a_solved_ticket_asks_once_per_ticket() -> None:
    trace = play("after-support", (0, "ticket.solved", TICKET))
    assert trace.actions[0].params == {
        "survey": "after-support", "delay": "1 hour", "once": "zendesk:7", "context": {"ticket_id": "7"},
    }


def test_a_solved_callback_ticket_is_not_asked_about_like_any_other() -> None:
    assert play("after-support", (0, "ticket.solved", CALLBACK)).runs == ()


def test_a_detractor_with_consent_is_alerted_about_and_called_back() -> None:
    solved = {**TICKET, "ticket": "zendesk:9"}
    trace = play("support-recovery", (0, "survey.answered", ANSWER), (5, "ticket.solved", solved), outcomes=OPENED)
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
    assert [(each.action, each.params) for each in trace.actions] == [("survey.send", {"survey": "after-support"})]


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
    solved = {**TICKET, "ticket": "zendesk:9"}
    events = ((0, "feedback.logged", {**LOGGED, **more}), (5, "ticket.solved", solved))
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


def test_a_callback_that_nobody_solves_is_escalated_once_after_two_business_days() -> None:
    trace = play("support-recovery", (0, "survey.answered", ANSWER), outcomes=OPENED)
    assert actions(trace) == ["alert.send", "ticket.open", "ticket.escalate"]
    assert trace.actions[2].time == NOW + timedelta(days=2)
    assert trace.runs[0].state.status is Status.SUCCEEDED


def test_the_recovery_sends_no_survey_itself() -> None:
    trace = play("support-recovery", (0, "survey.answered", ANSWER), outcomes=OPENED)
    assert "survey.send" not in actions(trace)


def test_a_solved_callback_is_asked_about_an_hour_later_linked_to_the_first_answer() -> None:
    trace = play("retention-survey", (0, "ticket.solved", CALLBACK))
    assert [(asked.action, asked.time) for asked in trace.actions] == [("survey.send", NOW + timedelta(hours=1))]
    assert trace.actions[0].params == {
        "survey": "retention", "about": "r1", "once": "zendesk:7/2",
        "context": {"ticket": "zendesk:7", "ticket_id": "7"},
    }


def test_an_ordinary_ticket_gets_no_retention_survey() -> None:
    assert play("retention-survey", (0, "ticket.solved", TICKET)).runs == ()


def test_who_was_not_reached_is_not_asked_how_it_went() -> None:
    unreached = {**CALLBACK, "tags": ["callback", "ringback_not_reached"]}
    assert play("retention-survey", (0, "ticket.solved", unreached)).runs == ()
    reached_then = play("retention-survey", (0, "ticket.solved", unreached), (24, "ticket.solved", CALLBACK))
    assert [asked.time for asked in reached_then.actions] == [NOW + timedelta(hours=25)]


@pytest.mark.parametrize("tags", [None, [], ["callback"]])
def test_a_callback_without_that_tag_is_asked_about(tags: list[str] | None) -> None:
    assert actions(play("retention-survey", (0, "ticket.solved", {**CALLBACK, "tags": tags}))) == ["survey.send"]


def test_a_reopened_callback_is_not_asked_about_until_it_is_solved_again() -> None:
    trace = play("retention-survey", (0, "ticket.solved", CALLBACK), (0.5, "ticket.reopened", CALLBACK),
                 (2, "ticket.solved", CALLBACK))
    assert [asked.time for asked in trace.actions] == [NOW + timedelta(hours=3)]


def test_another_tickets_reopening_changes_nothing() -> None:
    trace = play("retention-survey", (0, "ticket.solved", CALLBACK),
                 (0.5, "ticket.reopened", {**CALLBACK, "ticket": "zendesk:8"}))
    assert actions(trace) == ["survey.send"]


def test_a_callback_solved_twice_within_the_hour_is_asked_about_once() -> None:
    trace = play("retention-survey", (0, "ticket.solved", CALLBACK), (0.5, "ticket.solved", CALLBACK))
    assert [asked.time for asked in trace.actions] == [NOW + timedelta(hours=1.5)]


RETENTION = {**ANSWER, "survey": "retention", "about": "r1", "response": "r2"}


def test_a_second_bad_score_goes_to_a_human_and_never_asks_again() -> None:
    trace = play("retention-answered", (0, "survey.answered", {**RETENTION, "context": {"ticket": "zendesk:9"}}))
    assert actions(trace) == ["alert.send", "ticket.comment"]
    assert trace.actions[1].params["ticket"] == "zendesk:9"


@pytest.mark.parametrize("context", [{}, None, {"ticket": None}, {"ticket_id": "9"}])
def test_a_second_bad_score_is_told_also_when_the_ticket_is_unknown(context: object) -> None:
    trace = play("retention-answered", (0, "survey.answered", {**RETENTION, "context": context}))
    assert actions(trace) == ["alert.send"]
    assert trace.runs[0].state.status is Status.SUCCEEDED


@pytest.mark.parametrize("data", [{**RETENTION, "band": "promoter"}, ANSWER])
def test_other_answers_need_no_second_human(data: dict[str, Any]) -> None:
    assert play("retention-answered", (0, "survey.answered", data)).runs == ()


def test_a_promoter_who_may_be_contacted_is_thanked() -> None:
    trace = play("promoter-thanks", (0, "survey.answered", {**ANSWER, "band": "promoter"}))
    assert actions(trace) == ["message.send"]
    assert trace.actions[0].params["text"].startswith("Dear Ann,")


@pytest.mark.parametrize("consent", [False, None])
def test_a_promoter_who_may_not_be_contacted_is_left_alone(consent: object) -> None:
    data = {**ANSWER, "band": "promoter", "contact_consent": consent}
    assert play("promoter-thanks", (0, "survey.answered", data)).runs == ()


@pytest.mark.parametrize("broken", ["salesforce", "zendesk"])
def test_one_vendors_trouble_does_not_keep_the_score_from_the_other(broken: str) -> None:
    trace = play("score-writeback", (0, "survey.answered", ANSWER),
                 outcomes={broken: (Outcome(fails="permanent", reason="no such field"),)})
    assert [asked.params["connection"] for asked in trace.actions] == ["salesforce", "zendesk"]
    assert trace.runs[0].state.status is Status.SUCCEEDED

"""What agents see and do through the API: one picture, one effect per click, and who clicked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from connector.storage.schema import tables
from tests.integration.test_api import Api, a_token, told
from tests.support.callbacks import check_requests
from tests.support.house import Harness, a_home, answer
from tests.support.house_workflows import SUPPORT_RECOVERY
from workflows.library import library_texts

JAN = {"name": "Jan de Vries", "email": "jan@acme.example", "id": "12"}
BY_HAND = {
    name.removesuffix(".yaml").replace("-", "_"): text[text.index("workflow:") :]
    for name, text in library_texts().items()
    if name in ("send-by-hand.yaml", "logged-feedback.yaml", "outcome-by-hand.yaml")
}


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Iterator[Harness]:
    """On SQLite; what the questions to the database are, the first test asks on both."""
    shutil.copy(sqlite_template, tmp_path / "ringback.db")
    with a_home(f"sqlite:///{tmp_path / 'ringback.db'}", support_recovery=SUPPORT_RECOVERY, **BY_HAND) as home:
        yield home
        check_requests(home)


@pytest.fixture
def api(home: Harness) -> Iterator[Api]:
    with home.on_the_network() as url:
        yield Api(home, url, a_token(home, "agent", name="sidebar"))


def ann(home: Harness) -> str:
    """Someone Zendesk knows. → their user id there."""
    return str(home.world.zendesk.add_user("Ann Jansen", "ann@example.com", locale="nl")["id"])


def picture(api: Api, user: str, **more: Any) -> Any:
    return api.post(f"/agent/zendesk/users/{user}/picture", **more)


def click(api: Api, path: str, key: str = "click-0001", **body: Any) -> Any:
    done = api.post(f"/agent/zendesk{path}", key=key, agent=JAN, **body)
    api.home.settle()
    return done


def a_callback(api: Api, user: str) -> str:
    """A detractor who agreed to be called. → the callback's ticket."""
    customer = {"email": "ann@example.com", "name": "Ann Jansen", "zendesk_user_id": user}
    api.home.deliver(answer(3, customer=customer))
    api.home.settle()
    return str(api.home.one(tables.callbacks).ticket_id)


def test_an_agent_sees_asks_logs_and_concludes(database_url: str) -> None:
    with (
        a_home(database_url, support_recovery=SUPPORT_RECOVERY, **BY_HAND) as home,
        home.on_the_network() as url,
    ):
        api = Api(home, url, a_token(home, "agent", name="sidebar"))
        user = ann(home)
        ticket = a_callback(api, user)
        click(api, f"/users/{user}/feedback", comment="Fine", score=9)
        click(api, f"/users/{user}/surveys", key="click-0002", survey="after-support")
        click(api, f"/tickets/{ticket}/outcome", key="click-0003", outcome="partly", root_cause="staff")
        found = picture(api, user, ticket_id=ticket)
        assert (found["scores"][0]["score"], found["scores"][0]["count"]) == (9, 2)
        assert (found["callback"]["outcome"], found["surveys"][0]["why_not"]) == (
            "partly", "not sent: asked 0 days ago, the rule is 90",
        )  # fmt: skip
        assert sorted(item["kind"] for item in found["timeline"]["items"]) == [
            "answer", "answer", "callback", "event", "survey",
        ]  # fmt: skip
        assert api.get("/agent/clicks/click-0002") == {"state": "sent", "reason": ""}


# --- the picture ----------------------------------------------------------------------------------------------------


def test_one_request_brings_all_that_stands_beside_a_ticket(api: Api) -> None:
    user = ann(api.home)
    ticket = a_callback(api, user)
    found = picture(api, user, ticket_id=ticket)
    assert (found["name"], found["opted_out"], found["quadrant"]) == ("Ann Jansen", False, "")
    [score] = found["scores"]
    assert (score["metric"], score["score"], score["label"], score["count"]) == ("nps", 3, "detractor", 1)
    callback = found["callback"]
    assert (callback["status"], callback["answer"]["comment"]) == ("open", "Waited a week.")
    assert found["surveys"][0] == {"survey": "after-support", "name": "After a support ticket", "why_not": ""}
    about_a_contact = ["after-support", "pulse", "support-effort"]
    others = ["after-delivery", "onboarding", "relationship"]
    assert [each["survey"] for each in found["surveys"]] == [*about_a_contact, *others]
    assert [item["kind"] for item in found["timeline"]["items"]] == ["answer", "callback"]


def test_a_person_we_never_heard_of_is_said_to_be_new(api: Api) -> None:
    found = picture(api, "4711", name="Bob")
    assert (found["customer"], found["name"], found["timeline"]) == (None, "Bob", {"items": [], "next": None})


def test_who_is_known_by_the_address_alone_is_found_by_it(api: Api) -> None:
    api.home.deliver(answer(9))
    api.home.settle()
    assert picture(api, "4711")["customer"] is None
    assert picture(api, "4711", email=" Ann@Example.com ")["scores"][0]["score"] == 9


def test_an_address_that_another_user_of_the_helpdesk_has_is_no_proof(api: Api) -> None:
    api.home.deliver(answer(9, customer={"email": "ann@example.com", "zendesk_user_id": "1"}))
    api.home.settle()
    assert picture(api, "2", email="ann@example.com")["customer"] is None


def test_both_loyalty_questions_make_a_quadrant_and_scales_stay_apart(api: Api) -> None:
    for number, (metric, score) in enumerate([("nps", 9), ("nls", 4), ("nps", 10)]):
        api.home.deliver(answer(score, metric=metric, response_id=f"r{number}", survey="s"))
        api.home.clock.move(minutes=1)
        api.home.settle()
    found = picture(api, "1", email="ann@example.com")
    assert found["quadrant"] == "false loyalty"
    scores = [(each["metric"], each["score"], each["count"]) for each in found["scores"]]
    assert scores == [("nps", 10, 2), ("nls", 4, 1)]


def test_the_timeline_goes_on_page_by_page(api: Api) -> None:
    user = ann(api.home)
    a_callback(api, user)
    found = picture(api, user, limit=1)
    path = f"/agent/customers/{found['customer']}/timeline"
    rest = api.get(path, before=found["timeline"]["next"])
    assert [item["kind"] for item in found["timeline"]["items"] + rest["items"]] == ["answer", "callback"]
    assert told(api.ask("GET", path, params={"before": "nonsense"}))["errors"][0]["field"] == "before"
    assert api.ask("GET", "/agent/customers/nobody/timeline").status_code == 404


def test_a_callback_is_found_by_its_ticket_and_other_tickets_are_none(api: Api) -> None:
    ticket = a_callback(api, ann(api.home))
    found = api.get(f"/agent/zendesk/tickets/{ticket}/callback")
    assert (found["ticket_id"], found["answer"]["score"], found["outcome"]) == (ticket, 3, "")
    assert "no callback" in told(api.ask("GET", "/agent/zendesk/tickets/99999/callback"))["errors"][0]["remedy"]


# --- sending a survey by hand -----------------------------------------------------------------------------------------


def test_a_click_sends_one_survey_however_often_it_arrives(api: Api) -> None:
    user = ann(api.home)
    path = f"/users/{user}/surveys"
    first = click(api, path, survey="after-support", ticket_id="7")
    assert first == {"state": "waiting", "reason": ""}
    assert click(api, path, survey="after-support", ticket_id="7") == {"state": "sent", "reason": ""}
    assert api.get("/agent/clicks/click-0001") == {"state": "sent", "reason": ""}
    [mail] = api.home.mails("ann@example.com")
    assert "Jan de Vries" in mail.text
    assert api.home.one(tables.invitations).context["ticket_id"] == "7"


def test_the_fatigue_rule_holds_for_a_survey_by_hand_and_the_agent_reads_why(api: Api) -> None:
    user = ann(api.home)
    path = f"/users/{user}/surveys"
    click(api, path, survey="after-support")
    api.home.clock.move(days=12)
    why = "not sent: asked 12 days ago, the rule is 90"
    assert picture(api, user)["surveys"][0]["why_not"] == why
    assert click(api, path, key="click-0002", survey="after-support") == {"state": "withheld", "reason": why}
    assert api.get("/agent/clicks/click-0002") == {"state": "withheld", "reason": why}
    assert len(api.home.mails("ann@example.com")) == 1
    assert api.home.one(tables.suppressions).reason == why


def test_who_opted_out_is_not_asked_by_hand_either(api: Api) -> None:
    user = ann(api.home)
    out = {"customer": {"email": "ann@example.com", "zendesk_user_id": user}}
    api.home.deliver({"type": "customer.opted_out", "id": "out", "data": out})
    api.home.settle()
    why = "not sent: the customer opted out of surveys"
    assert picture(api, user)["opted_out"] is True
    assert click(api, f"/users/{user}/surveys", survey="after-support") == {"state": "withheld", "reason": why}
    assert api.home.mails() == []


def test_a_person_without_an_address_is_not_asked_and_the_click_says_so(api: Api) -> None:
    user = str(api.home.world.zendesk.add_user("Nameless")["id"])
    assert click(api, f"/users/{user}/surveys", survey="after-support")["state"] == "waiting"
    became = api.get("/agent/clicks/click-0001")
    assert became == {"state": "withheld", "reason": "not sent: the customer has no e-mail address"}


def test_without_a_workflow_that_sends_it_the_agent_reads_what_an_admin_can_do(database_url: str) -> None:
    with a_home(database_url, support_recovery=SUPPORT_RECOVERY) as home, home.on_the_network() as url:
        api = Api(home, url, a_token(home, "agent"))
        assert "import" in picture(api, "1")["surveys"][0]["why_not"]
        assert click(api, "/users/1/surveys", survey="after-support")["state"] == "withheld"
        assert api.get("/agent/clicks/click-0001")["state"] == "stopped"


def test_a_survey_that_follows_an_answer_is_not_sent_by_hand(api: Api) -> None:
    body = {"key": "click-0001", "agent": JAN, "survey": "retention"}
    refused = told(api.ask("POST", "/agent/zendesk/users/1/surveys", json=body))
    assert refused["errors"][0] | {"value": ""} == {
        "field": "survey", "value": "", "problem": "is none that can be sent by hand.",
        "remedy": "Name one of: after-delivery, after-support, onboarding, pulse, relationship, support-effort.",
    }  # fmt: skip
    assert api.home.rows(tables.deliveries) == []


# --- feedback from a conversation -------------------------------------------------------------------------------------


def test_logged_feedback_is_an_answer_that_starts_workflows_and_names_who_logged_it(api: Api) -> None:
    user = ann(api.home)
    said = {"comment": "Two calls,\nno answer 😡", "score": 2, "contact_consent": True, "conversation": "visit"}
    assert click(api, f"/users/{user}/feedback", ticket_id="7", **said)["state"] == "waiting"
    assert api.get("/agent/clicks/click-0001") == {"state": "done", "reason": ""}
    response = api.home.one(tables.responses)
    assert (response.score, response.band, response.comment) == (2, "detractor", "Two calls,\nno answer 😡")
    assert response.context["logged_by"] == "Jan de Vries"
    event = api.home.rows(tables.events, tables.events.c.type == "feedback.logged")[0]
    assert event.data["by"] == {**JAN, "token": "sidebar (API)"}
    assert (event.data["ticket"], event.connection) == ("zendesk:7", "ringback")
    assert api.home.run("logged-feedback").status == "waiting"
    assert api.home.one(tables.callbacks).ticket_id
    [item] = [each for each in picture(api, user)["timeline"]["items"] if each["kind"] == "answer"]
    assert (item["details"]["logged_by"], item["details"]["conversation"]) == ("Jan de Vries", "visit")


def test_a_double_click_logs_once(api: Api) -> None:
    for _ in range(3):
        click(api, "/users/5/feedback", comment="Fine", score=9)
    assert len(api.home.rows(tables.responses)) == 1
    click(api, "/users/5/feedback", key="click-0002", comment="Fine", score=9)
    assert len(api.home.rows(tables.responses)) == 2


def test_words_without_a_score_stand_on_the_timeline_too(api: Api) -> None:
    click(api, "/users/5/feedback", comment="Nice shop", conversation="visit", name="Bob")
    found = picture(api, "5")
    [item] = found["timeline"]["items"]
    assert (item["kind"], item["details"]["type"]) == ("event", "feedback.logged")
    assert (item["details"]["comment"], item["details"]["logged_by"]) == ("Nice shop", "Jan de Vries")
    assert (found["name"], found["scores"]) == ("Bob", [])


def test_a_number_of_another_helpdesk_is_another_person(api: Api) -> None:
    click(api, "/users/5/feedback", comment="From five")
    [customer] = api.home.rows(tables.customers)
    ids = {(row.system, row.value) for row in api.home.rows(tables.identities)}
    assert ids == {("zendesk", "5")}
    assert customer.facts == {}


# --- what came of a callback ------------------------------------------------------------------------------------------


def test_outcome_and_root_cause_are_kept_with_who_said_so(api: Api) -> None:
    user = ann(api.home)
    ticket = a_callback(api, user)
    path, said = f"/tickets/{ticket}/outcome", {"outcome": "recovered", "root_cause": "delivery", "note": "Sent anew"}
    click(api, path, **said)
    click(api, path, **said)
    found = api.get(f"/agent/zendesk/tickets/{ticket}/callback")
    assert (found["outcome"], found["root_cause"], found["concluded_by"]) == ("recovered", "delivery", "Jan de Vries")
    moments = [each["details"] for each in picture(api, user)["timeline"]["items"]]
    [moment] = [each for each in moments if each.get("type") == "callback.outcome"]
    assert (moment["outcome"], moment["note"], moment["logged_by"]) == ("recovered", "Sent anew", "Jan de Vries")


def test_what_an_agent_said_stands_on_the_ticket_a_moment_later(api: Api) -> None:
    ticket = a_callback(api, ann(api.home))
    click(api, f"/tickets/{ticket}/outcome", outcome="not_reached", note="Voice mail")
    state = api.home.world.zendesk.desk.state
    assert "ringback_not_reached" in state.tickets[int(ticket)]["tags"]
    last = state.comments[int(ticket)][-1]
    assert "Jan de Vries, in the sidebar: not reached. Voice mail" in last["body"]
    assert last["public"] is False
    said = {"outcome": "recovered", "root_cause": "waiting_time"}
    click(api, f"/tickets/{ticket}/outcome", key="click-0002", **said)
    assert "ringback_not_reached" not in state.tickets[int(ticket)]["tags"]
    assert "recovered, because of waiting time" in state.comments[int(ticket)][-1]["body"]


def test_what_came_of_it_counts_no_more_once_the_ticket_is_reopened(api: Api) -> None:
    ticket = a_callback(api, ann(api.home))
    click(api, f"/tickets/{ticket}/outcome", outcome="not_reached")
    api.home.ticket_event("ticket_reopened", ticket)
    api.home.settle()
    assert api.get(f"/agent/zendesk/tickets/{ticket}/callback")["outcome"] == ""


def test_a_call_that_took_place_needs_a_root_cause(api: Api) -> None:
    ticket = a_callback(api, ann(api.home))
    body = {"key": "click-0001", "agent": JAN, "outcome": "recovered"}
    refused = told(api.ask("POST", f"/agent/zendesk/tickets/{ticket}/outcome", json=body))
    assert refused["errors"][0]["field"] == "root_cause"
    assert "waiting_time" in refused["errors"][0]["remedy"]


def test_only_a_callback_has_an_outcome(api: Api) -> None:
    body = {"key": "click-0001", "agent": JAN, "outcome": "not_reached"}
    assert api.ask("POST", "/agent/zendesk/tickets/4/outcome", json=body).status_code == 404
    assert api.home.rows(tables.deliveries) == []


def test_a_number_that_the_crm_forbids_to_call_is_not_shown_but_one_that_was_given_to_be_called_is(api: Api) -> None:
    ticket, home = a_callback(api, ann(api.home)), api.home
    path = f"/agent/zendesk/tickets/{ticket}/callback"
    known = {"phone": "+31201234567"}
    with home.house.database.write() as tx:
        tx.execute(update(tables.customers).values(known))
    assert api.get(path)["phone"] == "+31201234567"
    with home.house.database.write() as tx:
        tx.execute(update(tables.customers).values(facts={"do_not_call": True}))
    assert api.get(path)["phone"] == ""
    with home.house.database.write() as tx:
        tx.execute(update(tables.responses).values(answers={"contact": {"phone": "+31612345678"}}))
    assert api.get(path)["phone"] == "+31612345678"


@pytest.mark.parametrize("end", ["merged", "deleted"])
def test_a_logged_callback_whose_ticket_is_gone_is_raised_no_more(api: Api, end: str) -> None:
    user, home = ann(api.home), api.home
    feedback = {"comment": "It squeaks", "conversation": "call", "contact_consent": True}
    click(api, f"/users/{user}/feedback", ticket_id="", **feedback)
    assert home.run("logged-feedback").status == "waiting"
    home.ticket_event(f"ticket_{end}", str(home.one(tables.callbacks).ticket_id))
    home.settle()
    home.wait(days=5)
    assert home.run("logged-feedback").status == "succeeded"
    assert home.effects("ticket.escalate") == []


# --- mistaken and hostile callers -------------------------------------------------------------------------------------

NOBODY = ("salesforce/users/1", "nothing/users/1", "zendesk/users/x", "zendesk/users/-1", "zendesk/users/٣",
          "zendesk/users/" + "9" * 21)  # fmt: skip
MISTAKES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"key": "short"}, "key"), ({"key": "with space!"}, "key"), ({"agent": {}}, "agent.name"),
    ({"agent": "Jan"}, "agent"), ({"agent": {**JAN, "role": "admin"}}, "agent.role"), ({"comment": ""}, "comment"),
    ({"comment": " \n "}, "comment"), ({"comment": "x" * 64_000}, "comment"), ({"score": 11}, "score"),
    ({"score": -1}, "score"), ({"score": "9"}, "score"), ({"score": 2.5}, "score"), ({"metric": "stars"}, "metric"),
    ({"conversation": "dream"}, "conversation"), ({"contact_consent": "yes"}, "contact_consent"),
    ({"ticket_id": "7; DROP"}, "ticket_id"), ({"name": "a\x00b"}, "name"), ({"evil": 1}, "evil"),
)  # fmt: skip
SAID = (("مرحبا \u202eevil", "مرحبا evil"), ("a\x00b\x1b[31m", "ab[31m"), ("{{ticket.requester.email}}",) * 2,
        ("<script>x</script>",) * 2, ("👍🏽",) * 2)  # fmt: skip


def test_a_path_that_names_nobody_is_said_to(api: Api) -> None:
    for path in NOBODY:
        refused = api.ask("POST", f"/agent/{path}/picture", json={})
        assert refused.status_code == 404, path
        assert told(refused)["errors"][0]["remedy"]


def test_feedback_that_cannot_be_kept_names_the_field_and_logs_nothing(api: Api) -> None:
    for changed, field in MISTAKES:
        body = {"key": "click-0001", "agent": JAN, "comment": "Fine", **changed}
        refused = api.ask("POST", "/agent/zendesk/users/5/feedback", json=body)
        assert refused.status_code == 422, refused.text
        assert field in [each["field"] for each in told(refused)["errors"]]
    assert api.home.rows(tables.deliveries) == []


def test_words_of_any_kind_are_kept_without_what_deceives(api: Api) -> None:
    for number, (said, _) in enumerate(SAID):
        click(api, "/users/5/feedback", key=f"click-{number:04}", comment=said, score=5)
    assert [row.comment for row in api.home.rows(tables.responses)] == [kept for _, kept in SAID]

"""``ringback demo`` without a browser: its side paths, its pages, its beginning and its end."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from connector.cli.main import main
from connector.demo import cast, shortened, visitor
from tests.support.processes import Process, until
from workflows import schema
from workflows.library import load_library

ROUND = 90  # seconds: the longest round waits for an outage of 20 s


@dataclass(frozen=True)
class Shown:
    """A step on the page: its state, and its text without the markup."""

    state: str
    text: str
    html: str


@dataclass(frozen=True)
class Demo:
    """A running demo, in a browser."""

    process: Process
    url: str
    browser: requests.Session

    def get(self, path: str = "/", **more: Any) -> requests.Response:
        return self.browser.get(self.url + path, timeout=30, **more)

    def post(self, path: str, **more: Any) -> requests.Response:
        return self.browser.post(self.url + path, timeout=30, **more)

    def begin(self, path: str) -> Round:
        """A new round with another customer."""
        landed = self.post("/demo/journeys", data={"path": path}).url
        return Round(self, int(landed.rpartition("=")[2]))

    def standin(self, name: str) -> str:
        """The address of a stand-in, from the links on the page."""
        found = re.search(rf'href="(http://[\d.:]+)/[^"]*"[^>]*>{name}</a>', self.get().text)
        assert found
        return found.group(1)

    def tickets(self, customer: str) -> list[dict[str, Any]]:
        """The customer's tickets, as the helpdesk has them."""
        state = requests.get(f"{self.standin('Zendesk')}/sandbox/state", timeout=30).json()
        [user] = [each["id"] for each in state["users"] if each["name"] == customer]
        return [each for each in state["tickets"] if each["requester_id"] == user]

    def user(self, name: str) -> dict[str, Any]:
        """A customer's record at the helpdesk."""
        state = requests.get(f"{self.standin('Zendesk')}/sandbox/state", timeout=30).json()
        [user] = [each for each in state["users"] if each["name"] == name]
        return dict(user)

    def mails(self, address: str) -> list[dict[str, Any]]:
        found = requests.get(f"{self.standin('Mail box')}/sandbox/mails", params={"to": address}, timeout=30)
        mails: list[dict[str, Any]] = found.json()["mails"]
        return mails


@dataclass(frozen=True)
class Round:
    """One customer's round, seen through the page."""

    demo: Demo
    number: int

    @property
    def page(self) -> str:
        return self.demo.get(f"/?journey={self.number}").text

    @property
    def steps(self) -> Mapping[str, Shown]:
        parts = (part.partition("</li>")[0] for part in self.page.split('<li class="step ')[1:])
        return {name(part): Shown(part.partition('"')[0].split()[0], plain(part), part) for part in parts}

    @property
    def customer(self) -> str:
        found = re.search(r"<p><strong>([^<]+)</strong>", self.page)
        assert found
        return found.group(1)

    @property
    def ending(self) -> str:
        """The runs that the end of the story lists, each with its status, a line each."""
        shown = self.page.partition('id="end"')[2].partition("<ul>")[2].partition("</ul>")[0]
        return "\n".join(plain(f">{each}") for each in shown.split("</li>") if "<li>" in each)

    @property
    def who(self) -> cast.Person:
        return next(each for each in map(cast.person, range(40)) if each.name == self.customer)

    @property
    def is_over(self) -> bool:
        return 'class="headline over"' in self.page

    def becomes(self, step: str, state: str, seconds: float = ROUND) -> Shown:
        """Wait for a step's state. → the step."""
        until(
            lambda: self.steps[step].state == state, f"step {step} of round {self.number} is {state}", seconds
        )
        return self.steps[step]

    def over(self) -> Mapping[str, Shown]:
        """Wait for the end. → the steps."""
        until(lambda: self.is_over, f"the end of round {self.number}", ROUND)
        return self.steps

    def press(self, move: str) -> None:
        assert self.demo.post(f"/demo/journeys/{self.number}/{move}").ok


def name(part: str) -> str:
    found = re.search(r'id="([\w-]+)"', part)
    assert found
    return found.group(1)


def plain(part: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", part.partition(">")[2])).split())


def link(part: Shown, words: str) -> str:
    found = re.search(rf'href="([^"]+)"[^>]*>{words}', part.html)
    assert found, f"no link {words!r} in {part.text!r}"
    return unescape(found.group(1))


def started(folder: Path, *arguments: str) -> Demo:
    process = Process(["demo", *arguments], {}, folder / "demo.log")
    process.wait_for("Stop with Ctrl-C")
    found = re.search(r"Open\s+(http://\S+)", process.log)
    assert found
    return Demo(process, found.group(1), requests.Session())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = started(tmp_path_factory.mktemp("demo"), "--port", "0")
    try:
        yield running
    finally:
        running.process.stop()


@pytest.fixture(scope="module")
def played(demo: Demo) -> Mapping[str, Round]:
    """The side paths that do not disturb each other, played side by side."""
    return {path: demo.begin(path) for path in ("promoter", "no-consent", "twice")}


# The story.


def test_the_page_begins_with_a_question_that_an_agent_can_solve(demo: Demo) -> None:
    steps = demo.begin("loop").steps
    assert list(steps) == [
        "solve", "webhook", "decide", "mail", "answer", "callback", "solve-callback", "retention", "score",
    ]  # fmt: skip
    assert [step.state for step in steps.values()] == ["turn"] + ["waiting"] * 8
    assert "Solve the ticket" in steps["solve"].text
    assert "5 seconds where you would say 1 hour" in plain(demo.get().text)


def test_a_happy_customer_gets_no_ticket_and_nobody_an_alert(played: Mapping[str, Round], demo: Demo) -> None:
    steps = played["promoter"].over()
    assert [steps[each].state for each in ("callback", "solve-callback", "retention")] == ["skipped"] * 3
    assert 'event.band is "promoter"' in steps["callback"].text
    assert steps["score"].text.count("10 (promoter)") == 2
    assert len(demo.tickets(played["promoter"].customer)) == 1


def test_a_detractor_without_consent_gets_no_ticket_but_the_team_hears_of_it(
    played: Mapping[str, Round], demo: Demo
) -> None:
    steps = played["no-consent"].over()
    assert "There is no ticket: the customer did not want to be contacted" in steps["callback"].text
    assert [steps[each].state for each in ("callback", "solve-callback", "retention")] == [
        "done",
        "skipped",
        "skipped",
    ]
    assert len(demo.tickets(played["no-consent"].customer)) == 1
    alerts = [mail["text"] for mail in demo.mails("care@acme.example")]
    assert any(text.startswith(f"{played['no-consent'].customer} gave 3") for text in alerts)


def test_a_webhook_that_comes_twice_happens_once(played: Mapping[str, Round], demo: Demo) -> None:
    round_ = played["twice"]
    steps = round_.over()
    assert "Zendesk delivered it 2 times" in steps["webhook"].text
    assert re.search(r"Delivery 2 \d\d:\d\d:\d\d answered 200, kept before", steps["webhook"].text)
    first, second = (mail["subject"] for mail in demo.mails(round_.who.email))
    assert first != second
    assert [ticket["status"] for ticket in demo.tickets(round_.customer)] == ["solved", "solved"]
    assert {step.state for step in steps.values()} == {"done"}


def test_nothing_is_lost_and_nothing_doubled_while_zendesk_is_down(
    played: Mapping[str, Round], demo: Demo
) -> None:
    for each in played.values():
        each.over()
    round_ = demo.begin("outage")
    assert "503" in round_.becomes("callback", "trouble").text
    run = demo.get(link(round_.becomes("callback", "trouble"), "See the recovery run")).text
    assert "503" in run
    steps = round_.over()
    assert re.search(r"it took \d+ tries, and exactly one ticket was opened", steps["callback"].text)
    assert len(demo.tickets(round_.customer)) == 2
    assert steps["score"].text.count("3 (detractor)") == 2


def test_who_is_still_unhappy_after_the_callback_is_given_to_a_person(demo: Demo) -> None:
    round_ = demo.begin("loop")
    round_.press("solve")
    survey = link(round_.becomes("answer", "turn"), "Open the survey")
    visitor.answer(survey, cast.answers_of(round_.who, 0, consent=True))
    round_.becomes("solve-callback", "turn")
    round_.press("solve-callback")
    again = link(round_.becomes("retention", "turn"), "Open the retention survey")
    visitor.answer(again, {"q.score": "1", "q.comment": "Still broken"})
    assert "nobody is surveyed again" in round_.over()["retention"].text
    until(lambda: demo.mails("care-lead@acme.example"), "the care lead's alert")


def test_every_story_ends_without_a_failed_run(played: Mapping[str, Round], demo: Demo) -> None:
    """What a visitor reads at the end of the loop and of each side path: nothing failed, nothing half done."""
    whole = demo.begin("loop")
    whole.press("play")
    rounds = {**played, "loop": whole}
    for each in rounds.values():
        each.over()
    for path, each in rounds.items():
        until(lambda each=each: not re.search(r"\b(ready|waiting)\b", each.ending), f"the runs of {path} to end", ROUND)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        assert set(re.findall(r"[\w-]+ (\w+)$", each.ending, re.MULTILINE)) <= {"succeeded", "cancelled"}, path


def test_who_was_won_back_is_no_detractor_any_more(demo: Demo) -> None:
    """On the callback's ticket and on the customer's record."""
    round_ = demo.begin("loop")
    round_.press("play")
    round_.over()
    until(lambda: demo.user(round_.customer)["user_fields"]["ringback_loop_status"] == "recovered", "the record", ROUND)
    [callback] = [each for each in demo.tickets(round_.customer) if "ringback_callback" in each["tags"]]
    assert sorted(callback["tags"]) == ["callback", "ringback_callback", "ringback_recovered"]


# What can be looked at, and what can be pressed.


def test_the_page_of_a_run_tells_every_decision_with_its_reason(
    played: Mapping[str, Round], demo: Demo
) -> None:
    steps = played["no-consent"].over()
    page = plain(demo.get(link(steps["callback"], "See the recovery run")).text)
    assert 'event.survey in ["after-support",' in page
    assert "event.contact_consent == true is false" in page
    assert "alert.send" in page


def test_the_page_of_a_delivery_shows_what_came_and_what_followed(
    played: Mapping[str, Round], demo: Demo
) -> None:
    steps = played["promoter"].over()
    page = demo.get(link(steps["webhook"], "See the delivery")).text
    assert "zen:event-type:ticket.status_changed" in page
    event = demo.get(link(Shown("", "", page), "ticket.solved")).text
    assert re.search(r'href="/admin/runs/[^"]+"', event)


def test_what_is_not_there_is_said_on_a_page(demo: Demo) -> None:
    answer = demo.get("/?journey=999999")
    assert (answer.status_code, "Back to the tour" in answer.text) == (404, True)
    for path in ("/admin/runs/nothing", "/admin/deliveries/999999"):
        assert demo.get(path).status_code == 404, path


def test_who_opened_the_tour_is_the_admin_of_its_pages_and_nobody_else_is(demo: Demo) -> None:
    demo.get()
    assert "Ada Admin" in demo.get("/admin/").text
    assert "Ada Admin" not in requests.get(f"{demo.url}/admin/", timeout=30).text
    assert demo.post("/demo/journeys", data={"path": "<script>"}).status_code == 400


def test_the_moving_part_is_sent_only_when_it_moved(demo: Demo) -> None:
    path = f"/demo/story?journey={demo.begin('loop').number}"
    tag = demo.get(path).headers["ETag"]
    assert demo.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_another_sites_page_cannot_press_the_buttons(demo: Demo) -> None:
    round_ = demo.begin("loop")
    stranger = {"Origin": "http://evil.example"}
    assert demo.post(f"/demo/journeys/{round_.number}/solve", headers=stranger).status_code == 403
    assert round_.steps["solve"].state == "turn"


def test_pressing_twice_solves_once(demo: Demo) -> None:
    round_ = demo.begin("loop")
    round_.press("solve")
    round_.press("solve")
    assert "Delivery 2" not in round_.becomes("webhook", "done").text


def test_no_page_may_run_a_script_or_style_of_its_own(demo: Demo) -> None:
    answer = demo.get()
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", answer.text)
    assert len(demo.get("/demo/static/tour.js").content) < 5_000


# The command.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_good_order_and_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = started(tmp_path, "--port", str(port))
    folder = re.search(r"in (\S+), removed at the end", demo.process.log)
    assert folder
    assert f"Port {port} cannot be used" in demo.process.log
    assert Path(folder.group(1), "ringback.yaml").exists()
    demo.begin("promoter")  # a player at work does not hold up the end
    os.kill(demo.process.pid, number)
    assert demo.process.stop() == 0
    assert not Path(folder.group(1)).exists()
    assert len(demo.process.log.splitlines()) < 12, demo.process.log


def test_a_host_that_is_not_ours_is_refused_with_a_remedy() -> None:
    told = CliRunner().invoke(main, ["demo", "--host", "192.0.2.1", "--port", "0"])
    assert told.exit_code == 2
    assert "--host 192.0.2.1 cannot be used here" in told.output
    assert "Try 127.0.0.1" in told.output


# The parts.


def test_only_the_pauses_differ_from_the_built_in_workflows() -> None:
    assert load_library().keys() - shortened.library().keys() == {"answers-in-salesforce", "loop-in-salesforce"}
    for slug, workflow in ((each, load_library()[each]) for each in shortened.library()):
        original = schema.to_dict(workflow)
        changed = schema.to_dict(schema.load(shortened.library()[slug]))
        assert without_pauses(changed) == without_pauses(original), slug
        assert "1 hour" not in str(changed)
        assert ("5 seconds" in str(changed)) == ("1 hour" in str(original))


def without_pauses(part: Any) -> Any:
    if isinstance(part, list):
        return [without_pauses(each) for each in part]
    if not isinstance(part, dict):
        return "pause" if part in ("1 hour", "5 seconds", "30 seconds", "2 seconds") else part
    return {key: without_pauses(each) for key, each in part.items() if key != "retry"}


def test_no_two_customers_share_an_address() -> None:
    people = [cast.person(number) for number in range(3 * len(cast.PEOPLE))]
    assert len({each.email for each in people}) == len(people)
    assert all(each.email.endswith(".example") for each in people)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Answer here: http://127.0.0.1:8000/s/aB-_9?score=3 thanks", "http://127.0.0.1:8000/s/aB-_9"),
        ("No more: http://127.0.0.1:8000/u/aB-_9", ""),
        ("", ""),
    ],
)
def test_the_survey_link_of_a_mail_is_found(text: str, found: str) -> None:
    assert visitor.survey_link(text) == found

"""The newcomer's protocol: from an empty folder to a closed loop by the commands of docs/start.md, in their order, and
without a look into the source."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.demo import visitor
from tests.support.processes import PATIENCE, PROGRAM, ROOT, Process, free_port, until

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_STAYS = {"ringback sandbox": "SMTP", "ringback serve": "listening on"}
"""Commands that are left running → the words that say they are ready."""


@dataclass
class Newcomer:
    """Somebody with a shell, and pages to look at. Ports differ from the usual ones, as others may use those here."""

    folder: Path
    ports: Mapping[str, int]
    processes: ExitStack
    typed: int = 0

    def type(self, block: str) -> str:
        """Everything in a block of the document. → what it printed."""
        for stays, ready in _STAYS.items():
            if block.strip() == stays:
                return self._leave_running(self._own_ports(block).split()[1:], ready)
        self.typed += sum(line.startswith(("ringback", "curl")) for line in block.splitlines())
        shell = {"PATH": f"{Path(PROGRAM[0]).parent}:/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(self.folder)}
        done = subprocess.run(
            ["bash", "-eu", "-c", self._own_ports(block)], env=shell, cwd=self.folder, capture_output=True, text=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _own_ports(self, block: str) -> str:
        at = {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}
        return (
            block.replace("init --sandbox", f"init --sandbox --zendesk {at['zendesk']} --salesforce {at['salesforce']} "
                          f"--mail smtp://127.0.0.1:{self.ports['smtp']} --base-url {at['ringback']}")
            .replace("ringback sandbox", "ringback sandbox " + " ".join(
                f"--{name}-port {self.ports[name]}" for name in ("zendesk", "salesforce", "mail", "smtp")))
            .replace("http://127.0.0.1:8001", at["zendesk"]).replace("http://127.0.0.1:8002", at["salesforce"])
            .replace("ringback serve", f"ringback serve --port {self.ports['ringback']}")
        )  # fmt: skip

    def _leave_running(self, words: list[str], ready: str) -> str:
        self.typed += 1
        process = Process(words, {}, self.folder / f"{words[0]}.log")
        self.processes.callback(process.stop)
        process.wait_for(ready)
        return process.log

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Until it is true; what became of each run is told when it never is."""
        try:
            return until(condition, what)
        except AssertionError as error:
            runs = json.loads(self.type("ringback runs --json"))
            error.add_note("\n\n".join(self.type(f"ringback runs show {run['id']}") for run in runs))
            raise

    def get(self, where: str, path: str, **query: str) -> Any:
        return requests.get(f"http://127.0.0.1:{self.ports[where]}{path}", params=query, timeout=PATIENCE).json()

    def survey(self) -> str:
        """The link in the newest survey that Ann got; "" while there is none."""
        mails = self.get("mail", "/sandbox/mails", to="you@example.com")["mails"]
        return next((link for each in reversed(mails) if (link := visitor.survey_link(each["text"]))), "")

    def callback(self) -> Any:
        tickets = self.get("zendesk", "/sandbox/state")["tickets"]
        return next((each for each in tickets if "ringback_callback" in each["tags"]), None)

    def solve(self, ticket: int) -> None:
        """On the ticket's page in the stand-in for Zendesk: every choice gets its first answer."""
        page = f"http://127.0.0.1:{self.ports['zendesk']}/agent/tickets/{ticket}"
        shown = requests.get(page, timeout=PATIENCE).text
        chosen = dict(re.findall(r'name="(field-\d+)">\s*<option value="">–</option>\s*<option value="(\w+)"', shown))
        given = {**chosen, "comment": "Called, and made it good."}
        assert requests.post(f"{page}/solve", data=given, timeout=PATIENCE).ok

    def scores(self) -> tuple[Any, Any]:
        """NPS on the user in Zendesk and on the contact in Salesforce."""
        users = self.get("zendesk", "/sandbox/state")["users"]
        contacts = self.get("salesforce", "/sandbox/state")["Contact"]
        user = next((each for each in users if each["email"] == "you@example.com"), {"user_fields": {}})
        contact = next((each for each in contacts if each.get("Email") == "you@example.com"), {})
        return user["user_fields"].get("ringback_score"), contact.get("NPS_Score__c")


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    ports = {name: free_port() for name in ("zendesk", "salesforce", "mail", "smtp", "ringback")}
    with ExitStack() as processes:
        yield Newcomer(tmp_path, ports, processes)


def _blocks() -> list[str]:
    """Of the part about stand-ins."""
    text = (ROOT / "docs" / "start.md").read_text("utf-8")
    return _BLOCK.findall(text.partition("## With your own accounts")[0])


def test_somebody_who_types_what_the_document_says_closes_a_loop(newcomer: Newcomer) -> None:
    *before, tells, looks = _blocks()
    for block in before:
        newcomer.type(block)
    assert '"stored"' in newcomer.type(tells)
    ticket = newcomer.until(newcomer.callback, "a callback ticket for Ann")
    assert "support-recovery" in newcomer.type(looks)
    assert newcomer.typed < 10
    newcomer.until(lambda: newcomer.scores() == (2, 2), "her score on both records")
    newcomer.solve(ticket["id"])
    link = newcomer.until(newcomer.survey, "the retention survey")
    visitor.answer(link, {"q.score": "5"})
    newcomer.until(lambda: "answers-on-tickets" in newcomer.type("ringback runs"), "the second answer on the ticket")

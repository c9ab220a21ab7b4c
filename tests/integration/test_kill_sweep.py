"""kill -9 at every point of the headline story: an unhappy answer, a callback, its solve, the retention survey, a
second unhappy answer, and the scores on the customer's records.

The process dies before and after each of its commits, and around each of its requests (``tests.support.doomed``
names the points), and another one takes over. Whatever the point: one ticket, one comment, the right scores, and
each mail as often as its delivery rule says.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from shutil import copy
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from sqlalchemy import select

from connector.storage.engine.database import Database
from connector.storage.schema import tables
from sandbox.clock import HandClock
from sandbox.mailbox.store import StoredMail
from sandbox.world import World
from tests.fixtures import envelope
from tests.support.doom import DiedError, Doom, DoomedHouse, Doomsday, HouseProgram, doomsday
from tests.support.house import ZENDESK_SECRET, a_house, answer, signed_inbound, signed_zendesk
from tests.support.installation import configuration
from tests.survey_site import BROWSER
from workflows.library import load_library
from workflows.schema import dump, from_dict, to_dict

FORM = {"content-type": "application/x-www-form-urlencoded", **BROWSER}
STILL_BAD = urlencode([
    ("shown", "score"), ("q.score", "1"), ("shown", "comment"), ("q.comment", "No."), ("hand", "3.3.4000"),
])  # fmt: skip
STEP = 10  # points that the second process of a story lives for
RECOVERY = 8  # points
HANDFUL = 6  # deaths of one story; a call is given up after more tries than its processes may die
FIRSTS = {"sqlite": (1, 3, 5, 7, 9), "postgresql": (2, 7)}
"""The points at which the first process of a story dies, unless everything is wanted."""
WHOLE = os.environ.get("RINGBACK_TEST_SWEEP") == "whole"
LONGEST = 60  # seconds
LOOKS = 20  # at a house that is to come to rest

NewDatabase = Callable[[Callable[[str], None]], str]
"""Makes a database, and has it furnished by what it is given, which takes the URL. → the URL."""

Fate = Callable[[Sequence[str]], Doom]
"""The doom of the next process, by where those before it died."""


@dataclass
class Story:
    """One customer's way round, told from outside, to whatever process lives. Each sender is polite."""

    world: World
    days: Doomsday
    clock: HandClock
    database_url: str
    name: str
    fate: Fate
    deaths: list[str] = field(default_factory=list)
    house: DoomedHouse | None = None

    @property
    def email(self) -> str:
        return f"{self.name}@example.com"

    def tell(self) -> None:
        """From the first answer to the last write, with as many deaths on the way as are its fate."""
        self.world.salesforce.add_contact("Jansen", self.email)
        self.world.zendesk.add_user(self.name, self.email)
        self._answer()
        self._solve()
        self.pass_time(minutes=61)
        if mails := self.mails():
            self._answer_again(mails[0])
        self.pass_time(minutes=1)  # until the loop's status, which waits for the dust to settle, stands on the ticket
        assert self.house is not None
        self.house.end()

    def mails(self) -> list[StoredMail]:
        return self.world.mailbox.to(self.email)

    def _answer(self) -> None:
        event = answer(2, response_id=self.name, customer={"email": self.email, "name": self.name})
        body = json.dumps({"time": self.clock().isoformat(), **event})
        headers = signed_inbound(body.encode(), self.name, self.clock())
        assert self._say("post", "/webhooks/survey-platform", body, headers) == 200
        self.rest()

    def _solve(self) -> None:
        [ticket] = self.tickets()
        self.world.zendesk.solve(ticket["id"])  # it is read once more before the customer is asked
        at = self.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        detail = {name: str(ticket[name]) for name in ("id", "external_id", "requester_id")}
        body = envelope("zendesk/ticket_solved.json", id=f"solved-{self.name}", time=at, detail=detail)
        headers = signed_zendesk(body, f"solved-{self.name}", self.clock())
        assert self._say("post", "/webhooks/zendesk", body.decode(), headers) == 200
        self.rest()

    def _answer_again(self, mail: StoredMail) -> None:
        [token] = set(re.findall(r"/s/([\w-]{22})", mail.text))
        assert self._say("post", f"/s/{token}", STILL_BAD, FORM) in (200, 303)
        self.rest()

    def tickets(self) -> list[Any]:
        return [each for each in self.world.zendesk.tickets if each["subject"].endswith(self.name)]

    def pass_time(self, **span: float) -> None:
        self.days.move(**span)
        self._say("tick")
        self.rest()

    def rest(self) -> None:
        """Until nothing is left to do; what a dead process had in its hands takes a lease."""
        for _ in range(LOOKS):
            if self._say("tick") == 0:
                return
            self.days.move(seconds=61)
        raise AssertionError(f"work is left over after {self.deaths}")

    def _say(self, what: str, *words: Any) -> Any:
        """To the process that lives: when it dies of it, to the next one again."""
        while True:
            try:
                self.house = self.house or self.days.house(self.database_url, self.fate(self.deaths))
                return getattr(self.house, what)(*words)
            except DiedError as death:
                self.deaths.append(str(death))
                self.house = None


@dataclass
class Stage:
    """Where stories are told: stand-ins, a clock, and databases that know the workflows."""

    world: World
    days: Doomsday
    clock: HandClock
    new_database: Callable[[], str]
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def tell(self, fate: Fate = lambda _deaths: {}) -> Story:
        """Tell a whole story and look at what came of it. → it, with the deaths it had."""
        url = self.new_database()
        story = Story(self.world, self.days, self.clock, url, f"ann{next(self._numbers)}x", fate)
        story.tell()
        with closing(Database(url, pool_size=1)) as database:
            _judge(story, database)
        return story


def _judge(story: Story, database: Database) -> None:
    where = f"after {story.deaths}"
    with database.read() as tx:
        effects = tx.execute(select(tables.effects)).all()
        runs = tx.execute(select(tables.runs)).all()
        answers = tx.execute(select(tables.responses)).all()
    assert {effect.status for effect in effects} == {"done"}, where
    assert {run.status for run in runs if run.workflow != "callback-status"} == {"succeeded"}, where
    assert {run.status for run in runs} <= {"succeeded", "cancelled"}, where  # a newer status makes it begin anew
    [ticket] = story.tickets()
    asked = [effect for effect in effects if effect.action == "survey.send"]
    told = [effect for effect in effects if effect.action == "alert.send"]
    again = len(answers) == 2
    _judge_mails(story, asked, told, where)
    [contact] = [each for each in story.world.salesforce.contacts if each["Email"] == story.email]
    assert (contact["NPS_Score__c"], contact["CSAT_Score__c"]) == (2, 1 if again else None), where
    user = next(each for each in story.world.zendesk.users if each["email"] == story.email)["user_fields"]
    assert (user["ringback_score"], user["csat_score"]) == (2, 1 if again else None), where
    comments = [each["body"] for each in story.world.zendesk.comments(ticket["id"])]
    assert len([body for body in comments if "gave 1 to the solution" in body]) == again, where


def _judge_mails(story: Story, asked: Sequence[Any], told: Sequence[Any], where: str) -> None:
    """A survey is asked at most once, and left out only if a process died with the mail in its hands. The team is
    told at least once, and twice only by a second attempt."""
    [survey] = [effect for effect in asked if effect.request.get("mail")]
    doubt = bool(survey.outcome.get("unsure"))
    assert len(story.mails()) in ((0, 1) if doubt else (1,)), where
    assert not doubt or story.deaths, "nobody died, and yet nobody knows"
    heard = [mail for mail in story.world.mailbox.to("") if story.name in mail.text and mail.to != (story.email,)]
    assert len(told) <= len(heard) <= sum(effect.attempts for effect in told), where


@contextmanager
def a_stage(program: HouseProgram, new_database: NewDatabase) -> Iterator[Stage]:
    clock = HandClock()
    with World(clock=clock) as world:
        world.salesforce.add_field("Contact", "CSAT_Score__c", "double")
        world.zendesk.desk.add_user_field("csat_score", "Satisfaction with the solution", "integer")
        config = {**configuration(world, ZENDESK_SECRET)}
        del config["workflows"]
        config["connections"]["survey-platform"]["webhook_secret"] = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0"
        text = yaml.safe_dump(config)

        def furnish(url: str) -> None:
            with a_house(url, world, _workflows(), clock=clock, config=text):
                pass  # it has stored the workflows

        with doomsday(program, clock, text) as days:
            yield Stage(world, days, clock, partial(new_database, furnish))


def _workflows() -> dict[str, str]:
    """The built-in ones; every metric is written back."""
    found = {slug: to_dict(workflow) for slug, workflow in load_library().items()}
    del found["score-writeback"]["trigger"]["if"]
    return {slug: dump(from_dict(values, slug)) for slug, values in found.items()}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stage(kind: str, house_program: HouseProgram, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    if kind == "sqlite":
        new = files(request.getfixturevalue("sqlite_template"), tmp_path)
    else:
        new = one_server(request.getfixturevalue("renewed_postgres"))
    with a_stage(house_program, new) as found:
        yield found


def files(migrated: Path, folder: Path) -> NewDatabase:
    """Each a copy of one that was furnished."""
    template, numbers = folder / "template.db", itertools.count(1)

    def new(furnish: Callable[[str], None]) -> str:
        if not template.exists():
            copy(migrated, template)
            furnish(f"sqlite:///{template}")
        return f"sqlite:///{copy(template, folder / f'{next(numbers)}.db')}"

    return new


def one_server(renewed: Callable[[], str]) -> NewDatabase:
    """Always the same one, emptied and furnished anew."""

    def new(furnish: Callable[[str], None]) -> str:
        furnish(url := renewed())
        return url

    return new


@pytest.fixture
def points(stage: Stage) -> list[str]:
    """The points of a story in which nobody dies, in order."""
    story = stage.tell()
    assert story.deaths == []
    assert len(story.mails()) == 1
    assert story.house is not None
    return story.house.passed


def one_after_another(*dooms: Doom) -> Fate:
    """Each process has its own; those after the last one live."""
    return lambda deaths: dooms[len(deaths)] if len(deaths) < len(dooms) else {}


def crash_loop(first: int) -> Fate:
    """Every process lives a point longer than the one before it, or some would never get further."""
    return lambda deaths: {"nth": STEP + len(deaths) - 1 if deaths else first}


def at_each(points: Collection[str]) -> Fate:
    """Each dies at the first of these points at which nobody has died yet; after a handful they may live."""

    def fate(deaths: Sequence[str]) -> Doom:
        left = set(points) - set(deaths)
        exactly = "|".join(sorted(map(re.escape, left)))
        return {"nth": 1, "at": f"^({exactly})$"} if left and len(deaths) < HANDFUL else {}

    return fate


def every_point_alone_and_with_its_recovery(points: Sequence[str]) -> Iterator[Fate]:
    for first in range(1, len(points) + 1):
        yield one_after_another({"nth": first})
        yield from (one_after_another({"nth": first}, {"nth": second}) for second in range(1, RECOVERY + 1))


@pytest.mark.timeout(7200 if WHOLE else 1800)  # some dozens of deaths, with a new process after each
def test_wherever_processes_die_nothing_is_lost_and_nothing_done_twice(
    stage: Stage, points: list[str], kind: str
) -> None:
    """By default stories in which process after process dies, each begun at another point: together they die all
    over it, and every recovery is cut short by the next death. A kind of moment that they step over has its own
    deaths, so that at the end somebody has died at every point, on both databases. RINGBACK_TEST_SWEEP=whole takes an
    hour per database: every point alone, and with each of the points of its recovery."""
    fates = every_point_alone_and_with_its_recovery(points) if WHOLE else map(crash_loop, FIRSTS[kind])
    left = set(points) - {death for fate in fates for death in stage.tell(fate).deaths}
    while left:
        deaths = stage.tell(at_each(left)).deaths
        assert deaths, f"nobody died, although the story passes {sorted(left)}"
        left -= set(deaths)


@pytest.mark.parametrize("request_", ["POST /api/v2/tickets", "PATCH /services/data/v…/composite/sobjects"])
def test_a_request_that_a_slow_vendor_still_works_on_while_the_process_restarts_does_no_harm(
    stage: Stage, request_: str
) -> None:
    """Its process is dead, another one has repeated it, and only then does it happen."""
    method, _, path = request_.partition(" ")
    standin = stage.world.zendesk if "tickets" in path else stage.world.salesforce
    late = LandsLate(standin.gateway._app, method, path.rpartition("/")[2])
    standin.gateway._app = late
    story = stage.tell(one_after_another({"nth": 1, "at": f"^{method} .*/{late.end} is on its way"}))
    assert len(story.deaths) == 1
    assert late.landed.wait(LONGEST)


class LandsLate:
    """The first request of a kind is done only when the second one is."""

    def __init__(self, app: Any, method: str, end: str) -> None:
        self._app, self._method, self.end = app, method, end
        self._numbers, self._second, self.landed = itertools.count(1), threading.Event(), threading.Event()

    def __call__(self, environ: Any, start: Any) -> Any:
        if environ["REQUEST_METHOD"] != self._method or not environ["PATH_INFO"].endswith(self.end):
            return self._app(environ, start)
        if (number := next(self._numbers)) == 1:
            assert self._second.wait(LONGEST)
        answer = self._app(environ, start)
        (self.landed if number == 1 else self._second).set()
        return answer

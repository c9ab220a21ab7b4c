"""How fast the survey pages answer while many people do: a real ``ringback serve``, real HTTP, a real database.

    python -m benchmarks.survey_answer --people 200 --seconds 20

At every tick a person comes, whether the page keeps up or not: opens the link of the mail, taps a score (which the
page's script saves), fills in why, and sends. Every tenth presses *Send* twice. An opening is timed from the moment at
which the person came, so what waits in line counts. Answers settle three seconds after *Send*; then the database is
asked what counted: for each person who saw the thank-you one response and one event, neither less nor more.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import func, insert, select

from benchmarks.product import Setup, running
from benchmarks.wire import Messages
from connector.ids import digest, new_id, survey_token
from connector.storage.engine.database import Database
from connector.storage.schema import tables as t

SETTLE_SECONDS = 3
_HOST, _PORT = "127.0.0.1", 8731
_PATIENCE = 60.0  # seconds for what is under way at the end
_HIDDEN = re.compile(rb'name="(page|revision)" value="([^"]*)"')
_ASKED = {True: ("score", "reason", "contact_consent", "improvements"), False: ("score", "reason", "improvements")}


@dataclass
class Seen:
    """Seconds by what was done, and who saw the thank-you coming."""

    opened: list[float] = field(default_factory=list)
    saved: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    thanked: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)


class _Browser(Messages):
    """One kept-alive connection."""

    def __init__(self) -> None:
        super().__init__()
        self._reply: asyncio.Future[tuple[int, bytes]] | None = None

    async def ask(self, method: str, path: str, fields: Sequence[tuple[str, str]] = ()) -> tuple[int, bytes]:
        """(status, body) of the reply."""
        body = urlencode(fields).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {_HOST}:{_PORT}\r\nContent-Length: {len(body)}\r\n"
        kind = "Content-Type: application/x-www-form-urlencoded\r\n" if body else ""
        assert self.transport is not None  # noqa: S101  # it was just connected, and a lost one ends the measurement
        self._reply = asyncio.get_running_loop().create_future()
        self.transport.write(f"{head}{kind}\r\n".encode() + body)
        return await asyncio.wait_for(self._reply, _PATIENCE)

    def message(self, head: bytes, body: bytes) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_result((int(head.split(b" ", 2)[1]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(ConnectionError("the page hung up"))


@dataclass
class _Crowd:
    """People who come at a set pace. ``idle`` are connections that nobody uses now."""

    seen: Seen
    idle: list[_Browser] = field(default_factory=list)

    async def come(self, tokens: Sequence[str], pace: float) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        people = []
        for number, token in enumerate(tokens):
            due = began + number / pace
            await asyncio.sleep(max(0.0, due - loop.time()))
            people.append(asyncio.create_task(self._answers(number, token, due)))
        await asyncio.gather(*people)

    async def _answers(self, number: int, token: str, due: float) -> None:
        try:
            browser = self.idle.pop() if self.idle else await self._connected()
            await self._fill_in(browser, number, token, due)
            self.idle.append(browser)
        except (OSError, ConnectionError, TimeoutError, AssertionError) as error:
            self.seen.failed.append(f"{token}: {type(error).__name__} {error}")

    async def _connected(self) -> _Browser:
        _, browser = await asyncio.get_running_loop().create_connection(_Browser, _HOST, _PORT)
        return browser

    async def _fill_in(self, browser: _Browser, number: int, token: str, due: float) -> None:
        clock = asyncio.get_running_loop().time
        status, page = await browser.ask("GET", f"/s/{token}")
        self.seen.opened.append(clock() - due)
        assert status == 200, f"opened with {status}"  # noqa: S101
        made_of = [(name.decode(), value.decode()) for name, value in _HIDDEN.findall(page)]
        score = number * 5 % 11
        await self._post(browser, f"/s/{token}/answer", [*made_of, *_form(score, words=False)], self.seen.saved, 200)
        for _ in range(2 if number % 10 == 0 else 1):
            await self._post(browser, f"/s/{token}", [*made_of, *_form(score, words=True)], self.seen.sent, 303)
        self.seen.thanked.add(digest(token))

    async def _post(
        self, browser: _Browser, path: str, fields: Sequence[tuple[str, str]], times: list[float], wanted: int
    ) -> None:
        began = asyncio.get_running_loop().time()
        status, _ = await browser.ask("POST", path, fields)
        times.append(asyncio.get_running_loop().time() - began)
        assert status == wanted, f"{path.rpartition('/')[2]} answered {status}"  # noqa: S101


def _form(score: int, *, words: bool) -> Iterator[tuple[str, str]]:
    low = score <= 6
    for question in _ASKED[low] if words else ("score",):
        yield "shown", question
    yield "q.score", str(score)
    if words:
        yield "q.reason", "It took three weeks and two calls." if low else "Quick and kind."
        if low:
            yield "q.contact_consent", "no"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    arguments.add_argument("--people", type=int, default=200, help="who come in a second")
    arguments.add_argument("--seconds", type=int, default=20)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="ringback-bench-") as name:
        folder = Path(name)
        (folder / "none").mkdir()
        answers = {"settle_after_send": f"{SETTLE_SECONDS} seconds"}
        instead = {"connections": {}, "workflows": "none", "answers": answers}
        broker = "memory" if given.database == "sqlite" else "redis"
        setup = Setup(given.database, broker, "", _PORT, instead=instead)
        with running(setup, folder) as processes:
            database = Database(_url(folder, processes[0].pid))
            tokens = _invite(database, given.people * given.seconds)
            cpu = [each.cpu_seconds() for each in processes]
            seen = Seen()
            asyncio.run(_Crowd(seen).come(tokens, given.people))
            counted = _settled(database, len(seen.thanked))
            spent = sum(each.cpu_seconds() for each in processes) - sum(cpu)
            _tell(given.people, len(tokens), seen, counted, spent)
            database.close()


def _url(folder: Path, pid: int) -> str:
    """The database that the product was started on."""
    environment = dict(
        line.split("=", 1) for line in Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in line
    )
    return environment.get("RINGBACK_DATABASE_URL", f"sqlite:///{folder / 'bench.db'}")


def _invite(database: Database, count: int) -> list[str]:
    """So many people, each asked by mail an hour ago: who answers within seconds is taken for a scanner, and asked.
    → the secrets of their links."""
    now, tokens = datetime.now(UTC), []
    sent = now - timedelta(hours=1)
    with database.read() as tx:
        survey = t.definitions.c
        definition = tx.execute(select(survey.id).where(survey.slug == "after-support", survey.active)).scalar_one()
    people, asked = [], []
    for number in range(count):
        customer, id_ = new_id(), new_id()
        tokens.append(survey_token("only for the benchmark, and long enough", id_))
        people.append({"id": customer, "name": f"Customer {number}", "email": f"customer{number}@example.com",
                       "facts": {}, "created_at": now, "updated_at": now})  # fmt: skip
        asked.append({"id": id_, "token_digest": digest(tokens[-1]), "survey": "after-support",
                      "definition_id": definition, "customer_id": customer, "channel": "email", "language": "en",
                      "status": "sent", "context": {"ticket_id": str(number)}, "answers": {}, "created_at": sent,
                      "sent_at": sent, "expires_at": now + timedelta(days=30)})  # fmt: skip
    with database.write() as tx:
        tx.execute(insert(t.customers), people)
        tx.execute(insert(t.invitations), asked)
    return tokens


@dataclass(frozen=True, slots=True)
class _Counted:
    """By digest of the link: responses and events of answers."""

    responses: dict[str, int]
    events: dict[str, int]


def _settled(database: Database, wanted: int) -> _Counted:
    """What counted, once as many as were thanked do, and a while after that: what is doubled comes late."""
    until = time.monotonic() + _PATIENCE
    while len((found := _count(database)).responses) < wanted and time.monotonic() < until:
        time.sleep(0.5)
    time.sleep(2 * SETTLE_SECONDS)
    return found if len(found.responses) < wanted else _count(database)


def _count(database: Database) -> _Counted:
    i, r, e = t.invitations.c, t.responses.c, t.events.c
    responses = select(i.token_digest, func.count()).join(t.responses, r.invitation_id == i.id).group_by(i.token_digest)
    events = (
        select(i.token_digest, func.count())
        .join(t.events, e.subject == i.id)
        .where(e.type.in_(("survey.answered", "survey.changed")))
        .group_by(i.token_digest)
    )
    with database.read() as tx:
        return _Counted(*({row[0]: row[1] for row in tx.execute(each)} for each in (responses, events)))


def _tell(pace: int, people: int, seen: Seen, counted: _Counted, cpu: float) -> None:
    print(f"{people} people, {pace} a second; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name, times in (("open", seen.opened), ("save", seen.saved), ("send", seen.sent)):
        ranked = sorted(times)
        shares = {share: ranked[min(len(ranked) - 1, int(len(ranked) * share))] * 1000 for share in (0.5, 0.99)}
        print(f"{name:<5} {len(times):>6}  median {shares[0.5]:.1f} ms  p99 {shares[0.99]:.1f} ms  "
              f"longest {ranked[-1] * 1000:.0f} ms")  # fmt: skip
    lost = [each for each in seen.thanked if not counted.responses.get(each)]
    doubled = [each for each, count in counted.events.items() if count > 1]
    print(f"{len(seen.failed)} not answered in time, {len(lost)} lost, {len(doubled)} doubled events")
    print(f"{cpu / people * 1000:.1f} ms of CPU a person, until the answer counts")
    for each in seen.failed[:5]:
        print("  ", each)


if __name__ == "__main__":
    main()

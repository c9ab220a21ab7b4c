"""A program that hosts houses whose processes end at a point that was named before: ``python -m tests.support.doomed``.

It imports everything once, lives a little, and then forks a process per order (a line of JSON on its standard input),
so that a house on a new process costs a tenth of a second. A house obeys over a socket, as ``tests.support.doom`` says.

The points: before and after each commit; before each request to a vendor, when it is on its way, when its answer
has arrived and nobody has read it, and when it was read. A process that reaches its point says so, and is killed or
stopped there by the kernel: no handler runs.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import re
import select
import signal
import smtplib
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

from requests.adapters import HTTPAdapter
from sqlalchemy import func
from sqlalchemy import select as rows_of
from urllib3.connection import HTTPConnection

from connector import wiring
from connector.config.file import read_config
from connector.config.settings import Settings
from connector.feedback.base.actions import Effect
from connector.runtime.effects import claims
from connector.runtime.effects.performer import Performer
from connector.storage.engine.database import Database
from connector.storage.schema.migrate import upgrade
from connector.storage.schema.tables import deliveries, effects
from integrations.alerts.client import AppriseAlerter
from integrations.auth import tokens
from integrations.smtp.client import SmtpMessenger
from sandbox.clock import HandClock
from tests.support.house import SECRET_KEYS, Harness, a_house, answer
from tests.support.processes import free_port
from tests.support.routes import compiled_once
from workflows.library import load_library
from workflows.schema import dump

_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class Doom:
    """Ends (or stops) this process at the ``nth`` point whose name matches; 0: never."""

    def __init__(
        self, tell: Callable[[Mapping[str, Any]], None], *, nth: int = 0, at: str = "", how: str = "kill"
    ) -> None:
        self._tell, self._left, self._at, self._how = tell, nth, re.compile(at), how
        self._guard, self._passed = threading.Lock(), list[str]()

    def passed(self) -> list[str]:
        """The points since the last question."""
        with self._guard:
            passed, self._passed = self._passed, []
        return passed

    def reach(self, point: str) -> None:
        with self._guard:
            self._passed.append(point)
            if not self._at.search(point):
                return
            self._left -= 1
            if self._left == 0:
                self._tell({"reached": point})
                os.kill(os.getpid(), _SIGNALS[self._how])
                signal.sigwait({signal.SIGCONT})  # a stop may come a moment after ``kill`` has returned


def set_points(doom: Doom) -> None:
    """From here on this process tells its doom of each point it reaches."""
    _around_commits(doom)
    _before_calls(doom)
    _around_requests(doom)
    _around_mails(doom)


def _around_commits(doom: Doom) -> None:
    write = Database.write

    @contextmanager
    def watched(self: Database, **options: Any) -> Iterator[Any]:
        with write(self, **options) as connection:
            before = _changes(connection)
            yield connection
            if has_written := _changes(connection) != before:
                doom.reach("before a commit")
        if has_written:
            doom.reach("after a commit")

    Database.write = watched  # type: ignore[method-assign]


def _changes(connection: Any) -> Any:
    """Tells a transaction that has written from one that found nothing to do, whose end is no moment of interest."""
    if connection.dialect.name == "sqlite":
        return connection.connection.driver_connection.total_changes
    return connection.exec_driver_sql("SELECT pg_current_xact_id_if_assigned()").scalar_one()


def _before_calls(doom: Doom) -> None:
    perform = Performer._one_call

    def performing(self: Performer, claimed: Sequence[Effect]) -> Any:
        doom.reach(f"a call of {claimed[0].action} begins")
        return perform(self, claimed)

    Performer._one_call = performing  # type: ignore[method-assign]


def _around_requests(doom: Doom) -> None:
    send, getresponse, under_way = HTTPAdapter.send, HTTPConnection.getresponse, threading.local()

    def sending(self: HTTPAdapter, request: Any, *args: Any, **options: Any) -> Any:
        under_way.name = f"{request.method} {_kind(request.path_url)}"
        doom.reach(f"before {under_way.name}")
        response = send(self, request, *args, **options)
        doom.reach(f"after {under_way.name}")
        return response

    def waiting(self: Any) -> Any:
        doom.reach(f"{under_way.name} is on its way")
        select.select([self.sock], [], [])
        doom.reach(f"{under_way.name} is answered, and nobody has read it")
        return getresponse(self)

    HTTPAdapter.send = sending  # type: ignore[method-assign]
    HTTPConnection.getresponse = waiting  # type: ignore[method-assign]


def _kind(path: str) -> str:
    """The path without its numbers and its query."""
    return re.sub(r"/\d+", "/…", path.partition("?")[0])


def _around_mails(doom: Doom) -> None:
    send, whole = smtplib.SMTP.send, SmtpMessenger.send

    def sending(self: Any, content: Any) -> None:
        is_mail = len(content) > 100 and content.endswith(b"\r\n.\r\n")
        if is_mail:
            doom.reach("before a mail")
        send(self, content)
        if is_mail:
            select.select([self.sock], [], [])
            doom.reach("a mail is taken, and nobody has read the answer")

    def handing_over(self: SmtpMessenger, mail: Any) -> None:
        whole(self, mail)
        doom.reach("after a mail")

    smtplib.SMTP.send = sending  # type: ignore[method-assign]
    SmtpMessenger.send = handing_over  # type: ignore[method-assign]


def clock_in(file: Path) -> Callable[[], datetime]:
    """The time that stands in a file: the same for all processes, also for one that was stopped meanwhile."""
    return lambda: datetime.fromisoformat(file.read_text())


def live(order: Mapping[str, Any]) -> None:
    """Build the house, and obey until the other side hangs up."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCONT})  # of all threads: whoever waits for it gets it
    line = socket.socket(socket.AF_UNIX)
    line.connect(order["socket"])
    words = line.makefile("rw", encoding="utf-8")

    def tell(said: Mapping[str, Any]) -> None:
        words.write(json.dumps(said) + "\n")
        words.flush()

    doom = Doom(tell, **order["doom"])
    set_points(doom)
    home = _home(order)
    tell({"pid": os.getpid()})
    for asked in words:
        tell({**_obey(home, json.loads(asked)), "passed": doom.passed()})


def _home(order: Mapping[str, Any]) -> Harness:
    file = Path("ringback.yaml")
    settings = Settings(order["database"], "memory://", "http://127.0.0.1:8000", file, False, "text", None)
    config = read_config(order["config"], file, {})
    clock = clock_in(Path(order["clock"]))
    tokens._LOOK = 0.001  # for a token that a dead process was asking for: its lease ends by a clock that stands still
    house = wiring.build(settings, config, secret_keys=SECRET_KEYS, clock=clock)
    if house.database.is_sqlite:  # as ``serve`` does: this is the only process
        house.database.transact(lambda tx: claims.release_orphans(tx, clock()))
    nowhere = cast("Any", None)  # the world is in another process
    return Harness(house, nowhere, cast("Any", clock))


def _obey(home: Harness, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    if asked["do"] == "post":
        reply = home.client.post(asked["path"], data=asked["data"], headers=asked["headers"])
        return {"status": reply.status_code}
    {"settle": home.settle, "tick": home.tick}[asked["do"]]()
    return {"left": _left(home)}


def _left(home: Harness) -> int:
    """How many deliveries and calls are not done yet; those that are due later count too."""
    new = rows_of(func.count()).where(deliveries.c.status == "new")
    open_ = rows_of(func.count()).where(effects.c.status.in_(("due", "performing")))
    with home.house.database.read() as tx:
        return int(tx.execute(new).scalar_one() + tx.execute(open_).scalar_one())


def _warm_up() -> None:
    """What a process does for the first time takes three times as long. So it is done here, once, for all of them: a
    house understands an answer and makes its calls, to addresses where nobody is."""
    AppriseAlerter()  # it loads its hundred plug-ins
    nobody, org = f"127.0.0.1:{free_port()}", "00D000000000001"
    known = SimpleNamespace(client_id="x", client_secret="x", organization_id=org)
    world: Any = SimpleNamespace(
        zendesk=known, salesforce=known, zendesk_url=f"http://{nobody}", salesforce_url=f"http://{nobody}",
        smtp_url=f"smtp://{nobody}",
    )  # fmt: skip
    logging.disable(logging.CRITICAL)
    with TemporaryDirectory() as folder:
        upgrade(url := f"sqlite:///{folder}/ringback.db")
        workflows = {slug: dump(workflow) for slug, workflow in load_library().items()}
        with a_house(url, world, workflows, clock=HandClock()) as home:
            home.deliver(answer(2))
            home.tick()
    logging.disable(logging.NOTSET)
    assert threading.active_count() == 1, "a process with threads must not fork"


def main() -> None:
    """Fork a house per line, until there are no more."""
    with compiled_once():
        _warm_up()
        gc.collect()
        gc.freeze()  # a collection would write to every object, and so have the kernel copy all memory for each house
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries them
        print("ready", flush=True)
        for line in sys.stdin:
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                live(json.loads(line))
                os._exit(0)


if __name__ == "__main__":
    main()

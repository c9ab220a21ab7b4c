"""A receiver of anybody's webhooks: writes down what comes, and answers as it is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from sandbox.clock import Clock, system_clock
from sandbox.faults import FaultPlan
from sandbox.gateway import Gateway, SeenRequest
from sandbox.serving import Server

_LOOK_AGAIN = 0.005  # seconds


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request gets when no fault is programmed for it."""

    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json"


class Receiver:
    """``with Receiver() as receiver:`` listens at ``receiver.url``; ``faults`` programs what goes wrong."""

    def __init__(self, reply: Reply | None = None, clock: Clock = system_clock) -> None:
        self.reply = reply or Reply()
        self._gateway = Gateway(self._answer, clock)
        self._server = Server(self._gateway)
        self.url = self._server.url

    @property
    def requests(self) -> tuple[SeenRequest, ...]:
        return self._gateway.requests

    @property
    def faults(self) -> FaultPlan:
        return self._gateway.faults

    def wait(self, count: int = 1, timeout: float = 60.0) -> tuple[SeenRequest, ...]:
        """Wait until ``count`` requests have come. → those that have, after ``timeout`` seconds maybe fewer."""
        deadline = time.monotonic() + timeout
        while len(self.requests) < count and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN)
        return self.requests

    def close(self) -> None:
        self._gateway.release()
        self._server.close()

    def _answer(self, _environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        headers = [("Content-Type", self.reply.content_type), ("Content-Length", str(len(self.reply.body)))]
        start_response(f"{self.reply.status} Told", headers)
        return [self.reply.body]

    def __enter__(self) -> Receiver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

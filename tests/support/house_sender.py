"""A polite sender of answers: it repeats each, under the same id, until it was accepted."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import requests

from tests.support.house import answer, signed_inbound

_PAUSE = 0.1  # seconds before a refused delivery is sent again
_TRIES = 600


class Sender:
    """Sends numbers 0 to ``count`` - 1 as answers ``a0``, ``a1``, …, several side by side."""

    def __init__(self, url: str, count: int, *, side_by_side: int = 8) -> None:
        self._url, self._pause = f"{url}/webhooks/survey-platform", threading.Event()
        self._pool = ThreadPoolExecutor(side_by_side)
        self._sent: Sequence[Future[None]] = [
            self._pool.submit(self._send, number) for number in range(count)
        ]

    def finish(self) -> None:
        """Returns when all are accepted."""
        for each in self._sent:
            each.result()
        self._pool.shutdown()

    def stop(self) -> None:
        """Send nothing more."""
        self._pause.set()
        self._pool.shutdown(cancel_futures=True)

    def _send(self, number: int) -> None:
        for _ in range(_TRIES):
            if self._accepted(number) or self._pause.wait(_PAUSE):
                return
        raise AssertionError(f"answer {number} was refused {_TRIES} times")

    def _accepted(self, number: int) -> bool:
        now = datetime.now(UTC)
        event = answer(3, response_id=f"a{number}", email=f"p{number}@example.com")
        body = json.dumps({"time": now.isoformat(), **event}).encode()
        headers = signed_inbound(body, str(event["id"]), now)
        try:
            return requests.post(self._url, data=body, headers=headers, timeout=30).status_code == 200
        except requests.RequestException:
            return False  # it is being killed, or not yet there

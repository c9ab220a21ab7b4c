"""Certificates of SNS: fetched beside the requests that need them, since whoever serves those waits for nobody."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from integrations.errors import IntegrationError

log = logging.getLogger(__name__)

_MOST = 20  # there is one a region, and another when Amazon changes it


def in_a_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="sns certificate", daemon=True).start()


class FetchedCertificates:
    """By address. ``fetch`` asks Amazon; ``start`` begins a piece of work somewhere."""

    def __init__(
        self, fetch: Callable[[str], bytes], start: Callable[[Callable[[], None]], None] = in_a_thread
    ) -> None:
        self._fetch, self._start = fetch, start
        self._lock = threading.Lock()
        self._known: dict[str, bytes] = {}
        self._asked: set[str] = set()

    def __call__(self, address: str) -> bytes | None:
        """The certificate; None while it is fetched, or when that failed: the next who asks begins anew."""
        with self._lock:
            if address in self._known or address in self._asked:
                return self._known.get(address)
            self._asked.add(address)
        self._start(lambda: self._bring(address))
        return self._known.get(address)

    def _bring(self, address: str) -> None:
        try:
            fetched = self._fetch(address)
        except IntegrationError as error:
            log.warning("a certificate of Amazon SNS could not be fetched: %s", error.reason)
        else:
            with self._lock:
                if len(self._known) >= _MOST:
                    self._known.pop(next(iter(self._known)))
                self._known[address] = fetched
        finally:
            with self._lock:
                self._asked.discard(address)

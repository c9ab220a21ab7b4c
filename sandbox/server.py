"""The stand-ins as a process of their own, until it is asked to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

from sandbox.world import World
from sandbox.zendesk import Limits

Say = Callable[[str], None]


def run(
    zendesk_port: int = 8001,
    salesforce_port: int = 8002,
    mail_port: int = 8003,
    smtp_port: int = 1025,
    *,
    pace: float = 0.1,
    say: Say = print,
    stop: threading.Event | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, or until ``stop`` is set. ``say`` gets the addresses, line by line."""
    stop = stop or _stop_on_signal()
    with World(zendesk_port, salesforce_port, mail_port, smtp_port, pace=pace, limits=Limits()) as world:
        for line in addresses(world):
            say(line)
        stop.wait()


def addresses(world: World) -> list[str]:
    """Where everything is, for people."""
    return [
        f"Zendesk     {world.zendesk_url}  (tickets: {world.zendesk_url}/agent/tickets)",
        f"Salesforce  {world.salesforce_url}  (contacts: {world.salesforce_url}/lightning/o/Contact/list)",
        f"Mail box    {world.mail_url}",
        f"SMTP        {world.smtp_url}",
    ]


def _stop_on_signal() -> threading.Event:
    """Only the main thread can listen to signals."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop

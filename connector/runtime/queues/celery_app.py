"""Celery: it carries rings to workers and gives them threads. It holds no truth: no results, no retries, no ETA."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from connector.runtime.doorbell import INTAKE, Doorbell, Share, effects_queue
from connector.runtime.queues.consumers import Pumps
from integrations.transport import tls

if TYPE_CHECKING:  # imported where it is used: most commands, and a web side of its own, have no need of it
    from celery import Celery

PUMP = "ringback.pump"

QUEUE = "ringback"
CALLS = "-calls"
"""Rings for calls go to a queue of their own, so that a worker may be kept to one kind of work."""

_LOOK_SECONDS = 0.2
"""How often a worker on a real broker looks whether it shall stop."""

_SETTINGS: dict[str, Any] = {
    "task_ignore_result": True,
    "task_acks_late": False,  # a ring that is lost with its worker costs one sweep interval
    "task_default_queue": QUEUE,
    "task_serializer": "json",
    "accept_content": ["json"],
    "worker_prefetch_multiplier": 1,
    "worker_redirect_stdouts": False,
    "worker_hijack_root_logger": False,
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "task_publish_retry": False,  # the bell must not wait for a broker that is away
    "event_queue_exclusive": True,
    "control_queue_exclusive": True,
}


def in_memory(broker_url: str) -> bool:
    """Whether all rings stay in this process."""
    return broker_url.startswith("memory:")


def make_celery(broker_url: str, *, namespace: str = "") -> Celery:
    """A Celery app on the broker; ``namespace`` keeps two installations on one broker apart."""
    from celery import Celery

    address = "memory://localhost/" if in_memory(broker_url) else broker_url  # kombu warns of a URL without a host
    app = Celery("ringback", broker=address, backend=None, set_as_current=False)
    app.conf.update(_SETTINGS)
    app.conf.broker_use_ssl = tls.of_broker(broker_url) or False
    app.conf.task_default_queue = f"{QUEUE}{namespace}"
    if in_memory(broker_url):
        app.conf.broker_transport_options = {"polling_interval": 0.02}  # the default polls once a second
    return app


def sender(app: Celery) -> Callable[[str], None]:
    """What the bell calls: one small message, forgotten at once; it is worthless after a few seconds."""

    def send(queue: str) -> None:
        app.send_task(PUMP, args=[queue], ignore_result=True, expires=30, queue=_of_celery(app, queue))

    return send


def _of_celery(app: Celery, queue: str) -> str:
    return str(app.conf.task_default_queue) + (CALLS if Share.CALLING.has(queue) else "")


def heard(app: Celery, share: Share) -> list[str]:
    """Celery's queues that carry the rings of a share."""
    return sorted({_of_celery(app, queue) for queue in (INTAKE, effects_queue("")) if share.has(queue)})


def register(app: Celery, pump: Callable[[str], None]) -> None:
    """Tell the app what a ring does in this process."""
    app.task(name=PUMP, ignore_result=True)(pump)


class Worker:
    """A Celery worker on threads, in a thread of this process."""

    def __init__(self, app: Celery, share: Share, *, concurrency: int) -> None:
        from celery.worker import WorkController

        self._controller = WorkController(
            app=app, pool_cls="threads", concurrency=concurrency, loglevel="WARNING", queues=heard(app, share),
            without_gossip=True, without_mingle=True, without_heartbeat=True, task_events=False,
        )  # fmt: skip
        self._stopping = threading.Event()
        if self._controller.use_eventloop:
            self._controller.timer.call_repeatedly(_LOOK_SECONDS, self._look)
        self._thread = threading.Thread(target=self._controller.start, name="celery", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take no more rings; pumps under way end by themselves."""
        self._stopping.set()
        if not self._controller.use_eventloop:
            self._controller.stop(in_sighandler=False)
        self._thread.join(timeout=10)

    def _look(self) -> None:
        """Ends the event loop from inside: its connection must not be read by two threads, or both wait for ever."""
        if self._stopping.is_set():
            from celery.exceptions import WorkerShutdown

            raise WorkerShutdown(0)


def listen(celery: Celery, pumps: Pumps, bell: Doorbell, broker_url: str) -> None:
    """Let the pumps work when they are rung; in one process without the broker, whose memory is slow to look at."""
    register(celery, pumps.pump)
    if in_memory(broker_url):
        bell.prefer(pumps.nudge)

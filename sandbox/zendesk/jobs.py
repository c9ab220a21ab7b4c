"""Background jobs: a batch is taken at once, done by and by, and told item by item."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.zendesk import errors
from sandbox.zendesk.state import Json, State

MOST = 100  # records a job
WAITING = 30  # jobs that may be queued or running


@dataclass(slots=True)
class Job:
    """``asked`` counts how often its state was looked at."""

    id: str
    kind: str
    items: Sequence[Json]
    results: list[Json] = field(default_factory=list)
    asked: int = 0


class Jobs:
    """The account's jobs. ``slowness``: how often a job still says that it is at work."""

    def __init__(self, state: State) -> None:
        self.slowness = 1
        self.all: dict[str, Job] = {}
        self._state = state

    def begin(self, kind: str, items: Any, change: Callable[[Json], Any]) -> Json:
        """Do ``change`` for every item; what it refuses is told as that item's failure. Raises 400, 422 and 429."""
        if not isinstance(items, list) or not items:
            raise errors.bad_attribute(kind)
        if len(items) > MOST:
            raise errors.invalid(kind, f"Too many items, the limit is {MOST}", "TooManyValues")
        if sum(job.asked <= self.slowness for job in self.all.values()) >= WAITING:
            raise errors.too_many("Too many jobs are queued or running", 10)
        job = Job(f"V3-{uuid.uuid4().hex}", kind, items, [_outcome(item, change) for item in items])
        self.all[job.id] = job
        return self._told(job, "queued")

    def look(self, job_id: str) -> Json:
        """The state, which moves on by being looked at. Raises 404."""
        if job_id not in self.all:
            raise errors.not_found()
        job = self.all[job_id]
        job.asked += 1
        return self._told(job, "completed" if job.asked > self.slowness else "working")

    def _told(self, job: Job, status: str) -> Json:
        done = status == "completed"
        return {
            "id": job.id,
            "job_type": f"Bulk Update {job.kind.capitalize()}",
            "url": self._state.url(f"job_statuses/{job.id}"),
            "total": len(job.items),
            "progress": len(job.items) if done else None,
            "status": status,
            "message": f"Completed at {self._state.now()}" if done else None,
            "results": job.results if done else None,
        }


def _outcome(item: Json, change: Callable[[Json], Any]) -> Json:
    try:
        change(item)
    except errors.ApiError as refused:
        told = {"error": refused.body.get("error", "Failed"), "details": str(refused.body.get("description", ""))}
        return {"id": item.get("id"), "action": "update", "success": False, "status": "Failed", **told}
    return {"id": item["id"], "action": "update", "success": True, "status": "Updated"}

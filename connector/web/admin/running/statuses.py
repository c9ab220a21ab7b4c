"""States in people's words."""

from __future__ import annotations

from collections.abc import Mapping

from connector.observe import backlog
from connector.web.admin.words import later

RUN: Mapping[str, str] = {
    "queued": later("queued"),
    "ready": later("about to go on"),
    "waiting": later("waiting"),
    "succeeded": later("succeeded"),
    "done_with_failure": later("done with a failure"),
    "failed": later("failed"),
    "dead": later("dead"),
    "needs_review": later("needs an answer"),
    "cancelled": later("cancelled"),
    "dismissed": later("dismissed"),
}
DELIVERY: Mapping[str, str] = {
    "new": later("about to be read"),
    "done": later("understood"),
    "ignored": later("of no concern"),
    "unreadable": later("unreadable"),
    "failed": later("failed"),
}
CALL: Mapping[str, str] = {
    "due": later("due"),
    "performing": later("under way"),
    "done": later("done"),
    "failed": later("failed"),
    "review": later("in doubt"),
    "cancelled": later("taken back"),
}
CONNECTION: Mapping[str, str] = {
    "active": later("active"),
    "held": later("told to wait"),
    "paused": later("paused: credentials refused"),
    "open": later("vendor does not work"),
    "probing": later("trying one call"),
    "stopped": later("stopped by a person"),
    "not used yet": later("not used yet"),
    "no longer configured": later("no longer configured"),
}
STOPPED = tuple(each.value for each in backlog.STOPPED)
"""Those that wait for a person."""

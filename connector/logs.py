"""Logging for the commands: one line a record, and nothing personal or secret in it.

A line is time, level, logger, message, then what ``extra`` brought as key=value. With ``as_json`` it is one
JSON object with the same parts. Times are UTC.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_Replacement = str | Callable[[re.Match[str]], str]
_SECRETS: tuple[tuple[tuple[str, ...], re.Pattern[str], _Replacement], ...] = (
    (("@",), re.compile(r"[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"), "[e-mail]"),
    (("bearer", "basic"), re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), r"\1 [secret]"),
    (("whsec_",), re.compile(r"\bwhsec_[\w+/=-]+"), "[secret]"),
    (
        ("token", "secret", "password", "api_key"),
        re.compile(
            r"(?i)\b((?:access_|refresh_|client_|signing_)?(?:token|secret|password)|api_key)(['\"]?\s*[=:]\s*['\"]?)"
            r"[^\s'\",&}]+"
        ),
        r"\1\2[secret]",
    ),
    (("://",), re.compile(r"(\w+://[^\s/:@]*:)[^\s/@]+@"), r"\1[secret]@"),
    (("rb_",), re.compile(r"\brb_[\w-]{20,}"), "[token]"),
    # PostgreSQL quotes the row that it refuses, and with it the customer.
    (("detail:", "context:"), re.compile(r"(DETAIL|CONTEXT):(?:(?!\\n|\n).)*"), r"\1: [left out]"),
    (("/s/", "/u/"), re.compile(r"(/[su]/)[\w-]{20,}"), r"\1[token]"),  # a survey link lets its holder answer
)
"""(One of these must be there, in lower case; what then goes; what stands in its place.) The first is what makes it
cheap: most lines hold nothing of the kind, and looking for a part of a text is far quicker than for a pattern."""


def set_up(*, as_json: bool = False, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send all logging to ``stream`` (standard error), redacted. Replaces earlier handlers."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if as_json else TextLines())
    handler.addFilter(SummedUp())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    # No line says where in the program it was written, or by which thread: finding that out costs more than the rest.
    logging._srcfile = None  # as the "Logging HOWTO" of Python says
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    for chatty in (
        "alembic",
        "apscheduler",
        "celery",
        "kombu",
        "amqp",
        "urllib3",
        "zenpy",
        "mail.log",
        "waitress",
    ):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))


def redact(text: str) -> str:
    """``text`` without e-mail addresses, bearer tokens, webhook secrets, passwords and survey tokens."""
    lowered = text.lower()
    for signs, pattern, instead in _SECRETS:
        if any(sign in lowered for sign in signs):
            text = pattern.sub(instead, text)
    return text


class SummedUp(logging.Filter):
    """Of warnings and errors that say the same, ten a minute are written; the next one after that minute says how many
    were not. Strangers, and a disk that is full, would fill the disk with them."""

    MOST, SPAN = 10, 60.0  # lines, in seconds
    _KINDS = 1_000
    _OF_STRANGERS = frozenset({"webhooks.receiver"})

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now, self._lock = now, threading.Lock()
        self._seen: dict[tuple[str, str], _Repeated] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING and record.name not in self._OF_STRANGERS:
            return True
        with self._lock:
            left_out = self._left_out((record.name, str(record.msg)[:200]))
        if left_out is None:
            return False
        if left_out:
            record.msg, record.args = f"{record.getMessage()} (and {left_out:,} more like it before)", None
        return True

    def _left_out(self, kind: tuple[str, str]) -> int | None:
        """How many like it were left out before; None: it is left out itself."""
        now, seen = self._now(), self._seen.get(kind)
        if seen is None or now - seen.since >= self.SPAN:
            if len(self._seen) >= self._KINDS:
                self._seen.clear()
            self._seen[kind] = _Repeated(now)
            return seen.left_out if seen else 0
        seen.count += 1
        if seen.count <= self.MOST:
            return 0
        seen.left_out += 1
        return None


@dataclass(slots=True)
class _Repeated:
    since: float
    count: int = 1
    left_out: int = 0


class TextLines(logging.Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        extras = "".join(f" {name}={_short(value)}" for name, value in _extras(record).items())
        line = f"{_time(record)} {record.levelname:<7} {record.name}: {record.getMessage()}{extras}"
        # A line break in a message would let a sender write log lines of their own.
        return redact(line.replace("\n", "\\n").replace("\r", "\\r") + _trace(record))


class JsonLines(logging.Formatter):
    """A line for machines."""

    def format(self, record: logging.LogRecord) -> str:
        parts = {"time": _time(record), "level": record.levelname.lower(), "logger": record.name}
        values = {**_extras(record), **parts, "message": record.getMessage()}
        if trace := _trace(record):
            values["trace"] = trace.strip()
        return json.dumps(_clean(values), ensure_ascii=False, default=str)


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _clean(value: Any) -> Any:
    """Redacted before it is written as JSON: the quotes of JSON must stay whole."""
    if isinstance(value, dict):
        return {str(name): _clean_named(str(name), each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    return value if isinstance(value, bool | int | float | None) else redact(str(value))


def _clean_named(name: str, value: Any) -> Any:
    """A value whose name says that it is a secret goes, whatever it looks like."""
    return "[secret]" if isinstance(value, str) and _names_a_secret(name) else _clean(value)


@lru_cache(maxsize=1000)
def _names_a_secret(name: str) -> bool:
    return redact(f"{name}=x") == f"{name}=[secret]"


def _short(value: Any) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if re.search(r"[\s\"=]", text) or not text else text


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace(record: logging.LogRecord) -> str:
    return "\n" + logging.Formatter().formatException(record.exc_info) if record.exc_info else ""

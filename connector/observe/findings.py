"""What a check found: in order, worth a look, or broken, with the sentence and the remedy that go with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from workflows.errors import Mistake


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"  # it works; someone should look
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's table. Neither text holds a secret or anything of a person."""

    check: str
    verdict: Verdict
    says: str
    remedy: str = ""


def ok(check: str, says: str) -> Finding:
    return Finding(check, Verdict.OK, says)


def warning(check: str, says: str, remedy: str) -> Finding:
    return Finding(check, Verdict.WARNING, says, remedy)


def broken(check: str, says: str, remedy: str) -> Finding:
    return Finding(check, Verdict.BROKEN, says, remedy)


def of_mistakes(check: str, mistakes: Iterable[Mistake]) -> list[Finding]:
    """A mistake in what was written is a finding; a warning stays one."""
    return [
        Finding(
            check,
            Verdict.WARNING if each.warning else Verdict.BROKEN,
            f"{each.path}: {each.message}",
            each.remedy,
        )
        for each in mistakes
    ]

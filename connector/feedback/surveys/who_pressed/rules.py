"""Who pressed: the table that decides. Pure; the first row that fits decides, and its reason is what people read.

One signal alone may have an innocent cause (a password manager fills in fields, a proxy opens links), so it makes
somebody doubtful at most: they are asked by one tap. Two that no person gives together make a machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from connector.feedback.surveys.who_pressed.signals import WORDS, Signal

_ALL = frozenset(Signal)


class Presser(StrEnum):
    """Who it was. Only a person's press counts."""

    PERSON = "person"
    DOUBTFUL = "doubtful"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class Rule:
    """A row: it fits when all of ``needs`` are there, and, where ``beside`` names any, one of these as well."""

    name: str
    needs: frozenset[Signal]
    verdict: Presser
    reason: str
    beside: frozenset[Signal] = frozenset()

    def fits(self, signals: frozenset[Signal]) -> bool:
        return self.needs <= signals and (not self.beside or bool(self.beside & signals))


def _and_more(name: str, signal: Signal, reason: str, beside: frozenset[Signal] = _ALL) -> Rule:
    return Rule(name, frozenset((signal,)), Presser.MACHINE, reason, beside - {signal})


def _alone(signal: Signal) -> Rule:
    return Rule(signal.value, frozenset((signal,)), Presser.DOUBTFUL, WORDS[signal])


RULES: tuple[Rule, ...] = (
    _and_more("trap field and more", Signal.TRAP_FIELD,
              "it filled in the field that people do not see, and more speaks against a person"),
    _and_more("scanner and more", Signal.SCANNER_AGENT,
              "it says itself that it is a program, and more speaks against a person"),
    _and_more("at once and more", Signal.TOO_SOON,
              "it came within seconds of the mail with nobody at the page, and more speaks against a person"),
    _and_more("untouched and more", Signal.UNTOUCHED,
              "nobody had touched the page, and more speaks against a person"),
    _and_more("scores and links", Signal.SCORES_GIVEN,
              "it tried scores and opened links as nobody does who answers",
              frozenset((Signal.TRAP_LINK, Signal.EVERY_LINK, Signal.SCORES_OPENED))),
    _alone(Signal.TRAP_FIELD),
    _alone(Signal.SCANNER_AGENT),
    _alone(Signal.TOO_SOON),
    _alone(Signal.UNTOUCHED),
    _alone(Signal.SCORES_GIVEN),
    _alone(Signal.EVERY_LINK),
    _alone(Signal.TRAP_LINK),
    _alone(Signal.SCORES_OPENED),
    Rule("nothing against it", frozenset(), Presser.PERSON, "nothing speaks against a person"),
)  # fmt: skip
"""Machines first, then who is asked; the last row fits always."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Who pressed, by which rule, and all that spoke against a person, in the order of ``Signal``."""

    verdict: Presser
    rule: str
    reason: str
    signals: Sequence[Signal]

    @property
    def is_person(self) -> bool:
        return self.verdict is Presser.PERSON


def judge(signals: frozenset[Signal]) -> Judgement:
    """What the table says."""
    rule = next(rule for rule in RULES if rule.fits(signals))
    return Judgement(rule.verdict, rule.name, rule.reason, tuple(each for each in Signal if each in signals))

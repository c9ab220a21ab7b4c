"""What a person allows and refuses with an answer, as last given."""

from __future__ import annotations

from collections.abc import Iterator

from connector.feedback.surveys.model import Answers, Purpose, Survey, consent_of


def decided(survey: Survey, answers: Answers, before: Answers) -> Iterator[tuple[str, bool]]:
    """(purpose, granted) where the answers decide something that those counted ``before`` did not.

    A box left open is no decision: it must not undo an opt-in given elsewhere. One that was given with this very
    answer, and is there no more, is taken back.
    """
    for purpose in Purpose:
        now, then = (_decision(survey, each, purpose) for each in (answers, before))
        if now != then and (now is not None or then):
            yield purpose.value, now is True


def _decision(survey: Survey, answers: Answers, purpose: Purpose) -> bool | None:
    given = consent_of(survey, answers, purpose)
    return None if given is False and purpose is not Purpose.CONTACT else given

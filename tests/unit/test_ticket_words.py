"""A callback ticket in its team's language: nothing of it stays English."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from connector.config.schema import TEAM_LANGUAGES
from connector.feedback.callbacks.briefing import Brief, first_comment, subject
from connector.feedback.callbacks.briefing_words import CATALOGUES, DEFAULT, TicketWords

ANSWER: dict[str, Any] = {
    "score": 2, "metric": "nps", "band": "detractor", "survey": "s", "contact_consent": True,
    "context": {"ticket_id": "7"}, "contact": {"window": "morning", "email": "ann@example.com"},
}  # fmt: skip
EARLIER = SimpleNamespace(
    answered_at=datetime(2026, 1, 1, tzinfo=UTC), survey="s", score=9, band="promoter", comment=""
)  # fmt: skip
PEOPLE: tuple[dict[str, Any], ...] = (
    {"name": "Ann", "phone": "+31612345678", "value": 3}, {"phone": "0612345678", "do_not_call": True}, {"phone": "1"},
)  # fmt: skip


class Listening(TicketWords):
    """Keeps what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.said: set[str] = set()

    def __call__(self, english: str) -> str:
        self.said.add(english)
        return english


def test_every_language_that_a_team_may_have_has_its_words() -> None:
    assert set(TEAM_LANGUAGES) == set(CATALOGUES)


@pytest.mark.parametrize("language", sorted(set(CATALOGUES) - {DEFAULT}))
def test_whatever_a_ticket_says_is_in_the_catalogue(language: str) -> None:
    heard = Listening()
    for person in PEOPLE:
        first_comment(Brief(ANSWER, person, [EARLIER]), "", heard)
        subject(Brief(ANSWER, person), heard)
    assert heard.said <= CATALOGUES[language].keys() | {"passive"}
    assert len(heard.said) > 15


@pytest.mark.parametrize("language", sorted(set(CATALOGUES) - {DEFAULT}))
def test_translations_keep_their_places(language: str) -> None:
    for english, other in CATALOGUES[language].items():
        assert english.count("{") == other.count("{"), english

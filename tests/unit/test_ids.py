"""Ids that sort, and secrets that cannot be guessed."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from connector.ids import digest, new_id, survey_token


def test_an_id_has_26_characters_that_nobody_misreads() -> None:
    assert all(re.fullmatch(r"[0-9a-hjkmnp-tv-z]{26}", new_id()) for _ in range(200))


def test_ids_of_many_threads_are_all_different() -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = [
            each for part in pool.map(lambda _: [new_id() for _ in range(2000)], range(8)) for each in part
        ]
    assert len(set(ids)) == len(ids)


def test_a_later_millisecond_sorts_after_an_earlier_one() -> None:
    earlier, began = new_id(), time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == began:
        threading.Event().wait(0.0005)
    assert earlier < new_id()


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_survey_token_is_the_same_again_for_the_same_invitation(key: str, invitation: str) -> None:
    token = survey_token(key, invitation)
    assert token == survey_token(key, invitation)
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", token)


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_another_invitation_or_another_key_gives_another_token(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert (survey_token(*one) == survey_token(*other)) == (one == other)


def test_what_is_stored_of_a_token_does_not_hold_it() -> None:
    token = survey_token("key", "invitation")
    assert re.fullmatch(r"[0-9a-f]{64}", digest(token))
    assert token not in digest(token)

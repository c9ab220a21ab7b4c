"""Marks in envelope addresses: each is read back as what it was made of, and nobody else can make or read one."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from connector.ids import new_id
from integrations import mailboxes
from integrations.mail.verp import MARK_LENGTH, MAX_LOCAL, Marked, Marks, Origin, with_mark

MARKS = Marks("a-secret-key")
IDS = some.builds(
    lambda number: "".join("0123456789abcdefghjkmnpqrstvwxyz"[number >> 5 * place & 31] for place in range(25, -1, -1)),
    some.integers(0, 2**128 - 1),
)
ORIGINS = some.sampled_from(Origin)


@given(ORIGINS, IDS)
def test_a_mark_is_read_back_as_what_it_was_made_of(origin: Origin, id_: str) -> None:
    mark = MARKS.make(origin, id_)
    assert re.fullmatch(rf"[a-z2-7]{{{MARK_LENGTH}}}", mark)
    assert MARKS.read(mark) == MARKS.read(mark.upper()) == Marked(origin, id_)
    assert MARKS.make(origin, id_) == mark, "a repeat leaves with the same envelope"


@given(ORIGINS, IDS, some.integers(0, MARK_LENGTH - 1), some.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_mark_with_another_sign_is_never_read_as_another_mail(
    origin: Origin, id_: str, place: int, sign: str
) -> None:
    mark = MARKS.make(origin, id_)
    changed = mark[:place] + sign + mark[place + 1 :]
    assert MARKS.read(changed) in (None, Marked(origin, id_)), "the last sign has bits that say nothing"
    if place < MARK_LENGTH - 1 and changed != mark:
        assert MARKS.read(changed) is None


def test_ids_of_ours_are_hidden_and_only_our_key_reads_them() -> None:
    id_ = new_id()
    mark = MARKS.make(Origin.INVITATION, id_)
    assert MARKS.make(Origin.EFFECT, id_) != mark
    assert Marks("another-key").read(mark) is None
    assert len({MARKS.make(Origin.INVITATION, new_id())[:8] for _ in range(50)}) == 50, "neighbours look unlike"


@pytest.mark.parametrize(
    "id_", ["", "run-1", "z" * 26, "0" * 25, "0" * 27, "I" * 26, f"{'0' * 25}é"], ids=lambda id_: id_[:5] or "empty"
)
def test_what_is_no_id_of_ours_gets_no_mark(id_: str) -> None:
    with pytest.raises(ValueError, match="is no id of ours"):
        MARKS.make(Origin.EFFECT, id_)


@pytest.mark.parametrize("address", ["", "bounces@acme.example", "bounces+x@acme.example", "a+é@b", "@", "+" * 60])
def test_an_address_without_a_mark_says_nothing(address: str) -> None:
    assert MARKS.read_address(address) is None


@given(some.text(max_size=60))
def test_any_text_can_be_asked_for_its_mark(text: str) -> None:
    assert MARKS.read(text) is None
    assert MARKS.read_address(text) is None


@pytest.mark.parametrize("change", [str, str.upper])
def test_the_longest_bounce_address_still_has_room_for_a_mark(change: Callable[[str], str]) -> None:
    id_ = new_id()
    envelope = with_mark(f"{'b' * MAX_LOCAL}@acme.example", MARKS.make(Origin.INVITATION, id_))
    assert str(mailboxes.read(envelope)) == envelope
    assert MARKS.read_address(change(envelope)) == Marked(Origin.INVITATION, id_)


def test_without_a_mark_the_address_stays_what_it_is() -> None:
    assert with_mark("bounces@acme.example", "") == "bounces@acme.example"

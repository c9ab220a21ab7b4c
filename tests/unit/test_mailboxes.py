"""One mailbox in several spellings, and what is no mailbox at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from integrations.mailboxes import normal, read, spellings, tidy

USUAL = "jan@xn--bcher-kva.example"
SAME = (
    "jan@bücher.example", "jan@xn--bcher-kva.example", "JAN@BÜCHER.example", "Jan@XN--BCHER-KVA.Example",
    "jan@bu\u0308cher.example", "jan@bücher.example.", " jan@bücher.example\n", "\u202ajan@bücher.example\u202c",
    "\ufeffjan@bücher.example", "jan@ｂücher.example", "jan@bücher。example", "jan＠bücher.example",
    "jan@bü\u00adcher.example",
)  # fmt: skip
OTHERS = (
    "jan@buecher.example", "jan@bucher.example", "jan.@bücher.example", "j.an@bücher.example", "jan+x@bücher.example",
    "<jan@bücher.example>", "mailto:jan@bücher.example", "jan@bücher..example", "jan@@bücher.example", "jan", "", "@",
)  # fmt: skip


@pytest.mark.parametrize("spelling", SAME)
def test_a_mailbox_is_the_same_however_its_domain_is_written(spelling: str) -> None:
    assert normal(spelling) == USUAL
    assert str(read(spelling)).lower() == USUAL


@pytest.mark.parametrize("other", OTHERS)
def test_another_mailbox_is_not_taken_for_it(other: str) -> None:
    assert normal(other) != USUAL


def test_what_is_before_the_at_stays_as_it_was_written() -> None:
    assert str(read("J.O'Neill+shop@EXAMPLE.com.")) == "J.O'Neill+shop@example.com"
    assert normal("jose\u0301@example.com") == normal("José@example.com") == "josé@example.com"


@pytest.mark.parametrize(
    ("one", "other"), [("jan@faß.example", "jan@fass.example"), ("jan@paypal.example", "jan@pаypal.example")]
)
def test_domains_that_only_look_alike_are_two(one: str, other: str) -> None:
    assert normal(one) != normal(other)


def test_a_system_that_compares_letters_is_asked_for_each_spelling() -> None:
    assert spellings("JAN@BÜCHER.example") == (USUAL, "jan@bücher.example")
    assert spellings(USUAL) == (USUAL, "jan@bücher.example")
    assert spellings(" Ann@Example.com") == ("ann@example.com",)
    assert spellings("nobody") == ("nobody",)


@pytest.mark.parametrize("broken", OTHERS[5:])
def test_what_cannot_be_read_says_so_without_the_address(broken: str) -> None:
    with pytest.raises(ValueError, match=r"^(is no e-mail address|is no domain|holds signs that no domain has)$"):
        read(broken)
    assert tidy(broken) == broken


@given(some.text(max_size=80))
def test_the_usual_spelling_is_its_own(text: str) -> None:
    assert normal(normal(text)) == normal(text)


@given(some.text(max_size=80))
def test_whatever_is_read_is_plain_after_the_at(text: str) -> None:
    try:
        box = read(text)
    except ValueError:
        return
    assert box.domain.isascii()
    assert read(str(box)) == box
    assert normal(str(box)) == normal(text)

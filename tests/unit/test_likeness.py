"""Whether a phone number and a name are one person: what is certain, what is possible, what is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.feedback.customers.matching import SHARED, KnownPerson, Likeness, MatchVerdict, alike, match, plain
from connector.feedback.customers.phone_numbers import trait

JAN = KnownPerson("jan", "Jan de Vries", {"salesforce": "003000000000001"})


def who(name: str | None = "Jan de Vries", **ids: str) -> KnownPerson:
    return KnownPerson("", name, ids or {"zendesk": "8055"})


@pytest.mark.parametrize(
    ("one", "other", "so"),
    [
        ("Jan de Vries", "jan DE VRIES", Likeness.SAME),
        ("Vries, Jan de", "Dhr. Jan de Vries", Likeness.SAME),
        ("Zoë Müller", "Zoe Muller", Likeness.SAME),
        ("Jan", "Jan", Likeness.UNCLEAR),  # many are called so
        ("Jan", "Jan de Vries", Likeness.UNCLEAR),
        ("J. de Vries", "Jan de Vries", Likeness.UNCLEAR),  # or Johanna
        ("", "Jan de Vries", Likeness.UNCLEAR),
        (None, None, Likeness.UNCLEAR),
        ("Caller +31 6 1234", "Jan de Vries", Likeness.UNCLEAR),  # so a helpdesk names whom it does not know
        ("jan@acme.example", "Jan de Vries", Likeness.UNCLEAR),
        ("Piet de Vries", "Jan de Vries", Likeness.OTHER),
        ("P. de Vries", "Jan de Vries", Likeness.OTHER),
        ("Jan Bakker", "Jan de Vries", Likeness.OTHER),
    ],
)
def test_names_are_compared_by_their_words(one: str | None, other: str | None, so: Likeness) -> None:
    assert alike(one, other) is alike(other, one) is so


@given(st.text(), st.text())
def test_names_compare_the_same_both_ways_whatever_they_hold(one: str, other: str) -> None:
    assert alike(one, other) is alike(other, one)


@pytest.mark.parametrize("personal", [True, False])
def test_the_same_name_and_nobody_else_with_the_number_is_the_same_person(personal: bool) -> None:
    assert match(who(), [JAN], personal=personal) == MatchVerdict("jan")


@pytest.mark.parametrize("personal", [True, False])
def test_a_name_that_contradicts_is_somebody_else(personal: bool) -> None:
    assert match(who("Piet Bakker"), [JAN], personal=personal) == MatchVerdict()


@pytest.mark.parametrize(
    ("case", "person", "holders"),
    [
        ("a second record in the same system", who(salesforce="003000000000002"), [JAN]),
        (
            "another e-mail address",
            who(email="j@x.example"),
            [KnownPerson("jan", JAN.name, {"email": "jan@acme.example"})],
        ),
        ("a name that says less", who("Jan"), [JAN]),
        ("no name", who(None), [JAN]),
        ("others with the number", who(), [JAN, KnownPerson("piet", "Piet Bakker", {"zendesk": "1"})]),
    ],
)
def test_what_is_merely_possible_on_a_mobile_phone_is_for_a_person_to_decide(
    case: str, person: KnownPerson, holders: list[KnownPerson]
) -> None:
    assert match(person, holders, personal=True) == MatchVerdict(None, ("jan",)), case


def test_on_a_line_that_several_may_share_a_name_that_says_less_is_no_lead() -> None:
    assert match(who("Jan"), [JAN], personal=False) == MatchVerdict()
    assert match(who(None), [JAN], personal=False) == MatchVerdict()


def test_a_voice_on_a_mobile_phone_is_whoever_has_it() -> None:
    voice = KnownPerson("", None)
    assert match(voice, [JAN], personal=True) == MatchVerdict("jan")
    assert match(voice, [JAN], personal=False) == MatchVerdict()
    assert match(KnownPerson("", "Piet Bakker"), [JAN], personal=True) == MatchVerdict()


def test_a_number_that_many_have_says_nothing() -> None:
    crowd = [KnownPerson(str(number), "Jan de Vries", {"zendesk": str(number)}) for number in range(SHARED)]
    assert match(who(), crowd, personal=False) == MatchVerdict()
    assert len(match(who(), crowd[1:], personal=False).perhaps) == SHARED - 1


@pytest.mark.parametrize(
    ("written", "country", "text", "personal"),
    [
        ("06 12345678", "NL", "+31612345678", True),
        ("(020) 123-4567", "NL", "+31201234567", False),
        ("0031612345678", "NL", "+31612345678", True),
        ("+32 471 23 45 67", "NL", "+32471234567", True),
        ("0471 23 45 67", "BE", "+32471234567", True),
        ("020 1234567 ext. 12", "NL", "+31201234567;ext=12", False),
    ],
)
def test_a_number_is_the_same_however_it_is_written(written: str, country: str, text: str, personal: bool) -> None:
    found: Any = trait(written, country)
    assert (found.text, found.personal) == (text, personal)


@pytest.mark.parametrize("written", [None, "", "12", "unknown", "06 12 34 56 789", "0" * 41, "112"])
def test_what_nobody_can_have_as_their_number_is_none(written: str | None) -> None:
    assert trait(written, "NL") is None


@pytest.mark.parametrize("other", ["RENÉ  SMIT", "Rene\u0301 Smit", " René\u00a0Smit ", "Ｒｅｎé Smit"])
def test_a_name_is_the_same_however_it_is_written(other: str) -> None:
    assert plain("René Smit") == plain(other)
    assert plain("Rene Smit") != plain(other)

"""A number is one only if a plan has it in use, and it is from where it is in use: at home first."""

from __future__ import annotations

from typing import Any

import pytest

from connector.feedback.callbacks.briefing import Brief, first_comment
from connector.feedback.customers.phone_numbers import dialled, e164, trait
from connector.feedback.customers.phone_origins import Origin, country_named, origin_of


def called(written: str, home: str = "NL", **customer: Any) -> str | None:
    found = dialled(written, origin_of(customer, home))
    return str(found) if found else None


@pytest.mark.parametrize(("written", "locale", "number"), [
    ("06 12345678", "en-US", "+31612345678"), ("06 12345678", "en-GB", "+31612345678"),
    ("06 12345678", "nl-BE", "+31612345678"), ("0031 6 12345678", "en-US", "+31612345678"),
    ("0475 12 34 56", "nl-BE", "+32475123456"), ("020 7946 0018", "en-GB", "+442079460018"),
    ("06 12345678", "nl", "+31612345678"), ("06 12345678", "xx-ZZ", "+31612345678"),
    ("06 12345678", "zh-Hant-TW", "+31612345678"), ("212 555 0123", "en_US", "+12125550123"),
    ("071 2345678", "fr-FR", "+31712345678"), ("0475 123456", "nl", "+31475123456"),
])
def test_a_language_is_no_country(written: str, locale: str, number: str) -> None:
    assert called(written, locale=locale) == number


@pytest.mark.parametrize(("customer", "number"), [
    ({"country": "BE"}, "+32475123456"), ({"country": "be"}, "+32475123456"), ({"country": "België"}, "+32475123456"),
    ({"address": {"country": "Belgium"}}, "+32475123456"), ({"country_code": "BE", "locale": "en-US"}, "+32475123456"),
    ({"country": "Middle-earth"}, "+31475123456"), ({"country": 32}, "+31475123456"), ({}, "+31475123456"),
])
def test_a_country_that_was_told_counts_where_the_number_is_a_mobile_there(customer: Any, number: str) -> None:
    assert called("0475 12 34 56", **customer) == number


def test_the_house_may_be_anywhere() -> None:
    assert called("0475 12 34 56", "BE", locale="nl-NL") == "+32475123456"
    assert called("06 12345678", "BE", locale="nl-NL") == "+31612345678"
    assert called("(212) 555-0123", "US", locale="nl-NL") == "+12125550123"
    assert origin_of({"locale": "nl-BE"}, "NL") == Origin("NL", likely=("BE",))
    assert origin_of({"locale": "en-US"}, "NL") == Origin("NL", possible=("US",))
    assert country_named("Verenigd Koninkrijk") == "GB"


@pytest.mark.parametrize("written", [
    "0031 6 12345678", "00 31 (0)6 12345678", "011 31 6 12345678", "0011 31 612345678", "+31 (0)6 12345678",
    "+3106 12345678", "(+31) 6-12345678", "tel:+31-6-12345678", "\u200e+31\u00a06 1234\u20115678",
])
@pytest.mark.parametrize("home", ["NL", "US", "AU"])
def test_the_ways_to_call_from_abroad_are_understood_anywhere(written: str, home: str) -> None:
    assert called(written, home) == "+31612345678"


@pytest.mark.parametrize("written", [
    "31612345678", "06\u00a01234\u201156\u200978", "٠٦١٢٣٤٥٦٧٨", "Tel.: 06 12345678",
    "06\u202f12\u202f34\u202f56\u202f78",
])
def test_a_number_of_the_house_may_be_written_in_any_signs(written: str) -> None:
    assert called(written) == "+31612345678"
    assert called(written, "US") is None


@pytest.mark.parametrize("locale", ["", "nl", "en-US", "en-GB"])
@pytest.mark.parametrize("written", [
    "06-1234567", "06 12 34 56 7O", "O6 12345678", "06 1234567O", "06123456789", "12345", "0000000000", "00000000000",
    "1234567890", "112", "14020", "06 FLOWERSS", "020 123 CALL", "0800 200600O", "06 12345678 na 18 uur", "call me",
    "06 12345678 / 020 1234567", "+31 6 1234567", "+00 6 12345678", "-", "9" * 50, "+999 123456789",
])
def test_a_number_that_no_plan_has_in_use_is_none(written: str, locale: str) -> None:
    assert called(written, locale=locale) is None
    assert e164(written) is None
    assert trait(written) is None


def test_a_number_that_is_spelt_in_letters_is_one() -> None:
    assert called("0800 FLOWERS") == "+318003569377"


@pytest.mark.parametrize("written", [
    "020 1234567 ext 12", "020 1234567 tst. 12", "020-1234567 toestel 12", "020 1234567 #12", "020 1234567x12",
    "020 1234567 (toestel 12)", "+31 20 1234567;ext=12", "+31201234567 ext. 12", "020 1234567, doorkiesnr. 12",
    "0031 20 1234567 tst 12", "011 31 20 1234567 tst 12",
])
def test_an_extension_is_kept_and_never_dialled_as_part_of_the_number(written: str) -> None:
    assert (called(written), e164(written)) == ("+31201234567 ext. 12", "+31201234567")
    assert called("+31201234567 ext. 12") == "+31201234567 ext. 12", "what is shown is read back the same"
    found = trait(written)
    assert found is not None
    assert (found.text, found.personal) == ("+31201234567;ext=12", False)


@pytest.mark.parametrize(("phone", "line"), [
    ("06-1234567", "Phone as given, which we cannot read as a number: 06-1234567"),
    ("0000000000", "Phone as given, which we cannot read as a number: 0000000000"),
    ("020 1234567 tst. 12", "Phone: +31201234567 ext. 12"), ("06 12345678", "Phone: +31612345678"),
])
def test_an_agent_reads_the_number_or_what_was_given(phone: str, line: str) -> None:
    assert line in first_comment(Brief({}, {"phone": phone, "locale": "en-US"})).splitlines()

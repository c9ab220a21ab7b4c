"""What a page may show of a number or an address: enough to know it by, too little to use."""

from __future__ import annotations

import pytest

from connector.web.survey.contacts import masked_email, masked_phone


@pytest.mark.parametrize(
    ("number", "country", "shown"),
    [
        ("+31612345678", "NL", "06 •• •• 78"),
        ("+31201234567", "NL", "02 •• •• 67"),
        ("+31612345678", "BE", "+31 •• •• 78"),
        ("+442079460958", "GB", "02 •• •• 58"),
        ("+442079460958", "NL", "+44 •• •• 58"),
        ("+31201234567 ext. 12", "NL", "02 •• •• 67"),
        ("+12125550123", "US", "21 •• •• 23"),
        ("ask at the desk", "NL", ""),
        ("", "NL", ""),
    ],
)
def test_a_number_shows_its_beginning_and_its_last_two_digits(number: str, country: str, shown: str) -> None:
    assert masked_phone(number, country) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ann@example.com", "a•••@example.com"),
        ("a@example.com", "•••@example.com"),
        ('"odd@name"@example.com', '"•••@example.com'),
        ("", ""),
    ],
)
def test_an_address_shows_its_first_letter_and_its_domain(address: str, shown: str) -> None:
    assert masked_email(address) == shown

"""How a house looks and speaks: every field of a brand checked, and what is legible worked out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connector.feedback.messaging.brands import Brand, choose, read_brands
from connector.feedback.messaging.style.colours import contrast, readable
from connector.feedback.messaging.translations import Catalogues
from workflows.errors import DefinitionError

WHOLE: dict[str, Any] = {
    "title": "Acme", "accent": "#0b6e4f", "accent_dark": "#7fd1b3", "background": "#f0f4f2",
    "background_dark": "#101412",
    "logo_url": "https://acme.example/logo.png", "logo_dark_url": "https://cdn.acme.example/dark.png",
    "font": "Georgia, serif",
    "tone": "informal", "sender": "Acme <care@acme.example>", "reply_to": "help@acme.example", "footer": {"en": "Acme"},
    "improved": {"en": "We answer on Saturdays now."}, "privacy_url": "https://acme.example/privacy", "country": "BE",
    "time_zone": "Europe/Brussels",
}  # fmt: skip
WRONG: dict[str, Any] = {
    "title": "", "accent": "red;", "accent_dark": "#fff", "background": 5, "background_dark": "black",
    "logo_url": "javascript:x",
    "logo_dark_url": "logo.png", "font": "a;b", "tone": "je", "sender": "Acme",
    "reply_to": "a@b.example\nBcc: c@d.example",
    "footer": {"en": ""}, "improved": [], "privacy_url": "ftp://x", "country": "UK", "time_zone": "CEST!",
}  # fmt: skip


def mistakes(**brands: Any) -> list[str]:
    with pytest.raises(DefinitionError) as refused:
        read_brands(brands)
    return [str(mistake) for mistake in refused.value.mistakes]


def test_a_brand_holds_what_was_written() -> None:
    acme = read_brands({"acme": WHOLE})["acme"]
    assert {name: getattr(acme, name) for name in WHOLE} == WHOLE
    assert acme.logo_origins == ("https://acme.example", "https://cdn.acme.example")


@pytest.mark.parametrize("field", WRONG)
def test_a_field_that_does_not_fit_is_named_with_its_value_and_the_remedy(field: str) -> None:
    [told] = mistakes(acme={**WHOLE, field: WRONG[field]})
    assert told.startswith(f"brands.acme.{field}: {WRONG[field]!r} does not fit. Write ")


def test_all_mistakes_are_told_at_once_and_a_misspelt_field_is_guessed() -> None:
    told = mistakes(acme={"acent": "#000000", "logo": "x"}, **{"B!": {}, "list": []})
    assert told[0] == 'brands.acme.acent: it is not known. Did you mean "accent"?'
    assert [each.partition(": ")[0] for each in told] == [
        "brands.acme.acent", "brands.acme.logo", "brands.B!", "brands.list",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("country", "zone"),
    [("NL", "Europe/Amsterdam"), ("IN", "Asia/Kolkata"), ("NP", "Asia/Kathmandu"), ("US", ""), ("ES", ""), ("AU", "")],
)
def test_a_country_of_one_time_says_the_time_zone(country: str, zone: str) -> None:
    assert read_brands({"acme": {"country": country}})["acme"].time_zone == zone
    assert read_brands({"acme": {"country": country, "time_zone": "Asia/Tokyo"}})["acme"].time_zone == "Asia/Tokyo"


def test_who_writes_no_country_has_said_no_time_zone() -> None:
    assert read_brands({"acme": {}})["acme"].time_zone == Brand().time_zone == ""


def test_a_footer_in_one_language_serves_all() -> None:
    brands = read_brands({"acme": {"footer": "Acme BV", "improved": "Better"}, "bell": {"improved": {"en": "Better"}}})
    assert (brands["acme"].footer_in("nl"), brands["acme"].improved_in("nl"), brands["bell"].improved_in("nl")) == (
        "Acme BV", "Better", "",
    )  # fmt: skip


def test_a_survey_without_a_brand_of_its_own_gets_the_default() -> None:
    brands = read_brands({"default": {"title": "House"}, "acme": {"title": "Acme"}})
    assert [choose(brands, name).title for name in ("acme", "", "gone")] == ["Acme", "House", "House"]
    assert choose({}, "").name == "default"


@pytest.mark.parametrize("brands", [{}, {"acme": {"title": "Acme"}}])
def test_the_neutral_style_speaks_with_the_houses_own_words_too(tmp_path: Path, brands: dict[str, Any]) -> None:
    file = tmp_path / "fr" / "survey.po"
    file.parent.mkdir()
    file.write_text('msgid "Privacy"\nmsgstr "Enregistré"\n', "utf-8")
    neutral = choose(read_brands(brands, Catalogues(tmp_path)), "")
    assert (neutral.name, neutral.words("fr")("Privacy")) == ("default", "Enregistré")


@pytest.mark.parametrize("accent", ["#ffff00", "#000000", "#ffffff", "#1f5fbf", "#e4572e", "#777777"])
def test_whatever_the_accent_what_stands_on_and_beside_it_can_be_read(accent: str) -> None:
    brand = Brand(accent=accent)
    assert contrast(brand.on_accent, accent) >= 4.5
    assert contrast(brand.ink, "#ffffff") >= 4.5
    assert contrast(brand.ink_dark, "#1d2026") >= 4.5


@pytest.mark.parametrize("colour", ["#ffee88", "#777777", "#00ff00", "#9aa0a6"])
def test_the_nearest_readable_colour_is_just_readable(colour: str) -> None:
    nearest = readable(colour, "#ffffff")
    assert 4.5 <= contrast(nearest, "#ffffff") < 4.7
    assert readable(nearest, "#ffffff") == nearest

"""``ringback brand preview``: what customers will see, as files; what they could not read is refused."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask, Response
from PIL import Image, ImageDraw

from connector.cli.main import main
from connector.feedback.messaging.brands import Brand
from connector.feedback.messaging.style.colours import MARK, contrast
from connector.feedback.messaging.style.readability import LogoPlace, unreadable_logo
from sandbox.serving import Server

INK = {"black": "#000000", "white": "#ffffff", "pale": "#ffee88", "green": "#0b6e4f"}


def logo(ink: str, ground: str | None = None, kind: str = "PNG") -> bytes:
    """A bar of ink, cut out or on a ground of its own."""
    image = Image.new("RGBA", (200, 60), ground or (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((40, 20, 160, 40), fill=ink)
    file = io.BytesIO()
    (image if kind != "JPEG" else image.convert("RGB")).save(file, kind)
    return file.getvalue()


@pytest.fixture
def pictures() -> Iterator[str]:
    """A web server with logos. → its address."""
    app = Flask("logos")
    large = b"\x89PNG" + bytes(1_000_001)
    answers: dict[str, bytes] = {**{f"{name}.png": logo(ink) for name, ink in INK.items()}, "large.png": large,
                                 "logo.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}  # fmt: skip

    @app.get("/<name>")
    def picture(name: str) -> Response:
        return Response(answers[name]) if name in answers else Response("no", 404)

    server = Server(app)
    yield server.url
    server.close()


def run(folder: Path, *words: str, code: int = 0, **brands: Any) -> str:
    (folder / "ringback.yaml").write_text(json.dumps({"brands": brands}), "utf-8")
    environment = {"RINGBACK_CONFIG": str(folder / "ringback.yaml")}
    result = CliRunner().invoke(main, ["brand", "preview", *words, "--out", str(folder / "out")], env=environment)
    assert result.exit_code == code, result.output
    return result.output


def test_mail_page_and_thank_you_are_written_in_each_language_and_tone(tmp_path: Path, pictures: str) -> None:
    dark = {"logo_url": f"{pictures}/black.png", "logo_dark_url": f"{pictures}/white.png"}
    acme = {"title": "Acme", "accent": "#0b6e4f", "tone": "informal", **dark}
    run(tmp_path, acme=acme, bell={"title": "Bell"})
    written = {name: (tmp_path / "out" / name).read_text("utf-8") for name in (
        "acme/nl/mail.html", "acme/nl/page-detractor.html", "acme/en/page.html", "bell/nl/mail.html", "acme/index.html",
        "acme/nl/thanks-promoter.html",
    )}  # fmt: skip
    assert "Hoi Ann Bakker," in written["acme/nl/mail.html"]
    assert "Beste Ann Bakker," in written["bell/nl/mail.html"]
    assert "Dat spijt ons. Wat ging er mis?" in written["acme/nl/page-detractor.html"]
    assert "How likely are you to recommend us" in written["acme/en/page.html"]
    assert "#0b6e4f" in written["acme/en/page.html"]
    assert f"{pictures}/white.png" in written["acme/en/page.html"]
    assert "Bedankt, daar worden we blij van" in written["acme/nl/thanks-promoter.html"]
    links = [line.split('"')[0] for line in written["acme/index.html"].split('href="')[1:]]
    assert [link for link in links if not (tmp_path / "out" / "acme" / link).is_file()] == []


def test_one_brand_and_another_survey_may_be_asked_for(tmp_path: Path) -> None:
    run(tmp_path, "bell", "--survey", "pulse", acme={}, bell={})
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["bell"]
    assert "satisfied are you with us" in (tmp_path / "out/bell/en/page.html").read_text("utf-8")


@pytest.mark.parametrize("words", [("bel",), ("bell", "--survey", "puls")])
def test_a_name_that_is_not_there_is_guessed_at(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert "is not there. Did you mean" in run(tmp_path, *words, code=2, bell={})


@pytest.mark.parametrize(("field", "colour", "ground"), [
    ("accent", "#ffee88", "#ffffff"), ("accent_dark", "#222233", "#1d2026"),
])  # fmt: skip
def test_a_colour_that_cannot_be_read_is_refused_with_the_nearest_that_can(
    tmp_path: Path, field: str, colour: str, ground: str
) -> None:
    told = run(tmp_path, code=2, acme={field: colour})
    assert f"brands.acme.{field}: {colour} has a contrast of" in told
    nearest = told.split('can be read is "')[1][:7]
    assert MARK <= contrast(nearest, ground) < MARK + 0.1
    assert not (tmp_path / "out").exists()
    run(tmp_path, acme={field: nearest})


def test_a_ground_on_which_the_small_print_is_lost_is_refused(tmp_path: Path) -> None:
    told = run(tmp_path, code=2, acme={"background": "#888888", "background_dark": "#888888"})
    assert "brands.acme.background: #888888" in told
    assert "brands.acme.background_dark: #888888" in told


@pytest.mark.parametrize(("name", "told"), [
    ("black.png", "logo_url: in a dark room it cannot be seen: it is mostly #000000 on #121417"),
    ("pale.png", "logo_url: it cannot be seen: it is mostly #ffee88 on #f4f5f7"),
    ("logo.svg", "logo_url: it is no picture that mail programs show. Give a PNG, JPEG or GIF"),
    ("gone.png", "is answered with 404"), ("large.png", "is larger than 1000000 bytes"),
])  # fmt: skip
def test_a_logo_that_cannot_be_seen_is_refused_with_the_remedy(
    tmp_path: Path, pictures: str, name: str, told: str
) -> None:
    assert told in run(tmp_path, code=2, acme={"logo_url": f"{pictures}/{name}"})


def test_a_logo_nobody_answers_for_is_named(tmp_path: Path) -> None:
    assert "does not answer" in run(tmp_path, code=2, acme={"logo_url": "http://127.0.0.1:9/logo.png"})


@pytest.mark.parametrize(("picture", "ground", "seen"), [
    (logo("#000000"), "#ffffff", True), (logo("#000000"), "#121417", False), (logo("#ffffff"), "#121417", True),
    (logo("#000000", "#ffffff"), "#121417", True),  # it brings a ground of its own
    (logo("#eeeeee", "#ffffff"), "#121417", False), (logo("#000000", "#ffffff", "JPEG"), "#121417", True),
    (logo("#ffffff", "#ffffff"), "#121417", False), (b"", "#ffffff", False), (b"\x89PNG broken", "#ffffff", False),
    (logo("#0b6e4f")[:120], "#ffffff", False),
])  # fmt: skip
def test_a_logo_is_judged_on_the_ground_it_lies_on(picture: bytes, ground: str, seen: bool) -> None:
    assert (list(unreadable_logo(Brand(), LogoPlace("logo_url", ground), picture)) == []) is seen

"""``ringback brand``: how a house style looks, before a customer sees it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import requests

from connector.cli.common.context import BadInputError, read_config, read_settings
from connector.definitions import read_surveys
from connector.feedback.messaging.brands import Brand, read_brands
from connector.feedback.messaging.style.readability import MAX_LOGO, places, unreadable_colours, unreadable_logo
from connector.feedback.messaging.translations import Catalogues
from connector.feedback.surveys import files as surveys
from workflows.errors import DefinitionError, Mistake
from workflows.suggestions import did_you_mean

_PATIENCE = 10  # seconds for a logo: a customer waits less


@click.group()
def brand() -> None:
    """See the house style of mails and pages."""


@brand.command()
@click.argument("name", required=False)
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The folder to write to.")
@click.option("--survey", "slug", default="after-support", show_default=True, help="The survey to show.")
def preview(name: str | None, out: Path, slug: str) -> None:
    """Write mail, page and thank-you of the brand NAME, or of all brands, as files that open in a browser.

    Colours and logos that cannot be read are refused first, with the nearest colour that can. Logos are fetched;
    nothing is sent to anyone.
    """
    config = read_config(read_settings())
    brands = read_brands(config.brands, Catalogues(config.translations))
    chosen = {each: brands[each] for each in ([_known(name, brands)] if name else brands)}
    bodies = read_surveys(config)
    survey = surveys.parse(bodies[_known(slug, bodies)], slug)
    if mistakes := [mistake for each in chosen.values() for mistake in _unreadable(each)]:
        raise DefinitionError("brands", tuple(mistakes))
    for each in chosen.values():
        _write(out / each.name, each, survey)


def _known(name: str, names: dict[str, Brand] | dict[str, str]) -> str:
    if name not in names:
        raise BadInputError(f"{name!r} is not there. {did_you_mean(name, names)}")
    return name


def _unreadable(each: Brand) -> Iterator[Mistake]:
    yield from unreadable_colours(each)
    fetched: dict[str, bytes | str] = {}
    for place, address in places(each).items():
        picture = fetched.setdefault(address, _fetched(address) if address not in fetched else b"")
        if isinstance(picture, str):
            yield Mistake(f"brands.{each.name}.{place.field}", f"{address} {picture}.", "Correct it, or take it out.")
        else:
            yield from unreadable_logo(each, place, picture)


def _fetched(address: str) -> bytes | str:
    """The picture, or why there is none."""
    try:
        with requests.get(address, timeout=_PATIENCE, stream=True) as response:
            if response.status_code != 200:
                return f"is answered with {response.status_code}"
            found: bytes = response.raw.read(MAX_LOGO + 1, decode_content=True)
    except (requests.RequestException, OSError) as error:
        return f"does not answer ({type(error).__name__})"
    return found if len(found) <= MAX_LOGO else f"is larger than {MAX_LOGO} bytes"


def _write(folder: Path, each: Brand, survey: surveys.Survey) -> None:
    from connector.web.survey.preview import preview as files_of  # slow to import

    for name, html in files_of(each, survey).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(html, "utf-8")
    click.echo(f"Wrote {folder / 'index.html'} and {len(list(folder.rglob('*.*'))) - 1} files that it lists.")

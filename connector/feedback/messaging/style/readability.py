"""Whether people can read a brand: its colours beside what stands on them, its logo on the ground it lies on. Pure.

What can be worked out is (``Brand.ink``); here is what only the house can mend, with the nearest colour that will do.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from connector.feedback.messaging.brands import Brand
from connector.feedback.messaging.style.colours import CARD, CARD_DARK, MARK, TEXT, contrast, ink_on, readable
from workflows.errors import Mistake

MAX_LOGO = 1_000_000  # bytes; more keeps a phone waiting
_MAX_PIXELS = 16_000_000
_SHOWN_BY_MAILS = frozenset({"PNG", "JPEG", "GIF"})
_SOFT, _SOFT_DARK = "#565c68", "#b3b9c4"  # the small print of pages and mails
_LOOKED_AT = 96  # pixels a side: enough to see what people see
_OPAQUE = 128  # of 255

Pixel = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class LogoPlace:
    """Where a logo lies: the field that names it, and the colour of its ground."""

    field: str
    ground: str


def places(brand: Brand) -> dict[LogoPlace, str]:
    """Each place of a logo → its address; in a dark room the light one serves where there is no other."""
    shown = {LogoPlace("logo_url", brand.background): brand.logo_url}
    dark = "logo_dark_url" if brand.logo_dark_url else "logo_url"
    shown[LogoPlace(dark, brand.background_dark)] = brand.logo_dark_url or brand.logo_url
    return {place: address for place, address in shown.items() if address}


def unreadable_colours(brand: Brand) -> Iterator[Mistake]:
    """The colours with too little contrast. Source: WCAG 2.2, 1.4.3 and 1.4.11."""
    yield from _beside(brand, "accent", brand.accent, CARD, MARK, "a button in it cannot be told from the page")
    if brand.accent_dark:
        trouble = "a button in it cannot be told from the dark page"
        yield from _beside(brand, "accent_dark", brand.accent_dark, CARD_DARK, MARK, trouble)
    yield from _beside(brand, "background", brand.background, _SOFT, TEXT, "the small print on it cannot be read")
    trouble = "the small print on it cannot be read in a dark room"
    yield from _beside(brand, "background_dark", brand.background_dark, _SOFT_DARK, TEXT, trouble)


def unreadable_logo(brand: Brand, place: LogoPlace, picture: bytes) -> Iterator[Mistake]:
    """What is wrong with a logo where it lies."""
    path = f"brands.{brand.name}.{place.field}"
    try:
        image = Image.open(io.BytesIO(picture))
        if image.format not in _SHOWN_BY_MAILS or image.width * image.height > _MAX_PIXELS:
            raise UnidentifiedImageError
        pixels = _pixels(image)
    except (OSError, ValueError, Image.DecompressionBombError):  # UnidentifiedImageError is an OSError
        remedy = "Give a PNG, JPEG or GIF of at most 4000 × 4000 pixels: mail programs show no SVG and no WebP."
        yield Mistake(path, "it is no picture that mail programs show.", remedy)
        return
    yield from _check_ink(path, place, pixels)


def _beside(brand: Brand, name: str, colour: str, other: str, needs: float, trouble: str) -> Iterator[Mistake]:
    found = contrast(colour, other)
    if found < needs:
        nearest = readable(colour, other, needs=needs)
        told = f"{colour} has a contrast of {found:.1f}, and {needs:g} is needed: {trouble}."
        yield Mistake(f"brands.{brand.name}.{name}", told, f'The nearest colour that can be read is "{nearest}".')


def _pixels(image: Image.Image) -> list[list[Pixel]]:
    """The picture, small, in rows."""
    small = image.convert("RGBA")
    small.thumbnail((_LOOKED_AT, _LOOKED_AT))
    flat: list[Pixel] = [tuple(each) for each in zip(*[iter(small.tobytes())] * 4, strict=True)]
    return [flat[row * small.width : (row + 1) * small.width] for row in range(small.height)]


def _check_ink(path: str, place: LogoPlace, rows: list[list[Pixel]]) -> Iterator[Mistake]:
    """Half of what is drawn must stand out: from the picture's own ground where it brings one, else from the page's."""
    ground = _own_ground(rows) or place.ground
    drawn = [_colour(pixel) for row in rows for pixel in row if pixel[3] >= _OPAQUE]
    ink = Counter(colour for colour in drawn if colour != ground)
    seen = sum(count for colour, count in ink.items() if contrast(colour, ground) >= MARK)
    if 2 * seen >= ink.total() > 0:
        return
    if not ink:
        yield Mistake(path, "nothing is drawn on it.", "Give the picture of your logo.")
        return
    main = ink.most_common(1)[0][0]
    nearest = readable(main, ground, towards=ink_on(ground), needs=MARK)
    where = "in a dark room " if place.ground == ground and ink_on(ground) == "#ffffff" else ""
    told = f"{where}it cannot be seen: it is mostly {main} on {ground}, a contrast of {contrast(main, ground):.1f}."
    other = " Another logo for dark rooms is logo_dark_url." if where else ""
    yield Mistake(path, told, f'The nearest colour that can be seen is "{nearest}".{other}')


def _own_ground(rows: list[list[Pixel]]) -> str:
    """The colour of the picture's edge, where most of the edge is opaque; "" for a logo that is cut out."""
    edge: Sequence[Pixel] = [*rows[0], *rows[-1], *(row[0] for row in rows), *(row[-1] for row in rows)]
    opaque = [_colour(pixel) for pixel in edge if pixel[3] >= _OPAQUE]
    return Counter(opaque).most_common(1)[0][0] if 2 * len(opaque) > len(edge) else ""


def _colour(pixel: Pixel) -> str:
    return "#" + "".join(f"{channel:02x}" for channel in pixel[:3])

"""What the survey pages are made of besides words: style, script, icon. Read, made small and named once a process.

All three stand inside the document, so that the first thing a phone shows needs one answer of the server; the content
security policy knows style and script by their digest and allows no others. What is a file of its own has the digest of
its content in its name, so that a browser keeps it for good.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import rcssmin
import rjsmin

from connector.feedback.messaging.brands import Brand
from connector.feedback.messaging.style.colours import ink_on

_FOLDER = Path(__file__).parents[1] / "static" / "survey"
_AS_IT_IS = " =:/'(),;-+*@!$&~."
"""Signs that need no escape in a data: address that stands in double quotes."""

_DIGEST = 16  # characters of a digest in a file's name


@dataclass(frozen=True, slots=True)
class Part:
    """A text of ours that stands in the page as it is. ``source`` is how the policy knows it (CSP 3, hash-source)."""

    text: str
    source: str

    def __html__(self) -> str:
        """For the template: the text is style or script, in which nothing is to be escaped."""
        return self.text


NOTHING = Part("", "'none'")


@dataclass(frozen=True, slots=True)
class File:
    """A file that the page asks for. ``name`` changes with its content."""

    name: str
    content: bytes
    mimetype: str


@lru_cache(maxsize=1)
def script() -> Part:
    """What saves answers as they are given."""
    return _part(str(rjsmin.jsmin(_read("survey.js"))))


def style(brand: Brand) -> Part:
    """The pages' style, with the brand's own colours and font at its end."""
    return _style(brand_style(brand))


def brand_style(brand: Brand) -> str:
    """The brand's colours and font, as the style sheet reads them; in dark rooms it may have others."""
    dark = brand.accent_dark or brand.accent
    light = {
        "accent": brand.accent, "on-accent": brand.on_accent, "ink": brand.ink, "ink-dark": brand.ink_dark,
        "font": brand.font, "page": brand.background, "on-page": ink_on(brand.background),
    }  # fmt: skip
    ground = {"page": brand.background_dark, "on-page": ink_on(brand.background_dark)}
    at_night = {"accent": dark, "on-accent": ink_on(dark), **ground}
    return f":root{{{_tokens(light)}}}@media(prefers-color-scheme:dark){{:root{{{_tokens(at_night)}}}}}"


def _tokens(values: Mapping[str, str]) -> str:
    return ";".join(f"--{name}:{value}" for name, value in values.items())


@lru_cache(maxsize=1)
def icon() -> Part:
    """The picture in the browser's tab, as a data: address: a file of its own would weigh three times as much."""
    return Part(f"data:image/svg+xml,{quote(_read('icon.svg').strip(), safe=_AS_IT_IS)}", "data:")


def named(name: str, content: bytes, mimetype: str) -> File:
    """The file under a name that holds its digest: ``icon.svg`` becomes ``icon.<digest>.svg``."""
    stem, _, ending = name.partition(".")
    return File(f"{stem}.{hashlib.sha256(content).hexdigest()[:_DIGEST]}.{ending}", content, mimetype)


def in_common() -> str:
    """What every page holds, whatever the brand and the survey."""
    return _base_style() + script().text


@lru_cache(maxsize=1)
def _base_style() -> str:
    return str(rcssmin.cssmin(_read("survey.css")))


@lru_cache(maxsize=256)
def _style(own: str) -> Part:
    return _part(_base_style() + own)


def _part(text: str) -> Part:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Part(text, f"'sha256-{digest}'")


def _read(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")

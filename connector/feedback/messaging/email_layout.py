"""The mails customers get: plain messages, and the one layout of all mails.

A mail is made in two rounds. Once per template, language and brand, Jinja (written ``[[ … ]]``) fills in what is the
same for everybody, MJML turns it into tables that mail programs show, and css-inline puts the style where they
look for it. Then, per mail, Liquid fills in the person and the links, escaping every value: a name is text, also
when it is ``<script>``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from html import unescape
from pathlib import Path
from typing import Any

import css_inline
import jinja2
import liquid
import mjml

from connector.feedback.messaging.brands import Brand
from connector.feedback.messaging.text import one_line
from connector.feedback.messaging.translations import Words

_TEMPLATES = Path(__file__).parents[2] / "web" / "templates" / "mail"


def render_message(subject: str, text: str, language: str, brand: Brand, leave: str = "") -> str:
    """The HTML of a plain message; its text is escaped, its line breaks are kept. ``leave`` is the way out, if it has
    one of its own."""
    page = _message_page(brand.catalogues.near(language), brand)
    return page.render(subject=one_line(subject), text=text, leave=leave)


def brand_headers(brand: Brand, campaign: str, kind: str) -> Mapping[str, str]:
    """Where answers go, and by what Gmail's Postmaster Tools tell complaints apart: three names of ours and the
    sender's (Google, "Feedback loop": Feedback-ID)."""
    told = {"Feedback-ID": f"{campaign}:{brand.name}:{kind}:ringback"}
    return told | ({"Reply-To": brand.reply_to} if brand.reply_to else {})


@lru_cache(maxsize=64)
def _message_page(language: str, brand: Brand) -> liquid.BoundTemplate:
    return compile_page("message.mjml", brand, brand.words(language))


def compile_page(template: str, brand: Brand, say: Words, **parts: Any) -> liquid.BoundTemplate:
    """The HTML with only Liquid left in it. MJML adds its own fonts from the web unless told that there are none."""
    source = _JINJA.get_template(template).render(
        brand=brand, language=say.language, direction=say.direction, footer=brand.footer_in(say.language), _=say,
        font=brand.font.replace("'", ""),  # quotes would end the style attribute
        **_SIDES[say.direction], **parts,
    )  # fmt: skip
    html = _INLINER.inline(_restore_marks(mjml.mjml2html(source, fonts={})))
    return _LIQUID.from_string(_restore_liquid(html))


def _restore_marks(html: str) -> str:
    """MJML writes combining signs in attributes as Rust's Debug does, "\\u{64b}": Arabic and Hindi are full of them."""
    return re.sub(r"\\u\{([0-9a-f]{1,6})\}", lambda found: chr(int(found[1], 16)), html)


def _restore_liquid(html: str) -> str:
    """Inside {{ … }} and {% … %} the HTML writer has escaped quotes; Liquid wants them as they were."""
    return re.sub(r"\{\{.*?\}\}|\{%.*?%\}", lambda found: unescape(found[0]), html, flags=re.DOTALL)


def _no_liquid(value: Any) -> Any:
    """A question that holds {{ or {% is not a template: an invisible joiner keeps the braces apart."""
    return value.replace("{{", "{\u2060{").replace("{%", "{\u2060%") if type(value) is str else value


_SIDES = {"ltr": {"start": "left", "end": "right"}, "rtl": {"start": "right", "end": "left"}}
"""Old programs know no "start"."""

_JINJA = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    variable_start_string="[[",
    variable_end_string="]]",
    block_start_string="[%",
    block_end_string="%]",
    finalize=_no_liquid,
)
_LIQUID = liquid.Environment(autoescape=True, undefined=liquid.StrictUndefined)
_INLINER = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)

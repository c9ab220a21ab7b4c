"""The mails customers get: the invitation with its one-click scale, and plain messages in the same style.

A mail is made in two rounds. Once per survey, language and brand, Jinja (written ``[[ … ]]``) fills in what is the
same for everybody, MJML turns it into tables that mail programs show, and css-inline puts the style where they
look for it. Then, per mail, Liquid fills in the person and the links, escaping every value: a name is text, also
when it is ``<script>``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from pathlib import Path
from typing import Any

import css_inline
import jinja2
import liquid
import mjml

from connector.feedback.messaging.brands import Brand, choose
from connector.feedback.messaging.mail_names import harmless_name, one_line, shortened, unlinked_name
from connector.feedback.messaging.translations import languages, say_in
from connector.feedback.surveys.model import Survey, points
from connector.feedback.surveys.scale_labels import SMILEYS, ends, has_smileys, smiley_words
from integrations.protocols import Mail
from workflows.templates import render

MAX_SUBJECT = 150  # characters
_TEMPLATES = Path(__file__).parents[2] / "web" / "templates" / "mail"


@dataclass(frozen=True, slots=True)
class Links:
    """Where a mail leads: the survey page, the page with a score chosen, the way out of surveys."""

    page: str
    score: Callable[[int], str]
    unsubscribe: str


def links(base_url: str, token: str) -> Links:
    """The links of one invitation. ``base_url`` is where the survey pages are reached from outside."""
    page = f"{base_url.rstrip('/')}/s/{token}"
    return Links(page, lambda score: f"{page}?score={score}", f"{base_url.rstrip('/')}/u/{token}")


class Mailer:
    """Makes mails with the house's own address and brands."""

    def __init__(self, base_url: str, brands: Mapping[str, Brand]) -> None:
        self._base_url, self.brands = base_url, brands

    def invitation(
        self, survey: Survey, language: str, customer: Mapping[str, Any], context: Mapping[str, Any], token: str
    ) -> Mail:
        """The invitation to a survey, in one of its languages."""
        brand = choose(self.brands, survey.brand)
        return render_invitation(survey, language, customer, context, links(self._base_url, token), brand)

    def message(self, subject: str, text: str, locale: str | None) -> str:
        """The HTML of a plain message, in the default brand."""
        return render_message(subject, text, locale or "", choose(self.brands, ""))


def render_invitation(
    survey: Survey,
    language: str,
    customer: Mapping[str, Any],
    context: Mapping[str, Any],
    where: Links,
    brand: Brand,
) -> Mail:
    """The invitation, whole but for its Message-ID, which its sender gives it.

    Raises TemplateError when a text of the survey speaks of a context field that is not there.
    """
    names = _names(customer, context)
    said = {
        part: render(getattr(survey.mail, part)[language], names) for part in ("subject", "greeting", "intro")
    }  # fmt: skip
    subject = shortened(one_line(said["subject"]), MAX_SUBJECT)
    scores = [where.score(score) for score in points(survey.scale)]
    fills = {**said, "subject": subject, "scores": scores, "page": where.page, "unsubscribe": where.unsubscribe}
    html = _invitation_page(_fixed_parts(survey, language), brand).render(
        **fills, agent_photo=_photo(context.get("agent_photo"))
    )  # fmt: skip
    return Mail(
        to=str(customer.get("email") or ""), to_name=harmless_name(customer.get("name")), subject=subject, html=html,
        text=_plain_text(survey, language, said, where, brand), headers=_unsubscribe_headers(where.unsubscribe),
    )  # fmt: skip


def render_message(subject: str, text: str, language: str, brand: Brand) -> str:
    """The HTML of a plain message; its text is escaped, its line breaks are kept."""
    return _message_page(language if language in languages() else _near(language), brand).render(
        subject=one_line(subject), text=text
    )  # fmt: skip


def _unsubscribe_headers(address: str) -> Mapping[str, str]:
    """Lets the mail program itself offer the way out. Source: RFC 8058, sections 3.1 and 8."""
    return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _names(customer: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """What the texts may speak of. The usual names are always there, empty when unknown."""
    return {
        "customer": {**customer, "name": unlinked_name(customer.get("name"))},
        "agent": one_line(str(context.get("agent") or "")),
        "product": one_line(str(context.get("product") or "")),
        "context": context,
    }


def _photo(address: Any) -> str:
    return address if isinstance(address, str) and address.startswith("https://") else ""


def _near(language: str) -> str:
    short = language.replace("_", "-").partition("-")[0].lower()
    return short if short in languages() else languages()[0]


@dataclass(frozen=True, slots=True)
class _Fixed:
    """What an invitation of one survey and language says to everybody; hashable, to be compiled once."""

    language: str
    question: str
    promise: str
    improved: str
    points: tuple[int, ...]
    faces: bool
    low: str
    high: str


def _fixed_parts(survey: Survey, language: str) -> _Fixed:
    low, high = ends(survey.scale)
    say = say_in(language)
    return _Fixed(
        language, survey.main.text[language], survey.promise[language], survey.improved.get(language, ""),
        tuple(points(survey.scale)), has_smileys(survey.scale), say(low), say(high),
    )  # fmt: skip


@lru_cache(maxsize=256)
def _invitation_page(fixed: _Fixed, brand: Brand) -> liquid.BoundTemplate:
    say = say_in(fixed.language)
    return _compile(
        "invitation.mjml", brand, fixed.language,
        question=fixed.question, promise=fixed.promise, improved=fixed.improved, points=fixed.points,
        low=fixed.low, high=fixed.high, faces=SMILEYS if fixed.faces else (),
        words=[say(word) for word in smiley_words()], scale_line=_scale_line(fixed),
    )  # fmt: skip


@lru_cache(maxsize=64)
def _message_page(language: str, brand: Brand) -> liquid.BoundTemplate:
    return _compile("message.mjml", brand, language)


def _scale_line(fixed: _Fixed) -> str:
    lowest, highest = fixed.points[0], fixed.points[-1]
    line = say_in(fixed.language)("{lowest} = {low}, {highest} = {high}")
    return line.format(lowest=lowest, low=fixed.low, highest=highest, high=fixed.high)


def _compile(template: str, brand: Brand, language: str, **parts: Any) -> liquid.BoundTemplate:
    """The HTML with only Liquid left in it. MJML adds its own fonts from the web unless told that there are none."""
    source = _JINJA.get_template(template).render(
        brand=brand, language=language, footer=brand.footer_in(language), _=say_in(language),
        font=brand.font.replace("'", ""),  # quotes would end the style attribute
        **parts,
    )  # fmt: skip
    html = _INLINER.inline(mjml.mjml2html(source, fonts={}))
    return _LIQUID.from_string(_restore_liquid(html))


def _restore_liquid(html: str) -> str:
    """Inside {{ … }} and {% … %} the HTML writer has escaped quotes; Liquid wants them as they were."""
    return re.sub(r"\{\{.*?\}\}|\{%.*?%\}", lambda found: unescape(found[0]), html, flags=re.DOTALL)


def _plain_text(survey: Survey, language: str, said: Mapping[str, str], where: Links, brand: Brand) -> str:
    """The same invitation for who reads plain text: the scale explained, one link per score."""
    fixed, say = _fixed_parts(survey, language), say_in(language)
    scores = [f"{score}{_meaning(fixed, index)}: {where.score(score)}" for index, score in enumerate(fixed.points)]
    choose_ = say("Choose a face:") if fixed.faces else say("Choose a number:")
    paragraphs = [
        said["greeting"], said["intro"], fixed.question,
        f"{say('Answer on this page:')} {where.page}",
        "\n".join([choose_, *scores]),
        say("Your click opens a page with your choice filled in. Nothing is kept until you send it there."),
        fixed.promise, fixed.improved,
        f"{say('No more surveys:')} {where.unsubscribe}", brand.footer_in(language),
    ]  # fmt: skip
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def _meaning(fixed: _Fixed, index: int) -> str:
    if fixed.faces:
        return f" {SMILEYS[index]} {say_in(fixed.language)(smiley_words()[index])}"
    return {0: f" ({fixed.low})", len(fixed.points) - 1: f" ({fixed.high})"}.get(index, "")


def _no_liquid(value: Any) -> Any:
    """A question that holds {{ or {% is not a template: an invisible joiner keeps the braces apart."""
    return value.replace("{{", "{\u2060{").replace("{%", "{\u2060%") if type(value) is str else value


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

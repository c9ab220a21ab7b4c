"""The invitation to a survey, with its one-click scale: what it says to everybody, then the person and the links.

In two rounds, as every mail (``email_layout``): once per survey, language and brand, and then per mail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import liquid

from connector.feedback.messaging.brands import Brand, choose
from connector.feedback.messaging.email_layout import compile_page, render_message
from connector.feedback.messaging.mail_names import harmless_name, unlinked_name
from connector.feedback.messaging.scale_labels import SMILEYS, ends, has_smileys, smiley_words
from connector.feedback.messaging.text import one_line, shortened
from connector.feedback.messaging.translations import Words
from connector.feedback.surveys.languages.tones import in_tone
from connector.feedback.surveys.model import Survey, points
from integrations.messaging import Mail
from workflows.templates import render

MAX_SUBJECT = 150  # characters

_WHAT_A_CLICK_DOES = (
    "Your click opens a page with your choice filled in. The click alone saves nothing; what you answer there is saved "
    "at once."
)


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

    def time_zone_of(self, brand: str) -> str:
        """Where a brand is, by the zone's IANA name; "" where it does not say."""
        return choose(self.brands, brand).time_zone

    def invitation(
        self, survey: Survey, language: str, customer: Mapping[str, Any], context: Mapping[str, Any], token: str
    ) -> Mail:
        """The invitation to a survey, in one of its languages."""
        brand = choose(self.brands, survey.brand)
        toned, where = in_tone(survey, brand.tone), links(self._base_url, token)
        return render_invitation(toned, language, customer, context, where, brand)

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
    fixed = _fixed_parts(survey, language, brand.words(language, survey.fallback))
    html = _invitation_page(fixed, brand).render(
        **fills, agent_photo=_photo(context.get("agent_photo"))
    )  # fmt: skip
    return Mail(
        to=str(customer.get("email") or ""), to_name=harmless_name(customer.get("name")), subject=subject, html=html,
        text=_plain_text(fixed, said, where, brand), headers=_unsubscribe_headers(where.unsubscribe),
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


@dataclass(frozen=True, slots=True)
class _Fixed:
    """What an invitation of one survey and language says to everybody; hashable, to be compiled once."""

    words: Words
    question: str
    promise: str
    improved: str
    points: tuple[int, ...]
    faces: bool
    low: str
    high: str


def _fixed_parts(survey: Survey, language: str, say: Words) -> _Fixed:
    low, high = ends(survey.scale)
    return _Fixed(
        say, survey.main.text[language], survey.promise[language], survey.improved.get(language, ""),
        tuple(points(survey.scale)), has_smileys(survey.scale), say(low), say(high),
    )  # fmt: skip


@lru_cache(maxsize=256)
def _invitation_page(fixed: _Fixed, brand: Brand) -> liquid.BoundTemplate:
    return compile_page(
        "invitation.mjml", brand, fixed.words,
        question=fixed.question, promise=fixed.promise, improved=fixed.improved, points=fixed.points,
        low=fixed.low, high=fixed.high, faces=SMILEYS if fixed.faces else (),
        words=[fixed.words(word) for word in smiley_words()], scale_line=_scale_line(fixed),
    )  # fmt: skip


def _scale_line(fixed: _Fixed) -> str:
    lowest, highest = fixed.points[0], fixed.points[-1]
    line = fixed.words("{lowest} = {low}, {highest} = {high}")
    return line.format(lowest=lowest, low=fixed.low, highest=highest, high=fixed.high)


def _plain_text(fixed: _Fixed, said: Mapping[str, str], where: Links, brand: Brand) -> str:
    """The same invitation for who reads plain text: the scale explained, one link per score."""
    say = fixed.words
    scores = [f"{score}{_meaning(fixed, index)}: {where.score(score)}" for index, score in enumerate(fixed.points)]
    choose_ = say("Choose a face:") if fixed.faces else say("Choose a number:")
    paragraphs = [
        said["greeting"], said["intro"], fixed.question,
        f"{say('Answer on this page:')} {where.page}",
        "\n".join([choose_, *scores]),
        say(_WHAT_A_CLICK_DOES),
        fixed.promise, fixed.improved,
        f"{say('No more surveys:')} {where.unsubscribe}", brand.footer_in(say.language),
    ]  # fmt: skip
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def _meaning(fixed: _Fixed, index: int) -> str:
    if fixed.faces:
        return f" {SMILEYS[index]} {fixed.words(smiley_words()[index])}"
    return {0: f" ({fixed.low})", len(fixed.points) - 1: f" ({fixed.high})"}.get(index, "")

"""The invitation to a survey, with its one-click scale: what it says to everybody, then the person and the links.

In two rounds, as every mail (``email_layout``): once per survey, language and brand, and then per mail.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import liquid

from connector.feedback.messaging import way_out
from connector.feedback.messaging.brands import Brand, choose
from connector.feedback.messaging.email_layout import brand_headers, compile_page, render_message
from connector.feedback.messaging.mail_names import harmless_name, unlinked_name
from connector.feedback.messaging.scale_labels import SMILEYS, ends, has_smileys, smiley_words
from connector.feedback.messaging.text import one_line, shortened
from connector.feedback.messaging.translations import Words
from connector.feedback.surveys.languages.tones import in_tone
from connector.feedback.surveys.model import Survey, Text, points
from integrations.messaging import Mail
from workflows.templates import render

MAX_SUBJECT, MAX_PREVIEW = 150, 250  # characters

FIRST_OF_ALL: Mapping[str, str] = {}
"""The first wording of each part of the mail."""

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
    trap: str
    """Nobody sees it: who opens it follows every address of the mail."""


def links(base_url: str, token: str) -> Links:
    """The links of one invitation. ``base_url`` is where the survey pages are reached from outside."""
    page = f"{base_url.rstrip('/')}/s/{token}"
    leave = f"{base_url.rstrip('/')}/u/{token}"
    return Links(page, lambda score: f"{page}?score={score}", leave, f"{page}/details")


class Mailer:
    """Makes mails with the house's own address and brands."""

    def __init__(self, base_url: str, brands: Mapping[str, Brand]) -> None:
        self._base_url, self.brands = base_url, brands

    def time_zone_of(self, brand: str) -> str:
        """Where a brand is, by the zone's IANA name; "" where it does not say."""
        return choose(self.brands, brand).time_zone

    def invitation(
        self,
        survey: Survey,
        language: str,
        customer: Mapping[str, Any],
        context: Mapping[str, Any],
        token: str,
        variants: Mapping[str, str] = FIRST_OF_ALL,
    ) -> Mail:
        """The invitation to a survey, in one of its languages; ``variants`` as ``mail_variants`` chose them."""
        brand = choose(self.brands, survey.brand)
        toned, where = in_tone(survey, brand.tone), self.links(token)
        names = _names(customer, context)
        told = {"agent": names["agent"], "agent_photo": _photo(context.get("agent_photo"))}
        said = told | _said(toned.mail.parts(variants), language, names)
        mail = _rendered(said, customer, _fixed_parts(toned, language, brand), where, brand)
        return replace(mail, headers=_headers(survey, brand, where.unsubscribe))

    def links(self, token: str) -> Links:
        """Where the mails of one invitation lead."""
        return links(self._base_url, token)

    def message(self, subject: str, text: str, locale: str | None, workflow: str, leave: str) -> Mapping[str, Any]:
        """A workflow's plain message in the default brand: the fields of a mail that are the brand's business. The mark
        ``leave`` leads to the way out."""
        brand, address = choose(self.brands, ""), f"{self._base_url}{way_out.PATH}{leave}"
        say = brand.words(brand.catalogues.near(locale or ""))
        whole = f"{text.rstrip()}\n\n{say('No more mail like this:')} {address}\n"
        told = {"html": render_message(subject, text, locale or "", brand, address), "text": whole}
        headers = {**way_out.headers(address), **brand_headers(brand, workflow, "message")}
        return {**told, "sender": brand.sender, "headers": headers}


def _rendered(said: Mapping[str, str], customer: Mapping[str, Any], fixed: _Fixed, where: Links, brand: Brand) -> Mail:
    """The invitation, whole but for its key, which its sender gives it."""
    scores = [where.score(score) for score in fixed.points]
    html = _invitation_page(fixed, brand).render(
        **said, scores=scores, page=where.page, unsubscribe=where.unsubscribe, trap=where.trap
    )  # fmt: skip
    return Mail(
        to=str(customer.get("email") or ""), to_name=harmless_name(customer.get("name")), subject=said["subject"],
        html=html, text=_plain_text(fixed, said, where, brand), sender=brand.sender,
    )  # fmt: skip


def _said(parts: Mapping[str, Text], language: str, names: Mapping[str, Any]) -> dict[str, str]:
    """What the mail says about this person. Raises TemplateError when a text speaks of a context field that is not
    there. Beside the subject in a list of mails stands, where the survey does not say it, how the mail begins."""
    said = {part: render(text[language], names) for part, text in parts.items()}
    said["subject"] = shortened(one_line(said["subject"]), MAX_SUBJECT)
    return {**said, "preview": shortened(one_line(said.get("preview") or said["intro"]), MAX_PREVIEW)}


def _headers(survey: Survey, brand: Brand, unsubscribe: str) -> Mapping[str, str]:
    """The brand's, and what lets mail programs offer the way out (RFC 8058, 3.1 and 8)."""
    return {**way_out.headers(unsubscribe), **brand_headers(brand, survey.slug, "invitation")}


def _names(customer: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """What the texts may speak of. The usual names are always there, empty when unknown."""
    return {
        "customer": {**customer, "name": unlinked_name(customer.get("name"))},
        "agent": one_line(str(context.get("agent") or "")),
        "product": one_line(str(context.get("product") or "")),
        "ticket": {"subject": unlinked_name(context.get("subject"))},
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


def _fixed_parts(survey: Survey, language: str, brand: Brand) -> _Fixed:
    """What earlier answers improved, the survey says, else the brand."""
    low, high = ends(survey.scale)
    say = brand.words(language, survey.fallback)
    return _Fixed(
        say, survey.main.text[language], survey.promise[language],
        survey.improved.get(language) or brand.improved_in(language),
        tuple(points(survey.scale)), has_smileys(survey.scale), say(low), say(high),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Cell:
    """One score: its place on the scale, what is shown, what a screen reader says."""

    index: int
    shown: str
    meaning: str
    face: bool


@dataclass(frozen=True, slots=True)
class _Row:
    """Scores beside each other. Two rows stand side by side where both have room, the higher scores below elsewhere."""

    cells: tuple[_Cell, ...]
    width: int
    low: str = ""
    high: str = ""


_LONGEST_ROW = 6  # scores that are large enough for a thumb beside each other on the narrowest phone
_CELL, _FACE = 48, 104  # pixels; eleven cells are as wide as the card of 600 allows


def _rows(fixed: _Fixed) -> tuple[_Row, ...]:
    """The scale in one row, or in two halves: 0 to 5 and 6 to 10. The words of the ends stand at their scores."""
    low, high = (fixed.low, fixed.high) if fixed.faces else _ends(fixed)
    cells, width = _cells(fixed), _FACE if fixed.faces else _CELL
    if len(cells) <= _LONGEST_ROW:
        return (_Row(cells, width * len(cells), low, high),)
    half = (len(cells) + 1) // 2
    first, second = cells[:half], cells[half:]
    return _Row(first, width * len(first), low=low), _Row(second, width * len(second), high=high)


def _cells(fixed: _Fixed) -> tuple[_Cell, ...]:
    if fixed.faces:
        words = map(fixed.words, smiley_words())
        return tuple(_Cell(i, face, word, True) for i, (face, word) in enumerate(zip(SMILEYS, words, strict=True)))
    return tuple(_Cell(i, str(score), f"{score}{_meaning(fixed, i)}", False) for i, score in enumerate(fixed.points))


def _ends(fixed: _Fixed) -> tuple[str, str]:
    return f"{fixed.points[0]} = {fixed.low}", f"{fixed.points[-1]} = {fixed.high}"


@lru_cache(maxsize=256)
def _invitation_page(fixed: _Fixed, brand: Brand) -> liquid.BoundTemplate:
    return compile_page(
        "invitation.mjml", brand, fixed.words, rows=_rows(fixed),
        question=fixed.question, promise=fixed.promise, improved=fixed.improved,
    )  # fmt: skip


_WIDTH = 72  # characters of a line of the text part


def _plain_text(fixed: _Fixed, said: Mapping[str, str], where: Links, brand: Brand) -> str:
    """The same invitation for who reads plain text: the scale explained, one link per score; in short lines, in which
    addresses stay whole."""
    say = fixed.words
    scores = [f"{score}{_meaning(fixed, index)}: {where.score(score)}" for index, score in enumerate(fixed.points)]
    choose_ = say("Choose a face:") if fixed.faces else say("Choose a number:")
    before = [said["greeting"], said["intro"], fixed.question]
    after = [
        f"{say('Answer on this page:')} {where.page}",
        say(_WHAT_A_CLICK_DOES),
        fixed.promise, fixed.improved,
        f"{say('No more surveys:')} {where.unsubscribe}", brand.footer_in(say.language),
    ]  # fmt: skip
    paragraphs = [*map(_wrapped, before), "\n".join([choose_, *scores]), *map(_wrapped, after)]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def _wrapped(paragraph: str) -> str:
    return "\n".join(
        textwrap.fill(line, _WIDTH, break_long_words=False, break_on_hyphens=False) for line in paragraph.splitlines()
    )


def _meaning(fixed: _Fixed, index: int) -> str:
    if fixed.faces:
        return f" {SMILEYS[index]} {fixed.words(smiley_words()[index])}"
    return {0: f" ({fixed.low})", len(fixed.points) - 1: f" ({fixed.high})"}.get(index, "")

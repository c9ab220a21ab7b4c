"""How the survey pages look: values in, a whole response out. Nothing is decided or stored here."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from flask import Response, render_template, request, url_for
from markupsafe import Markup, escape

from connector.feedback.messaging.brands import Brand
from connector.feedback.messaging.scale_labels import ends, has_smileys, smiley_words
from connector.feedback.messaging.translations import SOURCE, Catalogues, Words, direction, locale_of
from connector.feedback.surveys.model import Link, Survey, Thanks, points
from connector.feedback.surveys.who_pressed.doubts import Doubt
from connector.web.survey import assets
from connector.web.survey.assets import NOTHING, Part
from connector.web.survey.compression import dictionary, offer
from connector.web.survey.forms import as_words
from connector.web.survey.sheets import Branch, Sheet
from connector.web.survey.thanks import Answered

_POLICY = (
    "default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; img-src data:{logos}; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_BARE = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
"""For what is no page: nothing is loaded by it, and nothing runs in it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page has: the house style, the language, and the languages one may switch to."""

    brand: Brand
    language: str
    languages: tuple[str, ...] = ()
    unsubscribe: str = ""
    fallback: str = ""  # the survey's, for a language without a catalogue

    @property
    def say(self) -> Words:
        return self.brand.words(self.language, self.fallback)

    @property
    def direction(self) -> str:
        return direction(self.language)

    def words(self, text: str, **values: Any) -> Markup:
        """Words of the house for the page. Where they are in another language than the page they are marked so: a
        screen reader then speaks them right, and they run the way they are written."""
        said = escape(self.say(text).format(**values) if values else self.say(text))
        marks = self.marks(text)
        return Markup("<span {}>{}</span>").format(marks, said) if marks else said

    def marks(self, text: str) -> Markup:
        """The attributes of what holds these words of the house; none where they are in the page's language."""
        named = filter(None, (self.language, self.fallback))
        found = next((each for each in named if text not in _missing(self.brand.catalogues, each)), SOURCE)
        return Markup("") if found == self.language else Markup('lang="{}" dir="{}"').format(found, direction(found))


@lru_cache(maxsize=256)
def _missing(catalogues: Catalogues, language: str) -> frozenset[str]:
    return frozenset(catalogues.missing(language))


def unmarked(text: str) -> str:
    """Text where no markup can stand: a title, an attribute."""
    return text.striptags() if isinstance(text, Markup) else text


@dataclass(frozen=True, slots=True)
class OpenUntil:
    """Where an answer may still be changed, and until when."""

    url: str
    until: datetime


def question_page(
    frame: Frame, sheet: Sheet, here: str, save: str, seen: str, *, is_unsaved: bool = False
) -> Response:
    """The survey. 422 when answers were refused, so that nothing takes it for done. ``here``, ``save`` and ``seen`` are
    where the form goes, where its script saves, and where it says that somebody touched the page. ``is_unsaved``: what
    was sent could not be saved, and stands in the form."""
    status = 422 if sheet.errors else 200
    more = {"here": here, "save": save, "seen": seen, "is_unsaved": is_unsaved, **_fields(frame, sheet)}
    return _page(frame, "survey/page.html", status, assets.script(), **more)


def more_questions(frame: Frame, sheet: Sheet, status: int) -> Response:
    """Only the questions below the first, for the script to put in place."""
    return Response(render_template("survey/more.html", **_words(frame), **_fields(frame, sheet)), status)


def asset(name: str) -> Response:
    """A file of the pages. Its name changes with its content, so a browser need never ask again (RFC 8246)."""
    found = dictionary()
    if name != found.name:
        return Response("There is no such file.", 404, mimetype="text/plain")
    response = Response(found.content, mimetype=found.mimetype)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return offer(response, f"{request.script_root}/s/*")


def thank_you(
    frame: Frame, answered: Answered, promise: str, *, again: bool, change: OpenUntil | None = None
) -> Response:
    """The thank-you of the score's band: what this person said, and ``promise``, what follows for them. ``again``: they
    came back to what they sent before. ``change``: how it may still be changed."""
    survey, say, language = answered.survey, frame.words, frame.language
    thanks = survey.thanks[answered.band]
    note = [say("We already have your answer; nothing more is needed.")] if again else []
    saved = [] if again else [say("Your answer is saved. You may close this page.")]
    score = as_words(survey.main, answered.score, language, frame.say)
    return message(
        frame, thanks.title[language], [*note, thanks.text[language], *saved], "thanks",
        given={"score": score, "comment": answered.comment}, promise=promise, review=_review(frame, answered, thanks),
        link=thanks.link, change=change,
    )  # fmt: skip


def _review(frame: Frame, answered: Answered, thanks: Thanks) -> dict[str, Any] | None:
    """The way to the brand's reviews, the same after every score. Who says that something was put right may have
    written about it before."""
    url, say = frame.brand.review_url, frame.words
    if not url or (thanks.link and thanks.link.url == url):
        return None
    if not (answered.is_about_a_resolution and answered.is_glad):
        return {"url": url, "words": say("Would you like to tell others?"), "name": say("Write a review")}
    words = say("Would you like to tell others how it went? If you wrote a review before, you can change it now.")
    return {"url": url, "words": words, "name": say("Write or change a review")}


def _told(frame: Frame, change: OpenUntil | None) -> tuple[str, str] | None:
    """(until when an answer may be changed, and where), in the brand's own time."""
    if change is None:
        return None
    when = _moment(frame, change.until)
    return frame.words("You can still change your answer until {day}, {time}.", **when), change.url


def _moment(frame: Frame, at: datetime) -> dict[str, str]:
    """A moment as people read it, by the brand's clock."""
    locale = locale_of(frame.language) or SOURCE
    here = at.astimezone(ZoneInfo(frame.brand.time_zone or "UTC"))
    return {"day": format_date(here, "long", locale=locale), "time": format_time(here, "short", locale=locale)}


def expired(frame: Frame, *, answers_are_read: bool) -> Response:
    """``answers_are_read``: only then somebody may be told to answer the mail."""
    say = frame.words
    texts = [say("The time to answer is over.")]
    if answers_are_read:
        texts.append(say("If there is something we should know, just reply to our e-mail."))
    return message(frame, say("This survey has closed"), texts, status=410)


def unknown(frame: Frame) -> Response:
    """The same for every address that is not there: it tells nobody whether one ever was."""
    say = frame.words
    text = say("Please check that the whole address was copied from the message.")
    return message(frame, say("This page does not exist"), [text], status=404)


def too_many(frame: Frame, wait: timedelta) -> Response:
    """For a network from which too many addresses came that are not there. Retry-After: RFC 6585, section 4."""
    say = frame.words
    text = say("Too many addresses that do not exist came from your network. Please wait a minute, and check that the "
               "whole address was copied from the message.")  # fmt: skip
    response = message(frame, say("Please wait a moment"), [text], status=429)
    response.headers["Retry-After"] = str(math.ceil(wait.total_seconds()))
    return response


def not_shown(frame: Frame) -> Response:
    """While the database does not answer."""
    say = frame.words
    return message(frame, say("This page cannot be shown at the moment"), [say("Please try again in a minute.")])


def not_saved(frame: Frame, action: str, sent: Sequence[tuple[str, str]], words: Sequence[str]) -> Response:
    """While the database does not answer, and the form is not at hand: what was ``sent`` travels along to ``action``;
    ``words`` of it are shown, so that somebody sees that they are still there."""
    say = frame.words
    text = say("This is not saved yet, as our system does not answer at the moment. Please press Send again.")
    again: dict[str, Any] = {"action": action, "submit": say("Send again"), "sent": sent, "words": words}
    return message(frame, say("Not saved yet"), [text], **again)


def trap(frame: Frame, survey: str) -> Response:
    """Harmless: whoever sees it is told why, and shown the way."""
    say = frame.words
    text = say("Only programs follow the link that led here. The survey is on another page.")
    return message(frame, say("Nothing to see here"), [text], way=(survey, say("To the survey")))


def was_this_you(frame: Frame, survey: Survey, doubt: Doubt, action: str) -> Response:
    """Asks who opens the page whether a doubtful answer was theirs."""
    say = frame.words
    when = _moment(frame, doubt.pressed_at)
    texts = [
        say("On {day}, {time}, the answer {score} was given with this link. Programs open links in mail, too, so it "
            "does not count yet.", score=survey.score(doubt.answers), **when),
        say("If it was not you, you can answer now."),
    ]  # fmt: skip
    choices = [("yes", say("Yes, that was me")), ("no", say("No, that was not me"))]
    return message(frame, say("Was this you?"), texts, action=action, choices=choices)


def too_large(frame: Frame) -> Response:
    say = frame.words
    text = say("Please go back and shorten your text.")
    return message(frame, say("That was more than we can take"), [text], status=413)


def stop_question(frame: Frame, action: str) -> Response:
    """Asks before anything stops: a link scanner only looks."""
    say = frame.words
    text = say("You will get no more invitations to surveys. Messages about your orders and questions still reach you.")
    return message(frame, say("No more surveys?"), [text], action=action, submit=say("Stop the surveys"))


def mail_question(frame: Frame, action: str) -> Response:
    """The same in a mail that is no survey."""
    say = frame.words
    text = say("You will get no more mail like this, and no surveys. Messages about your orders and questions still "
               "reach you.")  # fmt: skip
    return message(frame, say("No more mail like this?"), [text], action=action, submit=say("Stop it"))


def stop_for_sure(frame: Frame, action: str) -> Response:
    """Asks for one more tap, as the first may have been a program's."""
    say = frame.words
    text = say("Programs open links in mail, too, and press what they find. One more tap, and we know that it was you.")
    return message(frame, say("Please press once more"), [text], action=action, submit=say("Yes, stop the surveys"))


def stopped(frame: Frame) -> Response:
    say = frame.words
    text = say("You will get no more invitations to surveys from us. This takes effect at once.")
    return message(frame, say("Done"), [text], "thanks")


def message(
    frame: Frame,
    title: str,
    paragraphs: Sequence[str],
    mood: str = "plain",
    *,
    status: int = 200,
    link: Link | None = None,
    change: OpenUntil | None = None,
    way: tuple[str, str] = ("", ""),
    action: str = "",
    submit: str = "",
    choices: Sequence[tuple[str, str]] = (),
    **more: Any,
) -> Response:
    """A page that says something, perhaps with one thing to do. ``way`` leads to another page of ours: address, words;
    ``choices`` are the buttons of a form that has several: value, words."""
    return _page(
        frame, "survey/message.html", status,
        title=title, paragraphs=paragraphs, mood=mood, link=link, change=_told(frame, change), way=way,
        action=action, submit=submit, choices=choices, **more,
    )  # fmt: skip


def guard(response: Response) -> Response:
    """Nothing cached, nothing indexed, the address (it is the secret) told to nobody, nothing foreign loaded."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("Content-Security-Policy", _BARE)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _page(frame: Frame, template: str, status: int, script: Part = NOTHING, **more: Any) -> Response:
    """``script`` is the one script that may run."""
    style = assets.style(frame.brand)
    around = {"switches": _switches(frame), "unsubscribe": frame.unsubscribe}
    parts = {"style": style, "script": script, "icon": assets.icon(), "dictionary": dictionary().name}
    response = Response(render_template(template, **_words(frame), **around, **parts, **more), status)
    logos = "".join(f" {origin}" for origin in frame.brand.logo_origins)
    policy = _POLICY.format(style=style.source, script=script.source, logos=logos)
    response.headers["Content-Security-Policy"] = policy
    response.headers["Content-Language"] = frame.language
    return guard(response)


def _words(frame: Frame) -> dict[str, Any]:
    return {
        "brand": frame.brand, "language": frame.language, "direction": frame.direction, "_": frame.say,
        "say": frame.words, "marks": frame.marks,
    }  # fmt: skip


def _fields(frame: Frame, sheet: Sheet) -> dict[str, Any]:
    fields = ("survey", "branch", "branches", "values", "errors", "known", "before", "is_change", "revision", "page")
    words = {"points": points, "ends": ends, "has_smileys": has_smileys, "smiley_words": smiley_words()}
    said = {"submit": _submit(frame), "chosen": sheet.chosen_word(frame.say)}
    return {name: getattr(sheet, name) for name in fields} | words | said


def _submit(frame: Frame) -> Callable[[Branch], Markup]:
    return lambda branch: frame.words("Send my answer") if branch.band else frame.words("Continue")


def _switches(frame: Frame) -> list[tuple[str, str, str]]:
    """(code, own name, address) of each language of the page."""
    asked = {name: request.args[name] for name in ("score", "change") if name in request.args}
    kept = {**(request.view_args or {}), **asked}
    endpoint = "survey.show" if request.endpoint == "survey.submit" else str(request.endpoint)
    return [(code, _own_name(code), url_for(endpoint, **kept, lang=code)) for code in frame.languages]


def _own_name(language: str) -> str:
    try:
        name = Locale.parse(language, sep="-").get_display_name()
    except (UnknownLocaleError, ValueError):
        name = None
    return (name or language).capitalize()
